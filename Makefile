# `make demo` needs the base install alone; `make test` and `make lint` install every extra.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo demo-live test lint docs clean

.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

.venv/base: .venv/pyvenv.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

# --group needs pip 25.1, which a fresh virtual environment may not have.
.venv/all: .venv/base
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --editable ".[all]" --group dev
	touch $@

.venv/sensor: .venv/base
	$(BIN)/pip install --quiet --editable ".[sensor]"
	touch $@

# In real time: three agents, a broker (Debian's mosquitto) and a fusion.
demo-live: .venv/sensor
	$(BIN)/tocsin demo --live --seed 0 --out out/live

demo: .venv/base
	$(BIN)/tocsin demo --seed 0 --out out/demo

# A file runs in one process, so what its tests share is made once; tests/conftest.py says which begin.
test: .venv/all
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: .venv/all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# `make test` builds the same site, warnings as errors: tests/test_docs_site.py.
docs: .venv/all
	$(BIN)/python -m sphinx -W --keep-going docs build/docs
	@echo "see build/docs/index.html"

clean:
	rm -rf .venv build dist *.egg-info docs/learn
