#!/bin/sh
# Builds the workloads of the meter bench with Debian's clang-16, lld-16 and wasi-libc.
# SQLITE is the folder of the SQLite amalgamation (sqlite3.c, sqlite3.h; 3.53.2 was used).
set -e
cd "$(dirname "$0")"
FLAGS="--target=wasm32-wasi -O2 -mexec-model=reactor -Wl,--strip-all"
clang-16 $FLAGS -o kernels.wasm kernels.c
if [ -n "$SQLITE" ]; then
  clang-16 $FLAGS -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
    -DSQLITE_OMIT_WAL -DSQLITE_OMIT_LOCALTIME -DSQLITE_DQS=0 -I"$SQLITE" \
    -o sqlite.wasm sqlite.c "$SQLITE/sqlite3.c"
fi
