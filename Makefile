# Everything runs from .venv, which `make venv` builds. Needed beforehand: python3 with venv, and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.PHONY: help venv check audit test demo bench proof reference format requirements clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

venv: $(STAMP) ## build .venv with everything that the targets below need

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Building .venv (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

check: $(STAMP) ## lint, formatting, types, imports, spelling; every warning is an error
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

test: $(STAMP) ## all tests on SQLite, and on PostgreSQL where its binaries are installed
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

audit: $(STAMP) ## security: our code, known faults of dependencies, bill of materials
	$(BIN)/python deploy/audit.py

demo: $(STAMP) ## a whole trade between simulated ERPs; ONCE=1 stops after the checks
	$(BIN)/hundi demo $(if $(ONCE),--once)

bench: $(STAMP) ## measure against the bare control and pgbench
	$(BIN)/python -m bench $(ARGS)

proof: $(STAMP) ## hours of crashes, races and simulated days; ARGS="kill --brief" for some, --list for all
	$(BIN)/python -m proof $(ARGS)

reference: $(STAMP) ## write docs/reference, the dashboard, the alerts and the served API description again
	$(BIN)/python docs/generate.py
	$(BIN)/python deploy/generate.py
	$(BIN)/python -m hundi.web.openapi contract

format: $(STAMP) ## put imports and layout in order
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

requirements: ## pin again what pyproject.toml asks for
	@test -x .venv-pin/bin/pip-compile || { $(PYTHON) -m venv .venv-pin && .venv-pin/bin/pip install --quiet pip-tools; }
	$(PIN) --extra dev --extra otel -o requirements/dev.txt pyproject.toml
	$(PIN) --extra otel -c requirements/dev.txt -o requirements/runtime.txt pyproject.toml
	$(PIN) -c requirements/dev.txt -o requirements/bench.txt requirements/bench.in
	$(PIN) -c requirements/dev.txt -o requirements/build.txt requirements/build.in
	$(PIN) -c requirements/dev.txt -o requirements/fuzz.txt requirements/fuzz.in
PIN = CUSTOM_COMPILE_COMMAND="make requirements" .venv-pin/bin/pip-compile --no-config \
	--generate-hashes --allow-unsafe --strip-extras --no-emit-options

clean: ## remove .venv and everything made by tools
	rm -rf .venv .venv-pin .venv-bench .venv-fuzz build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench proof docs -name __pycache__ -type d -prune -exec rm -rf {} +
