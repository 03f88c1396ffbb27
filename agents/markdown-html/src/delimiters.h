/* Delimiter rows of tables, as |-|:-:|, made fit for MD4C 0.4.8.
 *
 * That parser wants three characters in each cell where GFM (section 4.10) wants one hyphen, and
 * has no limit of columns, so that a small table of many columns could fill the memory. Fillers put
 * into such rows give cells their width, and make a row of too many cells no delimiter row. What
 * looked like one but was code or text gets back its own form when it is written; only inside the
 * title of a link, which the parser copies when it has several lines, fillers stay. */
#ifndef AGENT_DELIMITERS_H
#define AGENT_DELIMITERS_H

#include "../../wasi/streams.h"

typedef struct {
  /* The document with fillers. */
  bytes text;
  /* Where in `text` they are, ascending. */
  size_t *fillers;
  size_t count;
  size_t capacity;
} filled_document;

/* Ends the program when memory does not suffice. */
filled_document fill_delimiters(bytes document);

/* Appends `length` bytes at `text`, without fillers if they are part of the document. */
void add_unfilled(const filled_document *document, const char *text, size_t length, bytes *out);

#endif
