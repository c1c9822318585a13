#!/usr/bin/env bash
# The one test command: installs what it can, then format, lints, dependency rules, all tests, docs.
#
#   CRASH_ROUNDS=1000 ./test.sh     kill -9 a thousand times instead of sixty
#   BROWSER_MESSAGES=1000000 ./test.sh   the long conversation of the browser tests that long, instead of 20,000
#   IMPORT_BYTES=200000000 ./test.sh   an import of that many bytes, instead of 8 million
#   FAULT_ROUNDS=100 ./test.sh      each fault of the distributed mode a hundred times
#   NATS_AWAY_SECONDS=180 ./test.sh   NATS away for so long while messages are posted, instead of a second or two
#   SLOW_CLIENTS=4000 ./test.sh     so many slow clients at once, instead of a thousand
#   SCHEMATHESIS_EXAMPLES=500 ./test.sh   so many made-up requests for each operation, instead of ten
#   FUZZ_CASES=100000 ./test.sh     so many made-up inputs for each fuzz target, instead of 256
#   ADVISORY_DB=folder ./test.sh    known weaknesses of dependencies, from a copy of the RustSec advisory database
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
install script bsdutils
install python3 python3
install jq jq
install openssl openssl
install node nodejs
install npm npm
install chromium chromium
install nginx nginx
install redis-server redis-server
install promtool prometheus
if command -v python3 >/dev/null && ! python3 -c 'import requests, websockets' 2>/dev/null && [ "${SKIP_INSTALL:-0}" != 1 ]; then
    python3 -m pip install --quiet requests websockets 2>/dev/null ||
        python3 -m pip install --quiet --break-system-packages requests websockets 2>/dev/null || true
fi
if ! command -v cargo-deny >/dev/null && [ "${SKIP_INSTALL:-0}" != 1 ]; then
    cargo install --quiet --locked cargo-deny --version 0.20.2 || true
fi

say "Format"
cargo fmt --all --check

say "Lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "The default build: one process, without the drivers of the distributed mode"
cargo check --locked

say "Dependencies: licences, duplicates, sources, who may name a driver"
if command -v cargo-deny >/dev/null; then
    cargo deny --log-level error check licenses bans sources
else
    skipped "cargo deny" "cargo-deny is not installed"
fi

say "Known weaknesses of dependencies"
# The database is a git repository, which is not fetched from here: a test run that depends on what was published this
# morning is no test of this tree. Not having it is said, and never fails. It may be anywhere: ADVISORY_DB is a folder
# with a clone of https://github.com/rustsec/advisory-db, or CARGO_HOME has one from an earlier `cargo deny fetch`.
advisories="${ADVISORY_DB:-}"
fetched="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
if [ -n "$advisories" ]; then
    ADVISORY_DB="$advisories" bash deploy/advisories.sh
elif compgen -G "$fetched/*/.git" >/dev/null && command -v cargo-deny >/dev/null; then
    cargo deny --offline --log-level error check advisories
else
    echo "SKIPPED advisories: no copy of the RustSec advisory database here (say where one is: ADVISORY_DB)"
fi

say "Tests"
# All binaries first, with the features that all packages together switch on: the distributed tests run these.
cargo test --workspace --locked --no-run
RECAP_BINARIES="$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug"
export RECAP_BINARIES
cargo test --workspace --locked

say "Dashboard in a browser"
target="${CARGO_TARGET_DIR:-target}"
chromium="${CHROMIUM_BIN:-$(command -v chromium || command -v chromium-browser || true)}"
node_major="$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/')"
if [ "${node_major:-0}" -lt 18 ]; then
    skipped "browser tests" "Node 18 or newer is not installed"
elif ! command -v npm >/dev/null; then
    skipped "browser tests" "npm is not installed"
elif [ -z "$chromium" ]; then
    skipped "browser tests" "Chromium is not installed (or say where it is: CHROMIUM_BIN)"
elif ! (cd dashboard/ui && npm ci --silent --no-audit --no-fund); then
    skipped "browser tests" "their packages could not be fetched from npm"
else
    cargo build --locked --bin recap
    mkdir -p "$target/browser"
    CHROMIUM_BIN="$chromium" SCREENSHOTS="$(cd "$target/browser" && pwd)" \
        node dashboard/ui/test/run.mjs --recap "$(cd "$target" && pwd)/debug/recap"
    echo "pictures of each step are in $target/browser"
fi

say "Schemathesis: the API against its own description"
venv="$target/schemathesis"
wanted=standalone/tests/schemathesis/requirements.txt
if [ "${SKIP_INSTALL:-0}" != 1 ] && command -v python3 >/dev/null && ! cmp -s "$wanted" "$venv/installed.txt"; then
    python3 -c 'import ensurepip' 2>/dev/null || install ensurepip python3-venv
    python3 -m venv --clear "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" &&
        cp "$wanted" "$venv/installed.txt" || true
fi
if cmp -s "$wanted" "$venv/installed.txt"; then
    cargo build --locked --bin recap
    "$venv/bin/python" standalone/tests/schemathesis/run.py --recap "$target/debug/recap" \
        --max-examples "${SCHEMATHESIS_EXAMPLES:-10}"
else
    skipped "schemathesis" "Python 3 with venv is not installed, or its packages could not be fetched from PyPI"
fi

say "Docs"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

say "All passed"
