/* Lines ranked by the words they share with a query. */
#ifndef AGENT_RANKING_H
#define AGENT_RANKING_H

#include "../../wasi/streams.h"

enum { TERMS_MAX = 64 };

typedef struct {
  const uint8_t *text;
  size_t length;
  size_t number;
  double score;
} ranked_line;

typedef struct {
  ranked_line *lines;
  size_t count;
} ranking;

/* The lines of `text` with at least one word of the query, best first; equals in the order of the
 * text. The score is BM25 (Robertson and Zaragoza, 2009, with k1 = 1.2 and b = 0.75) where a line
 * is a document; case does not matter and `word*` stands for all words that begin so. */
ranking rank_lines(bytes text, int word_count, char **words);

#endif
