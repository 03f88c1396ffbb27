#include "json.h"

#include "../../wasi/utf8.h"

enum { DEPTH_MAX = 512 };

_Noreturn void json_fail(const json_reader *r, const uint8_t *at) {
  fail_at("the input is not the JSON expected at byte", (size_t)(at - r->start));
}

json_reader json_open(bytes input) {
  size_t valid = utf8_valid_length(input.data, input.length);
  if (valid < input.length) fail_at("the input is not UTF-8 at byte", valid);
  json_reader reader = {input.data, input.data, input.data + input.length};
  if (input.length >= 3 && memcmp(input.data, "\xef\xbb\xbf", 3) == 0) reader.at += 3;
  return reader;
}

uint8_t json_peek(json_reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) {
    r->at++;
  }
  return r->at < r->end ? *r->at : 0;
}

bool json_accept(json_reader *r, uint8_t byte) {
  if (json_peek(r) != byte || r->at == r->end) return false;
  r->at++;
  return true;
}

void json_expect(json_reader *r, uint8_t byte) {
  if (!json_accept(r, byte)) json_fail(r, r->at);
}

/* The four hexadecimal digits behind \u; -1 if they are not. */
static int32_t hex4(const uint8_t *at, const uint8_t *end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t lower = at[i] | 0x20;
    if (at[i] >= '0' && at[i] <= '9') value = value * 16 + at[i] - '0';
    else if (lower >= 'a' && lower <= 'f') value = value * 16 + lower - 'a' + 10;
    else return -1;
  }
  return value;
}

static void take_string(json_reader *r) {
  for (r->at++; r->at < r->end && *r->at != '"'; r->at++) {
    if (*r->at < 0x20) json_fail(r, r->at);
    if (*r->at != '\\') continue;
    r->at++;
    if (r->at == r->end) json_fail(r, r->at);
    bool known = *r->at && strchr("\"\\/bfnrtu", *r->at);
    if (!known || (*r->at == 'u' && hex4(r->at + 1, r->end) < 0)) json_fail(r, r->at);
  }
  if (r->at == r->end) json_fail(r, r->at);
  r->at++;
}

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end) {
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at;
}

/* The end of the number at `at`, or NULL. */
static const uint8_t *number_end(const uint8_t *at, const uint8_t *end) {
  if (at < end && *at == '-') at++;
  if (at == end || *at < '0' || *at > '9') return NULL;
  at = *at == '0' ? at + 1 : skip_digits(at, end);
  if (at < end && *at == '.') {
    const uint8_t *digits = skip_digits(++at, end);
    if (digits == at) return NULL;
    at = digits;
  }
  if (at < end && (*at | 0x20) == 'e') {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    const uint8_t *digits = skip_digits(at, end);
    if (digits == at) return NULL;
    at = digits;
  }
  return at;
}

bool json_is_number(const uint8_t *text, size_t length) {
  return number_end(text, text + length) == text + length;
}

static void take_word(json_reader *r, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) json_fail(r, r->at);
  r->at += length;
}

static json_kind take_value(json_reader *r, int depth);

static void take_members(json_reader *r, uint8_t close, int depth) {
  if (depth == DEPTH_MAX) json_fail(r, r->at);
  r->at++;
  if (json_accept(r, close)) return;
  do {
    if (close == '}') {
      if (json_peek(r) != '"') json_fail(r, r->at);
      take_string(r);
      json_expect(r, ':');
    }
    take_value(r, depth + 1);
  } while (json_accept(r, ','));
  json_expect(r, close);
}

static json_kind take_value(json_reader *r, int depth) {
  switch (json_peek(r)) {
    case '{':
      take_members(r, '}', depth);
      return JSON_OBJECT;
    case '[':
      take_members(r, ']', depth);
      return JSON_ARRAY;
    case '"':
      take_string(r);
      return JSON_STRING;
    case 't':
      take_word(r, "true");
      return JSON_BOOLEAN;
    case 'f':
      take_word(r, "false");
      return JSON_BOOLEAN;
    case 'n':
      take_word(r, "null");
      return JSON_NULL;
    default: {
      const uint8_t *end = number_end(r->at, r->end);
      if (!end) json_fail(r, r->at);
      r->at = end;
      return JSON_NUMBER;
    }
  }
}

json_value json_next(json_reader *r) {
  json_peek(r);
  json_value value = {.text = r->at};
  value.kind = take_value(r, 0);
  value.length = (size_t)(r->at - value.text);
  return value;
}

/* Appends the character of the escape at `at`, behind its backslash, and returns its end. */
static const uint8_t *decode_escape(const json_reader *r, const uint8_t *at, bytes *out) {
  static const char NAMES[] = "\"\\/bfnrt";
  static const char MEANT[] = "\"\\/\b\f\n\r\t";
  if (*at != 'u') {
    bytes_add_byte(out, (uint8_t)MEANT[strchr(NAMES, *at) - NAMES]);
    return at + 1;
  }
  int32_t point = hex4(at + 1, r->end);
  const uint8_t *end = at + 5;
  if (point >= 0xd800 && point < 0xdc00 && r->end - end > 6 && end[0] == '\\' && end[1] == 'u') {
    int32_t low = hex4(end + 2, r->end);
    if (low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      end += 6;
    }
  }
  /* Half a surrogate pair is JSON, but no character: UTF-8 cannot carry it. */
  if (point >= 0xd800 && point < 0xe000) json_fail(r, at);
  uint8_t encoded[4];
  bytes_add(out, encoded, (size_t)utf8_encode((uint32_t)point, encoded));
  return end;
}

void json_decode(const json_reader *r, json_value string, bytes *out) {
  const uint8_t *at = string.text + 1;
  const uint8_t *end = string.text + string.length - 1;
  while (at < end) {
    const uint8_t *plain = at;
    while (at < end && *at != '\\') at++;
    bytes_add(out, plain, (size_t)(at - plain));
    if (at < end) at = decode_escape(r, at + 1, out);
  }
}

void json_encode(bytes *out, const uint8_t *text, size_t length) {
  static const char HEX[] = "0123456789abcdef";
  static const char SHORT[] = "btn\0fr"; /* for 8 to 13 */
  bytes_reserve(out, length + 2);
  bytes_add_byte(out, '"');
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = text[i];
    if (byte >= 0x20 && byte != '"' && byte != '\\') {
      bytes_add_byte(out, byte);
      continue;
    }
    bytes_add_byte(out, '\\');
    if (byte >= 0x20) {
      bytes_add_byte(out, byte);
    } else if (byte >= 8 && byte <= 13 && byte != 11) {
      bytes_add_byte(out, (uint8_t)SHORT[byte - 8]);
    } else {
      bytes_add_text(out, "u00");
      bytes_add_byte(out, (uint8_t)HEX[byte >> 4]);
      bytes_add_byte(out, (uint8_t)HEX[byte & 15]);
    }
  }
  bytes_add_byte(out, '"');
}
