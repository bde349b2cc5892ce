#!/usr/bin/env bash
# Generates the Go code from the proto and greets with it: run.sh ADDRESS NAME
set -euo pipefail
cd "$(dirname "$0")"

npx --yes -p @bufbuild/buf@1.75.0 buf generate ../../proto --path ../../proto/greet.proto
# Progress only. If a download fails, `go run` tries again and says why.
go mod download 2> /dev/null || true
go run . "$@"
