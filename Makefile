# `make help` lists the targets. Everything is installed into .venv, under constraints.txt.

PYTHON ?= python3.11
BLOCK ?= coord
ARGS ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BUILT := $(VENV)/.built
OLD_RUNTIME := .venv-tflite-runtime
RUNNER_SOURCES := $(shell find toolkit/runner -name '*.cpp' -o -name '*.h')
CHECKED := toolkit models tests benchmarks hatch_build.py

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := install
.DELETE_ON_ERROR:

.PHONY: install
install: $(BUILT)  ## Make .venv with everything pinned, and build the runner (the default)

$(INSTALLED): pyproject.toml constraints.txt hatch_build.py
	@command -v $(PYTHON) >/dev/null || { \
	    echo "error: no $(PYTHON) on the PATH" >&2; \
	    echo " hint: apt install python3.11 python3.11-venv, or make PYTHON=/path/to/python3.11" >&2; \
	    exit 3; }
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	    echo "error: $(PYTHON) is not a Python 3.11 that can make virtual environments" >&2; \
	    echo " hint: apt install python3.11-venv, or make PYTHON=/path/to/python3.11" >&2; \
	    exit 3; }
	@echo "installing into $(VENV), about 3 GB"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation \
	    --editable '.[all,dev]'
	@touch $@

$(BUILT): $(INSTALLED) $(RUNNER_SOURCES)
	$(BIN)/attnbench doctor
	@touch $@

.PHONY: run
run: install  ## Export, parity, profile, report: BLOCK=coord, more options in ARGS
	$(BIN)/attnbench run --block $(BLOCK) $(ARGS)

.PHONY: test
test: install  ## Run the tests, JOBS=2 at a time; more options in ARGS
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadscope $(ARGS)

.PHONY: test-all
test-all: install  ## Every pair of the zoo through every runtime; an interrupted run goes on
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadscope -m full $(ARGS)

.PHONY: mutation
mutation: install  ## Faults in files, and whether parity sees them; ARGS="--budget 30m", goes on
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutation $(ARGS)

# Its packages are not those of .venv: it wants NumPy 1.
$(OLD_RUNTIME)/.installed:
	test -x $(OLD_RUNTIME)/bin/python || $(PYTHON) -m venv $(OLD_RUNTIME)
	$(OLD_RUNTIME)/bin/python -m pip install --quiet tflite-runtime==2.14.0 numpy==1.26.4
	@touch $@

.PHONY: tflite-runtime
tflite-runtime: install $(OLD_RUNTIME)/.installed  ## Our TFLite files in tflite-runtime 2.14
	$(BIN)/python -m pytest tests/tflite_runtime $(ARGS)

.PHONY: support
support: install  ## Write docs/support.md from the results of `make test-all`
	$(BIN)/python -m tests.matrix.support

.PHONY: lint
lint: $(INSTALLED)  ## Formatting, lint, types
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy --strict

.PHONY: format
format: $(INSTALLED)  ## Let ruff format and repair what it can
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

.PHONY: wheel
wheel: install  ## A wheel in dist/ with the runner prebuilt for this machine
	rm -f dist/attnbench-*.whl
	ATTNBENCH_PREBUILT=1 $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation \
	    --wheel-dir dist .
	@ls dist/attnbench-*.whl

.PHONY: bench-closure
bench-closure: install  ## Do block times add up? About 15 minutes on a quiet machine
	$(BIN)/python benchmarks/closure.py $(ARGS)

.PHONY: bench-runner
bench-runner: install  ## The native runner against the runtimes' own Python packages
	$(BIN)/attnbench export --block $(BLOCK) --to onnx,tflite,executorch --out build/bench-runner
	$(BIN)/python benchmarks/runner_vs_python.py $(ARGS) build/bench-runner/*.onnx \
	    build/bench-runner/*.tflite build/bench-runner/*.pte

.PHONY: bench-run
bench-run: install  ## Wall time and peak memory of `attnbench run`, cold and then cached
	$(BIN)/python benchmarks/run.py --block $(BLOCK) $(ARGS)

.PHONY: bench-matrix
bench-matrix: install  ## Do block times add up in every pair of the zoo? An interrupted run goes on
	$(BIN)/python -m benchmarks.matrix $(ARGS)

.PHONY: bench-trust
bench-trust: install  ## False alarms and power of `attnbench compare`; ARGS="--budget 30m", goes on
	$(BIN)/python benchmarks/trust.py $(ARGS)

.PHONY: bench-instructions
bench-instructions: install  ## Does instruction time repeat over boots of the emulated devices?
	$(BIN)/python benchmarks/instruction_time.py $(ARGS)

.PHONY: bench-deploy
bench-deploy: install  ## What attention costs as it is exported, by runtime and precision; goes on
	$(BIN)/python benchmarks/deploy.py $(ARGS)

.PHONY: clean
clean:  ## Remove .venv and what was built, exported and measured here; the user's cache stays
	rm -rf $(VENV) $(OLD_RUNTIME) build dist artifacts reports/runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find toolkit models tests benchmarks -name __pycache__ -type d -exec rm -rf {} +

.PHONY: help
help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2}' \
	    $(MAKEFILE_LIST)
