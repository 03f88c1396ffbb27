#include "slugs.h"

#include <stdbool.h>
#include <wctype.h>

#include "../../wasi/utf8.h"

static size_t hash(const uint8_t *text, size_t length) {
  uint32_t h = 2166136261; /* FNV-1a, 32 bits */
  for (size_t i = 0; i < length; i++) h = (h ^ text[i]) * 16777619;
  return h ^ h >> 15;
}

static struct slug *find(slug_set *set, const uint8_t *text, size_t length) {
  for (size_t at = hash(text, length);; at++) {
    struct slug *slot = &set->slots[at & (set->capacity - 1)];
    if (!slot->text) return slot;
    if (slot->length == length && memcmp(slot->text, text, length) == 0) return slot;
  }
}

static void grow(slug_set *set) {
  slug_set wider = {.capacity = set->capacity ? set->capacity * 2 : 64, .count = set->count};
  wider.slots = calloc(wider.capacity, sizeof *wider.slots);
  if (!wider.slots) fail(EXIT_BAD_INPUT, "out of memory");
  for (size_t i = 0; i < set->capacity; i++) {
    struct slug *old = &set->slots[i];
    if (old->text) *find(&wider, (uint8_t *)old->text, old->length) = *old;
  }
  free(set->slots);
  *set = wider;
}

static void remember(slug_set *set, const uint8_t *text, size_t length) {
  if (set->count * 2 >= set->capacity) grow(set);
  struct slug *slot = find(set, text, length);
  slot->text = malloc(length + 1);
  if (!slot->text) fail(EXIT_BAD_INPUT, "out of memory");
  memcpy(slot->text, text, length);
  slot->length = length;
  set->count++;
}

static void add_plain_slug(bytes heading, bytes *out) {
  const uint8_t *end = heading.data + heading.length;
  int length;
  for (const uint8_t *at = heading.data; at < end; at += length) {
    int32_t point = utf8_decode(at, end, &length);
    if (point == ' ') point = '-';
    bool kept = point == '-' || point == '_' || (point >= 0 && iswalnum((wint_t)point));
    if (!kept) continue;
    uint8_t encoded[4];
    bytes_add(out, encoded, (size_t)utf8_encode(towlower((wint_t)point), encoded));
  }
}

static void add_number(bytes *out, uint32_t number) {
  char digits[10];
  int count = 0;
  for (; number > 0 || count == 0; number /= 10) digits[count++] = (char)('0' + number % 10);
  while (count > 0) bytes_add_byte(out, (uint8_t)digits[--count]);
}

void add_slug(slug_set *given, bytes heading, bytes *out) {
  if (given->capacity == 0) grow(given);
  size_t from = out->length;
  add_plain_slug(heading, out);
  size_t plain = out->length - from;
  uint32_t tries = 0;
  if (find(given, out->data + from, plain)->text) {
    /* Counting on from the last repeat keeps a thousand equal headings linear. */
    tries = find(given, out->data + from, plain)->repeats;
    do {
      out->length = from + plain;
      bytes_add_byte(out, '-');
      add_number(out, ++tries);
    } while (find(given, out->data + from, out->length - from)->text);
    find(given, out->data + from, plain)->repeats = tries;
  }
  remember(given, out->data + from, out->length - from);
}
