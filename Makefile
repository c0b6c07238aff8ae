# Two commands set everything up on a fresh machine (Debian, python3 >= 3.11 with venv, make):
#   make demo   the main job on real data, in under a minute once installed
#   make test   the whole test suite
# On Linux, PyPI's torch brings CUDA along (gigabytes); TORCH_INDEX=https://download.pytorch.org/whl/cpu takes the
# build without.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint types docs bench clean

demo: $(VENV)/.installed
	$(BIN)/mho demo

test: $(VENV)/.group-test $(VENV)/.vision
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.group-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.group-lint
	$(BIN)/mypy

docs: $(VENV)/.group-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.installed
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# torch comes first and pinned: asked for by another package, pip would fetch several gigabytes of CUDA.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q --upgrade "pip>=25.1"
	$(PIP) install -q -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) install -q -c constraints.txt -e .
	touch $@

$(VENV)/.group-%: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt --group $*
	touch $@

# For two examples, in a folder of their own: PyPI's torchvision is built for CUDA, and beside a torch without it neither
# it nor what looks for it (transformers) can be imported; tests/docs/vision/run.py says how the examples still run. The
# release is that of the torch in constraints.txt. Nothing else is installed: another torch would come along.
$(VENV)/.vision: $(VENV)/.installed Makefile
	rm -rf $(VENV)/vision
	$(PIP) install -q --no-deps --target $(VENV)/vision torchvision==0.28.0 timm==1.0.31
	touch $@
