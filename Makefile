PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONHASHSEED := 0
# Two test processes with as many threads each as there are cores get in each other's way.
TEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest -n 2

.PHONY: demo test check slow browser docs bench rivals clean setup

setup: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt setup.py $(wildcard src/isthmus/codec/kernel* src/isthmus/training/descent*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup  ## set up, analyse scikit-learn's digits, print the verdict and the page's path
	$(BIN)/isthmus report digits --force

test: setup  ## set up, then everything that `check` does
	$(MAKE) --no-print-directory check

check:  ## lint, types, floors, tests (needs `make setup` once)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(TEST) -m 'not slow'

slow: setup  ## minutes: statistical claims and real data (ISTHMUS_DATA)
	$(TEST) -m slow

bench: setup  ## speeds and memory as ratios within one run, to benchmarks/results/
	for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

rivals: benchmarks/envs/pythae/.stamp benchmarks/envs/faiss/.stamp  ## pinned peers of the benchmarks, each in its own environment

benchmarks/envs/%/.stamp: benchmarks/envs/%.txt
	$(PYTHON) -m venv benchmarks/envs/$*
	benchmarks/envs/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
