PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TOOLS = $(MAKE) --silent node_modules/.installed 2>/dev/null
SITE = $(BIN)/sphinx-build -q --fail-on-warning --keep-going --nitpicky docs build/site

# Without compiled modules each process that the tests start compiles torch anew, and takes more than twice as long to import it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types page docs slow coverage format clean

# Installs, then trains, inspects, prunes to half of the MACs, and compares what is left with its parent and a random wiring of its
# cost, on the embedded digits: under four minutes on two cores.
demo: $(VENV)/.installed
	$(BIN)/connprune train --preset digits
	$(BIN)/connprune inspect
	$(BIN)/connprune prune --max-macs 50%
	$(BIN)/connprune retrain --against parent,random-cost:1 --seeds 3 --epochs 40 --jobs 2

# Installs what development needs, then runs lint, spelling, types and the directions of imports, builds the site, and runs the fast tests.
# What needs one core each is run two at a time.
test: $(VENV)/.installed-dev
	$(MAKE) --jobs 2 types docs lint page
	$(BIN)/pytest --numprocesses auto --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# Whether the page's JavaScript is laid out and free of what the linter knows, where there is npm.
page:
	@if $(TOOLS); then npm run --silent check; \
	else echo "npm is missing or cannot install prettier and eslint: the page's JavaScript is not checked."; fi

# Builds the site of docs/ into build/site; whatever is wrong with a page fails.
docs: $(VENV)/.installed-dev
	$(SITE)

# The tests that take minutes.
slow: $(VENV)/.installed-dev
	$(BIN)/pytest -m slow

# Which lines the fast tests reach. It takes more than twice their time, so `make test` does not do it.
coverage: $(VENV)/.installed-dev
	$(BIN)/pytest --numprocesses auto --dist worksteal --cov=connprune --cov-report=term:skip-covered

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if $(TOOLS); then npm run --silent format; fi

clean:
	rm -rf $(VENV) node_modules

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	touch $@

node_modules/.installed: package.json
	npm install --silent --no-audit --no-fund --fetch-retries 1
	touch $@
