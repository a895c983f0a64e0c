#!/usr/bin/env bash
# Runs all tests, the live ones (which mostly wait) beside the others; each kind ends with a line that counts.
# Usage: tests/run.sh TARGET     cargo's target directory, with a venv made by tests/setup.sh
set -uo pipefail

target=$1
here=$(dirname "${BASH_SOURCE[0]}")
export BQE_PYTHON=$target/venv/bin/python BQE_BINARY=$target/debug/bedrock-quota-exporter PYTHONDONTWRITEBYTECODE=1
failed=0

"$BQE_PYTHON" "$here/suite.py" live >"$target/live.log" 2>&1 &
live=$!
trap 'kill "$live" 2>/dev/null' EXIT

if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked || failed=1
else
    cargo test --locked -- --show-output || failed=1
fi
"$here/dashboards/run" "$target/venv" || failed=1
"$BQE_PYTHON" "$here/suite.py" alerts || failed=1
echo "live: waiting for the demo's alerts, about ten minutes after the start"
wait "$live" || failed=1
cat "$target/live.log"
exit "$failed"
