/* Frames: a fixed header of 20 bytes, then a body.
 *
 *     0  magic    'M' 'S'
 *     2  version  1
 *     3  kind     enum ms_kind
 *     4  flags    u32, zero in version 1, ignored by receivers
 *     8  length   u32, bytes of body
 *    12  epoch    u64
 *
 * Integers are big-endian. How to change this: a new version number, negotiated in HELLO; the magic
 * and the place of the version never move. */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include "core/command.h"

#define MS_FRAME_VERSION 1

/* Of the pair of masters: the body is message Pair (proto/pair.h). */
static inline bool ms_kind_is_pair(enum ms_kind kind)
{
    return kind >= MS_KIND_PEER_HELLO && kind < MS_KIND_COUNT;
}

struct ms_frame {
    enum ms_kind kind;
    ms_epoch epoch;
    struct ms_bytes body; /* borrowed from the input */
};

/* What a connection may send now; decides the length limit of each kind before any allocation. */
struct ms_frame_limits {
    bool greeted;         /* HELLO (or WELCOME) was accepted */
    uint32_t payload_max; /* negotiated */
};

/* Longest body allowed for kind; 0 = the kind is unknown. */
uint32_t ms_frame_size_max(enum ms_kind kind, const struct ms_frame_limits *limits);

/* Looks for one whole frame at the head of input. Returns MS_E_OK and
 *   *used_out > 0: the frame stands in *frame_out, used_out bytes are consumed;
 *   *used_out == 0: more bytes are needed, *need_out is the least total size that can help.
 * Any other code: malformed, the connection cannot go on. Refused as soon as the header is there. */
enum ms_error ms_frame_parse(struct ms_bytes input, const struct ms_frame_limits *limits,
                             struct ms_frame *frame_out, size_t *used_out, size_t *need_out);

/* Writes a header of MS_FRAME_HEADER_SIZE bytes. */
void ms_frame_header(uint8_t *header_out, enum ms_kind kind, ms_epoch epoch, uint32_t length);

#endif
