# The project's commands. `make` alone lists them; each sets itself up first.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Processes that cannot keep their compiled modules take several times as long to start.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.installed

# `make PYTHON=python3.12 test` chooses the Python. `make ARGS="tests/notify" test` chooses tests.
PYTHON ?=
ARGS ?=

# One process more than the smallest machine that we develop on has cores, because tests wait a lot
# for servers; `make WORKERS=8 test` for more.
WORKERS ?= 3

# How many calls `make model` makes on each database.
OPERATIONS ?= 200000

# How many seeds `make simulate` runs.
SEEDS ?= 20

# The Python of an environment beside this one, in which the project is installed too.
OTHER ?=

# How many orders are made in `make storm`, on each database.
ORDERS ?= 5000

# What a Python must pass to be new enough, and to make an environment that everything runs in.
NEW := import sys; sys.exit(sys.version_info < (3, 11))
FITS := import ensurepip, sqlite3, ssl, sys; sys.exit(sys.version_info < (3, 11))

.PHONY: help
help: ## List the commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(READY) ## Run the whole story on the sample retailer, print what happened, and stop
	@$(BIN)/ordermesh run $(ARGS)

.PHONY: up
up: $(READY) ## Start the mesh and keep it running for calls
	@$(BIN)/ordermesh up $(ARGS)

.PHONY: test
test: $(READY) ## Run the tests on SQLite and PostgreSQL, but for the long proofs
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

.PHONY: test-slow
test-slow: $(READY) ## Run the long proofs
	$(BIN)/python -m pytest -m slow --timeout 900 $(ARGS)

.PHONY: simulate
simulate: $(READY) ## Run the four services under a virtual clock, with faults, for SEEDS seeds
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

.PHONY: simulate-twice
simulate-twice: $(READY) ## Run SEEDS seeds twice and compare; OTHER names the Python of another environment
	@$(BIN)/python -m tests.simulation.twice --seeds $(SEEDS) $(if $(OTHER),--other $(OTHER)) $(ARGS)

.PHONY: mutants
mutants: $(READY) ## Break the ledger on purpose, one place at a time, and see that tests notice
	$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: failpoints
failpoints: $(READY) ## Let real processes fail at every named point, and see that nothing is lost or doubled
	@$(BIN)/python -m tests.failpoints $(ARGS)

.PHONY: storm
storm: $(READY) ## Kill and stop processes and the database at random while ORDERS orders are made
	@$(BIN)/python -m tests.failpoints --storm $(ORDERS) $(ARGS)

.PHONY: defects
defects: $(READY) ## Plant defects in the mesh, and see that the simulator and the failpoints notice each
	@$(BIN)/python -m tests.simulation.defects $(ARGS)
	@$(BIN)/python -m tests.failpoints --defects

.PHONY: import-proof
import-proof: $(READY) ## Import a million rows while 200 reservations a second go on; on both databases
	$(BIN)/python -m pytest -s -q -m slow tests/inventory/test_importing.py $(ARGS)

.PHONY: flash-sale
flash-sale: $(READY) ## Sell 1,000 ring-fenced units to 5,000 buyers at one moment, on PostgreSQL
	$(BIN)/python -m pytest -q -s -m slow -k postgresql --timeout 900 tests/inventory/test_flash_sale.py

.PHONY: till
till: $(READY) ## Print how long a sale at a till takes to the web, beside 500 reservations a second
	@$(BIN)/python -m pytest -q -m slow --timeout 600 tests/inventory/test_till_to_web.py $(ARGS)

.PHONY: model
model: $(READY) ## Make OPERATIONS random calls on each database, recompute every invariant, print the rate
	ORDERMESH_MODEL_OPERATIONS=$(OPERATIONS) $(BIN)/python -m pytest -q tests/inventory/test_many_operations.py

.PHONY: exactness
exactness: $(READY) ## Compare exact sourcing with trying everything: 5,000 orders under rules, 5,000 problems
	ORDERMESH_EXACTNESS_SEEDS=5000 $(BIN)/python -m pytest -q -n 2 tests/routing/test_ruled_exactness.py tests/routing/test_exactness.py $(ARGS)

.PHONY: batch-proof
batch-proof: $(READY) ## Compare 200 batches of 100 orders with the compact programme
	@$(BIN)/python -m tests.routing.batch_proof $(ARGS)

.PHONY: check
check: $(READY) ## Check format, style, types, layers and dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

.PHONY: protos
protos: $(READY) ## Generate the stubs from the contracts, then check the contracts
	$(BIN)/python -m protos.generate
	$(BIN)/python -m protos.check

.PHONY: protos-release
protos-release: $(READY) ## Keep the contracts as those of a release; later ones are compared with it
	$(BIN)/python -m protos.check --release

.PHONY: bench
bench: $(READY) ## Compare exact sourcing with the named baselines and with trying everything
	@$(BIN)/ordermesh bench sourcing $(ARGS)

.PHONY: bench-ledger
bench-ledger: $(READY) ## Compare the ledger with what its database can do at best, and look for what may never happen
	@$(BIN)/ordermesh bench ledger $(ARGS)

.PHONY: lock
lock: $(READY) ## Bring the lock in line with pyproject.toml; ARGS="--upgrade-package X" takes a newer X
	$(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --all-extras --group dev $(ARGS) pyproject.toml -o requirements.lock

.PHONY: wheel
wheel: $(READY) ## Build the wheel into dist/
	$(BIN)/python -m uv build --quiet --wheel --out-dir dist

.PHONY: clean
clean: ## Remove what can be made again: the environment, caches, dist/; no stock and no orders
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: exactly what the lock says, with hashes, and the project itself in place.
$(READY): requirements.lock pyproject.toml
	@set -e; \
	if [ -x $(BIN)/python ] && $(BIN)/python -c '$(FITS)' 2>/dev/null; then \
	  echo "The lock or the project file has changed: bringing .venv up to date."; \
	else \
	  chosen=; lacking=; \
	  for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	    if "$$candidate" -c '$(FITS)' >/dev/null 2>&1; then chosen=$$candidate; break; fi; \
	    if "$$candidate" -c '$(NEW)' >/dev/null 2>&1; then lacking=$$candidate; fi; \
	  done; \
	  if [ -z "$$chosen" ] && [ -n "$$lacking" ]; then \
	    echo "$$lacking cannot make environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	  elif [ -z "$$chosen" ]; then \
	    echo "Python 3.11 or newer is needed, and none was found. If it has another name:" >&2; \
	    echo "make PYTHON=<name or path>" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv with $$("$$chosen" --version)."; \
	  "$$chosen" -m venv --clear .venv; \
	fi; \
	echo "Installing what requirements.lock lists."; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv; \
	$(BIN)/python -m uv pip sync --python $(BIN)/python --require-hashes requirements.lock; \
	$(BIN)/python -m uv pip install --python $(BIN)/python --quiet --no-deps --editable .; \
	echo "Compiling the kernel that sources orders."; \
	$(BIN)/python -m ordermesh.routing.solver.warming; \
	touch $(READY)
