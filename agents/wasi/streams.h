/* Standard streams of a WASI preview 1 command, without stdio.
 *
 * Exit codes of every agent: 0 done, 1 the input is bad, 2 the arguments are.
 */
#ifndef AGENT_STREAMS_H
#define AGENT_STREAMS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_BAD_INPUT = 1, EXIT_USAGE = 2 };

typedef struct {
  uint8_t *data;
  size_t length;
  size_t capacity;
} bytes;

/* Writes everything; a closed or failing stream ends the program, since output
 * that is cut short must not look like success. */
static inline void write_fully(int fd, const void *data, size_t length) {
  const uint8_t *at = data;
  while (length > 0) {
    ssize_t written = write(fd, at, length);
    if (written <= 0) _Exit(EXIT_BAD_INPUT);
    at += written;
    length -= (size_t)written;
  }
}

/* Ends the program with `message` and a line feed on stderr. */
static inline _Noreturn void fail(int code, const char *message) {
  write_fully(2, message, strlen(message));
  write_fully(2, "\n", 1);
  _Exit(code);
}

/* Makes room for `more` bytes; growth by half keeps copying linear in the end
 * and, the buffer being last on the heap, mostly happens in place. */
static inline void bytes_reserve(bytes *b, size_t more) {
  if (b->capacity - b->length >= more) return;
  size_t wanted = b->length + more;
  if (wanted < b->length) fail(EXIT_BAD_INPUT, "the result does not fit in memory");
  size_t capacity = b->capacity + b->capacity / 2;
  if (capacity < wanted) capacity = wanted;
  if (capacity < 4096) capacity = 4096;
  uint8_t *grown = realloc(b->data, capacity);
  if (!grown) fail(EXIT_BAD_INPUT, "out of memory");
  b->data = grown;
  b->capacity = capacity;
}

static inline void bytes_add(bytes *b, const void *data, size_t length) {
  bytes_reserve(b, length);
  if (length > 0) memcpy(b->data + b->length, data, length);
  b->length += length;
}

static inline void bytes_add_byte(bytes *b, uint8_t byte) {
  bytes_reserve(b, 1);
  b->data[b->length++] = byte;
}

static inline void bytes_add_text(bytes *b, const char *text) {
  bytes_add(b, text, strlen(text));
}

/* `fail` for a message of the form "what number", as in "no UTF-8 at byte 17". */
static inline _Noreturn void fail_at(const char *what, size_t number) {
  char digits[24];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  write_fully(2, what, strlen(what));
  write_fully(2, " ", 1);
  fail(EXIT_BAD_INPUT, at);
}

/* The whole of stdin, followed by one NUL that `length` does not count. */
static inline bytes read_stdin(void) {
  bytes input = {0};
  for (;;) {
    bytes_reserve(&input, 65536);
    ssize_t got = read(0, input.data + input.length, input.capacity - input.length - 1);
    if (got < 0) fail(EXIT_BAD_INPUT, "stdin cannot be read");
    if (got == 0) break;
    input.length += (size_t)got;
  }
  input.data[input.length] = 0;
  return input;
}

#endif
