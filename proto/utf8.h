/* Texts from outside: what may be shown to people is UTF-8. */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include "core/types.h"

/* Well-formed UTF-8 (shortest forms, no surrogates) without a zero byte. */
bool ms_utf8_is_text(struct ms_bytes bytes);

/* A text without control characters (C0, DEL, C1). */
bool ms_utf8_is_name(struct ms_bytes bytes);

/* Copies at most max bytes of from, cut between characters; every byte that is not part of a text
 * becomes '?'. Returns the bytes written. */
size_t ms_utf8_clean(uint8_t *to, struct ms_bytes from, size_t max);

#endif
