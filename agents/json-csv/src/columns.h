/* Names of columns and their places: a hash table with open addressing. */
#ifndef AGENT_COLUMNS_H
#define AGENT_COLUMNS_H

#include <stdbool.h>

#include "../../wasi/streams.h"

/* Rows are written whole, so the table is as wide as all names together: a bound keeps an input
 * of unlike objects from making an output that is its square. */
enum { COLUMNS_MAX = 4096 };

typedef struct {
  uint8_t *text;
  size_t length;
} column_name;

typedef struct {
  column_name names[COLUMNS_MAX];
  uint32_t count;
  /* 1 + index into names; 0 is free. */
  uint16_t slots[2 * COLUMNS_MAX];
} column_set;

/* The index of a name, added if it is new; ends the program beyond COLUMNS_MAX. */
uint32_t column_of(column_set *set, const uint8_t *text, size_t length, bool *is_new);

#endif
