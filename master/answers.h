/* Answers that wait until what they say is durable, in the order in which they were given. */
#ifndef MASTER_ANSWERS_H
#define MASTER_ANSWERS_H

#include <stddef.h>

#include "core/command.h"

/* What is needed to say it later. */
struct ms_answer {
    ms_seq seq; /* record that must be durable first */
    ms_peer peer;
    ms_time made_at;
    uint64_t first; /* id.seq, n of a token, or number of a BEAT; WELCOME: features of the HELLO;
                     * REPORT: handle of the inquiry that goes on; CALL_REPLY: of the call */
    ms_epoch epoch; /* of the token */
    uint32_t count; /* of a run; WELCOME: version of the HELLO */
    uint16_t error; /* enum ms_error */
    uint8_t kind;   /* SUBMIT_ACK, RESULT_ACK, CANCEL_ACK, BEAT_ACK, WELCOME, COMMAND, REPORT,
                     * CALL_REPLY */
    uint8_t flags;
    uint8_t durability;
};

/* A ring that grows. A zeroed one is empty. */
struct ms_answers {
    struct ms_answer *items;
    size_t mask, head, count;
};

void ms_answers_finish(struct ms_answers *answers);

/* Runs of acknowledgements made at one moment become one answer: they are of one commit. False when
 * memory is out. */
bool ms_answers_push(struct ms_answers *answers, const struct ms_answer *answer);

/* The oldest; NULL when there is none. */
struct ms_answer *ms_answers_first(const struct ms_answers *answers);
void ms_answers_pop(struct ms_answers *answers);

/* All of from, in their order and now waiting for seq, to the end of to. False when memory is out. */
bool ms_answers_move(struct ms_answers *to, struct ms_answers *from, ms_seq seq);

#endif
