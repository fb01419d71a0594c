# Needs Python 3.11 to 3.13, Git and make. Every target makes or refreshes .venv by itself.

.DEFAULT_GOAL := help
.PHONY: help setup demo repro repair verify remote resolve-lock check test test-slow coverage bench docs gpu-check fuzz lock clean

# GPU=1 installs TensorFlow's CUDA libraries too; the choice holds until GPU=0.
GPU := $(if $(wildcard .venv/requirements-gpu.lock),1,$(GPU))
LOCK := requirements$(if $(filter 1,$(GPU)),-gpu).lock
# The developers' tools come with the first target that needs them, or with DEV=1, and stay.
TOOLS := requirements-dev.lock
DEV := $(if $(wildcard .venv/$(TOOLS)),1,$(DEV))
# The stamp of a complete installation is a copy of its lock.
STAMP := .venv/$(LOCK)
DEV_STAMP := .venv/$(TOOLS)

# DVC removes old outputs before a stage starts, through links that a clone brought, too.
CHECKED = $(Q)python -m pipeline check >/dev/null &&
# The demos that params.yaml still has.
DEMOS = $(shell sed -n 's/^  \(demo_[a-z]*\):.*/report@\1/p' params.yaml | sort -u)
RUN = fashion_mnist
TIME ?= 600
# Measured: 94 % of lines and branches.
COVERAGE ?= 92
Q := $(if $(VERBOSE),,@)
QUIET := $(if $(VERBOSE),,--quiet)
# What develops the pipeline itself is not in a project of one's own: docs/own-project.md.
IN = $(if $(wildcard $1),$2,@echo "$1/ is not in this project, but in the pipeline's own repository: make $@ runs there")
TF_CPP_MIN_LOG_LEVEL ?= 2
export TF_CPP_MIN_LOG_LEVEL
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@echo "PYTHON=... names the Python that a new .venv is made with; VERBOSE=1 shows each command."

setup: $(if $(filter 1,$(DEV)),$(DEV_STAMP),$(STAMP)) ## Install what a user needs into .venv (GPU=1: CUDA too; DEV=1: tools too)
	@echo "Installed in .venv: the versions of $(LOCK)$(if $(filter 1,$(DEV)), and $(TOOLS))"

demo: $(STAMP) ## Run the demo datasets through the whole pipeline and show the results
	$(CHECKED) dvc repro $(DEMOS)
	$(Q)python -m pipeline summary

repro: $(STAMP) ## Run RUN=fashion_mnist, or another run, through the whole pipeline
	$(CHECKED) dvc repro report@$(RUN)

test: $(DEV_STAMP) ## Run the tests; ARGS goes to pytest
	$(call IN,tests,$(Q)python -m pytest $(ARGS))

test-slow: $(DEV_STAMP) ## Run the end-to-end tests, which take minutes; ARGS goes to pytest
	$(call IN,tests,$(Q)python -m pytest -m slow $(ARGS))

coverage: $(DEV_STAMP) ## Run the tests and report the lines that none of them runs; ARGS goes to pytest
	$(call IN,tests,$(Q)python -m pytest --cov --cov-report=term --cov-fail-under=$(COVERAGE) $(ARGS))

bench: $(DEV_STAMP) ## Measure the pipeline against what else one could use (ARGS: parts, --write)
	$(call IN,benchmarks,$(Q)python -m benchmarks $(ARGS))

docs: $(DEV_STAMP) ## Build the documentation's site into build/site
	$(Q)NO_MKDOCS_2_WARNING=1 python -m mkdocs build --quiet && echo build/site/index.html

gpu-check: $(DEV_STAMP) ## Check on a GPU that everything holds there, and how fast it is (ARGS: parts, --try)
	$(call IN,benchmarks,$(Q)python -m benchmarks.gpu $(ARGS))

fuzz: $(DEV_STAMP) ## Search the readers for inputs that they cannot bear, for TIME=600 seconds (ARGS: targets)
	$(call IN,tests/fuzz,$(Q)$(ADD) tests/fuzz/requirements.lock && python -m tests.fuzz $(TIME) $(ARGS))

check: $(DEV_STAMP) ## Check style, types, imports and parameters
	$(Q)ruff check .
	$(Q)ruff format --check .
	$(Q)mypy
	$(Q)lint-imports --no-logo --no-cache
	$(Q)python -m pipeline check

repair: $(STAMP) ## Mend what a killed DVC left: half a lock file, a stale lock
	$(Q)python -m pipeline repair

verify: $(STAMP) ## Check that parameters, code, data, dvc.lock and metrics agree (ARGS=--remote: a remote too)
	$(Q)python -m pipeline verify $(ARGS)

resolve-lock: $(STAMP) ## Settle what a Git merge left in conflict in dvc.lock and metrics
	$(Q)python -m pipeline resolve-lock

remote: $(STAMP) ## Make URL=... the default DVC remote and try it; without URL try the one there is
	$(Q)python -m pipeline remote '$(URL)'

lock: ## Write the locks and libraries.yaml from pyproject.toml (UPGRADE=1: newest versions)
	$(Q)uv --version >/dev/null 2>&1 || { echo "make lock needs uv; install it" >&2; exit 1; }
	$(Q)$(COMPILE) -o requirements.lock
	$(Q)$(COMPILE) -o requirements-gpu.lock --extra gpu -c requirements.lock
	$(Q)$(COMPILE) -o $(TOOLS) --group dev -c requirements.lock \
		$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package=\1/p' requirements.lock)
	$(if $(wildcard tests/fuzz),$(Q)$(COMPILE_ANY) tests/fuzz/requirements.in -o tests/fuzz/requirements.lock)
	$(Q)$(MAKE) --no-print-directory setup
	$(Q)python -m pipeline lock

clean: ## Remove .venv and the tools' caches; data and results stay
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache

# uv where it is there, else pip.
ifneq ($(shell uv --version 2>/dev/null),)
NEW_VENV = uv venv $(QUIET) --python "$$python" .venv
WORKS = .venv/bin/python -c ''
SYNC = uv pip sync $(QUIET) --compile-bytecode --require-hashes $(LOCKS)
INSTALL = uv pip install --quiet --offline
ADD = uv pip install --quiet --no-deps --require-hashes -r
else
NEW_VENV = "$$python" -c 'import ensurepip' 2>/dev/null || { echo \
	"$$python cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2; \
	exit 1; }; \
	"$$python" -m venv .venv
WORKS = .venv/bin/python -m pip --version
SYNC = .venv/bin/python -m pip install $(QUIET) --no-deps --require-hashes $(LOCKS:%=-r %)
INSTALL = .venv/bin/python -m pip install --quiet --no-index
ADD = .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r
endif

# A candidate is run, not only looked for: pyenv's shims exist for versions that are not there.
FIND_PYTHON = \
	if [ "$$PYTHON" ]; then set -- "$$PYTHON"; \
	else set -- python3 python3.13 python3.12 python3.11; fi; \
	for python; do \
		python=$$("$$python" -c 'import sys; print(sys.executable); \
			sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null) && break; \
		python=; \
	done; \
	[ "$$python" ] || { echo "None of these is a working Python 3.11 to 3.13: $$*. Install one," \
		"or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; }

FIND_GIT = \
	git --version >/dev/null 2>&1 || { echo "Git is missing; install it" >&2; exit 1; }; \
	git rev-parse >/dev/null || { echo "DVC needs a Git repository; get the project with:" \
		"git clone" >&2; exit 1; }

# Measured, with what is in no cache yet: 0.9 and 3.2 GB, with the tools 4.1 on disk.
FETCHED = $(if $(filter 1,$(GPU)),several GB,about 1 GB to download and 3 to 4 GB on disk)

define FILL
	@echo "Installing $$(cat $(LOCKS) | grep -c ==) packages from $(strip $(LOCKS)) into .venv:" \
		"$(FETCHED); this can take minutes, in silence (VERBOSE=1 shows each)"
	$(Q)$(SYNC)
	$(Q)$(INSTALL) --no-deps --no-build-isolation -e .
	$(Q)cp $(LOCKS) .venv
endef

# An installation that did not end leaves no stamp, and then .venv is made anew; so it is where its
# interpreter is gone.
$(STAMP): LOCKS := $(LOCK) $(notdir $(wildcard $(DEV_STAMP)))
$(STAMP): $(LOCK) pyproject.toml .venv/bin/python
	$(Q)$(FIND_GIT)
	$(Q){ ls .venv/requirements*.lock && $(WORKS); } >/dev/null 2>&1 || { \
		rm -rf .venv; $(FIND_PYTHON); $(NEW_VENV); }
	$(Q)rm -f .venv/requirements*.lock
	$(FILL)

$(DEV_STAMP): LOCKS := $(LOCK) $(TOOLS)
$(DEV_STAMP): $(TOOLS) | $(STAMP)
	$(FILL)

.venv/bin/python: ;

# One version of each package for all supported versions of Python and all platforms.
COMPILE_ANY = uv pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-header --no-emit-index-url
COMPILE = $(COMPILE_ANY) --extra s3 --extra ssh --extra webdav --group build pyproject.toml
