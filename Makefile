# make table: set up, then compute the demo's table.      make test: set up, then run all tests.
# make unit, test-slurm, test-browser, lint, golden, faults, bench,
# gpu-check, lock: see README.md, "Working on flowpose".

PYTHON ?= python3
DEVICE ?= cpu
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
BIN := .venv/bin
# A worker a core, each with files of tests of its own, in the order of tests/conftest.py.
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: table test test-slurm test-browser unit lint lint-python lint-workflow golden faults bench gpu-check lock
.DELETE_ON_ERROR:

table: .venv/workflow
	$(BIN)/snakemake --cores $(CORES) results/table.csv

test: .venv/dev
	$(BIN)/python -m pytest $(PARALLEL)

# The tests of profiles/slurm: as root, on loopback, they install Debian's SLURM and start its daemons.
test-slurm: .venv/dev
	FLOWPOSE_SLURM=1 $(BIN)/python -m pytest tests/workflow/test_slurm.py

# The page in a real browser: as root, they install Debian's Chromium where it is missing.
test-browser: .venv/dev
	FLOWPOSE_BROWSER=1 $(BIN)/python -m pytest tests/unit/test_page_in_browser.py

# What to run while one works: the library alone, in a minute or two.
unit: .venv/dev
	$(BIN)/python -m pytest $(PARALLEL) tests/unit

lint: lint-python lint-workflow

lint-python: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd workflow/scripts && PYTHONPATH=. ../../$(BIN)/lint-imports --no-cache ../../pyproject.toml

lint-workflow: .venv/dev
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# The compact cases of tests/golden have no weights: they are made again from their seed.
golden: .venv/workflow
	$(BIN)/python tests/golden/random_raft.py .venv/raft-random.pth
	$(BIN)/python tests/golden_check.py tests/golden --weights .venv/raft-random.pth

# Twenty runs broken at random moments; make test breaks three.
faults: .venv/dev
	FAULTS=20 $(BIN)/python -m pytest tests/workflow/test_faults.py

bench: .venv/workflow
	$(BIN)/python benchmarks/bench.py --device $(DEVICE)

# All that only a GPU can tell, in some nine minutes; the same command goes on where it was interrupted.
gpu-check: DEVICE = cuda
gpu-check: .venv/dev
	$(BIN)/python benchmarks/gpu_check.py --device $(DEVICE)

lock: .venv/dev
	cd envs && for name in requirements requirements-dev; do \
	  ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header $$name.in --output-file $$name.txt; done
	cd envs && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --excludes mediapipe-without.in \
	  mediapipe.in --output-file mediapipe.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
	  f"Python 3.11 or newer is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/workflow: envs/requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/dev: envs/requirements-dev.txt .venv/workflow
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<
	@touch $@
