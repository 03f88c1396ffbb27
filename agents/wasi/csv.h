/* Reads CSV: RFC 4180, with LF accepted for CRLF and a quote inside a bare field taken as it is. */
#ifndef AGENT_CSV_H
#define AGENT_CSV_H

#include <stdbool.h>

#include "streams.h"
#include "utf8.h"

typedef struct {
  uint8_t *at;
  uint8_t *end;
  uint8_t delimiter;
  /* The line, from 1, on which the next record begins. */
  size_t line;
} csv_reader;

typedef struct {
  const uint8_t *text;
  size_t length;
  bool quoted;
  /* No field follows in this record. */
  bool last;
} csv_field;

/* Takes `input`, which it overwrites, and passes over a byte order mark. Ends the program if the
 * input is not UTF-8. */
static inline csv_reader csv_open(bytes input, uint8_t delimiter) {
  size_t valid = utf8_valid_length(input.data, input.length);
  if (valid < input.length) fail_at("the input is not UTF-8 at byte", valid);
  csv_reader reader = {input.data, input.data + input.length, delimiter, 1};
  if (input.length >= 3 && memcmp(input.data, "\xef\xbb\xbf", 3) == 0) reader.at += 3;
  return reader;
}

static inline bool csv_at_end(const csv_reader *r) { return r->at == r->end; }

static inline bool csv_line_ends(const csv_reader *r) {
  if (r->at == r->end || *r->at == '\n') return true;
  return *r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n';
}

static inline bool csv_field_ends(const csv_reader *r) {
  return r->at == r->end || *r->at == r->delimiter || csv_line_ends(r);
}

/* Steps over the delimiter or the line end behind a field. */
static inline void csv_end_field(csv_reader *r, csv_field *field) {
  field->last = r->at == r->end || *r->at != r->delimiter;
  if (field->last && r->at < r->end && *r->at == '\r') r->at++;
  if (r->at < r->end) r->at++;
  if (field->last) r->line++;
}

/* Takes the quotes off a field in place: what is read lies ahead of what is written. */
static inline void csv_unquote(csv_reader *r, csv_field *field) {
  size_t began = r->line;
  uint8_t *out = ++r->at;
  field->text = out;
  for (;; r->at++) {
    if (r->at == r->end) fail_at("a quote is never closed, it opens on line", began);
    if (*r->at == '\n') r->line++;
    if (*r->at == '"') {
      r->at++;
      if (r->at == r->end || *r->at != '"') break;
    }
    *out++ = *r->at;
  }
  field->length = (size_t)(out - field->text);
  if (!csv_field_ends(r)) fail_at("text follows a closing quote on line", r->line);
}

/* The next field; only to be called when the reader is not at its end, or behind a delimiter. */
static inline csv_field csv_next(csv_reader *r) {
  csv_field field = {.text = r->at};
  if (r->at < r->end && *r->at == '"') {
    field.quoted = true;
    csv_unquote(r, &field);
  } else {
    while (!csv_field_ends(r)) r->at++;
    field.length = (size_t)(r->at - field.text);
  }
  csv_end_field(r, &field);
  return field;
}

/* "delimiter=X" for one byte of ASCII, or "delimiter=tab"; 0 for other words. */
static inline uint8_t csv_delimiter_word(const char *word) {
  if (strncmp(word, "delimiter=", 10) != 0) return 0;
  const char *value = word + 10;
  if (strcmp(value, "tab") == 0) return '\t';
  bool fits = strlen(value) == 1 && !strchr("\"\r\n", *value) && (*value & 0x80) == 0;
  return fits ? (uint8_t)*value : 0;
}

#endif
