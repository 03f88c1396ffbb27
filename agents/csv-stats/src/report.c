#include "report.h"

#include <math.h>
#include <stdio.h>

static const char *const NAMES[] = {"name", "type", "count", "missing", "distinct", "min",
                                         "max",  "mean", "stddev", "median", NULL};
static bool first_column;

/* The shortest decimal that reads back as the same double; whole numbers without an exponent. */
static void print_number(char text[32], double value) {
  if (value == floor(value) && fabs(value) < 1e15) {
    snprintf(text, 32, "%.0f", value == 0 ? 0.0 : value);
    return;
  }
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, 32, "%.*g", precision, value);
    if (strtod(text, NULL) == value) return;
  }
}

static void add_json_text(bytes *out, cell text) {
  bytes_add_byte(out, '"');
  for (uint32_t i = 0; i < text.length; i++) {
    uint8_t byte = text.text[i];
    if (byte < 0x20) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", byte);
      bytes_add_text(out, escape);
      continue;
    }
    if (byte == '"' || byte == '\\') bytes_add_byte(out, '\\');
    bytes_add_byte(out, byte);
  }
  bytes_add_byte(out, '"');
}

static void add_csv_text(bytes *out, cell text) {
  bool quoted = text.length == 0;
  for (uint32_t i = 0; i < text.length; i++) {
    quoted |= strchr(",\"\r\n", text.text[i]) && text.text[i];
  }
  if (quoted) bytes_add_byte(out, '"');
  for (uint32_t i = 0; i < text.length; i++) {
    if (text.text[i] == '"') bytes_add_byte(out, '"');
    bytes_add_byte(out, text.text[i]);
  }
  if (quoted) bytes_add_byte(out, '"');
}

/* A cell of a Markdown table: what could end it or start markup is escaped. */
static void add_markdown_text(bytes *out, cell text) {
  for (uint32_t i = 0; i < text.length; i++) {
    uint8_t byte = text.text[i];
    if (byte < 0x20) byte = ' ';
    else if (strchr("\\`*_[]<>|~&", byte)) bytes_add_byte(out, '\\');
    bytes_add_byte(out, byte);
  }
}

static void add_fact(bytes *out, report_format format, int fact, cell text, bool is_text) {
  bool absent = !text.text;
  if (format == REPORT_JSON) {
    if (fact > 0) bytes_add_byte(out, ',');
    bytes_add_byte(out, '"');
    bytes_add_text(out, NAMES[fact]);
    bytes_add_text(out, "\":");
    if (absent) bytes_add_text(out, "null");
    else if (is_text) add_json_text(out, text);
    else bytes_add(out, text.text, text.length);
    return;
  }
  if (format == REPORT_CSV) {
    if (fact > 0) bytes_add_byte(out, ',');
    if (!absent) add_csv_text(out, text);
    return;
  }
  bytes_add_text(out, " ");
  if (!absent) add_markdown_text(out, text);
  bytes_add_text(out, " |");
}

static void add_text_fact(bytes *out, report_format format, int fact, const char *text) {
  add_fact(out, format, fact, (cell){(const uint8_t *)text, (uint32_t)strlen(text)}, true);
}

static void add_number_fact(bytes *out, report_format format, int fact, double value) {
  char text[32];
  cell shown = {0};
  if (isfinite(value)) {
    print_number(text, value);
    shown = (cell){(const uint8_t *)text, (uint32_t)strlen(text)};
  }
  add_fact(out, format, fact, shown, false);
}

void report_begin(bytes *out, report_format format, size_t rows) {
  first_column = true;
  if (format == REPORT_JSON) {
    char head[48];
    snprintf(head, sizeof head, "{\"rows\":%zu,\"columns\":[", rows);
    bytes_add_text(out, head);
    return;
  }
  if (format == REPORT_MARKDOWN) bytes_add_text(out, "| ");
  for (int i = 0; NAMES[i]; i++) {
    if (i > 0) bytes_add_text(out, format == REPORT_CSV ? "," : " | ");
    bytes_add_text(out, NAMES[i]);
  }
  bytes_add_text(out, format == REPORT_CSV ? "\r\n" : " |\n|---|---|");
  if (format == REPORT_CSV) return;
  for (int i = 2; NAMES[i]; i++) bytes_add_text(out, "--:|");
  bytes_add_text(out, "\n");
}

void report_column(bytes *out, report_format format, cell name, const column_stats *stats) {
  static const char *const TYPES[] = {"empty", "integer", "number", "boolean", "date", "text"};
  if (format == REPORT_JSON) bytes_add_text(out, first_column ? "\n{" : ",\n{");
  if (format == REPORT_MARKDOWN) bytes_add_text(out, "|");
  first_column = false;
  add_fact(out, format, 0, name, true);
  add_text_fact(out, format, 1, TYPES[stats->type]);
  add_number_fact(out, format, 2, (double)stats->count);
  add_number_fact(out, format, 3, (double)stats->missing);
  add_number_fact(out, format, 4, (double)stats->distinct);
  bool numeric = is_numeric(stats->type);
  if (numeric) {
    add_number_fact(out, format, 5, stats->min);
    add_number_fact(out, format, 6, stats->max);
  } else {
    add_fact(out, format, 5, stats->min_text, true);
    add_fact(out, format, 6, stats->max_text, true);
  }
  add_number_fact(out, format, 7, numeric ? stats->mean : NAN);
  add_number_fact(out, format, 8, numeric ? stats->stddev : NAN);
  add_number_fact(out, format, 9, numeric ? stats->median : NAN);
  bytes_add_text(out, format == REPORT_JSON ? "}" : format == REPORT_CSV ? "\r\n" : "\n");
}

void report_end(bytes *out, report_format format) {
  if (format == REPORT_JSON) bytes_add_text(out, "\n]}\n");
}
