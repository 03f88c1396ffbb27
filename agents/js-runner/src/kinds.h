/* What an object is, told without running code of the script. */
#ifndef AGENT_KINDS_H
#define AGENT_KINDS_H

#include "../vendor/quickjs/quickjs.h"

typedef enum {
  KIND_PLAIN,
  KIND_ARRAY,
  KIND_TYPED_ARRAY,
  KIND_MAP,
  KIND_SET,
  KIND_DATE,
  KIND_REGEXP,
  KIND_ERROR,
  KIND_FUNCTION,
  /* A proxy: looking at its properties would run its traps. */
  KIND_SEALED,
} object_kind;

typedef struct {
  object_kind kind;
  const char *name;
} object_class;

/* Learns the engine's classes and methods. Call it before the script can change globals. */
void learn_kinds(JSContext *ctx);

object_class class_of(JSContext *ctx, JSValueConst object);

/* A new array: of a map key, value, key, value …, of a set its values. */
JSValue collect_entries(JSContext *ctx, object_kind kind, JSValueConst object);

/* A date as in toISOString, or a regular expression as in toString. An invalid date gives an
 * exception. */
JSValue describe_object(JSContext *ctx, object_kind kind, JSValueConst object);

#endif
