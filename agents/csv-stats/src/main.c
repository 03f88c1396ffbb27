/* csv-stats [json|csv|markdown] [delimiter=C]: statistics of each column of the CSV on stdin. */
#include "../../wasi/csv.h"
#include "report.h"

static const char USAGE[] = "usage: csv-stats [json|csv|markdown] [delimiter=C|tab]";
enum { COLUMNS_MAX = 4096 };

static cell names[COLUMNS_MAX];
static cell_list columns[COLUMNS_MAX];
static size_t column_count;

static cell cell_of(csv_field field) { return (cell){field.text, (uint32_t)field.length}; }

static void add_cell(cell_list *list, cell added) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity + list->capacity / 2 : 16;
    list->cells = realloc(list->cells, list->capacity * sizeof *list->cells);
    if (!list->cells) fail(EXIT_BAD_INPUT, "out of memory");
  }
  list->cells[list->count++] = added;
}

static void read_header(csv_reader *r) {
  csv_field field = {0};
  while (!field.last) {
    field = csv_next(r);
    if (column_count == COLUMNS_MAX) fail(EXIT_BAD_INPUT, "there are more than 4096 columns");
    names[column_count++] = cell_of(field);
  }
}

static void read_record(csv_reader *r) {
  size_t line = r->line;
  csv_field field = {0};
  for (size_t i = 0; i < column_count; i++) {
    if (i > 0 && field.last) fail_at("fields are missing on line", line);
    field = csv_next(r);
    add_cell(&columns[i], cell_of(field));
  }
  if (!field.last) fail_at("there are more fields than columns on line", line);
}

int main(int argc, char **argv) {
  report_format format = REPORT_JSON;
  uint8_t delimiter = ',';
  for (int i = 1; i < argc; i++) {
    uint8_t wanted = csv_delimiter_word(argv[i]);
    if (wanted) delimiter = wanted;
    else if (strcmp(argv[i], "json") == 0) format = REPORT_JSON;
    else if (strcmp(argv[i], "csv") == 0) format = REPORT_CSV;
    else if (strcmp(argv[i], "markdown") == 0) format = REPORT_MARKDOWN;
    else fail(EXIT_USAGE, USAGE);
  }
  csv_reader r = csv_open(read_stdin(), delimiter);
  if (csv_at_end(&r)) fail(EXIT_BAD_INPUT, "the input is empty: a header line is needed");
  read_header(&r);
  size_t rows = 0;
  while (!csv_at_end(&r)) {
    /* An empty line is the one missing value of a table of one column, else it is nothing. */
    if (column_count > 1 && csv_line_ends(&r)) {
      csv_next(&r);
      continue;
    }
    read_record(&r);
    rows++;
  }
  bytes out = {0};
  report_begin(&out, format, rows);
  for (size_t i = 0; i < column_count; i++) {
    column_stats stats = describe_column(columns[i]);
    report_column(&out, format, names[i], &stats);
  }
  report_end(&out, format);
  write_fully(1, out.data, out.length);
  return 0;
}
