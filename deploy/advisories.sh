#!/usr/bin/env bash
# Known weaknesses of dependencies, from a copy of the RustSec advisory database and nothing else: no network is used.
#
#   ADVISORY_DB=folder deploy/advisories.sh     folder: a clone of https://github.com/rustsec/advisory-db
set -euo pipefail
cd "$(dirname "$0")/.."
: "${ADVISORY_DB:?a folder with a clone of https://github.com/rustsec/advisory-db}"
if ! command -v cargo-audit >/dev/null && [ "${SKIP_INSTALL:-0}" != 1 ]; then
    cargo install --quiet --locked cargo-audit --version 0.22.2 --no-default-features
fi
# A weakness fails, and so does a crate that nobody looks after any more; crates that were withdrawn are looked up in the
# registry's index, which is not asked here.
cargo audit --no-fetch --stale --db "$ADVISORY_DB" --no-yanked --deny unmaintained --deny unsound
