#!/bin/sh
# Builds every agent and compares the modules with the committed ones: exits 1 if one differs.
set -eu
cd "$(dirname "$0")"
for build in */build.sh; do
  agent=$(dirname "$build")
  "$build"
  printf '%s  %s\n' "$(sha256sum <"$agent/$agent.wasm" | cut -c1-64)" "$agent"
done
git diff --exit-code --stat -- '*.wasm'
