/* BLAKE3, hash mode, 256-bit output: "BLAKE3: one function, fast everywhere"
 * (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), section 2. */
#include <string.h>

#include "digest.h"

enum { BLOCK = 64, BLOCKS_IN_CHUNK = 16, ROUNDS = 7 };
enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

/* The initialisation vector of SHA-256 (table 1 of the paper). */
static const uint32_t IV[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
/* Order of the message words in each round: table 2 applied again and again. */
static const uint8_t SCHEDULE[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

static inline uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

#define MIX(a, b, c, d, x, y)                       \
  do {                                              \
    a += b + (x), d = rotate(d ^ a, 16);            \
    c += d, b = rotate(b ^ c, 12);                  \
    a += b + (y), d = rotate(d ^ a, 8);             \
    c += d, b = rotate(b ^ c, 7);                   \
  } while (0)

#define ROUND(s)                                    \
  do {                                              \
    MIX(v0, v4, v8, v12, m[(s)[0]], m[(s)[1]]);     \
    MIX(v1, v5, v9, v13, m[(s)[2]], m[(s)[3]]);     \
    MIX(v2, v6, v10, v14, m[(s)[4]], m[(s)[5]]);    \
    MIX(v3, v7, v11, v15, m[(s)[6]], m[(s)[7]]);    \
    MIX(v0, v5, v10, v15, m[(s)[8]], m[(s)[9]]);    \
    MIX(v1, v6, v11, v12, m[(s)[10]], m[(s)[11]]);  \
    MIX(v2, v7, v8, v13, m[(s)[12]], m[(s)[13]]);   \
    MIX(v3, v4, v9, v14, m[(s)[14]], m[(s)[15]]);   \
  } while (0)

/* The first eight words of the compression function: all that hash mode needs. */
static void compress(const uint32_t in[8], const uint8_t block[BLOCK], uint64_t counter,
                     uint32_t block_length, uint32_t flags, uint32_t out[8]) {
  uint32_t m[16];
  memcpy(m, block, BLOCK);
  uint32_t v0 = in[0], v1 = in[1], v2 = in[2], v3 = in[3];
  uint32_t v4 = in[4], v5 = in[5], v6 = in[6], v7 = in[7];
  uint32_t v8 = IV[0], v9 = IV[1], v10 = IV[2], v11 = IV[3];
  uint32_t v12 = (uint32_t)counter, v13 = (uint32_t)(counter >> 32);
  uint32_t v14 = block_length, v15 = flags;
  ROUND(SCHEDULE[0]);
  ROUND(SCHEDULE[1]);
  ROUND(SCHEDULE[2]);
  ROUND(SCHEDULE[3]);
  ROUND(SCHEDULE[4]);
  ROUND(SCHEDULE[5]);
  ROUND(SCHEDULE[6]);
  out[0] = v0 ^ v8, out[1] = v1 ^ v9, out[2] = v2 ^ v10, out[3] = v3 ^ v11;
  out[4] = v4 ^ v12, out[5] = v5 ^ v13, out[6] = v6 ^ v14, out[7] = v7 ^ v15;
}

static inline uint32_t start_flag(const blake3 *h) { return h->blocks_done ? 0 : CHUNK_START; }

static void join(const uint32_t left[8], const uint32_t right[8], uint32_t flags,
                 uint32_t out[8]) {
  uint8_t block[BLOCK];
  memcpy(block, left, 32);
  memcpy(block + 32, right, 32);
  compress(IV, block, 0, BLOCK, PARENT | flags, out);
}

/* Puts a finished chunk on the stack and joins the subtrees it completes: one
 * for each trailing zero bit of the number of chunks so far (section 5.1.2). */
static void push_chunk(blake3 *h, uint32_t value[8]) {
  uint64_t chunks = ++h->chunk_index;
  for (; (chunks & 1) == 0; chunks >>= 1) {
    h->subtree_count--;
    join(h->subtrees[h->subtree_count], value, 0, value);
  }
  memcpy(h->subtrees[h->subtree_count++], value, 32);
}

/* A block is compressed only when more input follows: the last one is flagged. */
static void finish_block(blake3 *h, const uint8_t *block) {
  if (h->blocks_done < BLOCKS_IN_CHUNK - 1) {
    compress(h->chunk_value, block, h->chunk_index, BLOCK, start_flag(h), h->chunk_value);
    h->blocks_done++;
    return;
  }
  uint32_t value[8];
  compress(h->chunk_value, block, h->chunk_index, BLOCK, CHUNK_END, value);
  push_chunk(h, value);
  memcpy(h->chunk_value, IV, sizeof IV);
  h->blocks_done = 0;
}

void blake3_start(blake3 *h) {
  memset(h, 0, sizeof *h);
  memcpy(h->chunk_value, IV, sizeof IV);
}

void blake3_add(blake3 *h, const uint8_t *data, size_t length) {
  while (length > 0) {
    if (h->block_length == BLOCK) {
      finish_block(h, h->block);
      h->block_length = 0;
    }
    if (h->block_length == 0) {
      for (; length > BLOCK; data += BLOCK, length -= BLOCK) finish_block(h, data);
    }
    size_t room = BLOCK - h->block_length;
    size_t taken = room < length ? room : length;
    memcpy(h->block + h->block_length, data, taken);
    h->block_length += (uint32_t)taken;
    data += taken;
    length -= taken;
  }
}

void blake3_digest(blake3 *h, uint8_t out[32]) {
  memset(h->block + h->block_length, 0, BLOCK - h->block_length);
  uint32_t value[8];
  uint32_t flags = start_flag(h) | CHUNK_END;
  if (h->subtree_count == 0) flags |= ROOT;
  compress(h->chunk_value, h->block, h->chunk_index, h->block_length, flags, value);
  for (uint32_t i = h->subtree_count; i > 0; i--) {
    join(h->subtrees[i - 1], value, i == 1 ? ROOT : 0, value);
  }
  memcpy(out, value, 32);
}
