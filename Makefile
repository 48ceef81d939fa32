# Everything a person does with a checkout. Needs Python 3.11 or newer, git and make; the rest is made here.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup run reset test lint fmt lock pictures environment environment-dev

# The newest Python that is new enough; name another with `make PYTHON=…`.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
VENV_PYTHON := .venv/bin/python
ARGS ?=

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "make %-8s %s\n", $$1, $$2 }'

environment:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name it with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) app/environment.py run

environment-dev:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name it with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) app/environment.py dev

setup: environment ## the environment, the locked dependencies and the model files
	@$(VENV_PYTHON) -m app.provisions

run: setup ## the platform with its demo data on http://127.0.0.1:8000
	@$(VENV_PYTHON) -m app.cli run $(ARGS)

reset: environment ## throw the demo's data away and start over at the next run
	@$(VENV_PYTHON) -m app.cli reset $(ARGS)

test: environment-dev ## every test, Chromium included; ARGS="-k name" for some
	@$(VENV_PYTHON) -m app.provisions
	@$(VENV_PYTHON) -m app.chromium
	@$(VENV_PYTHON) -m tests $(ARGS)

lint: environment-dev ## ruff, mypy --strict, import-linter
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check --quiet .
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-logo

fmt: environment-dev ## format the code and mend what ruff can mend
	@$(VENV_PYTHON) -m ruff check --fix --quiet . ; $(VENV_PYTHON) -m ruff format --quiet .

pictures: environment-dev ## the README's pictures anew
	@$(VENV_PYTHON) -m app.provisions
	@$(VENV_PYTHON) -m tests.browser.pictures

lock: environment-dev ## resolve the dependencies in pyproject.toml anew
	@command -v uv >/dev/null || test -x var/uv/bin/uv || $(VENV_PYTHON) -m pip install -qq --target var/uv uv
	@PATH="var/uv/bin:$$PATH"; set -e; \
	compile="uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate"; \
	$$compile pyproject.toml -o locks/run.txt; \
	$$compile pyproject.toml --group dev -c locks/run.txt -o locks/dev.txt
