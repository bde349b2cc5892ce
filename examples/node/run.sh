#!/usr/bin/env bash
# Greets over HTTP and gRPC with @greet/client, installed from its tarball: run.sh URL ADDRESS NAME
set -euo pipefail
cd "$(dirname "$0")"

tarball=$(npm --prefix ../.. run -s pack:client)
mkdir -p build
cp greet.mjs package.json build
npm install --prefix build --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "$tarball" >/dev/null
node build/greet.mjs "$@"
