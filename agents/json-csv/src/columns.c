#include "columns.h"

static uint32_t hash(const uint8_t *text, size_t length) {
  uint32_t h = 2166136261; /* FNV-1a, 32 bits */
  for (size_t i = 0; i < length; i++) h = (h ^ text[i]) * 16777619;
  return h ^ h >> 15;
}

uint32_t column_of(column_set *set, const uint8_t *text, size_t length, bool *is_new) {
  uint16_t *slot;
  for (uint32_t at = hash(text, length);; at++) {
    slot = &set->slots[at % (2 * COLUMNS_MAX)];
    if (*slot == 0) break;
    column_name *name = &set->names[*slot - 1];
    if (name->length != length || memcmp(name->text, text, length) != 0) continue;
    *is_new = false;
    return *slot - 1u;
  }
  if (set->count == COLUMNS_MAX) fail(EXIT_BAD_INPUT, "there are more than 4096 columns");
  column_name *name = &set->names[set->count];
  name->text = malloc(length + 1);
  if (!name->text) fail(EXIT_BAD_INPUT, "out of memory");
  memcpy(name->text, text, length);
  name->length = length;
  *slot = (uint16_t)++set->count;
  *is_new = true;
  return set->count - 1;
}
