# Yinfeng: everything a person does with the repository. `make help` lists it.
# The system's own Python where it will do: distributions compile it with profile-guided optimisation, other ways often
# don't, and a fact costs the worker a fifth more there (docs/decisions/0073-which-python.md).
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo /usr/bin/python3 || echo python3)
VENV   := .venv
BIN    := $(VENV)/bin
SETUP  := $(VENV)/.setup-done
DEV    := $(VENV)/.dev-done

# Four files of tests at a time, in the order of tests/order.py: many wait more than they compute.
AT_ONCE := -n 4 --dist loadfile --no-loadscope-reorder

LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

# Where this is set, each of the hundreds of processes that the tests start would compile all of our modules anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup up demo test lint format docs texts bench bench-peers faults kills kafka kafka-stop browser dovecot lock clean

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP) ## Install Yinfeng into .venv; the command is .venv/bin/yinfeng
	@echo "Yinfeng is installed: $(BIN)/yinfeng"

up: $(SETUP) ## Run the whole platform here (PORT=8000); Ctrl-C stops it
	@exec $(BIN)/yinfeng up $(if $(PORT),--port $(PORT))

demo: $(SETUP) ## Play a park's campaign into a running platform
	@exec $(BIN)/yinfeng demo

# Types and imports are looked at beside the tests, which often wait; what was found is said after them.
test: $(DEV) browser dovecot ## Check style, types and imports, and run all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p .cache; \
	{ nice $(BIN)/mypy && nice $(BIN)/lint-imports; } >.cache/types.txt 2>&1 & types=$$!; \
	trap 'kill $$types 2>/dev/null' INT TERM; \
	$(BIN)/pytest $(AT_ONCE); tests=$$?; \
	wait $$types; types=$$?; cat .cache/types.txt; \
	[ $$tests = 0 ] || echo "Tests failed" >&2; [ $$types = 0 ] || echo "Types or imports failed" >&2; \
	exit $$((tests | types))

lint: $(DEV) ## Check style, types and imports only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## Put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV) ## Write docs/facts.md and docs/messages.md anew from the code
	$(BIN)/python -m docs.facts
	$(BIN)/python -m docs.messages

texts: $(DEV) ## Bring the catalogues of texts up to date with their English (NEW=fr begins a language)
	$(BIN)/python -m docs.translating $(NEW)

bench: $(DEV) ## Measure throughput, latency, start time and memory
	$(BIN)/python -m benchmarks

bench-peers: $(DEV) ## Measure beside other stream processors (N=300000 ROUNDS=3; Java, Maven); into docs/performance.md
	$(BIN)/python -m benchmarks.peers -n $(or $(N),300000) --rounds $(or $(ROUNDS),3)

faults: $(DEV) ## Try each fault N times on both brokers (N=20); the table goes into docs/reliability.md
	$(BIN)/python -m tests.faults -n $(or $(N),20) $(if $(SECONDS),--seconds $(SECONDS))

kills: $(DEV) ## Kill the sender at every await, and in N random runs (N=200)
	YINFENG_KILLS=$(or $(N),200) $(BIN)/pytest tests/integration/test_sender_killed.py

kafka: $(DEV) ## Fetch Apache Kafka (needs Java 17 and Maven) and run one broker on loopback
	@$(BIN)/python -m tests.kafka.apache_kafka start

kafka-stop: $(DEV) ## Stop the broker of `make kafka`
	@$(BIN)/python -m tests.kafka.apache_kafka stop

lock: ## Write requirements.lock and requirements-dev.lock anew (needs the package registry)
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/pip install --quiet uv
	.cache/lock/bin/uv pip compile $(LOCK_OPTIONS) -o requirements.lock pyproject.toml
	.cache/lock/bin/uv pip compile $(LOCK_OPTIONS) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean: ## Remove what was made here, except data (.yinfeng)
	rm -rf $(VENV) .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Yinfeng needs Python 3.11 or later; name one with: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(SETUP): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV): $(SETUP) requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# A browser for the tests that look at pages. In CI they must run, so there its absence is an error.
browser:
	@fonts=$$(find /usr/share/fonts -iname '*CJK*' 2>/dev/null | head -1); \
	if [ -n "$$fonts" ] && command -v chromium-headless-shell >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing chromium-headless-shell and fonts-noto-cjk for the browser tests"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-noto-cjk >/dev/null && exit 0; fi; \
	if [ -n "$$fonts" ] && command -v chromium >/dev/null; then \
	  echo "The browser tests run in chromium; in chromium-headless-shell they would take half as long"; \
	elif [ -n "$$CI" ]; then echo "The browser tests need chromium-headless-shell and fonts-noto-cjk" >&2; exit 1; \
	else echo "Without chromium-headless-shell and fonts-noto-cjk the browser tests are skipped"; fi

# An IMAP server for the tests of mail that came back. In CI they must run, so there its absence is an error.
dovecot:
	@if command -v dovecot >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing dovecot-imapd for the tests of mail that came back"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends dovecot-imapd >/dev/null; \
	elif [ -n "$$CI" ]; then echo "The tests of mail that came back need dovecot-imapd" >&2; exit 1; \
	else echo "Without dovecot-imapd the tests of mail that came back are skipped"; fi
