# The project's commands. Each makes what it needs: a virtual environment in .venv, copies of the collection in .build.
SHELL := bash
.DEFAULT_GOAL := help
checks := tools/with-venv python tools/checks
# More arguments for the tool behind one step: make unit ARGS='-k retry'
ARGS ?=
more := $(if $(ARGS),-- $(ARGS))
cores ?= 2.18 2.19 2.20
.PHONY: help credential-types demo test matrix python content lint unit units sanity integration molecule e2e cache package docs ee bench guarantees soak format changelog lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## all four systems at work, against an emulator
	@tools/with-venv demo/run $(ARGS)

test: ## everything, on the newest ansible-core
	@$(checks)

matrix: ## sanity, units, integration and e2e on the other supported ansible-cores
	@tools/matrix $(cores)

unit: ## unit tests, the quick way
	@$(checks) unit $(more)

e2e: ## whole playbooks against the emulator
	@$(checks) e2e $(more)

cache: ## the guarantees of the token cache
	@$(checks) cache $(more)

lint: ## ruff, mypy, ansible-lint, yamllint and more
	@$(checks) python content

python: ## the part of lint that is about Python
	@$(checks) python

content: ## the part of lint that is about Ansible content
	@$(checks) content

sanity: ## ansible-test sanity
	@$(checks) sanity $(more)

units: ## ansible-test units
	@$(checks) units $(more)

integration: ## ansible-test integration, against the emulator; ARGS names targets
	@$(checks) integration $(more)

molecule: ## molecule test --all
	@$(checks) molecule $(more)

package: ## build the tarball, install it, show every plugin's documentation
	@$(checks) package

docs: ## the documentation site
	@$(checks) docs

ee: ## what ansible-builder reads
	@$(checks) ee

bench: ## the speed promises, measured
	@tools/in-tree python tests/bench $(ARGS)

guarantees: ## tests/cache, and the page with what they measured
	@mkdir -p .build && APIAUTH_GUARANTEES=$(CURDIR)/.build/guarantees.json tools/in-tree python -m pytest tests/cache $(ARGS)
	@tools/with-venv python tests/cache/guarantees.py .build/guarantees.json docs/docsite/rst/guide_cache_guarantees.rst

soak: ## the cache under load and kills for a long time
	@tools/in-tree python tests/cache/soak.py $(ARGS)

format: ## put Python code into the common form; ARGS names files
	@tools/with-venv ruff check --fix --select I $(or $(ARGS),.)
	@tools/with-venv ruff format $(or $(ARGS),.)

credential-types: ## the credential types for AWX, from the tables of options
	@tools/in-tree python tools/generate_awx.py $(CURDIR)/extensions/awx/credential_types

changelog: ## the changelog of the version in galaxy.yml, from the fragments
	@tools/with-venv antsibull-changelog release --update-existing --reload-plugins

# The older ansible-cores are installed beside requirements-test.txt, so it holds neither a core nor what cores disagree about.
compile := tools/with-venv uv pip compile --quiet --universal --upgrade --python-version 3.11 --annotation-style line --no-emit-find-links \
    --custom-compile-command 'make lock'
lock: ## pin the newest versions of what the project's tools need
	@$(compile) requirements-dev.in --output-file requirements-dev.txt
	@$(compile) requirements-test.in --output-file requirements-test.txt --no-emit-package ansible-core --no-emit-package resolvelib

clean: ## remove everything that these commands made here
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .ansible
