# The same verbs by hand and in CI. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := .venv-extras
# pip takes the pinned versions for what a build needs too: from the first name, and from 25.3 on from the second.
PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1

.DEFAULT_GOAL := help
.PHONY: help run example test test-disasters test-wheel test-extras lint bench docs clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "retina needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PINNED) $(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

$(EXTRAS)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(EXTRAS)
	$(PINNED) $(EXTRAS)/bin/pip install --quiet \
		--editable '.[dev,keras-cv,keras-hub,mlflow,ray,tensorboard,tune]'
	@touch $@

run: $(READY)  ## train ResNet18 with focal loss on the built-in set, then compare every run made so far
	$(BIN)/python cli.py run resnet18 --params p1 --loss focal
	$(BIN)/python cli.py compare

# The study's seven runs, small: 96 pixels, random weights. About 15 minutes on two cores.
SMALL := experiments/studies/original.toml --image-size 96 --weights random --results build/example
example: $(READY)  ## make the comparison in results/example again
	$(BIN)/python cli.py study $(SMALL) --out results/example
	$(BIN)/python cli.py study $(SMALL) --out build/example/zh-TW --lang zh-TW
	cp build/example/zh-TW/report.md results/example/report.zh-TW.md

test: $(READY)  ## pass the tests: no network, no GPU
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test-disasters: $(READY)  ## kill runs at every write and at random, fill their disk, hand over hostile files
	OMP_NUM_THREADS=1 RETINA_FUZZ=1 $(BIN)/python -m pytest -m 'disaster or fuzz'

test-wheel: $(READY)  ## build the wheel, install it into an empty environment and use it there; needs the package index
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m wheel

test-extras: $(EXTRAS)/.ready  ## pass the tests of the optional parts, in an environment of their own of about 5 GB
	OMP_NUM_THREADS=1 $(EXTRAS)/bin/python -m pytest -m extra

lint: $(READY)  ## style, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(READY)  ## measure and print ratios
	$(BIN)/python benchmarks/diagnosis.py
	$(BIN)/python benchmarks/bench.py

docs: $(READY)  ## write docs/reference.md from the commands' own help
	$(BIN)/python docs/build.py

clean:  ## remove the environment and what tools left; results stay
	rm -rf $(VENV) $(EXTRAS) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
