#!/bin/sh
# Makes dashboard/dist from the TypeScript source. Needs Node 18; cargo alone needs only the committed dist.
set -eu
cd "$(dirname "$0")"
npm ci --no-audit --no-fund
npx tsc --noEmit
node build.mjs "$@"
