#!/bin/sh
# Needs: npm ci in the root of the repository (the AssemblyScript compiler)
set -eu
cd "$(dirname "$0")"
../wasi/asc.sh mandelbrot.wasm assembly/index.ts --enable simd
