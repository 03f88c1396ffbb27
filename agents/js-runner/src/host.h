/* What a script finds around it besides the language. */
#ifndef AGENT_HOST_H
#define AGENT_HOST_H

#include <stdbool.h>

#include "../../wasi/streams.h"
#include "../vendor/quickjs/quickjs.h"

/* What newer JavaScript has and the engine has not: es2025.js. */
void add_language(JSContext *ctx);

/* console.log and friends, and print. Output is held back: call flush_output at the end. */
void add_console(JSContext *ctx);
/* A value as console.log prints it: text as it is, objects with what is in them. */
void print_top(JSContext *ctx, int fd, JSValueConst value);
/* The same and a line feed: to stdout (1) or stderr (2). */
void print_value(JSContext *ctx, int fd, JSValueConst value);
/* The pending exception with its stack, to stderr. */
void print_exception(JSContext *ctx);
/* What a thrown value or a rejection's reason says, to stderr. */
void print_error(JSContext *ctx, JSValueConst error);
void hold_output(int fd, const void *data, size_t length);
void flush_output(void);

/* setTimeout, setInterval, clearTimeout, clearInterval and queueMicrotask. Nobody sleeps: when
 * nothing else is left to run, the clock jumps to the next timer. */
void add_timers(JSContext *ctx);
/* Runs the next timer; false if there is none. A throwing callback sets `*failed`. */
bool run_next_timer(JSContext *ctx, bool *failed);
/* Microseconds the clock has jumped so far. */
int64_t clock_jumped_us(void);

/* Math.random seeded by the host, instead of by the clock. */
void add_random(JSContext *ctx);

#endif
