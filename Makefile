# The commands for developers and CI. They need make and Python 3.11 or newer and install all other tools into .venv.
# A change of the widget needs npm too.

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

WIDGET := plugins/hullo_plugins/widget
NODE_MODULES := $(WIDGET)/node_modules
# The widget's tests need these packages; pytest skips the tests where npm is not installed.
WIDGET_IF_NPM := $(if $(shell command -v npm),$(NODE_MODULES)/.installed)

.DEFAULT_GOAL := help
.PHONY: help demo test worlds coverage lint types bench widget clean

help:  ## list the targets
	@echo "Usage: make TARGET"
	@echo
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-8s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed  ## serve a shop at http://127.0.0.1:8000/ and its help centre on the next port (make demo PORT=8080)
	@exec $(BIN)/hullo serve --demo --db memory: --port $(PORT)

# Always keep compiled bytecode: the suite starts hundreds of processes, and each would compile the modules again.
export PYTHONDONTWRITEBYTECODE :=

# Four processes on two cores, because half of the suite waits for servers. The tests of a file stay in one process;
# tests/conftest.py sets which files run first.
PYTEST := $(BIN)/python -m pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder

# All three steps run, even after one fails: a line that is too long must not hide a failing test.
test: $(VENV)/.ready $(WIDGET_IF_NPM)  ## run lint, type checks and the whole suite
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(MAKE) --no-print-directory types || status=1; \
	$(PYTEST) || status=1; \
	exit $$status

worlds: $(VENV)/.ready  ## check every sequence of three calls in small worlds against the rules (make worlds ARGS="--sample 1000")
	@$(BIN)/python tests/worlds/explore.py $(ARGS)

# A target of its own, because coverage costs the tests a third of their time.
coverage: $(VENV)/.ready $(WIDGET_IF_NPM)  ## run the whole suite and report the covered lines and branches
	@$(PYTEST) --cov --cov-report=term

lint: $(VENV)/.ready  ## check code and format with ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted. Format them with: $(BIN)/ruff format ." >&2; exit 1; }

types: $(VENV)/.ready  ## check types with mypy and pyright, both strict
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.ready  ## measure the cost of an identify (options: make bench ARGS="--rounds 3")
	@$(BIN)/python tests/bench/identify.py $(ARGS)

widget: $(NODE_MODULES)/.installed  ## build the browser SDK after you change its source (needs npm)
	@cd $(WIDGET) && npm run --silent types
	@cd $(WIDGET) && npm run --silent build

clean:  ## remove the environment and all generated files; keep databases
	@rm -rf $(VENV) $(NODE_MODULES) dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp files carry the time of the installation: make does not use the network until pyproject.toml changes.

$(VENV)/.ready: $(VENV)/.installed pyproject.toml
	@echo "Installing the packages for the tests …" >&2
	@$(PIP) install --group test
	@touch $@

$(VENV)/.installed: $(BIN)/python pyproject.toml
	@echo "Installing hullo into $(VENV) …" >&2
	@# Dependency groups need pip 25.1.
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable .
	@touch $@

# --ignore-scripts: no package runs code during the installation. The compiler and the bundler need none.
$(NODE_MODULES)/.installed: $(WIDGET)/package-lock.json
	@echo "Installing the build tools of the widget …" >&2
	@cd $(WIDGET) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	@touch $@

# Check for ensurepip first: without it, venv leaves a bin/python that has no pip, and make would take it for complete.
# venv may run again on an existing folder.
$(BIN)/python:
	@found=; for python in $(PYTHONS); do \
	    if command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	        found=$$python; break; \
	    fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "make found no Python 3.11 or newer, which hullo needs. Install it, or name it: make PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$found cannot create virtual environments. Install the venv module; on Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	fi; \
	$$found -m venv $(VENV)
