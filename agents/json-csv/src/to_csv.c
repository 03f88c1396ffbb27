#include "columns.h"
#include "convert.h"
#include "json.h"

static column_set columns;
/* The cell of each column in the record at hand; its `record` tells whether it is of it. */
static struct {
  json_value value;
  uint32_t record;
} cells[COLUMNS_MAX];

static uint8_t delimiter;
static bytes decoded;

static void add_cell_text(bytes *out, const uint8_t *text, size_t length, bool quoted) {
  for (size_t i = 0; i < length && !quoted; i++) {
    quoted = text[i] == delimiter || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
  }
  if (!quoted) {
    bytes_add(out, text, length);
    return;
  }
  bytes_add_byte(out, '"');
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '"') bytes_add_byte(out, '"');
    bytes_add_byte(out, text[i]);
  }
  bytes_add_byte(out, '"');
}

static void add_cell(bytes *out, const json_reader *r, json_value value) {
  if (value.kind == JSON_NULL) return;
  if (value.kind != JSON_STRING) {
    add_cell_text(out, value.text, value.length, false);
    return;
  }
  decoded.length = 0;
  json_decode(r, value, &decoded);
  bool typed = bare_cell_is_typed(decoded.data, decoded.length);
  add_cell_text(out, decoded.data, decoded.length, typed);
}

static void end_record(bytes *out) { bytes_add(out, "\r\n", 2); }

/* Calls `take` for every member of the object at hand. */
static void each_member(json_reader *r, void (*take)(uint32_t column, json_value value)) {
  json_expect(r, '{');
  if (json_accept(r, '}')) return;
  do {
    if (json_peek(r) != '"') json_fail(r, r->at);
    json_value name = json_next(r);
    decoded.length = 0;
    json_decode(r, name, &decoded);
    bool is_new;
    uint32_t column = column_of(&columns, decoded.data, decoded.length, &is_new);
    json_expect(r, ':');
    take(column, json_next(r));
  } while (json_accept(r, ','));
  json_expect(r, '}');
}

/* Steps from record to record in an array or in JSON Lines; false behind the last. */
static bool next_record(json_reader *r, bool array, bool first) {
  if (!array) return json_peek(r) != 0;
  if (first ? json_accept(r, ']') : !json_accept(r, ',')) {
    if (!first) json_expect(r, ']');
    return false;
  }
  return true;
}

static void only_name(uint32_t column, json_value value) {
  (void)column, (void)value;
}

static uint32_t record;
static void keep_cell(uint32_t column, json_value value) {
  cells[column].value = value;
  cells[column].record = record;
}

static void add_header(bytes *out) {
  for (uint32_t i = 0; i < columns.count; i++) {
    if (i > 0) bytes_add_byte(out, delimiter);
    column_name name = columns.names[i];
    add_cell_text(out, name.text, name.length, name.length == 0);
  }
  end_record(out);
}

/* Two readings: the first finds the columns, the second writes the records. */
static void convert_objects(json_reader from, bool array, bytes *out) {
  json_reader r = from;
  for (bool first = true; next_record(&r, array, first); first = false) each_member(&r, only_name);
  if (json_peek(&r) != 0 || r.at != r.end) json_fail(&r, r.at);
  if (columns.count == 0) return;
  add_header(out);
  r = from;
  for (bool first = true; next_record(&r, array, first); first = false) {
    record++;
    each_member(&r, keep_cell);
    for (uint32_t i = 0; i < columns.count; i++) {
      if (i > 0) bytes_add_byte(out, delimiter);
      if (cells[i].record == record) add_cell(out, &r, cells[i].value);
    }
    end_record(out);
  }
}

static void convert_rows(json_reader r, bytes *out) {
  for (bool first = true; next_record(&r, true, first); first = false) {
    json_expect(&r, '[');
    bool more = !json_accept(&r, ']');
    for (bool begins = true; more; begins = false) {
      if (!begins) bytes_add_byte(out, delimiter);
      add_cell(out, &r, json_next(&r));
      more = json_accept(&r, ',');
      if (!more) json_expect(&r, ']');
    }
    end_record(out);
  }
  if (json_peek(&r) != 0 || r.at != r.end) json_fail(&r, r.at);
}

bytes json_to_csv(bytes json, convert_options options) {
  delimiter = options.delimiter;
  bytes out = {0};
  json_reader r = json_open(json);
  if (json_peek(&r) == '{') {
    convert_objects(r, false, &out);
    return out;
  }
  json_expect(&r, '[');
  if (json_peek(&r) == '[') convert_rows(r, &out);
  else convert_objects(r, true, &out);
  return out;
}
