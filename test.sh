#!/usr/bin/env bash
# The one test command: installs what it can, then format, lints, dependency rules, all tests, docs.
#
#   CRASH_ROUNDS=1000 ./test.sh     kill -9 a thousand times instead of sixty
#   BROWSER_TESTS=1 ./test.sh       the dashboard in a real Chromium as well (needs Node 20 and npm)
#   REQUIRE_BACKENDS=1 ./test.sh    a missing tool or server fails instead of being skipped
#   SKIP_INSTALL=1 ./test.sh        install nothing
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }
skipped() {
    echo "SKIPPED $1: $2"
    if [ "${REQUIRE_BACKENDS:-0}" = 1 ]; then
        echo "REQUIRE_BACKENDS=1: $1 must not be skipped" >&2
        exit 1
    fi
}

install() { # install TOOL PACKAGE: a Debian package, where that is possible
    command -v "$1" >/dev/null && return 0
    [ "${SKIP_INSTALL:-0}" = 1 ] && return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    [ -n "${updated:-}" ] || { apt-get update -qq || true; updated=1; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null || true
}

say "Tools"
install curl curl
install strace strace
install python3 python3
install jq jq
if command -v python3 >/dev/null && ! python3 -c 'import requests' 2>/dev/null && [ "${SKIP_INSTALL:-0}" != 1 ]; then
    python3 -m pip install --quiet requests 2>/dev/null ||
        python3 -m pip install --quiet --break-system-packages requests 2>/dev/null || true
fi
if ! command -v cargo-deny >/dev/null && [ "${SKIP_INSTALL:-0}" != 1 ]; then
    cargo install --quiet --locked cargo-deny --version 0.20.2 || true
fi

say "Format"
cargo fmt --all --check

say "Lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "Dependencies: licences, duplicates, sources, who may name a driver"
if command -v cargo-deny >/dev/null; then
    cargo deny --log-level error check licenses bans sources
else
    skipped "cargo deny" "cargo-deny is not installed"
fi

say "Tests"
cargo test --workspace --locked

if [ "${BROWSER_TESTS:-0}" = 1 ]; then
    say "Dashboard in a browser"
    install chromium chromium
    (cd dashboard/ui && npm ci --silent && node test/run.mjs)
fi

say "Docs"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

say "All passed"
