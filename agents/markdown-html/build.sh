#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
set -eu
cd "$(dirname "$0")"
../wasi/cc.sh markdown-html.wasm 262144 -Wall -Wextra -Werror \
  src/main.c src/html.c src/delimiters.c src/links.c src/slugs.c \
  vendor/md4c/md4c.c vendor/md4c/entity.c
