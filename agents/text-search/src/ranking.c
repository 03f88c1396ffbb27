#include "ranking.h"

#include <math.h>
#include <stdbool.h>
#include <wctype.h>

#include "../../wasi/utf8.h"

static const double K1 = 1.2;
static const double B = 0.75;

typedef struct {
  bytes text;
  bool prefix;
  size_t lines_with;
} term;

static term terms[TERMS_MAX];
static int term_count;

/* A line that matches: how long it is in words, and how often each term occurs. */
typedef struct {
  ranked_line line;
  uint32_t words;
  uint16_t occurrences[TERMS_MAX];
} hit;

/* Puts the next word, in lower case, into `word`; false if there is none before `end`. */
static bool next_word(const uint8_t **at, const uint8_t *end, bytes *word) {
  word->length = 0;
  while (*at < end) {
    int length;
    int32_t point = utf8_decode(*at, end, &length);
    bool inside = point >= 0 && iswalnum((wint_t)point);
    if (!inside && word->length > 0) return true;
    *at += length;
    if (!inside) continue;
    uint8_t encoded[4];
    bytes_add(word, encoded, (size_t)utf8_encode(towlower((wint_t)point), encoded));
  }
  return word->length > 0;
}

static bool is_known(bytes word, bool prefix) {
  for (int i = 0; i < term_count; i++) {
    bytes known = terms[i].text;
    if (known.length != word.length || terms[i].prefix != prefix) continue;
    if (memcmp(known.data, word.data, word.length) == 0) return true;
  }
  return false;
}

static void read_terms(int word_count, char **words) {
  for (int i = 0; i < word_count; i++) {
    const uint8_t *at = (const uint8_t *)words[i], *end = at + strlen(words[i]);
    for (bytes word = {0}; next_word(&at, end, &word); word = (bytes){0}) {
      bool prefix = at < end && *at == '*';
      if (is_known(word, prefix)) continue;
      if (term_count == TERMS_MAX) fail(EXIT_USAGE, "a query has at most 64 words");
      terms[term_count++] = (term){word, prefix, 0};
    }
  }
}

/* Counts the words of a line and, in `found`, the terms; returns whether there was one. */
static bool count_terms(const uint8_t *at, const uint8_t *end, hit *found) {
  static bytes word;
  memset(found->occurrences, 0, sizeof found->occurrences);
  found->words = 0;
  bool any = false;
  while (next_word(&at, end, &word)) {
    found->words++;
    for (int i = 0; i < term_count; i++) {
      bytes wanted = terms[i].text;
      bool fits = terms[i].prefix ? word.length >= wanted.length : word.length == wanted.length;
      if (!fits || memcmp(word.data, wanted.data, wanted.length) != 0) continue;
      any = true;
      if (found->occurrences[i] < UINT16_MAX) found->occurrences[i]++;
    }
  }
  for (int i = 0; i < term_count; i++) terms[i].lines_with += found->occurrences[i] > 0;
  return any;
}

static double score(const hit *h, double lines, double words_mean) {
  double sum = 0;
  for (int i = 0; i < term_count; i++) {
    double occurrences = h->occurrences[i];
    if (occurrences == 0) continue;
    double with = (double)terms[i].lines_with;
    double rarity = log(1 + (lines - with + 0.5) / (with + 0.5));
    double length = 1 - B + B * h->words / words_mean;
    sum += rarity * occurrences * (K1 + 1) / (occurrences + K1 * length);
  }
  return sum;
}

static int better_first(const void *a, const void *b) {
  const ranked_line *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? 1 : -1;
  return x->number < y->number ? -1 : 1;
}

ranking rank_lines(bytes text, int word_count, char **words) {
  read_terms(word_count, words);
  if (term_count == 0) fail(EXIT_USAGE, "the query has no word");
  bytes hits = {0};
  size_t lines = 0, total_words = 0, number = 0;
  const uint8_t *end = text.data + text.length;
  for (const uint8_t *at = text.data; at < end; at++) {
    const uint8_t *begin = at;
    at = memchr(at, '\n', (size_t)(end - at));
    if (!at) at = end;
    number++;
    hit found;
    bool any = count_terms(begin, at, &found);
    total_words += found.words;
    lines += found.words > 0;
    if (!any) continue;
    found.line = (ranked_line){begin, (size_t)(at - begin), number, 0};
    bytes_add(&hits, &found, sizeof found);
  }
  ranking result = {.count = hits.length / sizeof(hit)};
  result.lines = malloc((result.count + 1) * sizeof *result.lines);
  if (!result.lines) fail(EXIT_BAD_INPUT, "out of memory");
  const hit *all = (const hit *)(const void *)hits.data;
  for (size_t i = 0; i < result.count; i++) {
    result.lines[i] = all[i].line;
    double exact = score(&all[i], (double)lines, (double)total_words / (double)lines);
    // The sums of equal lines may differ in the last bit; they are equals all the same.
    result.lines[i].score = __builtin_floor(exact * 1e9 + 0.5) / 1e9;
  }
  if (result.count > 1) qsort(result.lines, result.count, sizeof *result.lines, better_first);
  return result;
}
