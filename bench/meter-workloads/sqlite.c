/* SQLite on an in-memory database: `sql(n)` inserts n rows, indexes them, joins and sums. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "sqlite3.h"

static int no_open(sqlite3_vfs *v, const char *n, sqlite3_file *f, int flags, int *out) {
  (void)v; (void)n; (void)f; (void)flags; (void)out;
  return SQLITE_CANTOPEN;
}
static int no_delete(sqlite3_vfs *v, const char *n, int s) { (void)v; (void)n; (void)s; return SQLITE_IOERR; }
static int no_access(sqlite3_vfs *v, const char *n, int f, int *r) { (void)v; (void)n; (void)f; *r = 0; return SQLITE_OK; }
static int full_path(sqlite3_vfs *v, const char *n, int size, char *out) {
  (void)v;
  snprintf(out, (size_t)size, "%s", n);
  return SQLITE_OK;
}
static int randomness(sqlite3_vfs *v, int size, char *out) { (void)v; memset(out, 7, (size_t)size); return size; }
static int no_sleep(sqlite3_vfs *v, int us) { (void)v; return us; }
static int now(sqlite3_vfs *v, double *t) { (void)v; *t = 2440587.5; return SQLITE_OK; }
static int last_error(sqlite3_vfs *v, int n, char *s) { (void)v; (void)n; (void)s; return 0; }

static sqlite3_vfs vfs = {.iVersion = 1, .szOsFile = 8, .mxPathname = 256, .zName = "none",
  .xOpen = no_open, .xDelete = no_delete, .xAccess = no_access, .xFullPathname = full_path,
  .xRandomness = randomness, .xSleep = no_sleep, .xCurrentTime = now, .xGetLastError = last_error};

int sqlite3_os_init(void) { return sqlite3_vfs_register(&vfs, 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }

__attribute__((export_name("sql"))) uint32_t sql(uint32_t rows) {
  sqlite3 *db;
  sqlite3_stmt *statement;
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
  sqlite3_exec(db, "create table t(id integer primary key, k integer, name text);"
    "create index by_k on t(k); begin", 0, 0, 0);
  if (sqlite3_prepare_v2(db, "insert into t(k, name) values (?, ?)", -1, &statement, 0)) return 2;
  for (uint32_t i = 0; i < rows; i++) {
    char name[32];
    snprintf(name, sizeof name, "row %u", i * 7919u % 1000u);
    sqlite3_bind_int(statement, 1, (int)(i * 2654435761u % 10007u));
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_TRANSIENT);
    sqlite3_step(statement);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  sqlite3_exec(db, "commit", 0, 0, 0);
  uint32_t sum = 0;
  const char *query = "select a.name, count(*), sum(b.k) from t a join t b on b.k = a.k + 1 "
    "where a.name like 'row %5%' group by a.name order by 3 desc limit 50";
  if (sqlite3_prepare_v2(db, query, -1, &statement, 0)) return 3;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    sum = sum * 31 + (uint32_t)sqlite3_column_int(statement, 1) + (uint32_t)sqlite3_column_int(statement, 2);
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return sum;
}
