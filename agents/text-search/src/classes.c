#include <wctype.h>

#include "regex.h"

/* `point` is -1 for a byte that is no UTF-8: it is a character, but of no kind. */
bool is_word_character(int32_t point) {
  return point == '_' || (point >= 0 && iswalnum((wint_t)point));
}

static bool is_of_kind(int32_t point, const char *kind) {
  switch (*kind) {
    case 'd': return point >= '0' && point <= '9';
    case 'D': return !(point >= '0' && point <= '9');
    case 'w': return is_word_character(point);
    case 'W': return !is_word_character(point);
    case 's': return point >= 0 && (iswspace((wint_t)point) || point == 0xa0);
    default: return !(point >= 0 && (iswspace((wint_t)point) || point == 0xa0));
  }
}

static bool lists(const char_class *set, int32_t point) {
  for (uint32_t i = 0; i < set->range_count; i++) {
    if (point >= set->ranges[i].from && point <= set->ranges[i].to) return true;
  }
  for (uint32_t i = 0; i < set->kind_count; i++) {
    if (is_of_kind(point, set->kinds[i])) return true;
  }
  return false;
}

bool class_has(const char_class *set, int32_t point, bool ignore_case) {
  bool listed = lists(set, point);
  if (!listed && ignore_case && point >= 0) {
    listed = lists(set, (int32_t)towlower((wint_t)point)) ||
             lists(set, (int32_t)towupper((wint_t)point));
  }
  return listed != set->negated;
}
