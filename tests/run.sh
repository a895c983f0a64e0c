#!/usr/bin/env bash
# Runs all tests; each kind ends with a line that counts. The live ones, which mostly wait, are `make live`.
# Usage: tests/run.sh TARGET     cargo's target directory, with a venv made by tests/setup.sh
set -uo pipefail

target=$1
here=$(dirname "${BASH_SOURCE[0]}")
export BQE_PYTHON=$target/venv/bin/python BQE_BINARY=$target/debug/bedrock-quota-exporter PYTHONDONTWRITEBYTECODE=1
failed=0

if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked || failed=1
else
    cargo test --locked -- --show-output || failed=1
fi
"$here/dashboards/run" "$target/venv" || failed=1
"$BQE_PYTHON" "$here/suite.py" alerts || failed=1
exit "$failed"
