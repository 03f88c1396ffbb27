/* CRC-32 of ISO-HDLC (gzip, PNG, zip): RFC 1952, section 8. Eight tables take
 * eight bytes a step ("slicing by 8", Kounavis and Berry, 2005). */
#include <string.h>

#include "digest.h"

static const uint32_t POLYNOMIAL_REFLECTED = 0xedb88320;
static uint32_t table[8][256];

static void fill_tables(void) {
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ POLYNOMIAL_REFLECTED : c >> 1;
    table[0][n] = c;
  }
  for (int slice = 1; slice < 8; slice++) {
    for (int n = 0; n < 256; n++) {
      uint32_t before = table[slice - 1][n];
      table[slice][n] = before >> 8 ^ table[0][before & 255];
    }
  }
}

void crc32_start(crc32 *h) {
  fill_tables();
  h->state = 0xffffffff;
}

void crc32_add(crc32 *h, const uint8_t *data, size_t length) {
  uint32_t c = h->state;
  for (; length >= 8; data += 8, length -= 8) {
    uint32_t low, high;
    memcpy(&low, data, 4);
    memcpy(&high, data + 4, 4);
    low ^= c;
    c = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^
        table[4][low >> 24] ^ table[3][high & 255] ^ table[2][high >> 8 & 255] ^
        table[1][high >> 16 & 255] ^ table[0][high >> 24];
  }
  for (; length > 0; data++, length--) c = c >> 8 ^ table[0][(c ^ *data) & 255];
  h->state = c;
}

void crc32_digest(crc32 *h, uint8_t out[4]) {
  uint32_t word = __builtin_bswap32(~h->state);
  memcpy(out, &word, 4);
}
