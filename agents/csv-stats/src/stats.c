#include "stats.h"

#include <math.h>

#include "types.h"

bool is_numeric(column_type type) { return type == TYPE_INTEGER || type == TYPE_NUMBER; }

/* The value of a cell known to be a number. Up to 15 digits and a power of ten up to 22 are exact
 * as doubles, so one operation rounds right (Clinger, 1990); the rest is left to strtod. */
static double number_of(cell c) {
  static const double TENS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  uint64_t digits = 0;
  uint32_t at = c.text[0] == '-' || c.text[0] == '+';
  uint32_t used = 0, behind_point = 0;
  bool point = false;
  for (; at < c.length; at++) {
    if (c.text[at] == '.') {
      point = true;
      continue;
    }
    if (c.text[at] < '0' || c.text[at] > '9') break;
    digits = digits * 10 + (c.text[at] - '0');
    used++;
    behind_point += point;
    if (used > 15) break;
  }
  if (at == c.length && behind_point <= 22) {
    double value = (double)digits / TENS[behind_point];
    return c.text[0] == '-' ? -value : value;
  }
  char *copy = malloc(c.length + 1);
  if (!copy) fail(EXIT_BAD_INPUT, "out of memory");
  memcpy(copy, c.text, c.length);
  copy[c.length] = 0;
  double value = strtod(copy, NULL);
  free(copy);
  return value;
}

/* The bits of a double as a whole number of the same order: a negative one has all bits turned, a
 * positive one its sign. */
static uint64_t ordered_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static uint32_t digit(double value, int shift) { return ordered_bits(value) >> shift & 0xff; }

/* Sorts by one byte after the other, the lowest first; bytes that are all alike cost one look.
 * `spare` is as long as `values`; the sorted numbers end in `values`. */
static void sort_numbers(double *values, double *spare, size_t n) {
  double *from = values, *to = spare;
  for (int shift = 0; shift < 64; shift += 8) {
    size_t places[256] = {0};
    for (size_t i = 0; i < n; i++) places[digit(from[i], shift)]++;
    if (places[digit(from[0], shift)] == n) continue;
    size_t place = 0;
    for (int d = 0; d < 256; d++) {
      size_t count = places[d];
      places[d] = place;
      place += count;
    }
    for (size_t i = 0; i < n; i++) to[places[digit(from[i], shift)]++] = from[i];
    double *sorted = to;
    to = from;
    from = sorted;
  }
  if (from != values) memcpy(values, from, n * sizeof *values);
}

static int compare_texts(cell a, cell b) {
  uint32_t shared = a.length < b.length ? a.length : b.length;
  int order = shared ? memcmp(a.text, b.text, shared) : 0;
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* Sum with the rounding errors of the additions carried along (Neumaier, 1974). */
typedef struct {
  double sum;
  double carried;
} exact_sum;

static void add_to(exact_sum *s, double x) {
  double sum = s->sum + x;
  s->carried += fabs(s->sum) >= fabs(x) ? (s->sum - sum) + x : (x - sum) + s->sum;
  s->sum = sum;
}

static double total(exact_sum s) {
  double corrected = s.sum + s.carried;
  return isfinite(corrected) ? corrected : s.sum;
}

static void describe_numbers(column_stats *stats, cell_list column) {
  size_t n = column.count;
  double *values = malloc(2 * n * sizeof *values);
  if (!values) fail(EXIT_BAD_INPUT, "out of memory");
  exact_sum sum = {0};
  for (size_t i = 0; i < n; i++) {
    values[i] = number_of(column.cells[i]);
    add_to(&sum, values[i]);
  }
  stats->mean = total(sum) / (double)n;
  exact_sum squares = {0};
  for (size_t i = 0; i < n; i++) {
    double off = values[i] - stats->mean;
    add_to(&squares, off * off);
  }
  stats->stddev = n > 1 ? sqrt(total(squares) / (double)(n - 1)) : NAN;
  sort_numbers(values, values + n, n);
  stats->min = values[0];
  stats->max = values[n - 1];
  stats->median = n % 2 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
  stats->distinct = 1;
  for (size_t i = 1; i < n; i++) stats->distinct += values[i] != values[i - 1];
  free(values);
}

static uint32_t hash(cell c) {
  uint32_t h = 2166136261; /* FNV-1a, 32 bits */
  for (uint32_t i = 0; i < c.length; i++) h = (h ^ c.text[i]) * 16777619;
  return h ^ h >> 15;
}

static size_t count_distinct(cell_list column) {
  size_t capacity = 16;
  while (capacity < 2 * column.count) capacity *= 2;
  cell *slots = calloc(capacity, sizeof *slots);
  if (!slots) fail(EXIT_BAD_INPUT, "out of memory");
  size_t distinct = 0;
  for (size_t i = 0; i < column.count; i++) {
    cell c = column.cells[i];
    uint32_t at = hash(c);
    for (;; at++) {
      cell *slot = &slots[at & (capacity - 1)];
      if (slot->length == 0) {
        *slot = c;
        distinct++;
        break;
      }
      if (slot->length == c.length && memcmp(slot->text, c.text, c.length) == 0) break;
    }
  }
  free(slots);
  return distinct;
}

static void describe_texts(column_stats *stats, cell_list column) {
  stats->min_text = stats->max_text = column.cells[0];
  for (size_t i = 1; i < column.count; i++) {
    if (compare_texts(column.cells[i], stats->min_text) < 0) stats->min_text = column.cells[i];
    if (compare_texts(column.cells[i], stats->max_text) > 0) stats->max_text = column.cells[i];
  }
  stats->distinct = count_distinct(column);
}

column_stats describe_column(cell_list column) {
  column_stats stats = {.type = TYPE_EMPTY};
  cell_list values = {.cells = column.cells};
  for (size_t i = 0; i < column.count; i++) {
    cell c = column.cells[i];
    if (is_missing(c)) continue;
    values.cells[values.count++] = c;
    if (stats.type != TYPE_TEXT) stats.type = joined_type(stats.type, cell_type(c));
  }
  stats.count = values.count;
  stats.missing = column.count - values.count;
  if (is_numeric(stats.type)) describe_numbers(&stats, values);
  else if (values.count > 0) describe_texts(&stats, values);
  return stats;
}
