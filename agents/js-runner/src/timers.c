#include <sys/time.h>
#include <time.h>

#include "host.h"

typedef struct {
  int64_t due_us;
  uint32_t id;
  int64_t every_us; /* -1: once */
  JSValue call;
  int count;
  JSValue *arguments;
} timer;

/* A binary heap: the timer due first, and of equals the oldest, is at 0. */
static timer *heap;
static size_t heap_size, heap_capacity;
static uint32_t last_id;
static int64_t jumped_us;

int64_t clock_jumped_us(void) { return jumped_us; }

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + jumped_us;
}

/* The engine's clock (Date) is this one, not libc's, so that it sees the jumps. */
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  int64_t us = now_us();
  now->tv_sec = us / 1000000;
  now->tv_usec = us % 1000000;
  return 0;
}

static bool before(const timer *a, const timer *b) {
  return a->due_us != b->due_us ? a->due_us < b->due_us : a->id < b->id;
}

static void swap(size_t a, size_t b) {
  timer held = heap[a];
  heap[a] = heap[b];
  heap[b] = held;
}

static void sift_up(size_t at) {
  for (; at > 0 && before(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2) {
    swap(at, (at - 1) / 2);
  }
}

static void sift_down(size_t at) {
  for (;;) {
    size_t first = at, left = 2 * at + 1;
    for (size_t child = left; child < left + 2 && child < heap_size; child++) {
      if (before(&heap[child], &heap[first])) first = child;
    }
    if (first == at) return;
    swap(at, first);
    at = first;
  }
}

static timer take(size_t at) {
  timer taken = heap[at];
  heap[at] = heap[--heap_size];
  if (at < heap_size) {
    sift_down(at);
    sift_up(at);
  }
  return taken;
}

static void put(timer added) {
  if (heap_size == heap_capacity) {
    heap_capacity = heap_capacity ? heap_capacity * 2 : 16;
    heap = realloc(heap, heap_capacity * sizeof *heap);
    if (!heap) fail(EXIT_BAD_INPUT, "out of memory");
  }
  heap[heap_size++] = added;
  sift_up(heap_size - 1);
}

static void release(JSContext *ctx, timer *t) {
  JS_FreeValue(ctx, t->call);
  for (int i = 0; i < t->count; i++) JS_FreeValue(ctx, t->arguments[i]);
  free(t->arguments);
}

static JSValue set_timer(JSContext *ctx, JSValueConst self, int count, JSValueConst *arguments,
                         int repeat) {
  (void)self;
  if (!JS_IsFunction(ctx, arguments[0])) return JS_ThrowTypeError(ctx, "not a function");
  double delay_ms = 0;
  if (JS_ToFloat64(ctx, &delay_ms, arguments[1])) return JS_EXCEPTION;
  /* As in browsers: at least 1 ms, and what does not fit 31 bits is at once. */
  if (!(delay_ms >= 1 && delay_ms <= 2147483647)) delay_ms = 1;
  timer added = {.id = ++last_id, .every_us = repeat ? (int64_t)delay_ms * 1000 : -1};
  added.due_us = now_us() + (int64_t)delay_ms * 1000;
  added.call = JS_DupValue(ctx, arguments[0]);
  added.count = count > 2 ? count - 2 : 0;
  added.arguments = malloc(sizeof(JSValue) * (size_t)(added.count + 1));
  if (!added.arguments) return JS_ThrowOutOfMemory(ctx);
  for (int i = 0; i < added.count; i++) added.arguments[i] = JS_DupValue(ctx, arguments[i + 2]);
  put(added);
  return JS_NewUint32(ctx, added.id);
}

static JSValue clear_timer(JSContext *ctx, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count;
  uint32_t id;
  if (JS_ToUint32(ctx, &id, arguments[0])) return JS_EXCEPTION;
  for (size_t i = 0; i < heap_size; i++) {
    if (heap[i].id != id) continue;
    timer cleared = take(i);
    release(ctx, &cleared);
    break;
  }
  return JS_UNDEFINED;
}

bool run_next_timer(JSContext *ctx, bool *failed) {
  if (heap_size == 0) return false;
  timer due = take(0);
  int64_t ahead = due.due_us - now_us();
  if (ahead > 0) jumped_us += ahead;
  JSValue call = JS_DupValue(ctx, due.call);
  JSValue arguments[due.count + 1];
  int count = due.count;
  for (int i = 0; i < count; i++) arguments[i] = JS_DupValue(ctx, due.arguments[i]);
  if (due.every_us < 0) {
    release(ctx, &due);
  } else {
    due.due_us += due.every_us;
    put(due);
  }
  JSValue result = JS_Call(ctx, call, JS_UNDEFINED, count, arguments);
  *failed = JS_IsException(result);
  JS_FreeValue(ctx, result);
  JS_FreeValue(ctx, call);
  for (int i = 0; i < count; i++) JS_FreeValue(ctx, arguments[i]);
  return true;
}

static JSValue run_microtask(JSContext *ctx, int count, JSValueConst *arguments) {
  (void)count;
  return JS_Call(ctx, arguments[0], JS_UNDEFINED, 0, NULL);
}

static JSValue queue_microtask(JSContext *ctx, JSValueConst self, int count,
                               JSValueConst *arguments) {
  (void)self, (void)count;
  if (!JS_IsFunction(ctx, arguments[0])) return JS_ThrowTypeError(ctx, "not a function");
  return JS_EnqueueJob(ctx, run_microtask, 1, arguments) < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

void add_timers(JSContext *ctx) {
  static const JSCFunctionListEntry FUNCTIONS[] = {
      JS_CFUNC_MAGIC_DEF("setTimeout", 2, set_timer, 0),
      JS_CFUNC_MAGIC_DEF("setInterval", 2, set_timer, 1),
      JS_CFUNC_DEF("clearTimeout", 1, clear_timer),
      JS_CFUNC_DEF("clearInterval", 1, clear_timer),
      JS_CFUNC_DEF("queueMicrotask", 1, queue_microtask),
  };
  JSValue global = JS_GetGlobalObject(ctx);
  JS_SetPropertyFunctionList(ctx, global, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS);
  JS_FreeValue(ctx, global);
}
