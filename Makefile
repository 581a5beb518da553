# Every command of the project. `make` alone lists them.
# Needs GNU make, git and a Python of 3.11 or later with pip; no Docker.
# Options for what a target runs: make unit ARGS="-k claim -x"
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
ARGS ?=
# Files of tests that bear a busy machine are spread over the processors.
SPREAD := -n auto --maxprocesses=4 --dist=loadfile
UV := .tools/bin/uv
BIN := .venv/bin
SAM := .venv-sam/bin
SOURCES := layers/core cli local functions

# What the caller's shell says about other Pythons, accounts and test runs is not meant
# for this project: a stray AWS_PROFILE must not reach a test, nor PYTHONOPTIMIZE remove
# its asserts.
STRAY := $(filter AWS_% CRATEKEEPER_% COVERAGE_% MYPY% PYRIGHT_% PYTEST_% RUFF_% SAM_% \
	UV_PROJECT% UV_REQUIRE_HASHES UV_CONSTRAINT UV_OVERRIDE UV_TARGET UV_PREFIX,$(.VARIABLES)) \
	PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONOPTIMIZE PYTHONWARNINGS \
	PYTHONDONTWRITEBYTECODE PYTHONSAFEPATH VIRTUAL_ENV CONDA_PREFIX
# These two choose what `make build` builds for.
STRAY := $(filter-out CRATEKEEPER_PYTHON CRATEKEEPER_ARCHITECTURE,$(STRAY))
unexport $(STRAY)
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
export SAM_CLI_TELEMETRY := 0
# Nothing that runs on this machine is reached through a proxy.
comma := ,
export NO_PROXY := 127.0.0.1,localhost$(addprefix $(comma),$(or $(NO_PROXY),$(no_proxy)))
export no_proxy := $(NO_PROXY)

##@ Use

.PHONY: help
help: ## List the commands
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: .venv/installed .venv-sam/installed ## Make both environments (fast when nothing changed)

.PHONY: run
run: .venv/installed ## Start everything here, fetch a first album, stay up until Ctrl-C
	@$(BIN)/cratekeeper local demo $(ARGS)

##@ Check

.PHONY: test
test: COVER := --cov --cov-append --cov-report=
test: erase check validate build contract system coverage ## All that CI runs, with coverage (20 to 30 min on two processors)

.PHONY: check
check: lint types unit facts ## The quick round before a commit (2 to 3 min)

.PHONY: lint
lint: .venv/installed ## Style, format and import contracts
	@$(BIN)/ruff check $(ARGS)
	@$(BIN)/ruff format --check --quiet --diff
	@$(BIN)/lint-imports --no-cache --no-logo

.PHONY: types
types: .venv/installed ## mypy (strict) and pyright's rules (standard)
	@$(BIN)/mypy
	@$(BIN)/pyright

.PHONY: unit
unit: .venv/installed ## Unit tests: memory ports, no sockets
	@$(BIN)/python -m pytest tests/unit $(SPREAD) $(COVER) $(ARGS)

.PHONY: facts
facts: .venv/installed ## Facts about template, events, documents, files
	@$(BIN)/python -m pytest tests/facts $(SPREAD) $(COVER) $(ARGS)

.PHONY: validate
validate: .venv-sam/installed ## SAM's own check of the template, with its linter
	@$(SAM)/sam validate --lint
	@if [ -d infra ]; then $(SAM)/cfn-lint infra/*.yaml; fi

.PHONY: build
build: .venv/installed .venv-sam/installed ## Build functions and layers for AWS into .aws-sam
	@PATH="$(CURDIR)/.tools/bin:$$PATH" $(SAM)/sam build

.PHONY: contract
contract: .venv/installed ## One suite per port: memory and emulator
	@$(BIN)/python -m pytest tests/contract $(SPREAD) $(COVER) $(ARGS)

.PHONY: system
system: .venv/installed ## The running local stack: API, command line, kill -9; a slice of the simulation
	@$(BIN)/python -m pytest tests/system tests/simulation $(COVER) $(ARGS)

.PHONY: erase
erase: .venv/installed
	@$(BIN)/coverage erase

.PHONY: coverage
coverage: .venv/installed
	@$(BIN)/coverage combine --append --quiet || true
	@$(BIN)/coverage report --skip-covered --fail-under=90
	@$(BIN)/coverage report --include='*/cratekeeper/domain/*,*/cratekeeper/services/*' --fail-under=100 --format=total

##@ Prove and measure

.PHONY: prove
prove: .venv/installed ## The long simulation, longer stories of the state machines, control of the stack at full size
	@$(BIN)/python -m pytest tests/system/test_control.py --long
	@$(BIN)/python -m tests.contract.machines
	@$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: fuzz
fuzz: .venv/installed ## Generated calls of every operation, each answer held against the OpenAPI document
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: bench
bench: .venv/installed ## Calls, write units, memory and times per track
	@$(BIN)/python -m tests.bench $(ARGS)

##@ Maintain

.PHONY: docs
docs: .venv/installed ## Write the generated documents (ARGS=--release: the OpenAPI baseline, too)
	@$(BIN)/python -m docs.generate $(ARGS)

# Hashes, but no hosts: the files say what is installed, never where it comes from.
COMPILE = $(UV) pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links $(ARGS)
.PHONY: lock
lock: .tools/installed ## Recompile requirements/*.txt (ARGS=--upgrade for newer versions)
	@for name in uv run dev sam; do \
	  $(COMPILE) "requirements/$$name.in" --output-file "requirements/$$name.txt"; done
	@if [ -d layers/deps ]; then cp requirements/run.txt layers/deps/requirements.txt; fi

.PHONY: clean
clean: ## Remove build output, caches and reports; environments and local data stay
	@rm -rf .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov dist
	@find $(SOURCES) tests docs -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- Environments: one stamp each, so that a second call costs nothing ---------------

.tools/installed: requirements/uv.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "cratekeeper needs Python 3.11 or later; '$(PYTHON)' is none. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m pip --version >/dev/null 2>&1 \
	  || { echo "'$(PYTHON)' has no pip. Install it (for example the package python3-pip) and try again." >&2; exit 1; }
	@echo "setup: installer (uv)"
	@PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
	  "$(PYTHON)" -m pip install --quiet --upgrade --target .tools --require-hashes --requirement requirements/uv.txt
	@touch $@

# A clone that was moved or copied would run the code of the old place: make them anew.
MADE_IN := $(file < .venv/installed)
ifneq ($(MADE_IN),)
ifneq ($(MADE_IN),$(CURDIR))
$(shell rm -rf .venv .venv-sam)
endif
endif
.venv/installed: .venv/synced pyproject.toml
	@$(UV) pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation --editable .
	@printf '%s' "$(CURDIR)" > $@

.venv/synced: .tools/installed requirements/dev.txt
	@echo "setup: environment .venv"
	@$(UV) venv --quiet --allow-existing --python "$$("$(PYTHON)" -c 'import sys; print(sys.executable)')" .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@rm -f .venv/installed
	@touch $@

.venv-sam/installed: .tools/installed requirements/sam.txt
	@echo "setup: environment .venv-sam"
	@$(UV) venv --quiet --allow-existing --python "$$("$(PYTHON)" -c 'import sys; print(sys.executable)')" .venv-sam
	@$(UV) pip sync --quiet --python $(SAM)/python --require-hashes requirements/sam.txt
	@touch $@
