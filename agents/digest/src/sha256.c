/* SHA-256: FIPS 180-4. */
#include <string.h>

#include "digest.h"

enum { BLOCK = 64, ROUNDS = 64, LENGTH_FIELD = 8 };

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes
 * (4.2.2) and of the square roots of the first eight (5.3.3). */
static const uint32_t K[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }
static inline uint32_t load(const uint8_t *p) {
  uint32_t x;
  memcpy(&x, p, sizeof x);
  return __builtin_bswap32(x);
}

static void compress(uint32_t state[8], const uint8_t *block) {
  uint32_t w[ROUNDS];
  for (int i = 0; i < 16; i++) w[i] = load(block + i * sizeof(uint32_t));
  for (int i = 16; i < ROUNDS; i++) {
    uint32_t near = w[i - 15], far = w[i - 2];
    uint32_t low = rotate(near, 7) ^ rotate(near, 18) ^ near >> 3;
    uint32_t high = rotate(far, 17) ^ rotate(far, 19) ^ far >> 10;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < ROUNDS; i++) {
    uint32_t sum_e = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    uint32_t sum_a = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    uint32_t t1 = h + sum_e + ((e & f) ^ (~e & g)) + K[i] + w[i];
    uint32_t t2 = sum_a + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_start(sha256 *h) {
  memcpy(h->state, START, sizeof START);
  h->total = 0;
}

void sha256_add(sha256 *h, const uint8_t *data, size_t length) {
  size_t held = h->total % BLOCK;
  h->total += length;
  if (held > 0) {
    size_t taken = BLOCK - held < length ? BLOCK - held : length;
    memcpy(h->block + held, data, taken);
    if (held + taken < BLOCK) return;
    compress(h->state, h->block);
    data += taken;
    length -= taken;
  }
  for (; length >= BLOCK; data += BLOCK, length -= BLOCK) compress(h->state, data);
  memcpy(h->block, data, length);
}

void sha256_digest(sha256 *h, uint8_t out[32]) {
  size_t held = h->total % BLOCK;
  h->block[held++] = 0x80;
  if (held > BLOCK - LENGTH_FIELD) {
    memset(h->block + held, 0, BLOCK - held);
    compress(h->state, h->block);
    held = 0;
  }
  memset(h->block + held, 0, BLOCK - held);
  uint64_t bits = __builtin_bswap64(h->total * 8);
  memcpy(h->block + BLOCK - 8, &bits, 8);
  compress(h->state, h->block);
  for (int i = 0; i < 8; i++) {
    uint32_t word = __builtin_bswap32(h->state[i]);
    memcpy(out + i * sizeof word, &word, sizeof word);
  }
}
