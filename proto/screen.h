/* A look at a body before protobuf-c unpacks it: what it would take too kindly, or at a price. */
#ifndef PROTO_SCREEN_H
#define PROTO_SCREEN_H

#include <protobuf-c/protobuf-c.h>

#include "core/types.h"

/* False when the bytes are not well formed, a message in them has more than MS_UNKNOWN_FIELDS_MAX
 * unknown fields, or a string is not UTF-8 or holds a zero byte. Allocates nothing. */
bool ms_screen(const ProtobufCMessageDescriptor *descriptor, struct ms_bytes body);

#endif
