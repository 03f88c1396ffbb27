#!/bin/sh
# asc.sh OUT.wasm SOURCE.ts ASC_ARGUMENT...
# Compiles AssemblyScript with the compiler of this repository (npm ci installs it).
# `--use abort=` leaves no env import: a failed assertion traps.
set -eu
out=$1 source=$2
shift 2
root=$(git rev-parse --show-toplevel)
PATH=$root/node_modules/.bin:$PATH
asc "$source" -o "$out" -O3 --noAssert --runtime stub --use abort= "$@"
