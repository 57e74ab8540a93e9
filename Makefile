# Larder. `make` lists the targets.

WASI ?= 0.3
LISTEN ?= 127.0.0.1:3000
DATA ?= .larder
MINUTES ?= 10

# rustup adds cargo to the PATH of new shells only.
export PATH := $(PATH):$(HOME)/.cargo/bin

# One shell around the handler for each version of WASI.
shell_0.3 := larder-wasip3
shell_0.2 := larder-wasip2
ifndef shell_$(WASI)
$(error WASI is $(WASI); it must be 0.3 or 0.2)
endif

.DEFAULT_GOAL := help
.PHONY: help setup build component components up test soak bench

help: ## List the targets
	@echo 'make TARGET [SETTING=value ...]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Settings: WASI=$(WASI) LISTEN=$(LISTEN) DATA=$(DATA) MINUTES=$(MINUTES)'

setup: ## Install what is missing: the WebAssembly target, a C compiler, Redis
	@local/setup.sh

# Always the whole workspace: with another choice of packages, cargo would choose other features
# of their dependencies, and build wasmtime again.
build: components ## Build the component, the worker and larder-local
	cargo build --locked --release --workspace

component: ## Build the WebAssembly component for WASI 0.3 (Spin 4.1), or WASI=0.2 (Spin 3.0)
	cargo build --locked --target wasm32-wasip2 --profile component -p $(shell_$(WASI))

# In one go, so that what they share is built once.
components:
	cargo build --locked --target wasm32-wasip2 --profile component -p $(shell_0.3) -p $(shell_0.2)

# The manifests differ in nothing but the shell; a test holds that.
spin-wasip2.toml: spin.toml
	sed 's/$(shell_0.3)/$(shell_0.2)/; s/larder_wasip3/larder_wasip2/' $< >$@

up: setup build ## Start everything on LISTEN, with the data in DATA
	@exec target/release/larder-local up --wasi '$(WASI)' --listen '$(LISTEN)' --data '$(DATA)'

# Where LARDER_URL names a deployment, it decides which version is tested, and once is enough.
test: setup build ## Run every test; LARDER_URL=http://... tests a deployment that is there
	cargo test --locked --release --workspace
	[ -n "$$LARDER_URL" ] || LARDER_WASI=0.2 cargo test --locked --release --workspace --test e2e --test exactly_once

bench: setup build ## Measure latency, and throughput beside Webdis (needs wrk and webdis)
	cargo build --locked --release --workspace --examples
	target/release/examples/latency
	bench/throughput.sh

soak: setup build ## Check histories under faults for MINUTES; LARDER_SEED=... starts with that plan
	LARDER_SOAK_MINUTES='$(MINUTES)' cargo test --locked --release --workspace --test history faults -- --nocapture
