# Larder. `make` lists the targets.

WASI ?= 0.3
LISTEN ?= 127.0.0.1:3000
DATA ?= .larder
MINUTES ?= 10
CLUSTER ?=
OBSERVE ?=
QUICK ?=
ROUNDS ?=
ITEMS ?=
CASES ?=

# An environment for the checks in Python. The copy of the list says that it is complete.
PYTHON := target/python/bin/python
PYTHON_READY := target/python/requirements.txt
PYTEST = $(PYTHON) -m pytest -q -c k8s/tests/pytest.ini --rootdir .

# Another, for the benchmark: what it is measured with, and what Larder is measured beside.
BENCH_PYTHON := target/bench-python/bin/python
BENCH_PYTHON_READY := target/bench-python/requirements.txt

# What checks the console for accessibility, from npm.
AXE := target/axe/axe.min.js

# rustup adds cargo to the PATH of new shells only.
export PATH := $(PATH):$(HOME)/.cargo/bin

# One shell around the handler for each version of WASI.
shell_0.3 := larder-wasip3
shell_0.2 := larder-wasip2
ifndef shell_$(WASI)
$(error WASI is $(WASI); it must be 0.3 or 0.2)
endif

ifneq ($(filter-out 0 1,$(OBSERVE)),)
$(error OBSERVE is $(OBSERVE); it must be 1, for Prometheus beside the rest, or 0)
endif

ifneq ($(filter-out 0 1,$(QUICK)),)
$(error QUICK is $(QUICK); it must be 1, to try the benchmark out, or 0)
endif

.DEFAULT_GOAL := help
.PHONY: help setup python build component components cli up test fuzz manifests packages test-k8s soak bench bench-report sizes pictures

help: ## List the targets
	@echo 'make TARGET [SETTING=value ...]'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Settings: WASI=$(WASI) LISTEN=$(LISTEN) DATA=$(DATA) MINUTES=$(MINUTES) CLUSTER=$(CLUSTER) OBSERVE=$(OBSERVE) QUICK=$(QUICK)'

setup: ## Install what is missing: the WebAssembly target, a C compiler, Redis, Python
	@local/setup.sh $(SETUP)

python: $(PYTHON_READY) ## Put what the checks in Python need into target/python

$(PYTHON_READY): tests/requirements.txt | setup
	@echo 'Installing what $< names into target/python'
	@rm -rf target/python && python3 -m venv target/python
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@cp $< $@

$(BENCH_PYTHON_READY): bench/requirements.txt | setup
	@echo 'Installing what $< names into target/bench-python'
	@rm -rf target/bench-python && python3 -m venv target/bench-python
	@$(BENCH_PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@cp $< $@

$(AXE): tests/axe.py | setup
	@echo 'Fetching axe-core into $@'
	@python3 $< $@

# Always the whole workspace: with another choice of packages, cargo would choose other features
# of their dependencies, and build wasmtime again.
build: components ## Build the component, the worker and larder-local
	cargo build --locked --release --workspace

component: ## Build the WebAssembly component for WASI 0.3 (Spin 4.1), or WASI=0.2 (Spin 3.0)
	cargo build --locked --target wasm32-wasip2 --profile component -p $(shell_$(WASI))

# Each as `spin build` does it: by the command of its manifest.
components:
	@sed -n 's/^command = "\(.*\)"$$/\1/p' spin.toml spin-wasip2.toml | sh -ex

# With its C library in it, so that it runs on any machine of this kind. A target, even our own, keeps the flag from
# what runs while it is built.
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
cli: setup ## Build larder, the command line, as one static program for other machines
	RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --release -p larder-cli --target '$(HOST)'
	@echo 'target/$(HOST)/release/larder'

# The manifests differ in nothing but the shell; a test holds that.
spin-wasip2.toml: spin.toml
	sed 's/$(shell_0.3)/$(shell_0.2)/; s/larder_wasip3/larder_wasip2/' $< >$@

up: setup build ## Start everything on LISTEN, with the data in DATA; CLUSTER=3 for a Redis Cluster of 3 masters, OBSERVE=1 for Prometheus
	@exec target/release/larder-local up --wasi '$(WASI)' --listen '$(LISTEN)' --data '$(DATA)' --cluster '$(CLUSTER)' \
	--observe '$(OBSERVE)'

# Where LARDER_URL names a deployment, it decides which version is tested, and once is enough.
test: SETUP := test
test: setup python manifests build packages $(AXE) ## Run every test; LARDER_URL=http://... tests a deployment that is there
	cargo test --locked --release --workspace
	[ -n "$$LARDER_URL" ] || LARDER_WASI=0.2 cargo test --locked --release --workspace --test e2e --test exactly_once
	[ -n "$$LARDER_URL" ] || LARDER_WASI=0.2 cargo test --locked --release --workspace --test console serve
	[ -n "$$LARDER_URL" ] || for wasi in 0.3 0.2; do \
	LARDER_CLUSTER=3 LARDER_WASI=$$wasi cargo test --locked --release --workspace --test e2e || exit; done

fuzz: python build ## Let Schemathesis ask what it likes; LARDER_SEED=... asks the same again
	seed=$${LARDER_SEED:-$$(date +%s)}; \
	LARDER_SEED=$$seed cargo test --locked --release --workspace --test fuzz -- --nocapture || \
	{ echo "LARDER_SEED=$$seed asks the same again"; exit 1; }

manifests: SETUP := test
manifests: python ## Check the Kubernetes manifests, all scripts, the workflows and images, the paths in the docs, and what is told of the benchmark
	$(PYTEST) k8s/tests bench/tests release/tests docs/tests/test_paths.py --ignore-glob '*/test_built_*'

# After the rest is built, so that what they share is there.
packages: SETUP := test
packages: python build ## Build the worker by itself, lay out what a release holds, and run README's commands as printed
	$(PYTEST) release/tests/test_built_*.py
	$(PYTEST) docs/tests

test-k8s: ## Create a k3d cluster, deploy to it, and test it while pods are killed
	k8s/cluster-test/run.sh

# The settings of a run that has others than its own: make bench ROUNDS=2 CASES=read,write
BENCH_SETTINGS = $(if $(filter 1,$(QUICK)),--quick) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	$(if $(ITEMS),--items $(ITEMS)) $(if $(CASES),--cases $(CASES))

bench: SETUP := bench
bench: setup build $(BENCH_PYTHON_READY) ## Measure it beside Webdis, FastAPI with Huey, and its limits, in one run; QUICK=1 to try that out
	cargo build --locked --release --workspace --examples
	cargo build --locked --target wasm32-wasip2 --profile component -p larder-bare
	$(BENCH_PYTHON) -m bench run $(BENCH_SETTINGS)
ifneq ($(QUICK),1)
	target/release/examples/scripts
	target/release/examples/instance
	target/release/examples/latency
	target/release/examples/listing
	target/release/examples/waiting
	target/release/examples/watching
	target/release/examples/storm
	target/release/examples/failover
	target/release/examples/replicas
endif

bench-report: $(BENCH_PYTHON_READY) ## Make tables and charts for docs/benchmarks.md of RESULT, by default the newest of bench/results
	$(BENCH_PYTHON) -m bench report $(RESULT)

pictures: SETUP := test
pictures: setup build $(AXE) ## Take the pictures of the console for docs/console anew
	LARDER_PICTURES=1 cargo test --locked --release --workspace --test console

sizes: setup build $(BENCH_PYTHON_READY) ## Measure what a write takes of memory and disk, for docs/sizing.md
	$(BENCH_PYTHON) -m bench sizes

soak: setup build ## Run all points of failure, then check histories under faults for MINUTES; LARDER_SEED=... starts with that plan
	LARDER_POINTS=all cargo test --locked --release --workspace --test points -- --nocapture --test-threads=1
	LARDER_SOAK_MINUTES='$(MINUTES)' cargo test --locked --release --workspace --test history faults -- --nocapture
