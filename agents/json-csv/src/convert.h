/* The two directions. Quotes carry types: a bare cell may be a number, true, false or null
 * (empty), a quoted one is always text. */
#ifndef AGENT_CONVERT_H
#define AGENT_CONVERT_H

#include <stdbool.h>

#include "../../wasi/streams.h"

typedef struct {
  uint8_t delimiter;
  /* CSV to arrays instead of objects: the first line is data too. */
  bool rows;
  /* CSV to text only: no cell becomes a number, true, false or null. */
  bool strings;
} convert_options;

/* CSV of a JSON array of objects or of arrays, or of objects one after the other (JSON Lines). */
bytes json_to_csv(bytes json, convert_options options);
/* A JSON array, one record a line. */
bytes csv_to_json(bytes csv, convert_options options);

/* Whether a bare cell with this text is read back as something else than text. */
bool bare_cell_is_typed(const uint8_t *text, size_t length);

#endif
