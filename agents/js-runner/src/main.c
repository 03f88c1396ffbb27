/* js-runner [run [ARG...]]            the script is on stdin
 * js-runner transform CODE [ARG...]   the script is CODE, its data on stdin
 *
 * A script sees `scriptArgs`, and with transform its data as the string `input` and the
 * Uint8Array `inputBytes`. */
#include "host.h"
#include "kinds.h"

static const char USAGE[] =
    "usage: js-runner [run [ARG...]]            script on stdin\n"
    "       js-runner transform CODE [ARG...]   data on stdin, as input and inputBytes";

/* Deep recursion must become a RangeError in the script before the machine stack of any
 * WebAssembly engine ends; build.sh gives the linker more than this for its own stack. */
enum { SCRIPT_STACK_BYTES = 108 * 1024 };

typedef struct rejection {
  struct rejection *next;
  JSValue promise;
  JSValue reason;
} rejection;

static rejection *unhandled;

static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason,
                            JS_BOOL is_handled, void *opaque) {
  (void)opaque;
  if (!is_handled) {
    rejection *added = malloc(sizeof *added);
    if (!added) fail(EXIT_BAD_INPUT, "out of memory");
    added->promise = JS_DupValue(ctx, promise);
    added->reason = JS_DupValue(ctx, reason);
    added->next = unhandled;
    unhandled = added;
    return;
  }
  for (rejection **at = &unhandled; *at; at = &(*at)->next) {
    rejection *found = *at;
    if (JS_VALUE_GET_PTR(found->promise) != JS_VALUE_GET_PTR(promise)) continue;
    *at = found->next;
    JS_FreeValue(ctx, found->promise);
    JS_FreeValue(ctx, found->reason);
    free(found);
    return;
  }
}

static _Noreturn void stop(int code) {
  flush_output();
  _Exit(code);
}

static _Noreturn void stop_with_exception(JSContext *ctx) {
  print_exception(ctx);
  stop(EXIT_BAD_INPUT);
}

/* Runs jobs and timers until none is left. */
static void run_to_rest(JSContext *ctx) {
  for (;;) {
    JSContext *job_ctx;
    int ran;
    while ((ran = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job_ctx)) > 0) continue;
    if (ran < 0) stop_with_exception(job_ctx);
    if (unhandled) {
      print_error(ctx, unhandled->reason);
      stop(EXIT_BAD_INPUT);
    }
    bool failed = false;
    if (!run_next_timer(ctx, &failed)) return;
    if (failed) stop_with_exception(ctx);
  }
}

/* The value a promise has come to once nothing is left to run; other values as they are. */
static JSValue settle(JSContext *ctx, JSValue value) {
  if (JS_IsException(value)) stop_with_exception(ctx);
  run_to_rest(ctx);
  if ((int)JS_PromiseState(ctx, value) < 0) return value;
  if (JS_PromiseState(ctx, value) == JS_PROMISE_PENDING) {
    hold_output(2, "the script waits for a promise that nothing settles\n", 52);
    stop(EXIT_BAD_INPUT);
  }
  JSValue result = JS_PromiseResult(ctx, value);
  JS_FreeValue(ctx, value);
  return result;
}

/* Evaluates a script, whose top level may await, or a module if it imports or exports. */
static JSValue evaluate(JSContext *ctx, const char *code, size_t length, const char *name) {
  if (JS_DetectModule(code, length)) {
    return settle(ctx, JS_Eval(ctx, code, length, name, JS_EVAL_TYPE_MODULE));
  }
  int flags = JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_ASYNC;
  JSValue completion = settle(ctx, JS_Eval(ctx, code, length, name, flags));
  JSValue value = JS_GetPropertyStr(ctx, completion, "value");
  JS_FreeValue(ctx, completion);
  return settle(ctx, value);
}

static void add_globals(JSContext *ctx, const bytes *input, int count, char **arguments) {
  add_console(ctx);
  add_timers(ctx);
  add_random(ctx);
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue list = JS_NewArray(ctx);
  for (int i = 0; i < count; i++) {
    JS_SetPropertyUint32(ctx, list, (uint32_t)i, JS_NewString(ctx, arguments[i]));
  }
  JS_SetPropertyStr(ctx, global, "scriptArgs", list);
  if (input) {
    JSValue text = JS_NewStringLen(ctx, (char *)input->data, input->length);
    JSValue buffer = JS_NewArrayBufferCopy(ctx, input->data, input->length);
    /* The constructor reads three arguments, given or not. */
    JSValue three[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
    JSValue array = JS_NewTypedArray(ctx, 3, three, JS_TYPED_ARRAY_UINT8);
    JS_FreeValue(ctx, buffer);
    if (JS_IsException(text) || JS_IsException(array)) stop_with_exception(ctx);
    JS_SetPropertyStr(ctx, global, "input", text);
    JS_SetPropertyStr(ctx, global, "inputBytes", array);
  }
  JS_FreeValue(ctx, global);
}

/* Bytes go out as they are, text with a line feed, other values as JSON. */
static void write_transformed(JSContext *ctx, JSValueConst value) {
  if (JS_IsUndefined(value)) return;
  size_t offset, length, step, whole;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, &length, &step);
  if (!JS_IsException(buffer)) {
    uint8_t *data = JS_GetArrayBuffer(ctx, &whole, buffer);
    if (data) hold_output(1, data + offset, length);
    return;
  }
  JS_FreeValue(ctx, JS_GetException(ctx));
  uint8_t *data = JS_GetArrayBuffer(ctx, &whole, value);
  if (data) {
    hold_output(1, data, whole);
    return;
  }
  JS_FreeValue(ctx, JS_GetException(ctx));
  if (JS_IsString(value)) {
    print_value(ctx, 1, value);
    return;
  }
  JSValue json = JS_JSONStringify(ctx, value, JS_UNDEFINED, JS_UNDEFINED);
  if (JS_IsException(json)) stop_with_exception(ctx);
  if (!JS_IsUndefined(json)) print_value(ctx, 1, json);
}

static JSContext *new_context(void) {
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *ctx = runtime ? JS_NewContext(runtime) : NULL;
  if (!ctx) fail(EXIT_BAD_INPUT, "out of memory");
  JS_SetMaxStackSize(runtime, SCRIPT_STACK_BYTES);
  JS_SetHostPromiseRejectionTracker(runtime, track_rejection, NULL);
  learn_kinds(ctx);
  add_language(ctx);
  return ctx;
}

int main(int argc, char **argv) {
  bool transform = argc > 1 && strcmp(argv[1], "transform") == 0;
  bool run = argc == 1 || strcmp(argv[1], "run") == 0;
  if ((!transform && !run) || (transform && argc < 3)) fail(EXIT_USAGE, USAGE);
  bytes input = read_stdin();
  JSContext *ctx = new_context();
  if (transform) {
    add_globals(ctx, &input, argc - 3, argv + 3);
    write_transformed(ctx, evaluate(ctx, argv[2], strlen(argv[2]), "<code>"));
  } else {
    add_globals(ctx, NULL, argc > 2 ? argc - 2 : 0, argv + 2);
    JSValue value = evaluate(ctx, (char *)input.data, input.length, "<stdin>");
    if (!JS_IsUndefined(value)) print_value(ctx, 1, value);
  }
  /* The process ends here: its memory goes at once, so nothing is freed piece by piece. */
  stop(0);
}
