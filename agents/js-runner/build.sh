#!/bin/sh
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
#
# EMSCRIPTEN is how QuickJS is told that there are no threads and that a switch is better than
# computed jumps; CONFIG_STACK_CHECK gives back its guard against deep recursion.
# src/es2025.js goes into the module as text.
set -eu
cd "$(dirname "$0")"
generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' src/es2025.js >"$generated/es2025.inc"
../wasi/cc.sh js-runner.wasm 147456 -D_GNU_SOURCE -DEMSCRIPTEN -DCONFIG_STACK_CHECK \
  -DCONFIG_VERSION='"2025-04-26"' -funsigned-char -fwrapv \
  -I"$generated" -Isrc/absent -Wall -Wno-unused -Wno-unknown-warning-option \
  src/main.c src/console.c src/print.c src/listing.c src/text.c src/kinds.c \
  src/language.c src/timers.c src/random.c \
  vendor/quickjs/quickjs.c vendor/quickjs/libregexp.c vendor/quickjs/libunicode.c \
  vendor/quickjs/cutils.c vendor/quickjs/dtoa.c
