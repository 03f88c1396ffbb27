/* UTF-8: RFC 3629. */
#ifndef AGENT_UTF8_H
#define AGENT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at `at` (`at` < `end`) and, in `length`, its bytes; -1 with length 1
 * for a byte that begins no well-formed sequence. */
static inline int32_t utf8_decode(const uint8_t *at, const uint8_t *end, int *length) {
  uint8_t first = *at;
  *length = 1;
  if (first < 0x80) return first;
  int bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || end - at < bytes) return -1;
  int32_t point = first & (0x7f >> bytes);
  for (int i = 1; i < bytes; i++) {
    if ((at[i] & 0xc0) != 0x80) return -1;
    point = point << 6 | (at[i] & 0x3f);
  }
  static const int32_t SMALLEST[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < SMALLEST[bytes] || point > 0x10ffff) return -1;
  if (point >= 0xd800 && point <= 0xdfff) return -1;
  *length = bytes;
  return point;
}

/* Writes the code point `point` into `out` and returns its bytes, 1 to 4. */
static inline int utf8_encode(uint32_t point, uint8_t out[4]) {
  if (point < 0x80) {
    out[0] = (uint8_t)point;
    return 1;
  }
  int bytes = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (int i = bytes - 1; i > 0; i--, point >>= 6) out[i] = (uint8_t)(0x80 | (point & 0x3f));
  out[0] = (uint8_t)(0xf00 >> bytes | point);
  return bytes;
}

/* Index of the first byte that is not UTF-8, or `length`. */
static inline size_t utf8_valid_length(const uint8_t *data, size_t length) {
  size_t at = 0;
  while (at < length) {
    if (data[at] < 0x80) {
      at++;
      continue;
    }
    int bytes;
    if (utf8_decode(data + at, data + length, &bytes) < 0) return at;
    at += (size_t)bytes;
  }
  return at;
}

#endif
