#include "host.h"

enum { HELD_MAX = 65536 };

static bytes held[3];

static void flush(int fd) {
  write_fully(fd, held[fd].data, held[fd].length);
  held[fd].length = 0;
}

void hold_output(int fd, const void *data, size_t length) {
  bytes_add(&held[fd], data, length);
  if (held[fd].length >= HELD_MAX) flush(fd);
}

void flush_output(void) {
  flush(1);
  flush(2);
}

void print_value(JSContext *ctx, int fd, JSValueConst value) {
  print_top(ctx, fd, value);
  hold_output(fd, "\n", 1);
}

void print_error(JSContext *ctx, JSValueConst error) {
  if (!JS_IsError(ctx, error)) hold_output(2, "Uncaught ", 9);
  print_top(ctx, 2, error);
  hold_output(2, "\n", 1);
}

void print_exception(JSContext *ctx) {
  JSValue error = JS_GetException(ctx);
  print_error(ctx, error);
  JS_FreeValue(ctx, error);
}

static JSValue log_values(JSContext *ctx, JSValueConst self, int count, JSValueConst *values,
                          int fd) {
  (void)self;
  for (int i = 0; i < count; i++) {
    if (i > 0) hold_output(fd, " ", 1);
    print_top(ctx, fd, values[i]);
  }
  hold_output(fd, "\n", 1);
  return JS_UNDEFINED;
}

void add_console(JSContext *ctx) {
  static const struct {
    const char *name;
    int fd;
  } METHODS[] = {{"log", 1}, {"info", 1}, {"debug", 1}, {"warn", 2}, {"error", 2}, {"trace", 2}};
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue console = JS_NewObject(ctx);
  for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++) {
    JSValue method = JS_NewCFunctionMagic(ctx, log_values, METHODS[i].name, 1,
                                          JS_CFUNC_generic_magic, METHODS[i].fd);
    JS_SetPropertyStr(ctx, console, METHODS[i].name, method);
  }
  JS_SetPropertyStr(ctx, global, "console", console);
  JSValue print = JS_NewCFunctionMagic(ctx, log_values, "print", 1, JS_CFUNC_generic_magic, 1);
  JS_SetPropertyStr(ctx, global, "print", print);
  JS_FreeValue(ctx, global);
}
