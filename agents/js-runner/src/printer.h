/* Printing of values: print.c has what each kind looks like, listing.c what is in brackets. */
#ifndef AGENT_PRINTER_H
#define AGENT_PRINTER_H

#include "host.h"
#include "kinds.h"

enum { DEPTH_MAX = 8, ITEMS_MAX = 100 };

typedef struct {
  JSContext *ctx;
  int fd;
  int depth;
  /* The objects around the one being printed. */
  void *open[DEPTH_MAX];
} printer;

/* What stands between brackets: `open` comes before the first item, a comma before others. */
typedef struct {
  printer *p;
  const char *open;
  uint32_t count;
} listing;

void print_any(printer *p, JSValueConst value);

void put(printer *p, const char *text);
void put_count(printer *p, uint32_t count);
/* Text between quotes, escaped as in JSON. */
void put_quoted(printer *p, const char *text, size_t length);
/* The name of a property or symbol, between quotes unless it is an identifier or an index. */
void put_name(printer *p, JSAtom atom);

void forget_exception(JSContext *ctx);
/* The property `atom` of `object`; false, and no exception, if there is none. */
bool get_own(printer *p, JSValueConst object, JSAtom atom, JSPropertyDescriptor *found);
void release_property(JSContext *ctx, JSPropertyDescriptor *property);
uint32_t length_of(printer *p, JSValueConst array);

/* The elements and properties of an array or another object, or the entries of a map or set. */
void list_object(listing *l, object_kind kind, JSValueConst object);

#endif
