# The project's own commands. They use .venv, which either of the README's two commands makes;
# for lint, types and floors it also wants: .venv/bin/pip install -e '.[dev]'

PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
BUILD ?= build
bin = $(abspath $(PYTHON))

.PHONY: help check test test-native test-twin lint format types floors native sanitize bench screenshot clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

check: lint types floors native test ## everything a change must pass

test: ## the whole suite, on the native core and on its twin
	$(PYTHON) -m tests

test-native: ## the suite on the native core
	ESTUI_CORE=native $(PYTHON) -m pytest

test-twin: ## the suite on the core in plain Python
	ESTUI_CORE=twin $(PYTHON) -m pytest

lint: ## ruff: rules and layout
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: ## let ruff put things right
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types: ## mypy --strict
	$(PYTHON) -m mypy --strict estui tests $(wildcard scripts)

floors: ## which module may import which
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

native: ## the C core, a warning being an error
	cmake -S native -B $(BUILD)/werror -DES_WERROR=ON -DPython_EXECUTABLE=$(bin) >/dev/null
	cmake --build $(BUILD)/werror

# Python's own allocator would hide a read past the end of a bytes object; with malloc the sanitizer sees it.
# Only the scanner has kinds of vectors; the lab's passes over the ring are run with one.
ingest_tests = tests/test_core.py tests/test_core_own.py tests/test_core_write.py tests/test_core_judging.py
lab_tests = tests/test_core_cube.py tests/test_lab_whatif.py tests/test_lab_hits.py

sanitize: ## the core's properties under ASan and UBSan, with each kind of vectors
	$(PYTHON) -m venv $(BUILD)/sanitize/venv
	for vectors in best base none; do \
	  tests="$(ingest_tests)"; [ $$vectors != best ] || tests="$$tests $(lab_tests)"; \
	  $(BUILD)/sanitize/venv/bin/pip install -q -e '.[test]' -C build-dir=$(BUILD)/sanitize/$$vectors \
	    -C cmake.define.ES_SANITIZE=ON -C cmake.define.ES_VECTORS=$$vectors && \
	  LD_PRELOAD="$$($(or $(CC),cc) -print-file-name=libasan.so) $$($(or $(CC),cc) -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc ESTUI_CORE=native \
	    $(BUILD)/sanitize/venv/bin/python -m pytest -q $$tests || exit 1; \
	done

bench: ## speed and memory, as ratios
	$(PYTHON) -m tests.bench

screenshot: ## the README's picture
	$(PYTHON) scripts/screenshot.py docs/screen.svg

clean: ## remove what builds and tools leave behind
	rm -rf $(BUILD) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
