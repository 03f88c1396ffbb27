#include "delimiters.h"

#include <stdbool.h>

enum {
  CELL_MIN = 3,
  /* MD4C since 0.5 has the same limit. */
  COLUMNS_MAX = 128,
};

static bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end) {
  while (at < end && is_blank(*at)) at++;
  return at;
}

/* The end of a cell of a delimiter row, as :--: is one, and where its hyphens begin; NULL if there
 * is none. */
static const uint8_t *cell_end(const uint8_t *at, const uint8_t *end, const uint8_t **hyphens) {
  if (at < end && *at == ':') at++;
  *hyphens = at;
  while (at < end && *at == '-') at++;
  if (at == *hyphens) return NULL;
  if (at < end && *at == ':') at++;
  return at;
}

/* Where the row begins, behind what quotes and lists put before it; NULL if the line up to `end`
 * is no delimiter row. */
static const uint8_t *find_row(const uint8_t *line, const uint8_t *end) {
  while (line < end && (is_blank(*line) || *line == '>')) line++;
  const uint8_t *at = line, *hyphens;
  bool has_bar = at < end && *at == '|';
  if (has_bar) at = skip_blanks(at + 1, end);
  while (at < end) {
    at = cell_end(at, end, &hyphens);
    if (!at) return NULL;
    /* A hyphen and a blank begin a list. */
    if (at == line + 1 && at < end && is_blank(*at)) return NULL;
    at = skip_blanks(at, end);
    if (at == end) break;
    if (*at != '|') return NULL;
    has_bar = true;
    at = skip_blanks(at + 1, end);
  }
  return has_bar ? line : NULL;
}

static size_t count_columns(const uint8_t *row, const uint8_t *end) {
  size_t columns = 0;
  for (; row < end; row++) columns += *row == '-' && row[1] != '-';
  return columns;
}

static void add_filler(filled_document *d, uint8_t byte) {
  if (d->count == d->capacity) {
    d->capacity = d->capacity ? d->capacity * 2 : 64;
    d->fillers = realloc(d->fillers, d->capacity * sizeof *d->fillers);
    if (!d->fillers) fail(EXIT_BAD_INPUT, "out of memory");
  }
  d->fillers[d->count++] = d->text.length;
  bytes_add_byte(&d->text, byte);
}

static void add_row(filled_document *d, const uint8_t *row, const uint8_t *end) {
  if (count_columns(row, end) > COLUMNS_MAX) {
    bytes_add_byte(&d->text, *row++);
    add_filler(d, 'x');
    bytes_add(&d->text, row, (size_t)(end - row));
    return;
  }
  while (row < end) {
    if (*row == '|' || is_blank(*row)) {
      bytes_add_byte(&d->text, *row++);
      continue;
    }
    const uint8_t *hyphens, *cell = row;
    row = cell_end(cell, end, &hyphens);
    bytes_add(&d->text, cell, (size_t)(hyphens - cell));
    for (size_t width = (size_t)(row - cell); width < CELL_MIN; width++) add_filler(d, '-');
    bytes_add(&d->text, hyphens, (size_t)(row - hyphens));
  }
}

filled_document fill_delimiters(bytes document) {
  filled_document d = {0};
  const uint8_t *at = document.data, *end = at + document.length;
  bytes_reserve(&d.text, document.length + 1);
  while (at < end) {
    const uint8_t *line = at;
    while (at < end && *at != '\n' && *at != '\r') at++;
    const uint8_t *row = find_row(line, at);
    bytes_add(&d.text, line, (size_t)((row ? row : at) - line));
    if (row) add_row(&d, row, at);
    while (at < end && (*at == '\n' || *at == '\r')) bytes_add_byte(&d.text, *at++);
  }
  return d;
}

/* The first filler at or behind `offset`. */
static size_t find_filler(const filled_document *d, size_t offset) {
  size_t low = 0, high = d->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (d->fillers[middle] < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

void add_unfilled(const filled_document *document, const char *text, size_t length, bytes *out) {
  uintptr_t at = (uintptr_t)text, begin = (uintptr_t)document->text.data;
  if (at < begin || at >= begin + document->text.length) {
    bytes_add(out, text, length);
    return;
  }
  size_t from = at - begin, end = from + length;
  for (size_t i = find_filler(document, from); i < document->count; i++) {
    size_t filler = document->fillers[i];
    if (filler >= end) break;
    bytes_add(out, document->text.data + from, filler - from);
    from = filler + 1;
  }
  bytes_add(out, document->text.data + from, end - from);
}
