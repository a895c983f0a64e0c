#!/usr/bin/env bash
# Runs all tests; each kind ends with a line that counts. The live ones and those of clients, which mostly wait, run
# beside the others, and what they say comes last.
# Usage: tests/run.sh TARGET     cargo's target directory, with a venv made by tests/setup.sh
set -uo pipefail

target=$1
here=$(dirname "${BASH_SOURCE[0]}")
export BQE_PYTHON=$target/venv/bin/python BQE_BINARY=$target/debug/bedrock-quota-exporter PYTHONDONTWRITEBYTECODE=1
failed=0

"$BQE_PYTHON" "$here/suite.py" live >"$target/live.log" 2>&1 &
live=$!
"$BQE_PYTHON" "$here/suite.py" clients >"$target/clients.log" 2>&1 &
clients=$!
# Whatever ends this ends the live tests, and they end what they started.
trap 'kill "$live" "$clients" 2>/dev/null; wait "$live" "$clients"' EXIT
trap 'exit 130' INT TERM

# Nicer than the live tests, which measure a delay meanwhile.
if cargo nextest --version >/dev/null 2>&1; then
    nice cargo nextest run --locked --workspace --no-fail-fast || failed=1
else
    # Some of them mostly wait, at the pace of AWS's APIs.
    nice cargo test --locked --workspace --no-fail-fast -- --show-output --test-threads="$(($(nproc) * 2))" || failed=1
fi
nice "$here/dashboards/run" "$target/venv" || failed=1
for suite in alerts deploy docs web; do
    nice "$BQE_PYTHON" "$here/suite.py" "$suite" || failed=1
done

echo "waiting for the tests of clients and the live ones"
wait "$clients" || failed=1
cat "$target/clients.log"
wait "$live" || failed=1
cat "$target/live.log"
exit "$failed"
