/* HTML from the events of the MD4C parser. */
#ifndef AGENT_HTML_H
#define AGENT_HTML_H

#include <stdbool.h>

#include "../../wasi/streams.h"

typedef struct {
  /* CommonMark alone, without the extensions of GitHub. */
  bool commonmark;
  /* Raw HTML as text, and only links that run no script. */
  bool safe;
  /* An id on every heading, made like GitHub's, so that #links work. */
  bool heading_ids;
} html_options;

/* Appends to `out` the HTML of `markdown`, valid UTF-8, and to `title` the plain text of its
 * first heading. Ends the program when memory does not suffice. */
void render_html(bytes markdown, html_options options, bytes *out, bytes *title);

/* Appends text in which & < > and " are escaped. */
void add_escaped(bytes *out, const char *text, size_t length);

#endif
