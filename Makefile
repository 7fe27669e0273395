# What a newcomer and CI type. Needs make and Python 3.11 or newer; everything else goes into .venv. Whoever changes the
# widget needs npm as well.

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

WIDGET := plugins/hullo_plugins/widget
NODE_MODULES := $(WIDGET)/node_modules
# What the widget's tests need; where there is no npm they are skipped.
WIDGET_IF_NPM := $(if $(shell command -v npm),$(NODE_MODULES)/.installed)

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint types bench widget clean

help:  ## what there is
	@echo "Usage: make TARGET"
	@echo
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-8s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed  ## serve a shop at http://127.0.0.1:8000/, its help centre on the next port (make demo PORT=8080)
	@PORT=$(PORT) exec $(BIN)/python examples/shop_site

# What was compiled is kept, whatever the environment says: the suite starts hundreds of processes, and each would do it.
export PYTHONDONTWRITEBYTECODE :=

# Four processes for two cores, as half of the suite waits for servers; a file stays in one, and tests/conftest.py says
# which go first.
PYTEST := $(BIN)/python -m pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder

# All three run whatever the one before says: a line that is too long should not hide a test that fails.
test: $(VENV)/.ready $(WIDGET_IF_NPM)  ## lint, types, and the whole suite
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(MAKE) --no-print-directory types || status=1; \
	$(PYTEST) || status=1; \
	exit $$status

# Apart from the tests, as it costs them a third of their time.
coverage: $(VENV)/.ready $(WIDGET_IF_NPM)  ## the whole suite, and which lines and branches it reaches
	@$(PYTEST) --cov --cov-report=term

lint: $(VENV)/.ready  ## ruff: mistakes and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Some files want formatting: $(BIN)/ruff format ." >&2; exit 1; }

types: $(VENV)/.ready  ## mypy and pyright, both strict
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.ready  ## how much an identify costs (options: make bench ARGS="--rounds 3")
	@$(BIN)/python tests/bench/identify.py $(ARGS)

widget: $(NODE_MODULES)/.installed  ## build the browser SDK after a change of its source (needs npm)
	@cd $(WIDGET) && npm run --silent types
	@cd $(WIDGET) && npm run --silent build

clean:  ## remove the environment and everything that is made; databases stay
	@rm -rf $(VENV) $(NODE_MODULES) dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are as old as the installation: nothing is asked of the network until pyproject.toml changes.

$(VENV)/.ready: $(VENV)/.installed pyproject.toml
	@echo "Installing what the tests need …" >&2
	@$(PIP) install --group test
	@touch $@

$(VENV)/.installed: $(BIN)/python pyproject.toml
	@echo "Installing hullo into $(VENV) …" >&2
	@# Dependency groups came with pip 25.1.
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable .
	@touch $@

# No package runs anything when it is installed: the compiler and the bundler come ready-made.
$(NODE_MODULES)/.installed: $(WIDGET)/package-lock.json
	@echo "Installing what the widget is built with …" >&2
	@cd $(WIDGET) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	@touch $@

# A venv that was begun without pip is no venv yet: venv is happy to do it over.
$(BIN)/python:
	@found=; for each in $(PYTHONS); do \
	    if command -v $$each >/dev/null 2>&1 && $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	        found=$$each; break; \
	    fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "hullo needs Python 3.11 or newer, and there is none here. Install one, or name it: make PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$found cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	fi; \
	$$found -m venv $(VENV)
