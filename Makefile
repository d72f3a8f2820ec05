.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PY ?= python3
RUN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo up down test lint bench format clean

help: ## what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## install Probant and its locked dependencies into .venv, nothing else

$(STAMP): pyproject.toml uv.lock
	@test -x $(RUN)/python || $(PY) -m venv $(VENV) || { echo "on Debian: apt install python3-venv"; exit 1; }
	@test -x $(RUN)/uv || { $(RUN)/python -m pip --version >/dev/null 2>&1 || $(RUN)/python -m ensurepip >/dev/null; \
	  $(RUN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'; }
	@echo "installing the locked dependencies (a few minutes the first time)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(RUN)/uv sync --frozen --quiet --inexact
	@touch $@

demo: setup ## real receipts through all three channels into a locked archive, then look at the run in the Prefect UI
	@$(RUN)/probant demo

up: setup ## start Probant for real use: Prefect server, worker, portal
	@$(RUN)/probant up

down: ## stop what `make up` or `make demo` started
	@test ! -x $(RUN)/probant || $(RUN)/probant down

test: setup ## run every test; installs the real servers that they run against
	@$(RUN)/python -m pytest

lint: setup ## ruff, mypy --strict and import-linter
	@$(RUN)/ruff check . && $(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

format: setup ## format the code
	@$(RUN)/ruff check --fix . && $(RUN)/ruff format .

bench: setup ## measure normalising, sealing and validating against other tools, as ratios in one run
	@$(RUN)/python -m tests.bench

clean: down ## remove the installation (never the archive)
	rm -rf $(VENV)
