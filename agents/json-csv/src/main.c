/* json-csv to-csv|to-json [rows] [strings] [delimiter=C] */
#include "../../wasi/csv.h"
#include "convert.h"

static const char USAGE[] =
    "usage: json-csv to-csv [delimiter=C]                    JSON on stdin\n"
    "       json-csv to-json [rows] [strings] [delimiter=C]  CSV on stdin\n"
    "  rows         arrays instead of objects: the first line is data too\n"
    "  strings      every cell is text, also 42 and true\n"
    "  delimiter=C  one character, or tab, instead of a comma";

int main(int argc, char **argv) {
  if (argc < 2) fail(EXIT_USAGE, USAGE);
  bool to_csv = strcmp(argv[1], "to-csv") == 0;
  if (!to_csv && strcmp(argv[1], "to-json") != 0) fail(EXIT_USAGE, USAGE);
  convert_options options = {.delimiter = ','};
  for (int i = 2; i < argc; i++) {
    uint8_t delimiter = csv_delimiter_word(argv[i]);
    if (delimiter) options.delimiter = delimiter;
    else if (!to_csv && strcmp(argv[i], "rows") == 0) options.rows = true;
    else if (!to_csv && strcmp(argv[i], "strings") == 0) options.strings = true;
    else fail(EXIT_USAGE, USAGE);
  }
  bytes input = read_stdin();
  bytes output = to_csv ? json_to_csv(input, options) : csv_to_json(input, options);
  write_fully(1, output.data, output.length);
  return 0;
}
