/* png-thumbnail [size=N|size=WxH]: a smaller PNG of the PNG on stdin. */
#include <stdbool.h>

#include "../vendor/lodepng/lodepng.h"
#include "resize.h"

static const char USAGE[] =
    "usage: png-thumbnail [size=N|size=WxH]   fits into N x N or W x H pixels (128), never enlarges";

enum {
  BOX_MAX = 4096,
  /* A decoded image stays within 1 GiB whatever its depth. */
  SIDE_MAX = 65535,
  PIXELS_MAX = 1 << 27,
  /* Rows are converted eight at a time: eight rows of any depth begin and end on whole bytes. */
  ROWS_AT_ONCE = 8,
};

static void check(unsigned error) {
  if (!error) return;
  if (error == 83) fail(EXIT_BAD_INPUT, "out of memory");
  write_fully(2, "bad PNG: ", 9);
  fail(EXIT_BAD_INPUT, lodepng_error_text(error));
}

/* A side of the box, 1 to BOX_MAX, up to `end`. */
static uint32_t side(const char *text, char end) {
  uint32_t value = 0;
  for (; *text >= '0' && *text <= '9'; text++) {
    value = value * 10 + (uint32_t)(*text - '0');
    if (value > BOX_MAX) fail(EXIT_USAGE, USAGE);
  }
  if (*text != end || value == 0) fail(EXIT_USAGE, USAGE);
  return value;
}

static image_size read_box(int argc, char **argv) {
  if (argc == 1) return (image_size){128, 128};
  if (argc > 2 || strncmp(argv[1], "size=", 5) != 0) fail(EXIT_USAGE, USAGE);
  const char *width = argv[1] + 5, *cross = strchr(width, 'x');
  if (!cross) return (image_size){side(width, 0), side(width, 0)};
  return (image_size){side(width, 'x'), side(cross + 1, 0)};
}

/* LodePNG checks the chunks it knows; damage to the name of one must not pass as an unknown one. */
static void check_chunks(bytes file) {
  size_t at = 8;
  while (file.length >= 12 && at <= file.length - 12) {
    const uint8_t *chunk = file.data + at;
    size_t length = lodepng_chunk_length(chunk);
    if (length > file.length - 12 - at) break;
    if (lodepng_chunk_check_crc(chunk)) check(57);
    if (lodepng_chunk_type_equals(chunk, "IEND")) return;
    at += length + 12;
  }
  fail(EXIT_BAD_INPUT, "bad PNG: the file is cut off");
}

/* Decodes to the file's own colours: a photo stays at 3 bytes a pixel. */
static uint8_t *decode(LodePNGState *state, bytes file, image_size *size) {
  check(lodepng_inspect(&size->width, &size->height, state, file.data, file.length));
  check_chunks(file);
  bool fits = size->width <= SIDE_MAX && size->height <= SIDE_MAX &&
              (uint64_t)size->width * size->height <= PIXELS_MAX;
  if (!fits) fail(EXIT_BAD_INPUT, "bad PNG: the image is larger than 2^27 pixels or 65535 a side");
  /* What deflate may grow to: every row, in up to seven interlaced parts, has a filter byte and is
   * padded to whole bytes. */
  size_t raw = lodepng_get_raw_size(size->width, size->height, &state->info_png.color);
  state->decoder.zlibsettings.max_output_size = raw + (size_t)size->height * 8 + 64;
  state->decoder.color_convert = 0;
  uint8_t *pixels;
  check(lodepng_decode(&pixels, &size->width, &size->height, state, file.data, file.length));
  return pixels;
}

static shrinking shrink(LodePNGState *state, const uint8_t *pixels, image_size from, image_size to) {
  LodePNGColorMode rgba = lodepng_color_mode_make(LCT_RGBA, 8);
  size_t bits = lodepng_get_bpp(&state->info_raw);
  size_t row_bytes = (size_t)from.width * 4;
  uint8_t *rows = malloc(row_bytes * ROWS_AT_ONCE);
  if (!rows) fail(EXIT_BAD_INPUT, "out of memory");
  shrinking s = shrink_start(from, to);
  for (uint32_t y = 0; y < from.height; y += ROWS_AT_ONCE) {
    uint32_t count = from.height - y < ROWS_AT_ONCE ? from.height - y : ROWS_AT_ONCE;
    const uint8_t *source = pixels + (size_t)y / 8 * from.width * bits;
    check(lodepng_convert(rows, source, &rgba, &state->info_raw, from.width, count));
    for (uint32_t i = 0; i < count; i++) shrink_row(&s, rows + i * row_bytes);
  }
  return s;
}

int main(int argc, char **argv) {
  image_size box = read_box(argc, argv);
  bytes file = read_stdin();
  LodePNGState state;
  lodepng_state_init(&state);
  image_size from;
  uint8_t *pixels = decode(&state, file, &from);
  image_size to = fit(from, box);
  shrinking s = shrink(&state, pixels, from, to);
  LodePNGState output;
  lodepng_state_init(&output);
  uint8_t *png;
  size_t length;
  check(lodepng_encode(&png, &length, s.pixels, to.width, to.height, &output));
  write_fully(1, png, length);
  return 0;
}
