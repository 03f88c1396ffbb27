/* JSON (RFC 8259) read in place, value by value. Every function ends the program, saying where,
 * when the text is not JSON. */
#ifndef AGENT_JSON_H
#define AGENT_JSON_H

#include <stdbool.h>

#include "../../wasi/streams.h"

typedef struct {
  const uint8_t *start;
  const uint8_t *at;
  const uint8_t *end;
} json_reader;

typedef enum { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

/* A whole value as it is written, quotes and brackets included. */
typedef struct {
  json_kind kind;
  const uint8_t *text;
  size_t length;
} json_value;

json_reader json_open(bytes input);
/* The first byte behind white space without taking it; 0 at the end. */
uint8_t json_peek(json_reader *r);
/* Takes `byte` behind white space. */
void json_expect(json_reader *r, uint8_t byte);
/* Takes `byte` behind white space if it is there. */
bool json_accept(json_reader *r, uint8_t byte);
/* Takes a value, checking all of it. */
json_value json_next(json_reader *r);
/* Appends the characters a JSON_STRING stands for. */
void json_decode(const json_reader *r, json_value string, bytes *out);
/* Whether the text is a number by the grammar of JSON. */
bool json_is_number(const uint8_t *text, size_t length);
/* Appends `text` as a JSON string. */
void json_encode(bytes *out, const uint8_t *text, size_t length);

_Noreturn void json_fail(const json_reader *r, const uint8_t *at);

#endif
