#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
set -eu
cd "$(dirname "$0")"
../wasi/cc.sh text-search.wasm 131072 -Wall -Wextra -Werror \
  src/main.c src/ranking.c src/compile.c src/match.c src/classes.c
