/* Small programs that the meter is measured on: each export takes a size and gives a check value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

static uint32_t random_state;

static uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

/* SHA-256 (FIPS 180-4) over n blocks of 64 bytes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

EXPORT("digest") uint32_t digest(uint32_t blocks) {
  static uint8_t input[64];
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (uint32_t block = 0; block < blocks; block++) {
    uint32_t w[64];
    for (int i = 0; i < 64; i++) input[i] = (uint8_t)(block + i);
    for (int i = 0; i < 16; i++) {
      const uint8_t *p = input + 4 * i;
      w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int i = 16; i < 64; i++) {
      uint32_t a = w[i - 15], b = w[i - 2];
      uint32_t s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3);
      uint32_t s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t v[8];
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
      uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
      uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
      uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
      uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      v[7] = v[6]; v[6] = v[5]; v[5] = v[4]; v[4] = v[3] + t1;
      v[3] = v[2]; v[2] = v[1]; v[1] = v[0]; v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
  }
  return h[0];
}

EXPORT("matmul") uint32_t matmul(uint32_t n) {
  double *a = malloc(n * n * 8), *b = malloc(n * n * 8), *c = malloc(n * n * 8);
  if (!a || !b || !c) return 0;
  for (uint32_t i = 0; i < n * n; i++) {
    a[i] = (double)(i % 13) - 6.0;
    b[i] = (double)(i % 17) / 3.0;
  }
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t j = 0; j < n; j++) {
      double sum = 0;
      for (uint32_t k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  double total = 0;
  for (uint32_t i = 0; i < n * n; i++) total += c[i];
  free(a); free(b); free(c);
  return (uint32_t)(int32_t)total;
}

EXPORT("mandelbrot") uint32_t mandelbrot(uint32_t size) {
  uint32_t inside = 0;
  for (uint32_t py = 0; py < size; py++)
    for (uint32_t px = 0; px < size; px++) {
      double cx = 3.0 * px / size - 2.0, cy = 2.0 * py / size - 1.0, x = 0, y = 0;
      uint32_t i = 0;
      for (; i < 200 && x * x + y * y < 4.0; i++) {
        double t = x * x - y * y + cx;
        y = 2.0 * x * y + cy;
        x = t;
      }
      inside += i;
    }
  return inside;
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

EXPORT("sort") uint32_t sort(uint32_t n) {
  uint32_t *values = malloc(n * 4);
  if (!values) return 0;
  random_state = 12345;
  for (uint32_t i = 0; i < n; i++) values[i] = next_random();
  qsort(values, n, 4, compare);
  uint32_t middle = values[n / 2];
  free(values);
  return middle;
}

/* A recursive-descent JSON parser that sums what it reads. */
typedef struct { const char *at; const char *end; uint32_t sum; } Parser;

static void skip(Parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\n')) p->at++;
}

static int value(Parser *p, int depth);

static int string(Parser *p) {
  if (*p->at != '"') return 0;
  for (p->at++; p->at < p->end && *p->at != '"'; p->at++) {
    if (*p->at == '\\') p->at++;
    p->sum = p->sum * 31 + (uint8_t)*p->at;
  }
  p->at++;
  return 1;
}

static int number(Parser *p) {
  char *end;
  double x = strtod(p->at, &end);
  if (end == p->at) return 0;
  p->at = end;
  p->sum += (uint32_t)(int32_t)(x * 16);
  return 1;
}

static int members(Parser *p, char close, int keyed, int depth) {
  p->at++;
  skip(p);
  if (*p->at == close) { p->at++; return 1; }
  for (;;) {
    skip(p);
    if (keyed) {
      if (!string(p)) return 0;
      skip(p);
      if (*p->at++ != ':') return 0;
    }
    if (!value(p, depth + 1)) return 0;
    skip(p);
    if (*p->at == close) { p->at++; return 1; }
    if (*p->at++ != ',') return 0;
  }
}

static int value(Parser *p, int depth) {
  if (depth > 64) return 0;
  skip(p);
  switch (*p->at) {
    case '{': return members(p, '}', 1, depth);
    case '[': return members(p, ']', 0, depth);
    case '"': return string(p);
    case 't': p->at += 4; p->sum++; return 1;
    case 'n': p->at += 4; return 1;
    default: return number(p);
  }
}

EXPORT("json") uint32_t json(uint32_t rounds) {
  static const char text[] =
      "{\"id\": 12345, \"name\": \"an agent that reads\", \"tags\": [\"fast\", \"cheap\", \"wasm\"],"
      " \"price\": {\"base\": 100, \"per_mgas\": 12.5, \"per_page\": 0.25}, \"live\": true,"
      " \"position\": [1.5, -2.25, 1e3, 0.001], \"none\": null,"
      " \"nested\": {\"a\": [{\"b\": [1, 2, 3, [4, 5]]}, {\"c\": \"\\\"quoted\\\"\"}]}}";
  uint32_t sum = 0;
  for (uint32_t i = 0; i < rounds; i++) {
    Parser p = {text, text + sizeof text - 1, 0};
    if (!value(&p, 0)) return 0;
    sum += p.sum;
  }
  return sum;
}

EXPORT("recursion") uint32_t recursion(uint32_t n) {
  return n < 2 ? n : recursion(n - 1) + recursion(n - 2);
}
