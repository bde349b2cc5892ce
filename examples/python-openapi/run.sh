#!/usr/bin/env bash
# Generates a Python client from the OpenAPI document and greets with it: run.sh URL NAME
set -euo pipefail
cd "$(dirname "$0")"

python3 -m venv build
build/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
build/bin/openapi-python-client generate --path ../../openapi/openapi.yaml --config config.yaml --output-path build/client --overwrite >/dev/null
PYTHONPATH=build/client build/bin/python greet.py "$@"
