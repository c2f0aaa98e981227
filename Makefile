# make sample   set up .venv, sample eight schools, print the summary and the diagnosis, leave eight_schools.nc
# make test     set up .venv, run the tests
# make check    lint and types
# make tools    install what targets of ppl compile run, from Debian's packages
# make bench    measure against peers

# The first Python that is new enough.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := $(VENV)/.ready-bench

.PHONY: sample test test-long check tools bench clean

sample: $(READY)
	$(RUN)/ppl sample models/eight_schools.ppl --data models/data/eight_schools.json \
		-o eight_schools.nc --force

test: $(READY)
	$(RUN)/python -m pytest -q -n auto -m "not long"

test-long: $(READY)
	$(RUN)/python -m pytest -q -n auto -m long

check: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

tools: $(READY)
	$(RUN)/python -m tests.hardware.eda

bench: $(BENCH)
	$(RUN)/python benchmarks/nuts.py

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, with venv (on Debian: python3-venv)"; exit 1; }
	@echo "setting up $(VENV); the first time this takes a few minutes"
	test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

$(BENCH): $(READY)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,bench]"
	touch $@

clean:
	rm -rf $(VENV) .venv-newer build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
