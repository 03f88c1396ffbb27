/* Regular expressions matched in time linear in the text (Thompson, 1968): no backtracking.
 *
 *   . [a-z] [^a-z] \d \w \s \D \W \S   one character; \w and \s know Unicode
 *   ^ $ \b \B                          places: ends of the line, edges of a word
 *   x* x+ x? x{2} x{2,} x{2,5} x|y (x) repetition, alternatives, groups; (?:x) is (x)
 *   \n \t \r \f \v \x41 \u00e9         characters by code; \ before others: the character itself
 */
#ifndef AGENT_REGEX_H
#define AGENT_REGEX_H

#include <stdbool.h>

#include "../../wasi/streams.h"

enum { PROGRAM_MAX = 20000, REPEAT_MAX = 1000, CLASSES_MAX = 256, RANGES_MAX = 64 };

typedef struct {
  int32_t from;
  int32_t to;
} code_range;

/* A set of characters: ranges, and \d \w \s or their complements. */
typedef struct {
  code_range ranges[RANGES_MAX];
  uint32_t range_count;
  const char *kinds[16];
  uint32_t kind_count;
  bool negated;
  /* The answers for the first 128 characters. */
  bool ascii[128];
} char_class;

typedef enum {
  OP_CHAR,   /* one character, `value` */
  OP_ANY,    /* any character */
  OP_CLASS,  /* one of classes[value] */
  OP_SPLIT,  /* go on at `next` and at `other` */
  OP_JUMP,   /* go on at `next` */
  OP_START,  /* beginning of the line */
  OP_END,    /* end of the line */
  OP_EDGE,   /* edge of a word */
  OP_NOT_EDGE,
  OP_MATCH,
} opcode;

typedef struct {
  opcode op;
  int32_t value;
  uint32_t next;
  uint32_t other;
} instruction;

typedef struct {
  instruction code[PROGRAM_MAX];
  uint32_t length;
  char_class classes[CLASSES_MAX];
  uint32_t class_count;
  bool ignore_case;
  bool has_edges;
  /* Bytes a match can begin with; unused if `begins_anywhere`. */
  bool first_bytes[256];
  bool begins_anywhere;
} regex;

/* Compiles a pattern or ends the program with the reason. */
void regex_compile(regex *re, const char *pattern, bool ignore_case);
/* Whether the pattern occurs in the line, which holds no line end. */
bool regex_occurs(const regex *re, const uint8_t *line, size_t length);

bool is_word_character(int32_t point);
/* Whether `point`, or with `ignore_case` one that differs in case alone, is in the class. */
bool class_has(const char_class *set, int32_t point, bool ignore_case);

#endif
