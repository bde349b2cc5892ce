#!/usr/bin/env bash
# Generates the Python code from the proto and greets with it: run.sh ADDRESS NAME
set -euo pipefail
cd "$(dirname "$0")"

python3 -m venv build
build/bin/pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
build/bin/python -m grpc_tools.protoc --proto_path ../../proto --python_out build --grpc_python_out build greet.proto
PYTHONPATH=build build/bin/python greet.py "$@"
