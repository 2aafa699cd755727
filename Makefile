# Casetrail. `make` alone prints this help; nothing but Python 3.11+ and make is needed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-run run test soak bench golden check format format-check lint types contracts lock clean

# The first interpreter that is really there and new enough (a shim may be neither).
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
CODE := domain projections consumers infra tests
PYTEST := $(BIN)/pytest -n 2 --dist=loadgroup

help: ## Print this help
	@echo 'Casetrail: after-sales cases for abnormal shipments, kept as events.'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

define venv
@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is needed: make PYTHON=/path/to/python' >&2; exit 1; }
@$(PYTHON) infra/deploy/make_venv.py
endef

setup: ## Install everything for development into .venv (quick when nothing changed)
	$(venv) dev

setup-run:
	$(venv) run

run: setup-run ## Start everything with the sample, live until Ctrl-C (ARGS=--once ends by itself)
	@$(BIN)/casetrail up --sample $(ARGS)

test: setup ## Run the unit, integration and acceptance tests (ARGS='-k words')
	$(PYTEST) $(ARGS)

soak: setup ## Run the soak tests: kills, races, long random sequences
	$(BIN)/pytest tests/soak -n 2 --dist=loadfile -o faulthandler_timeout=1500 $(ARGS)

bench: setup ## Print the benchmarks' ratios (SMOKE=1: seconds, only to see that they run)
	$(BIN)/python -m tests.bench $(if $(SMOKE),--smoke) $(ARGS)

golden: setup ## Add lines for new events and types, published or taken, to the golden corpus (ARGS=URL: that log's streams)
	$(BIN)/python -m tests.golden $(ARGS)

check: format-check lint types contracts test ## Everything a change must pass

format: setup ## Format the code and put imports in order
	$(BIN)/ruff check --select I --fix $(CODE)
	$(BIN)/ruff format $(CODE)

format-check: setup
	$(BIN)/ruff format --check $(CODE)

lint: setup ## Lint
	$(BIN)/ruff check $(CODE)

types: setup ## Check types with mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

contracts: setup ## Check who may import whom
	$(BIN)/lint-imports --no-cache

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
lock: setup ## Make the hashed locks anew (UPGRADE=1: with the newest versions)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group build pyproject.toml -o requirements.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group build --group dev -c requirements.txt \
		pyproject.toml -o requirements-dev.txt

clean: ## Remove caches and .venv (never data)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
