# The two commands: `make demo` and `make test`.

SHELL := /bin/bash
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
PORT ?= 10469

.PHONY: help demo grafana test live bench fuzz image

help:
	@echo "make demo    the exporter on a simulated AWS, at http://localhost:$(PORT)/ (PORT=… for another port)"
	@echo "make grafana the demo with six hours of past, a Prometheus and a Grafana, by docker compose, at http://localhost:3000/"
	@echo "make test    format, lints, docs and all tests; installs what they need, or says what is missing"
	@echo "make live    of these, a real Prometheus and Alertmanager: every query, every alert, a page's delay; a quarter of an hour"
	@echo "make bench   measures again what docs/PERFORMANCE.md tells, and writes it there; half an hour on idle cores"
	@echo "make fuzz    a million inputs for each reader of what comes from outside (RUNS=… for another number); hours"
	@echo "make image   the container image, with docker, podman or buildah"

demo:
	@command -v cargo >/dev/null || { echo "missing: cargo (see rust-version in Cargo.toml)" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "missing: a C compiler (Debian's package gcc)" >&2; exit 1; }
	cargo build --locked
	@echo "Metrics: http://localhost:$(PORT)/metrics (stop with Ctrl-C)"
	@exec $(TARGET)/debug/bedrock-quota-exporter demo --web.listen-address=127.0.0.1:$(PORT)

COMPOSE := docker compose --file deploy/compose/compose.yaml
grafana:
	@$(COMPOSE) version >/dev/null || { echo "missing: docker with its compose plugin" >&2; exit 1; }
	$(COMPOSE) build demo
	mkdir -p target/grafana
	docker run --rm bedrock-quota-exporter demo --backfill=6h --backfill.step=2m > target/grafana/past.om
	$(COMPOSE) down --volumes
	$(COMPOSE) run --rm past
	$(COMPOSE) up

test:
	tests/setup.sh $(TARGET)/venv
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps
	cargo test --locked --workspace --no-run
	tests/run.sh $(TARGET)

live: export BQE_BINARY := $(TARGET)/debug/bedrock-quota-exporter
live:
	tests/setup.sh $(TARGET)/venv
	cargo build --locked
	$(TARGET)/venv/bin/python tests/suite.py live

bench:
	cargo build --locked --release
	python3 benches/run.py

RUNS ?= 1000000
fuzz:
	fuzz/run $(RUNS)

# Podman and buildah leave the health check out of images in OCI's own form.
image: export BUILDAH_FORMAT := docker
image:
	$(or $(shell command -v docker podman buildah | head -n 1),docker) build --build-arg REVISION=$$(git rev-parse --short HEAD) --tag bedrock-quota-exporter .
