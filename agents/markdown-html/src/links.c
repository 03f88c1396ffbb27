#include "links.h"

static bool begins(bytes address, const char *prefix) {
  size_t length = strlen(prefix);
  if (address.length < length) return false;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = address.data[i];
    if (byte >= 'A' && byte <= 'Z') byte |= 0x20;
    if (byte != (uint8_t)prefix[i]) return false;
  }
  return true;
}

bool runs_no_script(bytes address, bool image) {
  static const char *const LINKS[] = {"http:", "https:", "mailto:", "tel:", "ftp:", NULL};
  static const char *const IMAGES[] = {"http:",           "https:",          "data:image/png;",
                                       "data:image/gif;", "data:image/jpeg;", "data:image/webp;",
                                       NULL};
  for (const char *const *known = image ? IMAGES : LINKS; *known; known++) {
    if (begins(address, *known)) return true;
  }
  /* Relative means: no colon before the path begins. Browsers drop tabs and line ends inside an
   * address and blanks before it, which cannot make a colon go away. */
  for (size_t i = 0; i < address.length; i++) {
    uint8_t byte = address.data[i];
    if (byte == ':') return false;
    if (byte == '/' || byte == '?' || byte == '#') return true;
  }
  return true;
}

void add_address(bytes *out, bytes address) {
  static const char HEX[] = "0123456789ABCDEF";
  static const char KEPT[] = "~-_.+!*(),%#@?=;:/$";
  for (size_t i = 0; i < address.length; i++) {
    uint8_t byte = address.data[i];
    uint8_t lower = byte | 0x20;
    bool letter = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
    if (letter || (byte && strchr(KEPT, byte))) {
      bytes_add_byte(out, byte);
    } else if (byte == '&') {
      bytes_add_text(out, "&amp;");
    } else {
      bytes_add_byte(out, '%');
      bytes_add_byte(out, (uint8_t)HEX[byte >> 4]);
      bytes_add_byte(out, (uint8_t)HEX[byte & 15]);
    }
  }
}
