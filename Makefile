# make demo          everything from renders to the report, at the demo scale
# make test          all checks and tests but those on Slurm, with one real run of the whole chain
# make slurm         the tests on a Slurm of its own (slurm-wlm and munge of Debian, and root)
# make constraints   constraints.txt anew: the newest versions that pyproject.toml allows
# The first three make a virtual environment and install into it, in the versions of constraints.txt;
# a second call skips that.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
CORES ?= all

# The rules call `projcomp` by name.
export PATH := $(abspath $(BIN)):$(PATH)

# A run refuses to begin beside another (src/projcomp/plan/one_run.py); where there is flock, neither
# does a second `make demo` between two commands of the first.
FLOCK := $(shell flock -n -o -E 75 /dev/null true 2>/dev/null && echo flock -n -o -E 75 Makefile)

.PHONY: demo test lint unit smoke slurm constraints clean
.DEFAULT_GOAL := help

.PHONY: help
help:
	@sed -n '1,6s/^# //p' Makefile

# Goes on where a run stopped, however it ended: first with what needs no training of a diffusion
# model, whose numbers are the ceiling of the networks'.
demo: $(VENV)/.installed
	projcomp check
	$(FLOCK) sh -c 'snakemake --cores $(CORES) exact && \
		echo "what perfect networks would do: results/figures/grid_perfect.png and the others there" && \
		{ projcomp results perfect A-exact || true; } && \
		snakemake --cores $(CORES)' || \
		{ code=$$?; test $$code -ne 75 || echo "error: another make demo is running here" >&2; exit $$code; }
	snakemake --cores $(CORES) --report results/report.html
	@projcomp results || true
	@echo "report: results/report.html"

test: lint unit smoke

lint: $(VENV)/.installed-dev
	ruff check .
	ruff format --check .
	pyright --pythonpath $(BIN)/python
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint

unit: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 pytest -n auto --maxprocesses 8 --dist worksteal -m "not smoke and not slurm"

smoke: $(VENV)/.installed-dev
	pytest -m smoke

# The workflow on a Slurm of its own: needs slurm-wlm and munge of Debian, and root.
slurm: $(VENV)/.installed-dev
	PATH="$$PATH:/usr/sbin" pytest -m slurm

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "error: expected Python 3.11 (bpy 4.5 has wheels for no other), got $$("$(PYTHON)" --version 2>/dev/null || echo none)." \
		"Install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable ".[all]"
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable ".[dev]"
	touch $@ $(VENV)/.installed

# The newest versions that pyproject.toml's ranges allow, from a virtual environment of their own.
# Version suffixes such as +cpu are cut off: they name a build, which not every registry has.
constraints:
	rm -rf .venv-constraints
	$(MAKE) VENV=.venv-constraints .venv-constraints/bin/python
	.venv-constraints/bin/python -m pip install --quiet --editable ".[dev]"
	.venv-constraints/bin/python -m pip list --format=freeze --exclude pip --exclude projcomp \
		> .venv-constraints/found.txt
	{ sed '/^#/!d' constraints.txt; sed 's/+.*//' .venv-constraints/found.txt; } \
		> .venv-constraints/constraints.txt
	mv .venv-constraints/constraints.txt constraints.txt
	rm -rf .venv-constraints
