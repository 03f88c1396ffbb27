#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
set -eu
cd "$(dirname "$0")"
../wasi/cc.sh digest.wasm 16384 -Wall -Wextra -Werror \
  src/main.c src/sha256.c src/sha512.c src/blake3.c src/crc32.c
