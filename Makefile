# Everything runs in .venv, which is made on first use with $(PYTHON) and made anew when the version of $(PYTHON) changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
READY := $(VENV)/ready-$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-gpu sanitize lint bench coverage packages fuzz clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## profile, build and compare the sample project
	$(BIN)/python sample_project/demo.py

test: lint ## lint, then all tests but the slow ones
	$(BIN)/python -m pytest

test-slow: $(READY) ## the slow tests
	$(BIN)/python -m pytest -m slow

test-gpu: $(READY) ## the tests that need a GPU; they skip with a reason where there is none
	$(BIN)/python -m pytest -m device

sanitize: $(READY) ## the benchmarks' programs and the threads' pool under gcc's sanitizers
	$(BIN)/python -m pytest -m slow tests/sanitizers

lint: $(READY) ## ruff, mypy and the layering contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## speed of the sample's kernels and of guarded calls
	$(BIN)/python benchmarks/bench.py

coverage: $(READY) ## share of the run time of PolyBench and of the corpus that ends up in generated kernels
	$(BIN)/python benchmarks/coverage.py

packages: $(READY) ## real packages from the index: their own tests on the plain and on the optimised wheel (docs/packages.md)
	$(BIN)/python benchmarks/packages.py

fuzz: $(READY) ## 2000 random programs with 10 inputs each, against CPython
	$(BIN)/python tests/fuzz/fuzz_run.py

clean: ## remove the environment and what tools leave behind
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
