#!/usr/bin/env bash
# Installs what the tests need beside cargo, as far as it may, or says in one line what is missing.
# Usage: tests/setup.sh VENV
set -euo pipefail

venv=$1
root=$(dirname "${BASH_SOURCE[0]}")/..
requirements=("$root/tests/requirements.txt" "$root/dashboards/requirements.txt")

# Debian packages of the commands that are not there.
missing() {
    command -v cc >/dev/null || echo gcc libc6-dev
    command -v promtool >/dev/null && command -v prometheus >/dev/null || echo prometheus
    command -v prometheus-alertmanager >/dev/null && command -v amtool >/dev/null || echo prometheus-alertmanager
    # Without systemd there is no unit to try.
    if command -v systemd-analyze >/dev/null && ! command -v strace >/dev/null; then echo strace; fi
    command -v python3 >/dev/null || echo python3
    command -v curl >/dev/null || echo curl
    command -v openssl >/dev/null || echo openssl
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

for part in cargo "cargo fmt" "cargo clippy"; do
    $part --version >/dev/null 2>&1 || { echo "missing: $part (see rust-version in Cargo.toml)" >&2; exit 1; }
done

# Builds the image, where the tests may; without it they leave that out, and say so.
wanted() {
    command -v buildah >/dev/null || echo buildah
}

packages=$(missing | tr '\n' ' ')
if [ -n "$packages$(wanted)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # Debian starts the servers it installs, unless the machine seems to be coming up.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    install=(apt-get install -qq -y --no-install-recommends)
    apt-get update -qq || true
    # shellcheck disable=SC2086
    [ -z "$packages" ] || "${install[@]}" $packages >/dev/null
    [ -z "$(wanted)" ] || "${install[@]}" "$(wanted)" >/dev/null || echo "missing: $(wanted)" >&2
    packages=$(missing | tr '\n' ' ')
fi
[ -z "$packages" ] || { echo "missing, by the names of Debian's packages: $packages" >&2; exit 1; }

if ! cat "${requirements[@]}" | cmp -s - "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}"
    # A third of it: schemas of other versions than tests/deploy/schemas.py asks for, and what packages test themselves with.
    find "$venv"/lib/*/site-packages/kubernetes_validate/kubernetes-json-schema -mindepth 1 -maxdepth 1 \
        ! -name 'v1.25.*-strict' ! -name 'v1.37.*-strict' -exec rm -r {} +
    find "$venv"/lib/*/site-packages -type d -name tests -prune -exec rm -r {} +
    cat "${requirements[@]}" >"$venv/requirements.txt"
    cp "$root/dashboards/requirements.txt" "$venv/dashboards.txt"
fi

# What no registry but Go's has, built once into the user's cache. Without Go its tests are left out, and say so.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/bedrock-quota-exporter/tools
while read -r name module version; do
    folder=$tools/$name-$version
    if [ ! -x "$folder/$name" ] && command -v go >/dev/null; then
        echo "building $name $version, once"
        GOBIN=$folder nice go install "$module@$version" || echo "missing: $name, which Go could not build" >&2
    fi
done <"$root/tests/tools.txt"
