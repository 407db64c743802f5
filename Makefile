# `make demo` and `make test` need nothing but make and Python >= 3.11 with its venv module. Where npm and chromium are
# there too, `make test` also checks the page: its types, and what it does in a browser.
# Each has an environment of its own: demo's shows what a user installs, so nothing of the training side may enter it.

PYTHON ?= python3
TORCH ?= torch==2.13.0# pinned: the tests compare numbers

BASE := .venv
DEV := .venv-dev

define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Cutaway needs Python 3.11 or newer. If you have one by another name: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(1)/bin/pip || $(PYTHON) -m venv $(1) \
		|| { echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
endef

.PHONY: demo test page fix clean

demo: $(BASE)/installed ## cut the bundled portrait out
	@mkdir -p demo
	@$(BASE)/bin/cutaway remove src/cutaway/samples/astronaut.jpg -o demo/astronaut.png --overwrite

test: $(DEV)/installed page ## lint, types, tests
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/python -m pytest

page: ## types of the page's modules
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund && npm run --silent check; \
	else echo "npm is not installed: the page's types and its accessibility are not checked"; fi

fix: $(DEV)/installed ## what ruff can mend by itself
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

clean:
	rm -rf $(BASE) $(DEV) build dist demo

$(BASE)/installed: pyproject.toml
	$(call environment,$(BASE))
	$(BASE)/bin/pip install --quiet --editable .
	@touch $@

$(DEV)/installed: pyproject.toml
	$(call environment,$(DEV))
	$(DEV)/bin/pip install --quiet '$(TORCH)' --editable '.[data,train,web,dev]'
	@touch $@
