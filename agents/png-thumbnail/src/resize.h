/* Shrinks an image by the average over the area that each new pixel covers. */
#ifndef AGENT_RESIZE_H
#define AGENT_RESIZE_H

#include "../../wasi/streams.h"

typedef struct {
  uint32_t width;
  uint32_t height;
} image_size;

/* The largest size of the same shape that fits into `box`, at least 1 x 1, never larger than
 * `image`. */
image_size fit(image_size image, image_size box);

/* Takes the rows of `from` from top to bottom, in RGBA of 8 bits, and makes those of `to`. */
typedef struct {
  image_size from;
  image_size to;
  uint32_t row;
  uint8_t *pixels;
  /* Sums of red, green, blue times alpha, and of alpha: of the row that came in, and of the new row
   * in the making. */
  uint64_t *across;
  uint64_t *down;
} shrinking;

shrinking shrink_start(image_size from, image_size to);
void shrink_row(shrinking *s, const uint8_t *rgba);

#endif
