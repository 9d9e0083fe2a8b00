# The project's commands. Each creates what it needs: a virtual environment in .venv, copies of the collection in .build.
# The sessions are in noxfile.py and antsibull-nox.toml.
SHELL := bash
.DEFAULT_GOAL := help
# More arguments for the tool behind a session: make unit ARGS='-k retry'
ARGS ?=
# More sessions for make test: make test ALSO='2.18:units'
ALSO ?=
run := tools/with-venv python tools/sessions.py
more := $(if $(ARGS),-- $(ARGS))
checks := ansible-lint docs-check license-check extra-checks
# The slow ones first: they decide how long the whole takes.
all := e2e sanity units integration clients molecule lint build-import-check docs package ee $(checks)
cores ?= 2.18 2.19 2.20 2.21 2.21-py3.13 2.22
.PHONY: help generate credential-types demo playground test matrix lint galaxy bench guarantees soak format changelog lock clean unit units sanity integration molecule e2e field clients cache package docs ee

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## all four systems at work, against an emulator
	@tools/with-venv demo/run $(ARGS)

playground: ## an emulator to try the collection on, without an account
	@tools/in-tree python tests/emulator --playground $(ARGS)

test: ## everything, on the newest final ansible-core
	@$(run) $(all) $(ALSO) --alone cache

matrix: ## sanity, units, integration, e2e and field on all supported ansible-cores
	@$(run) $(foreach core,$(cores),$(addprefix $(core):,sanity units integration e2e field))

lint: ## ruff, mypy, yamllint, ansible-lint, documentation, licences and more
	@$(run) lint $(checks)

galaxy: ## what Galaxy checks when it imports a collection
	@$(run) build-import-check

unit: ## unit tests, the quick way
	@$(run) $@ $(more)

units: ## ansible-test units
	@$(run) $@ $(more)

sanity: ## ansible-test sanity
	@$(run) $@ $(more)

integration: ## ansible-test integration, against the emulator; ARGS names targets
	@$(run) $@ $(more)

e2e: ## whole playbooks against the emulator
	@$(run) $@ $(more)

field: ## the long e2e tests: rotations, AWX, odd replies, sources of options, examples
	@$(run) $@ $(more)

clients: ## clients that others wrote, at the emulator
	@$(run) $@ $(more)

cache: ## the guarantees of the token cache
	@$(run) $@ $(more)

molecule: ## molecule test --all
	@$(run) $@ $(more)

docs: ## the documentation site
	@$(run) $@ $(more)

package: ## build the tarball, install it, show every plugin's documentation
	@$(run) $@ $(more)

ee: ## what ansible-builder reads
	@$(run) $@ $(more)

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

generate: ## what is made from the option tables (documentation, action groups, credential types), and the drawing
	@tools/in-tree python tools/reference/generate.py $(CURDIR)
	@tools/with-venv python tools/reference/drawing.py
	@tools/in-tree python tools/generate_awx.py $(CURDIR)

credential-types: ## the credential types for AWX and their tables in the guide, from the tables of options
	@tools/in-tree python tools/generate_awx.py $(CURDIR)

changelog: ## the changelog of the version in galaxy.yml, from the fragments
	@tools/with-venv antsibull-changelog release --update-existing --reload-plugins

# The older ansible-cores are installed beside requirements-test.txt, so it holds neither a core nor what cores disagree about.
compile := tools/with-venv uv pip compile --quiet --universal --upgrade --python-version 3.11 --annotation-style line --no-emit-find-links \
    --custom-compile-command 'make lock'
lock: ## pin the newest versions of what the project's tools need
	@$(compile) requirements-test.in --output-file requirements-test.txt --no-emit-package ansible-core --no-emit-package resolvelib
	@$(compile) requirements-galaxy.in --output-file requirements-galaxy.txt
	@$(compile) tests/unit/requirements.in --output-file tests/unit/requirements.txt
	@$(compile) tests/integration/requirements.in --output-file tests/integration/requirements.txt
	@$(compile) requirements-dev.in --output-file requirements-dev.txt

clean: ## remove everything that these commands made here
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .ansible
