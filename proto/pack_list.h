/* Elements of lists, written; the part of proto/pack.h that is hot. */
#ifndef PROTO_PACK_LIST_H
#define PROTO_PACK_LIST_H

#include "core/command.h"
#include "core/invariant.h"
#include "proto/wire_put.h"

#define MS_PACK_ELEMENT_MAX                                                                        \
    192 /* bytes of an element beside payload, detail and terms, with its key */
#define MS_PACK_TERMS_MAX 80 /* bytes of terms beside keys, group and closed members */

typedef uint8_t *ms_pack_element_fn(uint8_t *at, ms_epoch frame_epoch,
                                    const struct ms_command *command);

/* NULL when frames of that kind are not lists of commands. */
ms_pack_element_fn *ms_pack_element_of(enum ms_kind kind);

/* A field with a detail, cut and cleaned as far as needed; nothing when it is empty. */
uint8_t *ms_pack_detail(uint8_t *at, unsigned number, struct ms_bytes detail);

/* A field with a name, at most MS_NAME_MAX; nothing when it is empty. What a receiver would refuse is
 * replaced: names come from people, too. */
uint8_t *ms_pack_name(uint8_t *at, unsigned number, struct ms_bytes name);

/* A field with a time, at most MS_DURATION_MAX. */
static inline uint8_t *ms_pack_time(uint8_t *at, unsigned number, ms_time time)
{
    ms_assert(time >= 0);
    return ms_wire_put_u64(at, number, time <= MS_DURATION_MAX ? (uint64_t)time : MS_DURATION_MAX);
}

/* A field with a usage; nothing when it is NULL. */
uint8_t *ms_pack_usage(uint8_t *at, unsigned number, const struct ms_usage *usage);

/* One element of a list of tokens. */
uint8_t *ms_pack_token(uint8_t *at, ms_epoch frame_epoch, struct ms_token token);

#endif
