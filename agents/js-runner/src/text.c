#include "printer.h"

enum { TEXT_MAX = 1000 };

void put(printer *p, const char *text) { hold_output(p->fd, text, strlen(text)); }

void put_count(printer *p, uint32_t count) {
  char digits[10];
  int at = sizeof digits;
  do digits[--at] = (char)('0' + count % 10);
  while ((count /= 10) > 0);
  hold_output(p->fd, digits + at, sizeof digits - (size_t)at);
}

void forget_exception(JSContext *ctx) { JS_FreeValue(ctx, JS_GetException(ctx)); }

/* A character as JSON escapes it, or NULL if it stands for itself. */
static const char *short_escape(char c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return NULL;
  }
}

static void put_unit(printer *p, unsigned unit) {
  static const char HEX[] = "0123456789abcdef";
  char text[] = {'\\', 'u', HEX[unit >> 12], HEX[unit >> 8 & 15], HEX[unit >> 4 & 15],
                 HEX[unit & 15]};
  hold_output(p->fd, text, sizeof text);
}

/* One character, 1 to 4 bytes; the engine's UTF-8 has lone surrogates too. */
static void put_escaped(printer *p, const uint8_t *at, size_t size) {
  const char *escape = short_escape((char)*at);
  if (escape) put(p, escape);
  else if (size == 1 && (*at < ' ' || *at == 0x7f)) put_unit(p, *at);
  else if (size == 2 && *at == 0xc2 && at[1] < 0xa0) put_unit(p, at[1]);
  else if (size == 3 && *at == 0xed && at[1] >= 0xa0) {
    put_unit(p, 0xd000 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu));
  } else hold_output(p->fd, at, size);
}

static size_t size_of_character(uint8_t first) {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

void put_quoted(printer *p, const char *text, size_t length) {
  const uint8_t *at = (const uint8_t *)text, *end = at + length;
  put(p, "\"");
  for (int shown = 0; at < end && shown < TEXT_MAX; shown++) {
    size_t size = size_of_character(*at);
    put_escaped(p, at, size);
    at += size;
  }
  put(p, "\"");
  uint32_t left = 0;
  for (; at < end; at += size_of_character(*at)) left++;
  if (left == 0) return;
  put(p, "... ");
  put_count(p, left);
  put(p, left == 1 ? " more character" : " more characters");
}

static bool is_plain(const char *name, size_t length) {
  static const char DIGITS[] = "0123456789";
  static const char WORD[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$";
  if (length == 0) return false;
  bool digits = *name >= '0' && *name <= '9';
  return strspn(name, digits ? DIGITS : WORD) == length && !(digits && length > 9);
}

void put_name(printer *p, JSAtom atom) {
  size_t length;
  JSValue string = JS_AtomToString(p->ctx, atom);
  const char *name = JS_IsException(string) ? NULL : JS_ToCStringLen(p->ctx, &length, string);
  JS_FreeValue(p->ctx, string);
  if (!name) {
    forget_exception(p->ctx);
    return;
  }
  if (is_plain(name, length)) hold_output(p->fd, name, length);
  else put_quoted(p, name, length);
  JS_FreeCString(p->ctx, name);
}
