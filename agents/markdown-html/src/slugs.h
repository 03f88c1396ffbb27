/* Ids of headings, as GitHub makes them. */
#ifndef AGENT_SLUGS_H
#define AGENT_SLUGS_H

#include "../../wasi/streams.h"

/* Ids given so far: a hash table with open addressing. */
typedef struct {
  struct slug {
    char *text;
    size_t length;
    uint32_t repeats;
  } *slots;
  size_t capacity;
  size_t count;
} slug_set;

/* Appends to `out` the id of a heading with the plain text `heading`: letters in lower case,
 * digits, - and _ stay, a space becomes -, all else goes; "-1", "-2" … tell repeats apart. */
void add_slug(slug_set *given, bytes heading, bytes *out);

#endif
