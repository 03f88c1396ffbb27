#include "html.h"

#include "../../wasi/utf8.h"
#include "../vendor/md4c/entity.h"
#include "../vendor/md4c/md4c.h"
#include "delimiters.h"
#include "links.h"
#include "slugs.h"

typedef struct {
  html_options options;
  bytes *out;
  bytes *title;
  /* A heading is collected here until its text, and so its id, is known. */
  bytes heading;
  bytes heading_text;
  bool in_heading;
  bool title_known;
  /* Depth of images: their description is an attribute, so it has no tags. */
  int image_depth;
  bool in_cell;
  slug_set slugs;
  bytes scratch;
  filled_document document;
  bytes unfilled;
} renderer;

static bytes *target(renderer *r) { return r->in_heading ? &r->heading : r->out; }

static void put(renderer *r, const char *html) { bytes_add_text(target(r), html); }

void add_escaped(bytes *out, const char *text, size_t length) {
  size_t from = 0;
  for (size_t i = 0; i < length; i++) {
    const char *entity = NULL;
    switch (text[i]) {
      case '&': entity = "&amp;"; break;
      case '<': entity = "&lt;"; break;
      case '>': entity = "&gt;"; break;
      case '"': entity = "&quot;"; break;
      default: continue;
    }
    bytes_add(out, text + from, i - from);
    bytes_add_text(out, entity);
    from = i + 1;
  }
  bytes_add(out, text + from, length - from);
}

static void add_point(bytes *out, uint32_t point) {
  bool valid = point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  uint8_t encoded[4];
  bytes_add(out, encoded, (size_t)utf8_encode(valid ? point : 0xfffd, encoded));
}

/* The characters that an entity such as &auml; or &#x41; stands for; an unknown name stays. */
static void add_entity(bytes *out, const char *text, size_t length) {
  if (length > 3 && text[1] == '#') {
    bool hex = (text[2] | 0x20) == 'x';
    uint32_t point = 0;
    for (size_t i = hex ? 3 : 2; i + 1 < length; i++) {
      uint32_t digit = text[i] <= '9' ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10;
      point = point * (hex ? 16 : 10) + digit;
    }
    add_point(out, point);
    return;
  }
  const struct entity *known = entity_lookup(text, length);
  if (!known) {
    bytes_add(out, text, length);
    return;
  }
  add_point(out, known->codepoints[0]);
  if (known->codepoints[1]) add_point(out, known->codepoints[1]);
}

/* The text of a link's address or title, entities replaced, in the scratch buffer. */
static bytes attribute_text(renderer *r, const MD_ATTRIBUTE *attribute) {
  r->scratch.length = 0;
  for (int i = 0; attribute->substr_offsets[i] < attribute->size; i++) {
    const char *text = attribute->text + attribute->substr_offsets[i];
    size_t length = attribute->substr_offsets[i + 1] - attribute->substr_offsets[i];
    if (attribute->substr_types[i] == MD_TEXT_ENTITY) add_entity(&r->scratch, text, length);
    else if (attribute->substr_types[i] == MD_TEXT_NULLCHAR) add_point(&r->scratch, 0);
    else bytes_add(&r->scratch, text, length);
  }
  return r->scratch;
}

static void put_address(renderer *r, const MD_ATTRIBUTE *attribute, bool image) {
  bytes address = attribute_text(r, attribute);
  if (r->options.safe && !runs_no_script(address, image)) return;
  add_address(target(r), address);
}

static void put_title(renderer *r, const MD_ATTRIBUTE *title) {
  if (!title->text) return;
  put(r, "\" title=\"");
  bytes text = attribute_text(r, title);
  add_escaped(target(r), (char *)text.data, text.length);
}

static void open_code(renderer *r, const MD_BLOCK_CODE_DETAIL *code) {
  put(r, "<pre><code");
  if (code->lang.text) {
    put(r, " class=\"language-");
    bytes language = attribute_text(r, &code->lang);
    add_escaped(target(r), (char *)language.data, language.length);
    put(r, "\"");
  }
  put(r, ">");
}

static void open_list(renderer *r, unsigned start) {
  if (start == 1) {
    put(r, "<ol>\n");
    return;
  }
  char digits[16];
  int at = sizeof digits;
  do digits[--at] = (char)('0' + start % 10);
  while ((start /= 10) > 0);
  put(r, "<ol start=\"");
  bytes_add(target(r), digits + at, sizeof digits - (size_t)at);
  put(r, "\">\n");
}

static void open_item(renderer *r, const MD_BLOCK_LI_DETAIL *item) {
  put(r, "<li>");
  if (!item->is_task) return;
  bool done = item->task_mark == 'x' || item->task_mark == 'X';
  put(r, done ? "<input type=\"checkbox\" disabled=\"\" checked=\"\" /> "
              : "<input type=\"checkbox\" disabled=\"\" /> ");
}

static void open_cell(renderer *r, const char *tag, const MD_BLOCK_TD_DETAIL *cell) {
  r->in_cell = true;
  static const char *const ALIGNED[] = {">", " align=\"left\">", " align=\"center\">",
                                        " align=\"right\">"};
  put(r, tag);
  put(r, ALIGNED[cell->align]);
}

static void open_heading(renderer *r) {
  r->in_heading = true;
  r->heading.length = 0;
  r->heading_text.length = 0;
}

/* MD4C 0.4.8 leaves tabs around the text of a heading (CommonMark 0.31.2, examples 10 and 82). */
static void trim_tabs(bytes *text) {
  size_t leading = 0;
  while (leading < text->length && text->data[leading] == '\t') leading++;
  text->length -= leading;
  memmove(text->data, text->data + leading, text->length);
  while (text->length > 0 && text->data[text->length - 1] == '\t') text->length--;
}

static void close_heading(renderer *r, unsigned level) {
  r->in_heading = false;
  trim_tabs(&r->heading);
  trim_tabs(&r->heading_text);
  if (!r->title_known) bytes_add(r->title, r->heading_text.data, r->heading_text.length);
  r->title_known = true;
  char tag[] = "<h1";
  tag[2] = (char)('0' + level);
  put(r, tag);
  if (r->options.heading_ids) {
    put(r, " id=\"");
    add_slug(&r->slugs, r->heading_text, r->out);
    put(r, "\"");
  }
  put(r, ">");
  bytes_add(r->out, r->heading.data, r->heading.length);
  char end[] = "</h1>\n";
  end[3] = tag[2];
  put(r, end);
}

/* A block inside an item begins on a line of its own. */
static void begin_line(bytes *out) {
  if (out->length > 0 && out->data[out->length - 1] != '\n') bytes_add_byte(out, '\n');
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *context) {
  renderer *r = context;
  begin_line(r->out);
  r->in_cell = false;
  switch (type) {
    case MD_BLOCK_DOC:
    case MD_BLOCK_HTML: break;
    case MD_BLOCK_QUOTE: put(r, "<blockquote>\n"); break;
    case MD_BLOCK_UL: put(r, "<ul>\n"); break;
    case MD_BLOCK_OL: open_list(r, ((MD_BLOCK_OL_DETAIL *)detail)->start); break;
    case MD_BLOCK_LI: open_item(r, detail); break;
    case MD_BLOCK_HR: put(r, "<hr />\n"); break;
    case MD_BLOCK_H: open_heading(r); break;
    case MD_BLOCK_CODE: open_code(r, detail); break;
    case MD_BLOCK_P: put(r, "<p>"); break;
    case MD_BLOCK_TABLE: put(r, "<table>\n"); break;
    case MD_BLOCK_THEAD: put(r, "<thead>\n"); break;
    case MD_BLOCK_TBODY: put(r, "<tbody>\n"); break;
    case MD_BLOCK_TR: put(r, "<tr>\n"); break;
    case MD_BLOCK_TH: open_cell(r, "<th", detail); break;
    case MD_BLOCK_TD: open_cell(r, "<td", detail); break;
  }
  return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *context) {
  renderer *r = context;
  switch (type) {
    case MD_BLOCK_DOC:
    case MD_BLOCK_HTML:
    case MD_BLOCK_HR: break;
    case MD_BLOCK_QUOTE: put(r, "</blockquote>\n"); break;
    case MD_BLOCK_UL: put(r, "</ul>\n"); break;
    case MD_BLOCK_OL: put(r, "</ol>\n"); break;
    case MD_BLOCK_LI: put(r, "</li>\n"); break;
    case MD_BLOCK_H: close_heading(r, ((MD_BLOCK_H_DETAIL *)detail)->level); break;
    case MD_BLOCK_CODE: put(r, "</code></pre>\n"); break;
    case MD_BLOCK_P: put(r, "</p>\n"); break;
    case MD_BLOCK_TABLE: put(r, "</table>\n"); break;
    case MD_BLOCK_THEAD: put(r, "</thead>\n"); break;
    case MD_BLOCK_TBODY: put(r, "</tbody>\n"); break;
    case MD_BLOCK_TR: put(r, "</tr>\n"); break;
    case MD_BLOCK_TH: put(r, "</th>\n"); break;
    case MD_BLOCK_TD: put(r, "</td>\n"); break;
  }
  return 0;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *context) {
  renderer *r = context;
  bool in_image = r->image_depth > 0;
  if (type == MD_SPAN_IMG) r->image_depth++;
  if (in_image) return 0;
  if (type == MD_SPAN_EM) put(r, "<em>");
  if (type == MD_SPAN_STRONG) put(r, "<strong>");
  if (type == MD_SPAN_CODE) put(r, "<code>");
  if (type == MD_SPAN_DEL) put(r, "<del>");
  if (type == MD_SPAN_A) {
    put(r, "<a href=\"");
    put_address(r, &((MD_SPAN_A_DETAIL *)detail)->href, false);
    put_title(r, &((MD_SPAN_A_DETAIL *)detail)->title);
    put(r, "\">");
  }
  if (type == MD_SPAN_IMG) {
    put(r, "<img src=\"");
    put_address(r, &((MD_SPAN_IMG_DETAIL *)detail)->src, true);
    put(r, "\" alt=\"");
  }
  return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *context) {
  renderer *r = context;
  if (type == MD_SPAN_IMG) r->image_depth--;
  if (r->image_depth > 0) return 0;
  if (type == MD_SPAN_EM) put(r, "</em>");
  if (type == MD_SPAN_STRONG) put(r, "</strong>");
  if (type == MD_SPAN_CODE) put(r, "</code>");
  if (type == MD_SPAN_DEL) put(r, "</del>");
  if (type == MD_SPAN_A) put(r, "</a>");
  if (type == MD_SPAN_IMG) {
    put_title(r, &((MD_SPAN_IMG_DETAIL *)detail)->title);
    put(r, "\" />");
  }
  return 0;
}

/* In a table, \| is a bar even inside code (GFM, section 4.10); MD4C leaves it to us. */
static void add_cell_code(bytes *out, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\\' && i + 1 < length && text[i + 1] == '|') continue;
    bytes_add_byte(out, (uint8_t)text[i]);
  }
}

static int add_text(MD_TEXTTYPE type, const char *text, MD_SIZE length, void *context) {
  renderer *r = context;
  r->unfilled.length = 0;
  add_unfilled(&r->document, text, length, &r->unfilled);
  text = (char *)r->unfilled.data, length = (MD_SIZE)r->unfilled.length;
  if (type == MD_TEXT_HTML) {
    bytes_add(target(r), text, length);
    return 0;
  }
  if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) {
    if (r->in_heading) bytes_add_byte(&r->heading_text, ' ');
    if (type == MD_TEXT_BR && r->image_depth == 0) put(r, "<br />");
    put(r, "\n");
    return 0;
  }
  r->scratch.length = 0;
  if (type == MD_TEXT_ENTITY) add_entity(&r->scratch, text, length);
  else if (type == MD_TEXT_NULLCHAR) add_point(&r->scratch, 0);
  else if (type == MD_TEXT_CODE && r->in_cell) add_cell_code(&r->scratch, text, length);
  bool replaced = r->scratch.length > 0;
  if (replaced) text = (char *)r->scratch.data, length = (MD_SIZE)r->scratch.length;
  if (r->in_heading) bytes_add(&r->heading_text, text, length);
  add_escaped(target(r), text, length);
  return 0;
}

void render_html(bytes markdown, html_options options, bytes *out, bytes *title) {
  unsigned flags = options.commonmark ? MD_DIALECT_COMMONMARK : MD_DIALECT_GITHUB;
  if (options.safe) flags |= MD_FLAG_NOHTML;
  renderer r = {.options = options, .out = out, .title = title};
  r.document = fill_delimiters(markdown);
  MD_PARSER parser = {
      .flags = flags,
      .enter_block = enter_block,
      .leave_block = leave_block,
      .enter_span = enter_span,
      .leave_span = leave_span,
      .text = add_text,
  };
  const char *text = (const char *)r.document.text.data;
  if (md_parse(text, (MD_SIZE)r.document.text.length, &parser, &r) != 0) {
    fail(EXIT_BAD_INPUT, "out of memory");
  }
}
