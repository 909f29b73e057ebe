# Needs Debian or Ubuntu and a Rust toolchain; `make setup` installs the rest. CI calls these very recipes (.ci/run).
SHELL := bash

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/overgrant
CARGO_TARGET_DIR ?= $(cache)/target
OVERGRANT_DEMO ?= $(cache)/demo
export CARGO_TARGET_DIR OVERGRANT_DEMO

# Everything there is. Kill tests arm the binary; the released one has no such places.
test_features := --features cli/failpoints,cli/kafka,cli/clickhouse,cli/otlp

# Prints how long a part took: $(call part,name,command)
part = start=$$SECONDS; $(2) && printf '%-12s %4d s\n' '$(1)' $$((SECONDS - start))

.PHONY: help demo test setup setup-test fmt fmt-check clippy lint doc bench soak clean-demo

help:
	@printf '%s\n' 'make demo        sample data of three clouds, one run, the answers' \
	    'make test        every test' \
	    'make lint        formatting and clippy, warnings denied' \
	    'make fmt         formats the code' \
	    'make doc         the pages of the crates' \
	    'make soak        rooms on Kafka that are killed for ten minutes' \
	    'make bench       speed, with results on the terminal' \
	    'make setup       installs the C compiler that some crates need' \
	    'make clean-demo  removes what the demo wrote'

# Installs what is missing and says nothing when nothing is.
setup:
	@infra/setup.sh

# What librdkafka and OpenSSL need besides.
setup-test:
	@infra/setup.sh --kafka

demo: setup
	@infra/demo.sh

# Binaries, examples and tests are built in one go, so that every dependency is compiled with one set of features.
test: setup-test
	@$(call part,servers,infra/servers.sh all >/dev/null)
	@$(call part,build,cargo build --workspace --bins --examples --tests $(test_features))
	@$(call part,test,cargo test --workspace $(test_features))

fmt:
	@cargo fmt --all

fmt-check:
	@cargo fmt --all --check

# Ten minutes of rooms that are killed, and a minute with each guarantee switched off, which must fail. `make soak FOR=60 SEED=7` for others.
soak: setup-test
	@infra/servers.sh all >/dev/null
	@cargo build --workspace --bins --examples --tests $(test_features)
	@OVERGRANT_SOAK_SECONDS=$(or $(FOR),600) OVERGRANT_SOAK_SEED=$(or $(SEED),20261124) \
	    cargo test --workspace $(test_features) --test live live::soak -- --nocapture --test-threads 1

clippy: setup-test
	@cargo clippy --workspace --all-targets $(test_features) -- -D warnings

lint: fmt-check clippy

doc: setup-test
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps $(test_features)

bench: setup
	@benches/run.sh

# Only a folder that `make demo` made.
clean-demo:
	@if [[ -e "$(OVERGRANT_DEMO)/.overgrant-demo" ]]; then rm -rf "$(OVERGRANT_DEMO)"; fi
