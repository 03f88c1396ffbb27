#include "printer.h"

static void next_item(listing *l) { put(l->p, l->count++ == 0 ? l->open : ", "); }

static void print_rest(listing *l, uint32_t left) {
  if (left == 0) return;
  next_item(l);
  put(l->p, "... ");
  put_count(l->p, left);
  put(l->p, left == 1 ? " more item" : " more items");
}

static void print_property(printer *p, const JSPropertyDescriptor *property) {
  if (!(property->flags & JS_PROP_GETSET)) {
    print_any(p, property->value);
    return;
  }
  bool gets = !JS_IsUndefined(property->getter), sets = !JS_IsUndefined(property->setter);
  put(p, gets && sets ? "[Getter/Setter]" : gets ? "[Getter]" : "[Setter]");
}

bool get_own(printer *p, JSValueConst object, JSAtom atom, JSPropertyDescriptor *found) {
  int has = JS_GetOwnProperty(p->ctx, found, object, atom);
  if (has < 0) forget_exception(p->ctx);
  return has > 0;
}

void release_property(JSContext *ctx, JSPropertyDescriptor *property) {
  JS_FreeValue(ctx, property->value);
  JS_FreeValue(ctx, property->getter);
  JS_FreeValue(ctx, property->setter);
}

/* Names and values of the properties from the one numbered `from` on. */
static void print_properties(listing *l, JSValueConst object, const JSPropertyEnum *names,
                             uint32_t from, uint32_t count) {
  printer *p = l->p;
  uint32_t end = count - from > ITEMS_MAX ? from + ITEMS_MAX : count;
  for (uint32_t i = from; i < end; i++) {
    JSPropertyDescriptor property;
    if (!get_own(p, object, names[i].atom, &property)) continue;
    next_item(l);
    put_name(p, names[i].atom);
    put(p, ": ");
    print_property(p, &property);
    release_property(p->ctx, &property);
  }
  print_rest(l, count - end);
}

uint32_t length_of(printer *p, JSValueConst array) {
  uint32_t length = 0;
  if (JS_ToUint32(p->ctx, &length, JS_GetPropertyStr(p->ctx, array, "length"))) {
    forget_exception(p->ctx);
  }
  return length;
}

/* How many of the first `length` names are those of elements 0, 1, 2 … without a hole. */
static uint32_t count_dense(JSContext *ctx, const JSPropertyEnum *names, uint32_t count) {
  uint32_t dense = 0;
  for (; dense < count; dense++) {
    JSAtom index = JS_NewAtomUInt32(ctx, dense);
    bool same = index == names[dense].atom;
    JS_FreeAtom(ctx, index);
    if (!same) break;
  }
  return dense;
}

static void print_elements(listing *l, JSValueConst list, uint32_t count) {
  uint32_t shown = count > ITEMS_MAX ? ITEMS_MAX : count;
  for (uint32_t i = 0; i < shown; i++) {
    JSAtom index = JS_NewAtomUInt32(l->p->ctx, i);
    JSPropertyDescriptor element;
    if (get_own(l->p, list, index, &element)) {
      next_item(l);
      print_property(l->p, &element);
      release_property(l->p->ctx, &element);
    }
    JS_FreeAtom(l->p->ctx, index);
  }
  print_rest(l, count - shown);
}

static void print_holes(listing *l, uint32_t holes) {
  next_item(l);
  put(l->p, "<");
  put_count(l->p, holes);
  put(l->p, holes == 1 ? " empty item>" : " empty items>");
}

/* Whether a name is that of an element. */
static bool is_index(JSContext *ctx, JSAtom atom) {
  JSValue name = JS_AtomToValue(ctx, atom);
  const char *text = JS_IsString(name) ? JS_ToCString(ctx, name) : NULL;
  bool index = text && *text >= '0' && *text <= '9' && text[strspn(text, "0123456789")] == 0;
  if (text) JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, name);
  return index;
}

/* The elements of an array, and how many of its names that were. With a hole before an element all
 * elements are printed with their names. */
static uint32_t print_array(listing *l, JSValueConst array, const JSPropertyEnum *names,
                            uint32_t count) {
  uint32_t length = length_of(l->p, array), dense = count_dense(l->p->ctx, names, count);
  bool sparse = dense < count && is_index(l->p->ctx, names[dense].atom);
  if (sparse) return 0;
  print_elements(l, array, dense);
  if (length > dense) print_holes(l, length - dense);
  return dense;
}

static void print_entries(listing *l, object_kind kind, JSValueConst object) {
  printer *p = l->p;
  JSValue entries = collect_entries(p->ctx, kind, object);
  if (JS_IsException(entries)) {
    forget_exception(p->ctx);
    return;
  }
  uint32_t width = kind == KIND_MAP ? 2 : 1, count = length_of(p, entries) / width;
  uint32_t shown = count > ITEMS_MAX ? ITEMS_MAX : count;
  for (uint32_t i = 0; i < shown; i++) {
    next_item(l);
    for (uint32_t part = 0; part < width; part++) {
      JSValue value = JS_GetPropertyUint32(p->ctx, entries, i * width + part);
      if (part > 0) put(p, " => ");
      print_any(p, value);
      JS_FreeValue(p->ctx, value);
    }
  }
  print_rest(l, count - shown);
  JS_FreeValue(p->ctx, entries);
}

void list_object(listing *l, object_kind kind, JSValueConst object) {
  JSContext *ctx = l->p->ctx;
  if (kind == KIND_SEALED) return;
  if (kind == KIND_MAP || kind == KIND_SET) print_entries(l, kind, object);
  JSPropertyEnum *names;
  uint32_t count, from = 0;
  int which = JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK | JS_GPN_ENUM_ONLY;
  if (JS_GetOwnPropertyNames(ctx, &names, &count, object, which)) {
    forget_exception(ctx);
    return;
  }
  if (kind == KIND_ARRAY || kind == KIND_TYPED_ARRAY) from = print_array(l, object, names, count);
  print_properties(l, object, names, from, count);
  for (uint32_t i = 0; i < count; i++) JS_FreeAtom(ctx, names[i].atom);
  js_free(ctx, names);
}
