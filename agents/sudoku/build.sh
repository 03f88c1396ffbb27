#!/bin/sh
# Needs: npm ci in the root of the repository (the AssemblyScript compiler)
set -eu
cd "$(dirname "$0")"
../wasi/asc.sh sudoku.wasm assembly/index.ts
