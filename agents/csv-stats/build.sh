#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
set -eu
cd "$(dirname "$0")"
../wasi/cc.sh csv-stats.wasm 65536 -Wall -Wextra -Werror \
  src/main.c src/stats.c src/types.c src/report.c
