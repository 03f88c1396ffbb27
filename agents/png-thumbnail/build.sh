#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
set -eu
cd "$(dirname "$0")"
../wasi/cc.sh png-thumbnail.wasm 65536 -Wall -Wextra -Werror \
  -DLODEPNG_NO_COMPILE_DISK -DLODEPNG_NO_COMPILE_CPP -DLODEPNG_NO_COMPILE_ANCILLARY_CHUNKS \
  src/main.c src/resize.c vendor/lodepng/lodepng.c
