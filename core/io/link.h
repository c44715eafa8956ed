/* Commands over a socketpair: between a slave and a process that runs handlers for it. The frames
 * are those of the wire; what differs is that nobody greets, as both ends are the same program.
 *
 * A link belongs to one thread. */
#ifndef CORE_IO_LINK_H
#define CORE_IO_LINK_H

#include "core/command.h"
#include "proto/codec.h"

enum ms_link_state {
    MS_LINK_OK,      /* all is done that could be */
    MS_LINK_BLOCKED, /* the socket, which does not block, is full, or empty */
    MS_LINK_ENDED,   /* the other end is closed */
    MS_LINK_BROKEN,  /* what came is no frame we know, or memory is out */
};

struct ms_link {
    int fd; /* owned */
    struct ms_encoder encoder;
    uint8_t *input;
    size_t input_size, input_capacity, need;
    uint32_t payload_max;
};

/* A command from the other end, borrowed for the call. False: it makes no sense; the link is broken.
 * It may send, but not receive. */
typedef bool (*ms_link_fn)(void *context, const struct ms_command *command);

/* Takes the descriptor over; -1: set fd later, what is sent waits. payload_max: of the commands that
 * are received. */
void ms_link_init(struct ms_link *link, int fd, uint32_t payload_max);
void ms_link_finish(struct ms_link *link); /* closes it; accepts a finished link */

/* Copies the command into the output. False: no memory. */
bool ms_link_send(struct ms_link *link, const struct ms_command *command);

/* Writes what was sent: OK, BLOCKED or ENDED. */
enum ms_link_state ms_link_flush(struct ms_link *link);

/* Reads once and calls back for each whole command. */
enum ms_link_state ms_link_receive(struct ms_link *link, struct ms_decoder *decoder,
                                   ms_link_fn take, void *context);

#endif
