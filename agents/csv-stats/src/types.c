#include "types.h"

static bool is_word(cell c, const char *lower) {
  if (c.length != strlen(lower)) return false;
  for (uint32_t i = 0; i < c.length; i++) {
    uint8_t byte = c.text[i];
    if (byte >= 'A' && byte <= 'Z') byte |= 0x20;
    if (byte != (uint8_t)lower[i]) return false;
  }
  return true;
}

bool is_missing(cell c) {
  return c.length == 0 || is_word(c, "na") || is_word(c, "n/a") || is_word(c, "nan") ||
         is_word(c, "null");
}

static uint32_t digits(cell c, uint32_t at) {
  uint32_t from = at;
  while (at < c.length && c.text[at] >= '0' && c.text[at] <= '9') at++;
  return at - from;
}

/* 12, -0.5, +1.5e-7. A number led by zeros, as 007 or 01234, is a code and so text. */
static column_type numeric_type(cell c) {
  uint32_t at = c.length > 0 && (c.text[0] == '-' || c.text[0] == '+');
  uint32_t whole = digits(c, at);
  if (whole > 1 && c.text[at] == '0') return TYPE_TEXT;
  at += whole;
  if (at == c.length) return whole > 0 ? TYPE_INTEGER : TYPE_TEXT;
  uint32_t fraction = 0;
  if (c.text[at] == '.') {
    fraction = digits(c, ++at);
    at += fraction;
  }
  if (whole + fraction == 0) return TYPE_TEXT;
  if (at < c.length && (c.text[at] | 0x20) == 'e') {
    at++;
    at += at < c.length && (c.text[at] == '-' || c.text[at] == '+');
    uint32_t exponent = digits(c, at);
    if (exponent == 0) return TYPE_TEXT;
    at += exponent;
  }
  return at == c.length ? TYPE_NUMBER : TYPE_TEXT;
}

static bool fits(cell c, const char *shape) {
  for (uint32_t i = 0; shape[i]; i++) {
    if (i >= c.length) return false;
    bool digit = c.text[i] >= '0' && c.text[i] <= '9';
    if (shape[i] == '0' ? !digit : c.text[i] != (uint8_t)shape[i]) return false;
  }
  return true;
}

static int two_digits(cell c, uint32_t at) {
  return (c.text[at] - '0') * 10 + c.text[at + 1] - '0';
}

/* ISO 8601: 2024-02-29, and a time behind a T or a blank. */
static bool is_date(cell c) {
  if (!fits(c, "0000-00-00")) return false;
  static const int DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int month = two_digits(c, 5), day = two_digits(c, 8);
  if (month < 1 || month > 12 || day < 1 || day > DAYS[month - 1]) return false;
  int year = two_digits(c, 0) * 100 + two_digits(c, 2);
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month == 2 && day == 29 && !leap) return false;
  if (c.length == 10) return true;
  cell time = {c.text + 11, c.length - 11};
  if ((c.text[10] != 'T' && c.text[10] != ' ') || !fits(time, "00:00")) return false;
  return two_digits(time, 0) < 24 && two_digits(time, 3) < 60;
}

column_type cell_type(cell c) {
  column_type numeric = numeric_type(c);
  if (numeric != TYPE_TEXT) return numeric;
  if (is_word(c, "true") || is_word(c, "false")) return TYPE_BOOLEAN;
  return is_date(c) ? TYPE_DATE : TYPE_TEXT;
}

column_type joined_type(column_type a, column_type b) {
  if (a == TYPE_EMPTY || a == b) return b;
  return is_numeric(a) && is_numeric(b) ? TYPE_NUMBER : TYPE_TEXT;
}
