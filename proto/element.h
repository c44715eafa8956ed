/* One element of a frame that holds a list (a submission, a result, a token, a run of numbers):
 * its bytes -> a command. By hand, after the tables of element.c; no allocation. */
#ifndef PROTO_ELEMENT_H
#define PROTO_ELEMENT_H

#include "core/command.h"
#include "proto/wire.h"

/* True for kinds whose frames are lists of elements that are commands each. */
bool ms_element_is_list(enum ms_kind kind);

/* True for kinds whose frames are one flat message: BEAT, BEAT_ACK, PULL, ADJUST. */
bool ms_element_is_flat(enum ms_kind kind);

/* What a command may point to beside its element. */
struct ms_element_room {
    struct ms_usage usage;
    struct ms_terms terms;
    struct ms_load load;
};

/* Reads the whole of element into *command_out, which need not be initialised; it borrows element
 * and *room. frame_epoch is the default of the token's. False: malformed, or out of range;
 * *command_out is then undefined. */
bool ms_element_read(enum ms_kind kind, ms_epoch frame_epoch, struct ms_bytes element,
                     struct ms_command *command_out, struct ms_element_room *room);

/* What the runs of one frame of acknowledgements share. */
struct ms_ack_scope {
    uint8_t durability, copies;
    ms_epoch epoch; /* of the tokens */
};

/* Reads the fields beside the list; body is the whole frame's. Other kinds have none. */
bool ms_element_read_scope(struct ms_bytes body, struct ms_ack_scope *scope_out);

/* Takes the next element out of the body; its data may be NULL when it is empty. *more_out = false
 * at the end. Fields that mean nothing to this kind are counted in *unknown_count. */
bool ms_element_next(enum ms_kind kind, struct ms_wire *body, struct ms_bytes *element_out,
                     unsigned *unknown_count, bool *more_out);

#endif
