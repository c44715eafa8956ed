/* The payload of one command that is too large for its frame: PARTs come before the COMMAND, in order and
 * with its token. One at a time; a part that does not continue the last one begins anew or spoils it. */
#ifndef SLAVE_PARTS_H
#define SLAVE_PARTS_H

#include "core/command.h"

struct ms_parts {
    struct ms_token token; /* {0, 0} = nothing is gathered */
    uint8_t *bytes;        /* malloc; grown as parts come */
    size_t size, capacity;
    size_t max;          /* bytes taken; stays */
    uint32_t next;       /* index of the part to come */
    enum ms_error error; /* why what was gathered is of no use: PAYLOAD_SIZE, NO_MEMORY, ORDER */
};

void ms_parts_add(struct ms_parts *parts, const struct ms_command *part);

/* What was gathered for that token, until the next call of any of these. MS_E_OK, or why it is not whole. */
enum ms_error ms_parts_take(struct ms_parts *parts, struct ms_token token,
                            struct ms_bytes *payload_out);

/* The same for good: the bytes are the caller's, until it frees them. They must have been given by ms_parts_take. */
void *ms_parts_release(struct ms_parts *parts);
void ms_parts_free(void *bytes); /* accepts NULL */

/* Frees what was gathered: it was taken and is done with, or the connection is gone. Accepts zeroed ones. */
void ms_parts_drop(struct ms_parts *parts);

#endif
