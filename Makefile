# Larder. `make` lists the targets.

LISTEN ?= 127.0.0.1:3000
DATA ?= .larder
MINUTES ?= 10

# rustup adds cargo to the PATH of new shells only.
export PATH := $(PATH):$(HOME)/.cargo/bin

.DEFAULT_GOAL := help
.PHONY: help setup build component up test python soak bench

help: ## List the targets
	@echo 'make TARGET [SETTING=value ...]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Settings: LISTEN=$(LISTEN) DATA=$(DATA) MINUTES=$(MINUTES)'

setup: ## Install what is missing: the WebAssembly target, a C compiler, Redis
	@local/setup.sh

# Always the whole workspace: with another choice of packages, cargo would choose other features
# of their dependencies, and build wasmtime again.
build: component ## Build the component, the worker and larder-local
	cargo build --locked --release --workspace

component: ## Build the WebAssembly component
	cargo build --locked --target wasm32-wasip2 --profile component -p larder-api

up: setup build ## Start everything on LISTEN, with the data in DATA
	@exec target/release/larder-local up --listen '$(LISTEN)' --data '$(DATA)'

test: setup build ## Run every test; LARDER_URL=http://... tests a deployment that is there
	cargo test --locked --release --workspace

bench: setup build ## Measure latency, and throughput beside Webdis (needs wrk and webdis)
	cargo build --locked --release --workspace --examples
	target/release/examples/latency
	bench/throughput.sh

soak: setup build ## Check histories under faults for MINUTES; LARDER_SEED=... starts with that plan
	LARDER_SOAK_MINUTES='$(MINUTES)' cargo test --locked --release --workspace --test history faults -- --nocapture
