/* What there is to say about a column. */
#ifndef AGENT_STATS_H
#define AGENT_STATS_H

#include <stdbool.h>

#include "../../wasi/streams.h"

typedef struct {
  const uint8_t *text;
  uint32_t length;
} cell;

typedef struct {
  cell *cells;
  size_t count;
  size_t capacity;
} cell_list;

typedef enum { TYPE_EMPTY, TYPE_INTEGER, TYPE_NUMBER, TYPE_BOOLEAN, TYPE_DATE, TYPE_TEXT } column_type;

typedef struct {
  column_type type;
  size_t count;
  size_t missing;
  size_t distinct;
  /* Texts for every type but the two of numbers; of none when there is no value. */
  cell min_text;
  cell max_text;
  /* Only for numbers. `stddev` is of a sample (n - 1) and NaN for a single value. */
  double min;
  double max;
  double mean;
  double stddev;
  double median;
} column_stats;

bool is_numeric(column_type type);

/* Reads all cells of a column, which it reorders. Missing are empty cells and NA, N/A, NaN and
 * null in any case. */
column_stats describe_column(cell_list column);

#endif
