/* Acknowledgements on their way out: gathered as runs of numbers, many runs in a frame. */
#ifndef PROTO_ACKS_H
#define PROTO_ACKS_H

#include "proto/codec.h"

#define MS_ACKS_TAIL_MAX 96 /* bytes that the run and the frame still open can add */

/* Bytes that ms_acks_write needs at most; 0: nothing waits. */
size_t ms_acks_pending(const struct ms_acks *acks);

/* Takes a run. NO_MEMORY leaves the acks as they were. */
enum ms_error ms_acks_put(struct ms_acks *acks, ms_epoch epoch, const struct ms_command *command);

/* Writes all frames to at, forgets them and holds no memory any more. Returns the place after. */
uint8_t *ms_acks_write(struct ms_acks *acks, uint8_t *at);

void ms_acks_finish(struct ms_acks *acks);

#endif
