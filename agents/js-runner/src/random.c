#include "host.h"

static uint64_t state;

/* SplitMix64 (Steele, Lea, Flood, 2014); the upper 53 bits make a double in [0, 1). */
static JSValue next_random(JSContext *ctx, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return JS_NewFloat64(ctx, (double)(z >> 11) * 0x1p-53);
}

void add_random(JSContext *ctx) {
  getentropy(&state, sizeof state);
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue math = JS_GetPropertyStr(ctx, global, "Math");
  JSValue random = JS_NewCFunction(ctx, next_random, "random", 0);
  int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE;
  JS_DefinePropertyValueStr(ctx, math, "random", random, flags);
  JS_FreeValue(ctx, math);
  JS_FreeValue(ctx, global);
}
