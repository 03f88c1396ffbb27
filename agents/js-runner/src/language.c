#include "host.h"

static const char ES2025[] =
#include "es2025.inc"
    ;

enum { GLOBAL, SET, ITERATOR, HOLDER_COUNT };

static const char HOLDERS[] = "[globalThis, Set.prototype, [].values().__proto__.__proto__]";

/* Reading the text costs more than most scripts do, so it waits until one of these is used. */
static const struct {
  int holder;
  const char *name;
} NAMES[] = {
    {GLOBAL, "Iterator"},
    {SET, "union"},
    {SET, "intersection"},
    {SET, "difference"},
    {SET, "symmetricDifference"},
    {SET, "isSubsetOf"},
    {SET, "isSupersetOf"},
    {SET, "isDisjointFrom"},
    {ITERATOR, "map"},
    {ITERATOR, "filter"},
    {ITERATOR, "take"},
    {ITERATOR, "drop"},
    {ITERATOR, "flatMap"},
    {ITERATOR, "reduce"},
    {ITERATOR, "toArray"},
    {ITERATOR, "forEach"},
    {ITERATOR, "some"},
    {ITERATOR, "every"},
    {ITERATOR, "find"},
};

/* Puts values in the place of all these accessors. */
static bool load(JSContext *ctx) {
  static bool loaded;
  if (loaded) return true;
  JSValue done = JS_Eval(ctx, ES2025, sizeof ES2025 - 1, "<runner>", JS_EVAL_TYPE_GLOBAL);
  loaded = !JS_IsException(done);
  JS_FreeValue(ctx, done);
  return loaded;
}

static JSValue get_loaded(JSContext *ctx, JSValueConst self, int name) {
  return load(ctx) ? JS_GetPropertyStr(ctx, self, NAMES[name].name) : JS_EXCEPTION;
}

static JSValue set_loaded(JSContext *ctx, JSValueConst self, JSValueConst value, int name) {
  if (!load(ctx)) return JS_EXCEPTION;
  int set = JS_SetPropertyStr(ctx, self, NAMES[name].name, JS_DupValue(ctx, value));
  return set < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

void add_language(JSContext *ctx) {
  JSValue all = JS_Eval(ctx, HOLDERS, sizeof HOLDERS - 1, "<runner>", JS_EVAL_TYPE_GLOBAL);
  JSValue holders[HOLDER_COUNT];
  for (uint32_t i = 0; i < HOLDER_COUNT; i++) holders[i] = JS_GetPropertyUint32(ctx, all, i);
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
    const JSCFunctionListEntry accessor[] = {
        JS_CGETSET_MAGIC_DEF(NAMES[i].name, get_loaded, set_loaded, (int16_t)i),
    };
    JS_SetPropertyFunctionList(ctx, holders[NAMES[i].holder], accessor, 1);
  }
  for (int i = 0; i < HOLDER_COUNT; i++) JS_FreeValue(ctx, holders[i]);
  JS_FreeValue(ctx, all);
}
