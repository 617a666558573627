# The only door. `make help` lists what it opens.
.DEFAULT_GOAL := help
.PHONY: help up down check test e2e bench docs hosts lock prepare prepare-tests
MAKEFLAGS += --no-print-directory
CLOUD ?= examples/laptop/cloud.yml
BIN := .venv/bin
PYTEST_ARGS ?=

help: ## say what can be made
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

up: ## from this machine to a verified cloud (CLOUD=examples/laptop/cloud.yml)
	@tools/up $(CLOUD)

down: ## take the cloud off this machine (VOLUMES=yes: data and files too; IMAGES=yes: images too)
	@VOLUMES=$(VOLUMES) IMAGES=$(IMAGES) tools/down $(CLOUD)

check: prepare-tests ## lint, types and fast tests, under a minute
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -n 2 -m "not engine and not cloud" $(PYTEST_ARGS)

test: prepare-tests ## every test: fast, container engine, whole clouds
	@$(BIN)/pytest -m "cloud or not cloud" $(PYTEST_ARGS)

e2e: prepare-tests ## only the tests that run whole clouds
	@$(BIN)/pytest -m cloud $(PYTEST_ARGS)

bench: prepare ## print figures of plan, build and images (UP=yes: of a whole deployment too, which first removes the cloud and its data; CHANGE=yes: of changed options too)
	@if [ "$(UP)" = yes ]; then $(BIN)/python -m benchmarks.up --yes; fi
	@$(BIN)/python -m benchmarks.plan
	@$(BIN)/python -m benchmarks.render
	@if [ "$(CHANGE)" = yes ]; then $(BIN)/python -m benchmarks.change; fi
	@$(BIN)/python -m benchmarks.build
	@$(BIN)/python -m benchmarks.images

hosts: prepare-tests ## hosts on this machine to log in to and try (HOSTS=3 NETWORKS=1 SUITE=trixie; DOWN=yes: destroy them)
	@if [ "$(DOWN)" = yes ]; then $(BIN)/python -m tests.hosts down; \
	else $(BIN)/python -m tests.hosts up --hosts $(or $(HOSTS),3) --networks $(or $(NETWORKS),1) --suite $(or $(SUITE),trixie); fi

docs: prepare ## generate docs/reference and docs/concepts/privileges.md
	@$(BIN)/python tools/reference.py

lock: prepare ## pin the newest versions pyproject.toml allows
	@$(BIN)/uv pip compile pyproject.toml --upgrade --extra test --universal --python-version 3.11 --generate-hashes \
	  --no-config --system-certs --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o requirements.lock

prepare: ## install what is missing on this machine
	@tools/prepare

prepare-tests:
	@tools/prepare tests
