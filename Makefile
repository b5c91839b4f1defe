# Commands of the repository; README.md says what each is for.

CARGO ?= cargo
DEVSTACK := target/debug/devstack
# What was fetched for the tests alone; nothing is installed on the machine.
TOOLS := $(CURDIR)/.dev/tools
export PATH := $(PATH):$(TOOLS)/bin
SCENARIO ?= rush-1000
BENCHMARKS := P1 P2 P3 P4 P5 P6 P12 lottery sold-out

.PHONY: help build up down demo load bench figures test test-fast test-full fuzz lint sqlx nextest

help:
	@echo 'make demo          everything, and a crowd that buys; leaves the site running'
	@echo 'make up / down     start everything in the background / stop it'
	@echo 'make test          everything that CI checks'
	@echo 'make test-full     the tests that take minutes, on a machine that does nothing else'
	@echo 'make test-fast     formatting, lints, and the tests that take moments'
	@echo 'make load SCENARIO=rush-1000   one scenario on a stack of its own, release build'
	@echo 'make bench         all benchmarks on a stack of their own, release build; ONLY=P1 measures one'
	@echo 'make figures       write the README'"'"'s table from the reports of load and bench'
	@echo 'make fuzz SECONDS=60   every fuzz target for so long; needs a nightly compiler'
	@echo 'make sqlx          write .sqlx anew after a change of SQL'

build:
	$(CARGO) build --workspace --bins --locked

up: build
	$(DEVSTACK) up

# Works after a failed build, too: what runs must be stoppable.
down:
	@if [ -x $(DEVSTACK) ]; then $(DEVSTACK) down; else $(MAKE) build && $(DEVSTACK) down; fi

demo: build
	$(DEVSTACK) demo

# A stack of its own beside the one of `make up`: other ports, other data. It goes down however the shell ends.
on_a_stack = trap 'target/release/devstack --dir .dev/$(1) down' EXIT; trap 'exit 130' INT TERM; \
    $(2) target/release/devstack --dir .dev/$(1) up
# On one machine the crowd goes first: a crowd that has to wait for the processor is late, and its figures mean nothing.
crowd_goes_first := nice -n 19

load:
	$(CARGO) build --workspace --bins --locked --release
	@mkdir -p .dev/reports
	@$(call on_a_stack,load,$(crowd_goes_first)) && target/release/loadtest run loadtest/scenarios/$(SCENARIO).toml \
	    --stack .dev/load/stack.json --json .dev/reports/$(SCENARIO).json

# Reports are .dev/reports/bench/P1.json and so on; index.html shows all that are there. Everything runs at one priority: a
# client that goes first would displace the server with each answer that it waits for.
bench:
	$(CARGO) build --workspace --bins --locked --release
	@mkdir -p .dev/reports/bench
	@$(call on_a_stack,bench,) || exit 1; for name in $(or $(ONLY),$(BENCHMARKS)); do \
	    target/release/loadtest bench $$name --stack .dev/bench/stack.json \
	        --json .dev/reports/bench/$$name.json || status=1; done; \
	    target/release/loadtest bench-page .dev/reports/bench || status=1; exit $${status:-0}

# Writes the README's table from the reports of `make load` (rush-1000, rush) and `make bench`.
figures: build
	target/debug/loadtest figures

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) metadata --manifest-path fuzz/Cargo.toml --locked --format-version 1 > /dev/null

nextest:
	@$(CARGO) nextest --version >/dev/null 2>&1 || \
	    $(CARGO) install cargo-nextest --locked --root $(TOOLS)

test-fast: lint nextest build
	$(DEVSTACK) with-stores -- $(CARGO) nextest run --workspace --locked -E 'not test(/journey|two_daemons|stores/)'

test: lint nextest build
	$(CARGO) nextest run --workspace --locked --no-run
	$(DEVSTACK) with-stores -- $(CARGO) nextest run --workspace --locked
	.ci/journey wheels
	.ci/journey installed
	k8s/check.sh target/debug
	@.ci/unchanged

test-full: nextest build
	$(DEVSTACK) with-stores -- $(CARGO) nextest run --workspace --locked --run-ignored only

# What a target finds goes to .dev/fuzz; a finding that was mended belongs into fuzz/corpus, which `make test` runs.
SECONDS ?= 60
fuzz:
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked --root $(TOOLS)
	@for target in $(notdir $(wildcard fuzz/corpus/*)); do \
	    mkdir -p .dev/fuzz/$$target/artifacts && $(CARGO) +nightly fuzz run $$target \
	        .dev/fuzz/$$target fuzz/corpus/$$target -- -max_total_time=$(SECONDS) -max_len=4096 \
	        -artifact_prefix=.dev/fuzz/$$target/artifacts/ || exit 1; done

# The queries' descriptions, with which the build needs no database. Of the programs only devstack is needed.
sqlx:
	@[ -x $(DEVSTACK) ] || $(CARGO) build -p devstack --locked
	$(DEVSTACK) with-stores --no-migrate -- .ci/sqlx
