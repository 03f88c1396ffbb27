/* Recursive descent from the pattern straight to instructions. What comes before a part, as the
 * split of x*, is put there when it is known: no tree is kept. */
#include <wctype.h>

#include "../../wasi/utf8.h"
#include "regex.h"

enum { DEPTH_MAX = 100 };

typedef struct {
  regex *re;
  const uint8_t *at;
  const uint8_t *end;
  int depth;
} compiler;

static _Noreturn void bad(const char *reason) {
  write_fully(2, "bad pattern: ", 13);
  fail(EXIT_USAGE, reason);
}

static uint32_t emit(compiler *c, opcode op, int32_t value) {
  regex *re = c->re;
  if (re->length == PROGRAM_MAX) bad("it is too large");
  re->code[re->length] = (instruction){op, value, re->length + 1, 0};
  return re->length++;
}

static bool accept(compiler *c, char byte) {
  if (c->at == c->end || *c->at != (uint8_t)byte) return false;
  c->at++;
  return true;
}

static int32_t next_point(compiler *c) {
  int length;
  int32_t point = utf8_decode(c->at, c->end, &length);
  if (point < 0) bad("it is not UTF-8");
  c->at += length;
  return point;
}

static int32_t hex_escape(compiler *c, int digits) {
  int32_t point = 0;
  for (int i = 0; i < digits; i++) {
    uint8_t byte = c->at < c->end ? *c->at++ : 0, lower = byte | 0x20;
    if (byte >= '0' && byte <= '9') point = point * 16 + byte - '0';
    else if (lower >= 'a' && lower <= 'f') point = point * 16 + lower - 'a' + 10;
    else bad("\\x takes two hexadecimal digits and \\u four");
  }
  return point;
}

/* The character of an escape behind its backslash; letters without a meaning are refused. */
static int32_t escaped_point(compiler *c) {
  int32_t point = next_point(c);
  switch (point) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'v': return '\v';
    case 'x': return hex_escape(c, 2);
    case 'u': return hex_escape(c, 4);
    default: break;
  }
  bool letter = point < 0x80 && (iswalnum((wint_t)point) != 0);
  if (letter) bad("an escape is not known (references to groups are not supported)");
  return point;
}

static char_class *new_class(compiler *c) {
  if (c->re->class_count == CLASSES_MAX) bad("it has too many classes");
  char_class *set = &c->re->classes[c->re->class_count];
  *set = (char_class){0};
  emit(c, OP_CLASS, (int32_t)c->re->class_count++);
  return set;
}

static bool is_kind(const compiler *c) {
  return c->at < c->end && *c->at && strchr("dDwWsS", *c->at);
}

static void add_kind(compiler *c, char_class *set) {
  if (set->kind_count == sizeof set->kinds / sizeof *set->kinds) bad("a class is too large");
  set->kinds[set->kind_count++] = (const char *)c->at++;
}

/* A character in brackets; -1 when it was a kind such as \d, already added. */
static int32_t member(compiler *c, char_class *set) {
  if (!accept(c, '\\')) return next_point(c);
  if (c->at == c->end) bad("a bracket is not closed");
  if (is_kind(c)) {
    add_kind(c, set);
    return -1;
  }
  if (accept(c, 'b')) return '\b';
  return escaped_point(c);
}

static void compile_brackets(compiler *c) {
  char_class *set = new_class(c);
  set->negated = accept(c, '^');
  for (bool first = true; first || !accept(c, ']'); first = false) {
    if (c->at == c->end) bad("a bracket is not closed");
    int32_t from = member(c, set), to = from;
    if (from < 0) continue;
    bool range = c->end - c->at > 1 && c->at[0] == '-' && c->at[1] != ']';
    if (range) {
      c->at++;
      to = member(c, set);
      if (to < from) bad("a range in brackets is upside down");
    }
    if (set->range_count == RANGES_MAX) bad("a class is too large");
    set->ranges[set->range_count++] = (code_range){from, to};
  }
}

static void compile_alternatives(compiler *c);

static void compile_group(compiler *c) {
  if (++c->depth > DEPTH_MAX) bad("its groups are nested too deep");
  if (accept(c, '?') && !accept(c, ':')) bad("of groups with (? only (?: is known");
  compile_alternatives(c);
  if (!accept(c, ')')) bad("a group is not closed");
  c->depth--;
}

static void compile_escape(compiler *c) {
  if (c->at == c->end) bad("it ends in a backslash");
  if (is_kind(c)) add_kind(c, new_class(c));
  else if (accept(c, 'b')) emit(c, OP_EDGE, 0);
  else if (accept(c, 'B')) emit(c, OP_NOT_EDGE, 0);
  else emit(c, OP_CHAR, escaped_point(c));
}

static void compile_one(compiler *c) {
  if (accept(c, '(')) compile_group(c);
  else if (accept(c, '[')) compile_brackets(c);
  else if (accept(c, '\\')) compile_escape(c);
  else if (accept(c, '.')) emit(c, OP_ANY, 0);
  else if (accept(c, '^')) emit(c, OP_START, 0);
  else if (accept(c, '$')) emit(c, OP_END, 0);
  else if (c->at < c->end && strchr("*+?{", *c->at) && *c->at) bad("nothing to repeat");
  else emit(c, OP_CHAR, next_point(c));
}

static uint32_t number(compiler *c) {
  if (c->at == c->end || *c->at < '0' || *c->at > '9') bad("braces take {2}, {2,} or {2,5}");
  uint32_t value = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
    value = value * 10 + (*c->at - '0');
    if (value > REPEAT_MAX) bad("a repetition is above 1000");
  }
  return value;
}

/* Reads a repetition, if there is one, as least and most; most is UINT32_MAX for no bound. */
static bool repetition(compiler *c, uint32_t *least, uint32_t *most) {
  *least = 0, *most = UINT32_MAX;
  if (accept(c, '*')) return true;
  if (accept(c, '+')) {
    *least = 1;
    return true;
  }
  if (accept(c, '?')) {
    *most = 1;
    return true;
  }
  if (!accept(c, '{')) return false;
  *least = *most = number(c);
  if (accept(c, ',')) *most = c->at < c->end && *c->at != '}' ? number(c) : UINT32_MAX;
  if (!accept(c, '}')) bad("a brace is not closed");
  if (*most < *least) bad("a repetition is upside down");
  return true;
}

/* Puts an instruction before those from `at` on, which only point at each other and behind. */
static void insert(compiler *c, uint32_t at, opcode op) {
  emit(c, OP_JUMP, 0);
  instruction *code = c->re->code;
  memmove(&code[at + 1], &code[at], (c->re->length - 1 - at) * sizeof *code);
  for (uint32_t i = at + 1; i < c->re->length; i++) {
    code[i].next++;
    code[i].other++;
  }
  code[at] = (instruction){op, 0, at + 1, 0};
}

/* Appends `length` instructions from `from` on once more. */
static void append_copy(compiler *c, uint32_t from, uint32_t length) {
  uint32_t moved = c->re->length - from;
  for (uint32_t i = from; i < from + length; i++) {
    instruction copy = c->re->code[i];
    uint32_t at = emit(c, copy.op, copy.value);
    c->re->code[at].next = copy.next + moved;
    c->re->code[at].other = copy.other + moved;
  }
}

/* x* is "split, x, jump back"; x{2,} is "x, x, split back". */
static void repeat_without_bound(compiler *c, uint32_t start, uint32_t length, uint32_t least) {
  if (least == 0) {
    insert(c, start, OP_SPLIT);
    c->re->code[emit(c, OP_JUMP, 0)].next = start;
    c->re->code[start].other = c->re->length;
    return;
  }
  for (uint32_t i = 1; i < least; i++) append_copy(c, start, length);
  uint32_t last = c->re->length - length;
  c->re->code[emit(c, OP_SPLIT, 0)].other = last;
}

/* x{2,4} is "x, x, split to the end, x, split to the end, x". */
static void repeat_between(compiler *c, uint32_t start, uint32_t length, uint32_t least,
                           uint32_t most) {
  if (most == 0) {
    c->re->length = start;
    return;
  }
  if (least == 0) {
    insert(c, start, OP_SPLIT);
    start++;
  }
  for (uint32_t i = 1; i < least; i++) append_copy(c, start, length);
  uint32_t optional = most - (least > 0 ? least : 1);
  uint32_t first_split = c->re->length;
  for (uint32_t i = 0; i < optional; i++) {
    emit(c, OP_SPLIT, 0);
    append_copy(c, start, length);
  }
  if (least == 0) c->re->code[start - 1].other = c->re->length;
  for (uint32_t i = 0; i < optional; i++) {
    c->re->code[first_split + i * (length + 1)].other = c->re->length;
  }
}

static void compile_repeated(compiler *c) {
  uint32_t start = c->re->length;
  compile_one(c);
  uint32_t length = c->re->length - start, least, most;
  if (!repetition(c, &least, &most)) return;
  if (c->at < c->end && strchr("*+?{", *c->at) && *c->at) bad("a repetition is repeated");
  if (most == UINT32_MAX) repeat_without_bound(c, start, length, least);
  else repeat_between(c, start, length, least, most);
}

static void compile_sequence(compiler *c) {
  while (c->at < c->end && *c->at != '|' && *c->at != ')') compile_repeated(c);
}

/* x|y|z is "split to y, x, jump to the end, split to z, y, jump to the end, z". */
static void compile_alternatives(compiler *c) {
  uint32_t last_jump = UINT32_MAX;
  for (;;) {
    uint32_t from = c->re->length;
    compile_sequence(c);
    if (!accept(c, '|')) break;
    insert(c, from, OP_SPLIT);
    uint32_t jump = emit(c, OP_JUMP, 0);
    c->re->code[from].other = c->re->length;
    /* Jumps to the end are chained through `other` until the end is known. */
    c->re->code[jump].other = last_jump;
    last_jump = jump;
  }
  while (last_jump != UINT32_MAX) {
    instruction *jump = &c->re->code[last_jump];
    last_jump = jump->other;
    jump->next = c->re->length;
    jump->other = 0;
  }
}

static void add_first_byte(regex *re, int32_t point) {
  uint8_t encoded[4];
  utf8_encode((uint32_t)point, encoded);
  re->first_bytes[encoded[0]] = true;
}

static void add_first_bytes_of(regex *re, const instruction *i) {
  if (i->op == OP_CHAR) {
    add_first_byte(re, i->value);
    if (!re->ignore_case) return;
    add_first_byte(re, (int32_t)towupper((wint_t)i->value));
    /* Characters that share a lower case need not share a first byte. */
    for (int byte = 0x80; byte < 0x100; byte++) re->first_bytes[byte] = true;
    return;
  }
  for (int byte = 0; byte < 0x100; byte++) {
    bool missed = byte < 0x80 && i->op == OP_CLASS && !re->classes[i->value].ascii[byte];
    if (!missed) re->first_bytes[byte] = true;
  }
}

/* Collects the bytes that can begin a match, over all that is reached without a character. */
static void find_first_bytes(regex *re) {
  static bool seen[PROGRAM_MAX];
  static uint32_t stack[2 * PROGRAM_MAX];
  uint32_t depth = 0;
  stack[depth++] = 0;
  while (depth > 0) {
    uint32_t at = stack[--depth];
    if (seen[at]) continue;
    seen[at] = true;
    const instruction *i = &re->code[at];
    switch (i->op) {
      case OP_SPLIT:
        stack[depth++] = i->other;
        stack[depth++] = i->next;
        break;
      case OP_JUMP:
        stack[depth++] = i->next;
        break;
      case OP_CHAR:
      case OP_ANY:
      case OP_CLASS:
        add_first_bytes_of(re, i);
        break;
      default:
        re->begins_anywhere = true;
    }
  }
}

void regex_compile(regex *re, const char *pattern, bool ignore_case) {
  re->ignore_case = ignore_case;
  const uint8_t *text = (const uint8_t *)pattern;
  compiler c = {re, text, text + strlen(pattern), 0};
  compile_alternatives(&c);
  if (c.at < c.end) bad("a group is closed that was not opened");
  emit(&c, OP_MATCH, 0);
  for (uint32_t i = 0; i < re->length && ignore_case; i++) {
    instruction *one = &re->code[i];
    if (one->op == OP_CHAR) one->value = (int32_t)towlower((wint_t)one->value);
  }
  for (uint32_t i = 0; i < re->class_count; i++) {
    for (int32_t point = 0; point < 128; point++) {
      re->classes[i].ascii[point] = class_has(&re->classes[i], point, ignore_case);
    }
  }
  for (uint32_t i = 0; i < re->length; i++) {
    re->has_edges |= re->code[i].op == OP_EDGE || re->code[i].op == OP_NOT_EDGE;
  }
  find_first_bytes(re);
}
