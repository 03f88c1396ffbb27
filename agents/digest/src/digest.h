/* Incremental digests. Each state starts at its `_start`, takes any number of
 * `_add` and gives its digest, big-endian where the standard says so, once. */
#ifndef AGENT_DIGEST_H
#define AGENT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t state[8];
  uint64_t total;
  uint8_t block[64];
} sha256;

typedef struct {
  uint64_t state[8];
  uint64_t total;
  uint8_t block[128];
} sha512;

/* One chunk in progress and the chaining values of the complete subtrees to its
 * left; 54 levels cover 2^64 bytes. */
typedef struct {
  uint32_t chunk_value[8];
  uint64_t chunk_index;
  uint8_t block[64];
  uint32_t block_length;
  uint32_t blocks_done;
  uint32_t subtree_count;
  uint32_t subtrees[54][8];
} blake3;

typedef struct {
  uint32_t state;
} crc32;

void sha256_start(sha256 *h);
void sha256_add(sha256 *h, const uint8_t *data, size_t length);
void sha256_digest(sha256 *h, uint8_t out[32]);

void sha512_start(sha512 *h);
void sha512_add(sha512 *h, const uint8_t *data, size_t length);
void sha512_digest(sha512 *h, uint8_t out[64]);

void blake3_start(blake3 *h);
void blake3_add(blake3 *h, const uint8_t *data, size_t length);
void blake3_digest(blake3 *h, uint8_t out[32]);

void crc32_start(crc32 *h);
void crc32_add(crc32 *h, const uint8_t *data, size_t length);
void crc32_digest(crc32 *h, uint8_t out[4]);

#endif
