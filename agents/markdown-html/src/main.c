/* markdown-html [page] [safe] [ids] [commonmark]: HTML of the Markdown on stdin. */
#include "../../wasi/utf8.h"
#include "html.h"

static const char USAGE[] =
    "usage: markdown-html [page] [safe] [ids] [commonmark]\n"
    "  page        a whole document with a style, instead of a fragment\n"
    "  safe        raw HTML becomes text, links that run script lose their address\n"
    "  ids         an id on every heading (page implies it)\n"
    "  commonmark  without tables, task lists, strikethrough and bare links";

static const char PAGE_HEAD[] =
    "<!DOCTYPE html>\n"
    "<html>\n"
    "<head>\n"
    "<meta charset=\"utf-8\" />\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
    "<style>\n"
    ":root { color-scheme: light dark; --line: #8886; --soft: #8882 }\n"
    "body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem;\n"
    "  font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: break-word }\n"
    "h1, h2 { border-bottom: 1px solid var(--line); padding-bottom: .2em }\n"
    "h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 1.6em 0 .6em }\n"
    "pre, code { font: .9em/1.45 ui-monospace, monospace; background: var(--soft) }\n"
    "code { padding: .1em .3em; border-radius: 4px }\n"
    "pre { padding: 1em; border-radius: 6px; overflow: auto }\n"
    "pre code { padding: 0; background: none; font-size: 1em }\n"
    "table { border-collapse: collapse; display: block; overflow: auto }\n"
    "th, td { border: 1px solid var(--line); padding: .3em .8em }\n"
    "blockquote { margin-left: 0; padding-left: 1em; border-left: 4px solid var(--line) }\n"
    "img { max-width: 100% }\n"
    "hr { border: 0; border-top: 1px solid var(--line) }\n"
    "</style>\n"
    "<title>";

int main(int argc, char **argv) {
  html_options options = {0};
  bool page = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "page") == 0) page = options.heading_ids = true;
    else if (strcmp(argv[i], "safe") == 0) options.safe = true;
    else if (strcmp(argv[i], "ids") == 0) options.heading_ids = true;
    else if (strcmp(argv[i], "commonmark") == 0) options.commonmark = true;
    else fail(EXIT_USAGE, USAGE);
  }
  bytes markdown = read_stdin();
  size_t valid = utf8_valid_length(markdown.data, markdown.length);
  if (valid < markdown.length) fail_at("the input is not UTF-8 at byte", valid);
  if (markdown.length >= 3 && memcmp(markdown.data, "\xef\xbb\xbf", 3) == 0) {
    markdown.data += 3;
    markdown.length -= 3;
  }
  bytes body = {0}, title = {0};
  render_html(markdown, options, &body, &title);
  if (page) {
    bytes head = {0};
    bytes_add_text(&head, PAGE_HEAD);
    if (title.length == 0) bytes_add_text(&title, "Document");
    add_escaped(&head, (char *)title.data, title.length);
    bytes_add_text(&head, "</title>\n</head>\n<body>\n");
    write_fully(1, head.data, head.length);
  }
  write_fully(1, body.data, body.length);
  if (page) write_fully(1, "</body>\n</html>\n", 16);
  return 0;
}
