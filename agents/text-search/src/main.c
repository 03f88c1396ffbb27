/* text-search words QUERY... | regex PATTERN: lines of stdin with their numbers. */
#include <stdbool.h>
#include <stdio.h>

#include "ranking.h"
#include "regex.h"

static const char USAGE[] =
    "usage: text-search words [limit=N] WORD...                  best lines first\n"
    "       text-search regex [ignore-case] [limit=N] PATTERN    lines in their order\n"
    "  WORD*   all words that begin so\n"
    "  limit   at most N lines (words: 20, regex: all)";

static size_t limit;
static bool ignore_case;

/* Reads the options before the query and returns the index of its first word. */
static int read_options(int argc, char **argv, bool regex_mode) {
  limit = regex_mode ? SIZE_MAX : 20;
  int at = 2;
  for (; at < argc; at++) {
    if (strncmp(argv[at], "limit=", 6) == 0) {
      char *end;
      unsigned long number = strtoul(argv[at] + 6, &end, 10);
      bool valid = argv[at][6] >= '1' && argv[at][6] <= '9' && *end == 0;
      if (!valid) fail(EXIT_USAGE, USAGE);
      limit = number;
    } else if (regex_mode && strcmp(argv[at], "ignore-case") == 0) {
      ignore_case = true;
    } else {
      break;
    }
  }
  if (at == argc) fail(EXIT_USAGE, USAGE);
  return at;
}

static size_t without_carriage_return(const uint8_t *line, size_t length) {
  return length > 0 && line[length - 1] == '\r' ? length - 1 : length;
}

static void add_line(bytes *out, const char *head, const uint8_t *line, size_t length) {
  bytes_add_text(out, head);
  bytes_add(out, line, length);
  bytes_add_byte(out, '\n');
}

static void search_words(bytes *out, int count, char **words) {
  ranking ranked = rank_lines(read_stdin(), count, words);
  for (size_t i = 0; i < ranked.count && i < limit; i++) {
    ranked_line line = ranked.lines[i];
    char head[64];
    snprintf(head, sizeof head, "%zu\t%.4f\t", line.number, line.score);
    add_line(out, head, line.text, without_carriage_return(line.text, line.length));
  }
}

static void search_regex(bytes *out, const char *pattern) {
  static regex compiled;
  regex_compile(&compiled, pattern, ignore_case);
  bytes text = read_stdin();
  const uint8_t *end = text.data + text.length;
  size_t number = 0, found = 0;
  for (const uint8_t *at = text.data; at < end && found < limit; at++) {
    const uint8_t *begin = at;
    at = memchr(at, '\n', (size_t)(end - at));
    if (!at) at = end;
    number++;
    size_t length = without_carriage_return(begin, (size_t)(at - begin));
    if (!regex_occurs(&compiled, begin, length)) continue;
    char head[32];
    snprintf(head, sizeof head, "%zu:", number);
    add_line(out, head, begin, length);
    found++;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) fail(EXIT_USAGE, USAGE);
  bool regex_mode = strcmp(argv[1], "regex") == 0;
  if (!regex_mode && strcmp(argv[1], "words") != 0) fail(EXIT_USAGE, USAGE);
  int query = read_options(argc, argv, regex_mode);
  if (regex_mode && query + 1 != argc) fail(EXIT_USAGE, USAGE);
  bytes out = {0};
  if (regex_mode) search_regex(&out, argv[query]);
  else search_words(&out, argc - query, argv + query);
  write_fully(1, out.data, out.length);
  return 0;
}
