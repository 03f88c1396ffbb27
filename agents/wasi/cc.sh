#!/bin/sh
# cc.sh OUT.wasm STACK_BYTES CLANG_ARGUMENT...
# Compiles and links C to a WASI preview 1 command, the same bytes every time.
# Needs: apt-get install -y clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32
#
# Linking is a step of its own, without -O: with it clang would run whatever
# wasm-opt it finds on the machine. The features named are all in WebAssembly 2.0.
set -eu
out=$PWD/$1 stack=$2
shift 2
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
number=0
flags='' sources=''
for argument in "$@"; do
  case $argument in
    *.c) sources="$sources $argument" ;;
    *) flags="$flags $argument" ;;
  esac
done
for source in $sources; do
  number=$((number + 1))
  # shellcheck disable=SC2086 # the flags are words
  clang-16 --target=wasm32-wasi -std=gnu11 -O3 -flto -fno-ident -DNDEBUG \
    -mbulk-memory -msign-ext -mnontrapping-fptoint -ffile-prefix-map="$PWD"=. \
    $flags -c "$source" -o "$objects/$(printf %03d "$number").o"
done
clang-16 --target=wasm32-wasi -flto "$objects"/*.o -o "$out" \
  -Wl,--lto-O3,-O3,--strip-all,--gc-sections,-z,stack-size="$stack"
chmod 644 "$out"
