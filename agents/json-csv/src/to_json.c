#include "../../wasi/csv.h"
#include "columns.h"
#include "convert.h"
#include "json.h"

static column_set columns;

static bool is_word(const uint8_t *text, size_t length, const char *word) {
  return length == strlen(word) && memcmp(text, word, length) == 0;
}

bool bare_cell_is_typed(const uint8_t *text, size_t length) {
  return length == 0 || is_word(text, length, "true") || is_word(text, length, "false") ||
         json_is_number(text, length);
}

static void add_value(bytes *out, csv_field field, bool strings) {
  bool typed = !strings && !field.quoted && bare_cell_is_typed(field.text, field.length);
  if (!typed) json_encode(out, field.text, field.length);
  else if (field.length == 0) bytes_add_text(out, "null");
  else bytes_add(out, field.text, field.length);
}

static void read_header(csv_reader *r) {
  csv_field field = {0};
  while (!field.last) {
    size_t line = r->line;
    field = csv_next(r);
    bool is_new;
    column_of(&columns, field.text, field.length, &is_new);
    if (!is_new) fail_at("two columns have one name on line", line);
  }
}

static void add_object(csv_reader *r, bytes *out, bool strings) {
  size_t line = r->line;
  csv_field field = {0};
  bytes_add_byte(out, '{');
  for (uint32_t i = 0; i < columns.count; i++) {
    if (i > 0 && field.last) fail_at("fields are missing on line", line);
    field = csv_next(r);
    if (i > 0) bytes_add_byte(out, ',');
    json_encode(out, columns.names[i].text, columns.names[i].length);
    bytes_add_byte(out, ':');
    add_value(out, field, strings);
  }
  if (!field.last) fail_at("there are more fields than columns on line", line);
  bytes_add_byte(out, '}');
}

static void add_row(csv_reader *r, bytes *out, bool strings) {
  csv_field field = {0};
  bytes_add_byte(out, '[');
  for (bool first = true; !field.last; first = false) {
    if (!first) bytes_add_byte(out, ',');
    field = csv_next(r);
    add_value(out, field, strings);
  }
  bytes_add_byte(out, ']');
}

/* Passes over an empty line, unless it is the one empty field of a table of one column. */
static bool skip_empty_line(csv_reader *r, bool rows) {
  if (!rows && columns.count == 1) return false;
  if (!csv_line_ends(r)) return false;
  csv_next(r);
  return true;
}

bytes csv_to_json(bytes csv, convert_options options) {
  csv_reader r = csv_open(csv, options.delimiter);
  bytes out = {0};
  bytes_add_byte(&out, '[');
  if (!options.rows && !csv_at_end(&r)) read_header(&r);
  bool first = true;
  while (!csv_at_end(&r)) {
    if (skip_empty_line(&r, options.rows)) continue;
    bytes_add_text(&out, first ? "\n" : ",\n");
    if (options.rows) add_row(&r, &out, options.strings);
    else add_object(&r, &out, options.strings);
    first = false;
  }
  bytes_add_text(&out, first ? "]\n" : "\n]\n");
  return out;
}
