#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
set -eu
cd "$(dirname "$0")"
../wasi/cc.sh json-csv.wasm 262144 -Wall -Wextra -Werror \
  src/main.c src/to_csv.c src/to_json.c src/json.c src/columns.c
