/* digest [sha256|sha512|blake3|crc32]: the digest of stdin, printed like sha256sum. */
#include "../../wasi/streams.h"
#include "digest.h"

static const char USAGE[] = "usage: digest [sha256|sha512|blake3|crc32] (sha256 by default)";

static uint8_t piece[65536];
static uint8_t result[64];

#define DIGEST_STDIN(kind)                                              \
  do {                                                                  \
    static kind h;                                                      \
    kind##_start(&h);                                                   \
    for (size_t n; (n = next_piece()) > 0;) kind##_add(&h, piece, n);   \
    kind##_digest(&h, result);                                          \
  } while (0)

static size_t next_piece(void) {
  ssize_t got = read(0, piece, sizeof piece);
  if (got < 0) fail(EXIT_BAD_INPUT, "stdin cannot be read");
  return (size_t)got;
}

/* Digests stdin into `result` and returns the digest's length in bytes. */
static size_t digest_stdin(const char *algorithm) {
  if (strcmp(algorithm, "sha256") == 0) {
    DIGEST_STDIN(sha256);
    return 32;
  }
  if (strcmp(algorithm, "sha512") == 0) {
    DIGEST_STDIN(sha512);
    return 64;
  }
  if (strcmp(algorithm, "blake3") == 0) {
    DIGEST_STDIN(blake3);
    return 32;
  }
  if (strcmp(algorithm, "crc32") == 0) {
    DIGEST_STDIN(crc32);
    return 4;
  }
  fail(EXIT_USAGE, USAGE);
}

int main(int argc, char **argv) {
  if (argc > 2) fail(EXIT_USAGE, USAGE);
  size_t length = digest_stdin(argc == 2 ? argv[1] : "sha256");
  static const char HEX[] = "0123456789abcdef";
  char line[2 * sizeof result + 4];
  size_t at = 0;
  for (size_t i = 0; i < length; i++) {
    line[at++] = HEX[result[i] >> 4];
    line[at++] = HEX[result[i] & 15];
  }
  memcpy(line + at, "  -\n", 4);
  write_fully(1, line, at + 4);
  return 0;
}
