# Everything sets itself up: a virtual environment in .venv from the lock files, nothing outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.test-ready

.PHONY: demo test lint format bench pictures wheel lock clean

demo: $(READY)  ## open the dashboard on an embedded fleet
	@$(BIN)/velora demo

test: $(TEST_READY)  ## all tests
	@sh tests/system_packages.sh
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder tests --ignore tests/benchmarks

lint: $(TEST_READY)  ## format, style, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TEST_READY)  ## speed and memory, as ratios against a peer or against a budget
	$(BIN)/python -m pytest tests/benchmarks -s -p no:xdist

format: $(TEST_READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pictures: $(TEST_READY)  ## take the README's pictures anew
	$(BIN)/python -m tests.pictures

wheel: $(TEST_READY)  ## build dist/*.whl
	$(BIN)/python -m hatchling build -t wheel

lock:  ## compile the lock files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		pyproject.toml --extra build -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		pyproject.toml --extra build --extra test -o requirements-test.lock

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Velora needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)

$(READY): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST_READY): requirements-test.lock $(READY)
	$(PIP) install --require-hashes -r requirements-test.lock
	@touch $@

clean:
	rm -rf $(VENV) dist build
