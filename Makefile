# Every task of the project; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The Python that .venv is made with; 3.11 or newer.
PYTHON ?= python3
# Where the demo runs: `embedded`, a cluster of its own on this machine, or `current`, kubectl's current context.
CLUSTER ?= embedded
# The embedded cluster that `make demo` leaves running.
BED ?= demo
# The operator's image. On CLUSTER=current the cluster must be able to pull it.
IMAGE_REPOSITORY ?=
IMAGE_TAG ?=
# What stands before /nginx-operator in the name of a release's image.
REGISTRY ?= registry.example.com
# What builds the image: docker, podman or buildah, the first that is there.
BUILDER ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool)),$(tool))))
# Further arguments to pytest, for instance PYTEST_ARGS='-k certificates -x'.
PYTEST_ARGS ?=

VENV := .venv
READY := $(VENV)/.stamp
BIN := $(VENV)/bin
TESTBED := $(BIN)/python -m testbed
PYTEST := $(BIN)/python -m pytest $(PYTEST_ARGS)
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
SHELL_FILES := .ci/run $(shell git ls-files --cached --others --exclude-standard '*.sh' 2>/dev/null)

.PHONY: help
help: ## List these tasks
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- try it ---

.PHONY: demo
demo: $(READY) ## Boot a cluster, install the operator, show what it does (CLUSTER=current: on your own cluster)
	@$(BIN)/python -m tests.demo --cluster $(CLUSTER) --bed $(BED) \
		--image-repository '$(IMAGE_REPOSITORY)' --image-tag '$(IMAGE_TAG)'

.PHONY: down
down: $(READY) ## Take the demo's cluster down, with all that is in it
	@$(TESTBED) down --name $(BED)

.PHONY: kubeconfig
kubeconfig: $(READY) ## Print the path of the demo cluster's kubeconfig
	@$(TESTBED) kubeconfig --name $(BED)

.PHONY: tools
tools: $(READY) ## Print the folder of the kubectl and helm that fit the demo cluster
	@$(TESTBED) tools --name $(BED)

.PHONY: shell
shell: $(READY) ## Open a shell in the demo cluster's network, where Service addresses answer
	@$(TESTBED) shell --name $(BED)

# A plain assignment of the raw value: make leaves the dollar signs of CMD to the shell inside.
exec: export DEMO_COMMAND := $(value CMD)
.PHONY: exec
exec: $(READY) ## Run one command there, for instance make exec CMD='kubectl get nodes'
	@test -n "$$DEMO_COMMAND" || { echo "make exec needs a command: make exec CMD='kubectl get nodes'" >&2; exit 2; }
	@$(TESTBED) exec --name $(BED) -- bash -c "$$DEMO_COMMAND"

# --- check it ---

.PHONY: test
test: $(READY) ## Run lint, then all tests; the closing lines tell how long each level took
	@began=$$(date +%s%N); $(MAKE) lint; \
	LINT_SECONDS=$$(( ($$(date +%s%N) - began) / 1000000000 )) \
		$(PYTEST) tests

.PHONY: lint
lint: $(READY) ## Run every linter and type checker
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --package testbed --package tests.demo
	@$(BIN)/mypy docs
	@$(BIN)/mypy --package bench --package release
	@$(BIN)/lint-imports
	@$(BIN)/yamllint --strict .
	@$(BIN)/shellcheck $(SHELL_FILES)
	@$(BIN)/zizmor --offline --quiet --no-progress --persona pedantic .github

.PHONY: unit
unit: $(READY) ## Run the tests that need no cluster (under a minute)
	@$(PYTEST) tests/unit tests/demo

.PHONY: chart
chart: $(READY) ## Run the tests of the Helm chart: renders, refusals, golden files
	@$(PYTEST) tests/chart

.PHONY: cluster
cluster: $(READY) ## Run the tests against a real control plane
	@$(PYTEST) tests/cluster tests/certificates tests/releases tests/lifecycle

.PHONY: cluster-oldest
cluster-oldest: $(READY) ## Run the same against the oldest Kubernetes that the chart takes
	@KUBERNETES=oldest $(PYTEST) tests/cluster tests/certificates

.PHONY: node
node: $(READY) ## Run the tests with real containers on a real node
	@$(PYTEST) tests/node

.PHONY: faults
faults: $(READY) ## Run the tests with faults, crashes and two operators
	@$(PYTEST) tests/faults

.PHONY: packaging
packaging: $(READY) ## Run the tests of what a release is made of, and of the workflows
	@$(PYTEST) tests/packaging

.PHONY: fuzz
fuzz: $(READY) ## Let atheris look for a review that the webhooks answer wrongly (FUZZ_SECONDS=60)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/fuzz.txt
	@mkdir -p .fuzz
	@$(BIN)/python -m tests.fuzz.guided .fuzz tests/fuzz/corpus -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=16384

.PHONY: campaign
campaign: $(READY) ## Run crashes, properties, fuzzing, admissions and upgrades at the size of a night (CAMPAIGN=10 times)
	@CAMPAIGN=$(or $(CAMPAIGN),10) $(PYTEST) tests/unit tests/fuzz tests/faults tests/releases \
		tests/cluster/test_agreement.py tests/node/test_admission.py tests/node/test_upgrade.py tests/node/test_release.py
	@$(MAKE) fuzz FUZZ_SECONDS=$$(( $(or $(CAMPAIGN),10) * 60 ))
	@$(MAKE) cluster-oldest
	@$(MAKE) package package-check

# --- measure it ---

# Arguments of `python -m bench`, for instance BENCH_ARGS='--sizes 100 --contenders ours,go'.
BENCH_ARGS ?=

.PHONY: bench
bench: $(READY) ## Measure the operator beside its peers, a file for each size in bench/results/ (hours; see BENCH_ARGS)
	@$(BIN)/python -m bench $(BENCH_ARGS)

.PHONY: bench-admission
bench-admission: $(READY) ## Measure the webhooks beside their peers, and under siege (15 minutes; see BENCH_ARGS)
	@$(BIN)/python -m bench.admission $(BENCH_ARGS)

.PHONY: bench-changes
bench-changes: $(READY) ## Count what each change of a spec makes the cluster do, beside the Go operator (5 minutes; see BENCH_ARGS)
	@$(BIN)/python -m bench.changes $(BENCH_ARGS)

.PHONY: bench-cycles
bench-cycles: $(READY) ## Measure the operator's memory over 10,000 creations and deletions (an hour; see CYCLES)
	@$(BIN)/python -m bench.cycles $(if $(CYCLES),--count $(CYCLES))

.PHONY: bench-docs
bench-docs: $(READY) ## Write the figures and pictures of README and of the pages on performance from bench/results/
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bench.txt
	@$(BIN)/python -m bench.pages --pictures

.PHONY: bench-smoke
bench-smoke: $(READY) ## Run the benchmark's code once, with 50 Nginx
	@$(PYTEST) tests/bench

# --- make it ---

.PHONY: image
image: ## Build the image with docker, podman or buildah
	@test -n "$(BUILDER)" || { echo "make image needs docker, podman or buildah on PATH" >&2; exit 1; }
	$(BUILDER) build --build-arg VERSION=$(VERSION) \
		--tag $(or $(IMAGE_REPOSITORY),registry.example.com/nginx-operator):$(or $(IMAGE_TAG),$(VERSION)) .

.PHONY: package
package: $(READY) ## Write a release of the last commit into dist/: chart, image, SBOM, wheel, CRDs, checksums
	@rm -rf dist
	@$(BIN)/python -m release --registry '$(REGISTRY)'

.PHONY: package-check
package-check: $(READY) ## Build what is in dist/ again from nothing, and compare byte for byte
	@$(BIN)/python -m release --registry '$(REGISTRY)' --check

.PHONY: version
version: ## Print the version of chart, image and package
	@echo '$(VERSION)'

.PHONY: generate
generate: $(READY) ## Copy the schema of crds/ into the chart; write the tables and figures of docs/ and of READMEs
	@mkdir -p charts/nginx-operator/files/crds
	@cp crds/*.yaml charts/nginx-operator/files/crds/
	@$(BIN)/python docs/fields.py
	@$(BIN)/python docs/values.py
	@$(BIN)/python docs/messages.py
	@$(BIN)/python -m bench.pages

.PHONY: directives
directives: $(READY) ## Write the table of nginx's directives from its C source (NGINX_SOURCE=<folder with nginx's src>)
	@test -n "$(NGINX_SOURCE)" || { echo "make directives needs NGINX_SOURCE=<folder with nginx's src>" >&2; exit 2; }
	@$(BIN)/python -m release.nginx_directives '$(NGINX_SOURCE)'

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate

.PHONY: lock
lock: $(READY) ## Write requirements/*.txt anew (UPGRADE=1: with the newest versions)
	@$(LOCK) $(if $(UPGRADE),--upgrade) pyproject.toml --output-file requirements/runtime.txt
	@$(LOCK) $(if $(UPGRADE),--upgrade) pyproject.toml --extra kubeconfig --group dev \
		--constraint requirements/runtime.txt --output-file requirements/dev.txt
	@$(LOCK) $(if $(UPGRADE),--upgrade) --group bench --output-file requirements/bench.txt
	@$(LOCK) $(if $(UPGRADE),--upgrade) --group fuzz --output-file requirements/fuzz.txt
	@$(LOCK) --constraint requirements/dev.txt --output-file requirements/build.txt - <<< hatchling

$(READY): requirements/dev.txt pyproject.toml tests/demo/environment.py
	@$(PYTHON) tests/demo/environment.py $(VENV) >&2
	@touch $@

.PHONY: clean
clean: ## Remove what the tasks made in this folder (clusters stay: see make down)
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
