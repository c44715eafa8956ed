#include "proto/screen.h"

#include "core/invariant.h"
#include "core/limits.h"
#include "proto/utf8.h"
#include "proto/wire.h"

#define DEPTH_MAX 3 /* of the schema: no message contains itself */

struct level {
    const ProtobufCMessageDescriptor *descriptor;
    struct ms_wire wire;
    unsigned unknown_count;
};

/* Looks at one field. A message inside it is returned in *inner_out with its descriptor set. */
static bool look(struct level *level, struct level *inner_out)
{
    uint64_t key = 0;

    ms_assert(!ms_wire_is_empty(&level->wire));
    if (!ms_wire_key(&level->wire, &key)) {
        return false;
    }
    const unsigned type = key & 7;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(level->descriptor, (unsigned)(key >> 3));
    if (field == NULL) {
        level->unknown_count++;
        return level->unknown_count <= MS_UNKNOWN_FIELDS_MAX && ms_wire_skip(&level->wire, type);
    }
    if (type != MS_WIRE_BYTES) {
        return ms_wire_skip(&level->wire, type);
    }
    struct ms_bytes bytes;
    if (!ms_wire_bytes(&level->wire, &bytes)) {
        return false;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        *inner_out = (struct level){.descriptor = field->descriptor, .wire = ms_wire_of(bytes)};
    }
    return field->type != PROTOBUF_C_TYPE_STRING || ms_utf8_is_text(bytes);
}

bool ms_screen(const ProtobufCMessageDescriptor *descriptor, struct ms_bytes body)
{
    struct level levels[DEPTH_MAX] = {{.descriptor = descriptor, .wire = ms_wire_of(body)}};
    unsigned depth = 0;

    ms_assert(descriptor != NULL);
    for (;;) {
        if (ms_wire_is_empty(&levels[depth].wire)) {
            if (depth == 0) {
                return true;
            }
            depth--;
            continue;
        }
        struct level inner = {0};
        if (!look(&levels[depth], &inner)) {
            return false;
        }
        if (inner.descriptor != NULL) {
            ms_assert(depth + 1 < DEPTH_MAX);
            levels[++depth] = inner;
        }
    }
}
