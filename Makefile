PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Threads of BLAS beyond the physical cores only slow small products down.
export PYTHONHASHSEED := 0

.PHONY: demo test check slow browser docs bench clean setup

setup: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt
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
	$(BIN)/pytest -m 'not slow' -n 2

slow: setup  ## minutes: statistical claims and real data (ISTHMUS_DATA)
	$(BIN)/pytest -m slow -n 2

bench: setup  ## speeds and memory as ratios within one run, to benchmarks/results/
	for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
