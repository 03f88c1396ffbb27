#include "resize.h"

/* All is in whole numbers. Let an old pixel be `to` long and a new one `from` long: then both
 * begin and end at whole numbers and overlap by whole numbers. The weights of a new pixel add up
 * to from.width x from.height, so sums of 8 bits times 8 bits fit 64 for every image that fits memory. */

enum { CHANNELS = 4 };

static uint32_t scaled(uint32_t side, uint32_t to, uint32_t from) {
  return (uint32_t)(((uint64_t)side * to + from / 2) / from);
}

image_size fit(image_size image, image_size box) {
  image_size fitted = image;
  if (fitted.width > box.width) {
    fitted.height = scaled(image.height, box.width, image.width);
    fitted.width = box.width;
  }
  if (fitted.height > box.height) {
    fitted.width = scaled(image.width, box.height, image.height);
    fitted.height = box.height;
  }
  if (fitted.width == 0) fitted.width = 1;
  if (fitted.height == 0) fitted.height = 1;
  return fitted;
}

static void *zeroed(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (!memory) fail(EXIT_BAD_INPUT, "out of memory");
  return memory;
}

shrinking shrink_start(image_size from, image_size to) {
  shrinking s = {.from = from, .to = to};
  s.pixels = zeroed((size_t)to.width * to.height, CHANNELS);
  s.across = zeroed(to.width, CHANNELS * sizeof(uint64_t));
  s.down = zeroed(to.width, CHANNELS * sizeof(uint64_t));
  return s;
}

static void sum_across(shrinking *s, const uint8_t *rgba) {
  uint32_t old_length = s->to.width, new_length = s->from.width;
  memset(s->across, 0, s->to.width * CHANNELS * sizeof(uint64_t));
  uint64_t *sum = s->across;
  uint32_t room = new_length;
  for (uint32_t x = 0; x < s->from.width; x++, rgba += CHANNELS) {
    uint64_t alpha = rgba[3];
    uint64_t red = rgba[0] * alpha, green = rgba[1] * alpha, blue = rgba[2] * alpha;
    for (uint32_t left = old_length; left > 0;) {
      uint32_t part = left < room ? left : room;
      sum[0] += red * part;
      sum[1] += green * part;
      sum[2] += blue * part;
      sum[3] += alpha * part;
      left -= part;
      room -= part;
      if (room > 0) continue;
      room = new_length;
      sum += CHANNELS;
    }
  }
}

static uint8_t rounded(uint64_t sum, uint64_t weight) {
  return weight ? (uint8_t)((sum + weight / 2) / weight) : 0;
}

static void finish_row(shrinking *s, uint32_t row) {
  uint64_t area = (uint64_t)s->from.width * s->from.height;
  uint8_t *pixel = s->pixels + (size_t)row * s->to.width * CHANNELS;
  for (uint32_t x = 0; x < s->to.width; x++, pixel += CHANNELS) {
    uint64_t *sum = s->down + (size_t)x * CHANNELS;
    for (int channel = 0; channel < 3; channel++) pixel[channel] = rounded(sum[channel], sum[3]);
    pixel[3] = rounded(sum[3], area);
  }
  memset(s->down, 0, s->to.width * CHANNELS * sizeof(uint64_t));
}

void shrink_row(shrinking *s, const uint8_t *rgba) {
  sum_across(s, rgba);
  uint32_t old_length = s->to.height, new_length = s->from.height;
  uint64_t begin = (uint64_t)s->row * old_length, end = begin + old_length;
  while (begin < end) {
    uint32_t row = (uint32_t)(begin / new_length);
    uint64_t row_end = (uint64_t)(row + 1) * new_length;
    uint64_t part = (end < row_end ? end : row_end) - begin;
    for (size_t i = 0; i < (size_t)s->to.width * CHANNELS; i++) {
      s->down[i] += s->across[i] * part;
    }
    begin += part;
    if (begin == row_end) finish_row(s, row);
  }
  s->row++;
}
