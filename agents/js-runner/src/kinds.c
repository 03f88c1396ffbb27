#include "kinds.h"

#include <stdbool.h>

#include "../../wasi/streams.h"

static const struct {
  const char *code;
  object_class class;
} SAMPLES[] = {
    {"({})", {KIND_PLAIN, "Object"}},
    {"[]", {KIND_ARRAY, "Array"}},
    {"new Map", {KIND_MAP, "Map"}},
    {"new Set", {KIND_SET, "Set"}},
    {"new Date", {KIND_DATE, "Date"}},
    {"/a/", {KIND_REGEXP, "RegExp"}},
    {"new Error", {KIND_ERROR, "Error"}},
    {"new Int8Array", {KIND_TYPED_ARRAY, "Int8Array"}},
    {"new Uint8Array", {KIND_TYPED_ARRAY, "Uint8Array"}},
    {"new Uint8ClampedArray", {KIND_TYPED_ARRAY, "Uint8ClampedArray"}},
    {"new Int16Array", {KIND_TYPED_ARRAY, "Int16Array"}},
    {"new Uint16Array", {KIND_TYPED_ARRAY, "Uint16Array"}},
    {"new Int32Array", {KIND_TYPED_ARRAY, "Int32Array"}},
    {"new Uint32Array", {KIND_TYPED_ARRAY, "Uint32Array"}},
    {"new BigInt64Array", {KIND_TYPED_ARRAY, "BigInt64Array"}},
    {"new BigUint64Array", {KIND_TYPED_ARRAY, "BigUint64Array"}},
    {"new Float32Array", {KIND_TYPED_ARRAY, "Float32Array"}},
    {"new Float64Array", {KIND_TYPED_ARRAY, "Float64Array"}},
    {"new Proxy({}, {})", {KIND_SEALED, "Object"}},
    {"new Number", {KIND_PLAIN, "Number"}},
    {"new String", {KIND_PLAIN, "String"}},
    {"new Boolean", {KIND_PLAIN, "Boolean"}},
    {"Object(0n)", {KIND_PLAIN, "BigInt"}},
    {"Object(Symbol())", {KIND_PLAIN, "Symbol"}},
    {"(function () { return arguments })()", {KIND_PLAIN, "Arguments"}},
    {"(function () { 'use strict'; return arguments })()", {KIND_PLAIN, "Arguments"}},
    {"new ArrayBuffer", {KIND_PLAIN, "ArrayBuffer"}},
    {"new SharedArrayBuffer", {KIND_PLAIN, "SharedArrayBuffer"}},
    {"new DataView(new ArrayBuffer)", {KIND_PLAIN, "DataView"}},
    {"Promise.resolve()", {KIND_PLAIN, "Promise"}},
    {"new WeakMap", {KIND_PLAIN, "WeakMap"}},
    {"new WeakSet", {KIND_PLAIN, "WeakSet"}},
    {"new WeakRef({})", {KIND_PLAIN, "WeakRef"}},
    {"new FinalizationRegistry(() => {})", {KIND_PLAIN, "FinalizationRegistry"}},
    {"(function* () {})()", {KIND_PLAIN, "Generator"}},
    {"(async function* () {})()", {KIND_PLAIN, "AsyncGenerator"}},
    {"[].values()", {KIND_PLAIN, "Array Iterator"}},
    {"new Map().values()", {KIND_PLAIN, "Map Iterator"}},
    {"new Set().values()", {KIND_PLAIN, "Set Iterator"}},
    {"''[Symbol.iterator]()", {KIND_PLAIN, "String Iterator"}},
    {"''.matchAll(/a/g)", {KIND_PLAIN, "RegExp String Iterator"}},
};

enum { SAMPLE_COUNT = sizeof SAMPLES / sizeof *SAMPLES };

static JSClassID class_ids[SAMPLE_COUNT];
static JSValue map_for_each, set_for_each, date_to_iso, regexp_to_string;

/* One array of all samples and then the methods: to compile them one by one costs far more. */
void learn_kinds(JSContext *ctx) {
  static const char METHODS[] =
      "Map.prototype.forEach, Set.prototype.forEach, Date.prototype.toISOString,"
      "RegExp.prototype.toString]";
  bytes code = {0};
  for (int i = 0; i < SAMPLE_COUNT; i++) {
    bytes_add_byte(&code, i == 0 ? '[' : ',');
    bytes_add_text(&code, SAMPLES[i].code);
  }
  bytes_add_byte(&code, ',');
  bytes_add(&code, METHODS, sizeof METHODS);
  const char *text = (char *)code.data;
  JSValue all = JS_Eval(ctx, text, code.length - 1, "<runner>", JS_EVAL_TYPE_GLOBAL);
  for (uint32_t i = 0; i < SAMPLE_COUNT; i++) {
    JSValue sample = JS_GetPropertyUint32(ctx, all, i);
    class_ids[i] = JS_GetClassID(sample);
    JS_FreeValue(ctx, sample);
  }
  map_for_each = JS_GetPropertyUint32(ctx, all, SAMPLE_COUNT);
  set_for_each = JS_GetPropertyUint32(ctx, all, SAMPLE_COUNT + 1);
  date_to_iso = JS_GetPropertyUint32(ctx, all, SAMPLE_COUNT + 2);
  regexp_to_string = JS_GetPropertyUint32(ctx, all, SAMPLE_COUNT + 3);
  JS_FreeValue(ctx, all);
  free(code.data);
}

object_class class_of(JSContext *ctx, JSValueConst object) {
  JSClassID id = JS_GetClassID(object);
  for (int i = 0; i < SAMPLE_COUNT; i++) {
    if (class_ids[i] == id) return SAMPLES[i].class;
  }
  if (JS_IsFunction(ctx, object)) return (object_class){KIND_FUNCTION, "Function"};
  return (object_class){KIND_PLAIN, "Object"};
}

/* Called for each entry with (value, key), on the array that collects them. */
static JSValue collect_one(JSContext *ctx, JSValueConst array, int count, JSValueConst *entry,
                           int with_key) {
  (void)count;
  uint32_t length;
  if (JS_ToUint32(ctx, &length, JS_GetPropertyStr(ctx, array, "length"))) return JS_EXCEPTION;
  for (int i = with_key; i >= 0; i--) {
    JSValue part = JS_DupValue(ctx, entry[i]);
    if (JS_DefinePropertyValueUint32(ctx, array, length++, part, JS_PROP_C_W_E) < 0) {
      return JS_EXCEPTION;
    }
  }
  return JS_UNDEFINED;
}

JSValue collect_entries(JSContext *ctx, object_kind kind, JSValueConst object) {
  bool map = kind == KIND_MAP;
  JSValue array = JS_NewArray(ctx);
  JSValue collector =
      JS_NewCFunctionMagic(ctx, collect_one, "collect", 2, JS_CFUNC_generic_magic, map);
  JSValueConst arguments[] = {collector, array};
  JSValue done = JS_Call(ctx, map ? map_for_each : set_for_each, object, 2, arguments);
  JS_FreeValue(ctx, collector);
  if (!JS_IsException(done)) return array;
  JS_FreeValue(ctx, array);
  return JS_EXCEPTION;
}

JSValue describe_object(JSContext *ctx, object_kind kind, JSValueConst object) {
  return JS_Call(ctx, kind == KIND_DATE ? date_to_iso : regexp_to_string, object, 0, NULL);
}
