/* Addresses of links and images. */
#ifndef AGENT_LINKS_H
#define AGENT_LINKS_H

#include <stdbool.h>

#include "../../wasi/streams.h"

/* Whether following `address`, or showing it as an image, runs no script: a relative address, or
 * one whose scheme is known to be harmless. Everything unknown counts as harmful. */
bool runs_no_script(bytes address, bool image);

/* Appends `address` percent-encoded where a URL does not allow a byte, for an attribute. */
void add_address(bytes *out, bytes address);

#endif
