#include "printer.h"

/* Text of a value that has one; false, and no exception, if it has none. */
static bool put_text_of(printer *p, JSValue value) {
  size_t length;
  const char *text = JS_IsException(value) ? NULL : JS_ToCStringLen(p->ctx, &length, value);
  JS_FreeValue(p->ctx, value);
  if (!text) {
    forget_exception(p->ctx);
    return false;
  }
  hold_output(p->fd, text, length);
  JS_FreeCString(p->ctx, text);
  return true;
}

static void put_string(printer *p, JSValueConst value) {
  size_t length;
  const char *text = JS_ToCStringLen(p->ctx, &length, value);
  if (!text) {
    forget_exception(p->ctx);
    return;
  }
  put_quoted(p, text, length);
  JS_FreeCString(p->ctx, text);
}

static void put_symbol(printer *p, JSValueConst symbol) {
  JSAtom atom = JS_ValueToAtom(p->ctx, symbol);
  put(p, "Symbol(");
  put_name(p, atom);
  put(p, ")");
  JS_FreeAtom(p->ctx, atom);
}

/* The text of a property that is a string and not empty, else NULL. Free it with JS_FreeCString. */
static const char *text_property(printer *p, JSValueConst object, const char *name) {
  JSValue value = JS_GetPropertyStr(p->ctx, object, name);
  if (JS_IsException(value)) forget_exception(p->ctx);
  const char *text = JS_IsString(value) ? JS_ToCString(p->ctx, value) : NULL;
  JS_FreeValue(p->ctx, value);
  if (!text || *text) return text;
  JS_FreeCString(p->ctx, text);
  return NULL;
}

static void put_function(printer *p, JSValueConst function) {
  const char *name = text_property(p, function, "name");
  put(p, "[Function ");
  put(p, name ? name : "(anonymous)");
  put(p, "]");
  if (name) JS_FreeCString(p->ctx, name);
}

/* Name and message, and the stack without the line feed at its end. */
static void put_error(printer *p, JSValueConst error) {
  const char *name = text_property(p, error, "name");
  const char *message = text_property(p, error, "message");
  const char *stack = text_property(p, error, "stack");
  put(p, name ? name : "Error");
  if (message) put(p, ": ");
  if (message) put(p, message);
  if (stack) {
    size_t length = strlen(stack);
    put(p, "\n");
    hold_output(p->fd, stack, length - (stack[length - 1] == '\n'));
  }
  if (name) JS_FreeCString(p->ctx, name);
  if (message) JS_FreeCString(p->ctx, message);
  if (stack) JS_FreeCString(p->ctx, stack);
}

static uint32_t size_of(printer *p, object_kind kind, JSValueConst object) {
  if (kind == KIND_TYPED_ARRAY) return length_of(p, object);
  JSValue entries = collect_entries(p->ctx, kind, object);
  uint32_t count = length_of(p, entries);
  JS_FreeValue(p->ctx, entries);
  return kind == KIND_MAP ? count / 2 : count;
}

/* What comes before the brackets; true if they are left out when there is nothing in them. */
static bool put_head(printer *p, object_class class, JSValueConst object) {
  switch (class.kind) {
    case KIND_ARRAY: return false;
    case KIND_FUNCTION: put_function(p, object); return true;
    case KIND_ERROR: put_error(p, object); return true;
    case KIND_DATE:
    case KIND_REGEXP:
      if (put_text_of(p, describe_object(p->ctx, class.kind, object))) return true;
      break;
    case KIND_PLAIN:
      if (strcmp(class.name, "Object") == 0) return false;
      break;
    default: break;
  }
  bool spaced = strchr(class.name, ' ') != NULL;
  if (spaced) put(p, "\"");
  put(p, class.name);
  if (spaced) put(p, "\"");
  if (class.kind == KIND_TYPED_ARRAY || class.kind == KIND_MAP || class.kind == KIND_SET) {
    put(p, "(");
    put_count(p, size_of(p, class.kind, object));
    put(p, ")");
  }
  put(p, " ");
  return false;
}

static void put_object(printer *p, JSValueConst object) {
  void *self = JS_VALUE_GET_PTR(object);
  for (int i = 0; i < p->depth; i++) {
    if (p->open[i] != self) continue;
    put(p, "[circular ");
    put_count(p, (uint32_t)i);
    put(p, "]");
    return;
  }
  object_class class = class_of(p->ctx, object);
  if (p->depth == DEPTH_MAX) {
    put(p, "[");
    put(p, class.name);
    put(p, "]");
    return;
  }
  p->open[p->depth++] = self;
  bool optional = put_head(p, class, object);
  bool list = class.kind == KIND_ARRAY || class.kind == KIND_TYPED_ARRAY;
  listing items = {.p = p, .open = optional ? " { " : ""};
  if (!optional) put(p, list ? "[ " : "{ ");
  list_object(&items, class.kind, object);
  if (!optional || items.count > 0) put(p, list ? " ]" : " }");
  p->depth--;
}

void print_any(printer *p, JSValueConst value) {
  if (JS_IsString(value)) put_string(p, value);
  else if (JS_IsSymbol(value)) put_symbol(p, value);
  else if (JS_IsObject(value)) put_object(p, value);
  else {
    double number = 0;
    bool minus = JS_IsNumber(value) && JS_ToFloat64(p->ctx, &number, value) == 0 && number == 0 &&
                 __builtin_signbit(number);
    if (minus) put(p, "-");
    put_text_of(p, JS_DupValue(p->ctx, value));
    if (JS_IsBigInt(p->ctx, value)) put(p, "n");
  }
}

void print_top(JSContext *ctx, int fd, JSValueConst value) {
  printer p = {.ctx = ctx, .fd = fd};
  if (JS_IsString(value)) put_text_of(&p, JS_DupValue(ctx, value));
  else print_any(&p, value);
}
