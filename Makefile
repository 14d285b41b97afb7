# Two commands are enough: `make serve` and `make test`. Both start from Python 3.11 or later and make alone.
#
# The virtual environment is one, and grows: `serve` installs what the server needs, `test` adds the tools. Stamp
# files remember what is in it, so that nothing is installed twice until pyproject.toml or constraints.txt change.

PYTHON ?=
VENV ?= .venv
ARGS ?=

python := $(VENV)/bin/python
pip_install := $(python) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
runtime := $(VENV)/.installed-runtime
dev := $(VENV)/.installed-dev

# The tests start the server a hundred times: it is compiled once, also where the environment keeps Python from it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve test contract bench soak fuzz clients lint format types audit docs examples check wheel constraints clean

help: ## Show this list
	@echo "mock-capgo: Capgo's REST API on your own machine"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  ARGS=...    for serve and test, as in: make serve ARGS='--port 9000'"
	@echo "  PYTHON=...  the Python of a new $(VENV), as in: make serve PYTHON=python3.12"

serve: $(runtime) ## Start the mock server
	@$(VENV)/bin/mock-capgo serve $(ARGS)

test: $(dev) ## Run the tests
	@$(python) -m pytest -n auto --dist loadfile $(ARGS)

contract: $(dev) ## Hold the mock to its contract, in both dialects
	@$(VENV)/bin/mock-capgo contract $(ARGS)
	@$(VENV)/bin/mock-capgo contract --dialect live $(ARGS)

bench: $(dev) ## Measure the mock beside a bare Starlette
	@$(python) -m benchmarks $(ARGS)

soak: $(dev) ## Ten minutes at full load: memory and latency flat
	@$(python) -m benchmarks.soak $(ARGS)

fuzz: $(dev) ## A hundred thousand generated requests, 200 kills, timeouts
	@MOCK_CAPGO_FUZZ=100000 $(python) -m pytest -n auto --dist loadfile tests/robustness $(ARGS)

clients: ## Install the published clients that tests run against the mock (needs Node)
	@cd tests/clients/electron && npm install --silent --no-audit --no-fund --no-package-lock \
		--ignore-scripts --legacy-peer-deps

lint: $(dev) ## Check style and format
	@$(python) -m ruff check
	@$(python) -m ruff format --check

format: $(dev) ## Mend what the formatter and the linter can mend
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

types: $(dev) ## Check the types
	@$(python) -m mypy --strict

audit: $(dev) ## Count what the project rests on, see that it fits, weigh the wheel (asks nobody)
	@$(python) scripts/audit.py

docs: $(dev) ## Write docs/dialects.md from the tables
	@$(python) scripts/dialects_page.py

examples: $(dev) ## Run the examples in other languages (asks their package registries)
	@EXAMPLES_MAY_DOWNLOAD=1 $(python) -m pytest -q tests/testing/test_examples.py

check: ## Lint, types, audit and tests
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory audit
	@$(MAKE) --no-print-directory test

wheel: $(dev) ## Build the wheel into dist/
	@$(python) -m hatchling build --target wheel

constraints: ## Renew constraints.txt (Python 3.11 on Linux, asks the package index)
	@PYTHON="$(PYTHON)" sh scripts/renew-constraints.sh

clean: ## Remove the virtual environment, caches and built files
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find mock_capgo contract_tests tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(python):
	@found=$$(PYTHON="$(PYTHON)" sh scripts/find-python.sh) || exit 1; \
	echo "mock-capgo: making $(VENV) with $$found"; \
	"$$found" -m venv --clear $(VENV) || { \
		rm -rf $(VENV); \
		echo "$$found could not make a virtual environment (see above)." >&2; \
		echo "On Debian and Ubuntu: apt-get install python3-venv (as root), then make again." >&2; \
		exit 1; }

$(runtime): $(python) pyproject.toml constraints.txt
	@echo "mock-capgo: installing what the server needs (once)"
	@$(pip_install) --editable .
	@touch $@

$(dev): $(python) pyproject.toml constraints.txt
	@echo "mock-capgo: installing what the tests and tools need (once)"
	@$(pip_install) --editable '.[dev]'
	@touch $(runtime) $@
