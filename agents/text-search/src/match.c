#include <wctype.h>

#include "../../wasi/utf8.h"
#include "regex.h"

/* A set of instructions that keeps the order of arrival (Briggs and Torczon, 1993). */
typedef struct {
  uint32_t members[PROGRAM_MAX];
  uint32_t places[PROGRAM_MAX];
  uint32_t count;
} thread_set;

static thread_set sets[2];
static uint32_t stack[2 * PROGRAM_MAX];

typedef struct {
  bool at_start;
  bool at_end;
  bool at_edge;
} place;

static bool add(thread_set *set, uint32_t thread) {
  uint32_t at = set->places[thread];
  if (at < set->count && set->members[at] == thread) return false;
  set->places[thread] = set->count;
  set->members[set->count++] = thread;
  return true;
}

/* Adds a thread and all it reaches without a character; true if that is a match. */
static bool follow(const regex *re, thread_set *set, uint32_t from, place here) {
  uint32_t depth = 0;
  stack[depth++] = from;
  while (depth > 0) {
    uint32_t at = stack[--depth];
    if (!add(set, at)) continue;
    const instruction *i = &re->code[at];
    bool passes = false;
    switch (i->op) {
      case OP_MATCH: return true;
      case OP_SPLIT:
        stack[depth++] = i->other;
        passes = true;
        break;
      case OP_JUMP: passes = true; break;
      case OP_START: passes = here.at_start; break;
      case OP_END: passes = here.at_end; break;
      case OP_EDGE: passes = here.at_edge; break;
      case OP_NOT_EDGE: passes = !here.at_edge; break;
      default: break;
    }
    if (passes) stack[depth++] = i->next;
  }
  return false;
}

static bool takes(const regex *re, const instruction *i, int32_t point, int32_t lower) {
  switch (i->op) {
    case OP_CHAR: return i->value == lower;
    case OP_ANY: return true;
    case OP_CLASS:
      if (point >= 0 && point < 128) return re->classes[i->value].ascii[point];
      return class_has(&re->classes[i->value], point, re->ignore_case);
    default: return false;
  }
}

/* Whether the character that ends before `at`, if there is one, belongs to a word. */
static bool word_ends(const uint8_t *line, const uint8_t *at, const uint8_t *end) {
  if (at == line) return false;
  do at--;
  while (at > line && (*at & 0xc0) == 0x80);
  int length;
  return is_word_character(utf8_decode(at, end, &length));
}

static bool word_begins(const uint8_t *at, const uint8_t *end) {
  int length;
  return at < end && is_word_character(utf8_decode(at, end, &length));
}

static place place_at(const regex *re, const uint8_t *line, const uint8_t *at, const uint8_t *end) {
  bool edge = re->has_edges && word_ends(line, at, end) != word_begins(at, end);
  return (place){at == line, at == end, edge};
}

bool regex_occurs(const regex *re, const uint8_t *line, size_t length) {
  const uint8_t *at = line, *end = line + length;
  thread_set *now = &sets[0], *then = &sets[1];
  now->count = 0;
  place here = place_at(re, line, at, end);
  for (;;) {
    if (now->count == 0 && !re->begins_anywhere) {
      /* Nothing is under way: on to a byte that can begin a match. */
      const uint8_t *from = at;
      while (at < end && !re->first_bytes[*at]) at++;
      if (at == end) return false;
      if (at > from) here = place_at(re, line, at, end);
    }
    if (follow(re, now, 0, here)) return true;
    if (at == end) return false;
    int step;
    int32_t point = utf8_decode(at, end, &step);
    int32_t lower = re->ignore_case && point >= 0 ? (int32_t)towlower((wint_t)point) : point;
    at += step;
    here = place_at(re, line, at, end);
    then->count = 0;
    for (uint32_t t = 0; t < now->count; t++) {
      const instruction *i = &re->code[now->members[t]];
      if (takes(re, i, point, lower) && follow(re, then, i->next, here)) return true;
    }
    thread_set *swapped = now;
    now = then;
    then = swapped;
  }
}
