/* Message Pair: the body of the kinds 64 and above, written and read by hand, as the payloads of the log are long.
 * Its parts stand in the records of masters and witnesses, too (proto/standing.h). */
#ifndef PROTO_PAIR_H
#define PROTO_PAIR_H

#include "core/command.h"
#include "proto/frame.h"
#include "proto/wire.h"

/* Bytes of entries that one frame carries at most. */
#define MS_PAIR_PAYLOAD_MAX (MS_PAYLOAD_MAX_CEILING + MS_FRAME_BATCH_SIZE + 1024)
/* Bytes of a body beside payload and detail. */
#define MS_PAIR_BODY_MAX 1152

/* Bytes that ms_pair_pack needs at most. */
size_t ms_pair_pack_max(const struct ms_command *command);

/* Writes the body of a command of the pair; a body.pair of NULL is one of zeros. Returns the place after it. */
uint8_t *ms_pair_pack(uint8_t *at, const struct ms_command *command);

/* Reads a whole body into *command_out, which borrows from it and from *pair_out. False: malformed. */
bool ms_pair_read(enum ms_kind kind, struct ms_bytes body, struct ms_command *command_out,
                  struct ms_pair_frame *pair_out);

/* Fields of their own, for messages that hold them; those of NONE, of zero and of empty lists are left out. */
uint8_t *ms_pair_put_decision(uint8_t *at, unsigned number, const struct ms_decision *decision);
uint8_t *ms_pair_put_uuid(uint8_t *at, unsigned number, const struct ms_uuid *uuid);
uint8_t *ms_pair_put_witnesses(uint8_t *at, unsigned number, const struct ms_witnesses *list);
uint8_t *ms_pair_put_start(uint8_t *at, unsigned number, const struct ms_start *start);
uint8_t *ms_pair_put_known(uint8_t *at, unsigned number, const struct ms_known_start *known);
/* Left out when they were not told: failover 0. */
uint8_t *ms_pair_put_settings(uint8_t *at, unsigned number,
                              const struct ms_pair_settings *settings);

/* The value of such a field, taken off wire; of a list one element, which is appended. False: malformed. */
bool ms_pair_get_decision(struct ms_wire *wire, struct ms_decision *decision);
bool ms_pair_get_uuid(struct ms_wire *wire, struct ms_uuid *uuid);
bool ms_pair_get_witness(struct ms_wire *wire, struct ms_witnesses *list);
bool ms_pair_get_start(struct ms_wire *wire, struct ms_start *start);
bool ms_pair_get_known(struct ms_wire *wire, struct ms_known_start *known);
bool ms_pair_get_settings(struct ms_wire *wire, struct ms_pair_settings *settings);

/* Nothing at all, or a decision that can have been made: its kind and places exist, and its proposer and its active are in S. */
bool ms_pair_judge_decision(const struct ms_decision *decision);
/* Ids that are not zero, each once. */
bool ms_pair_judge_witnesses(const struct ms_witnesses *list);

#endif
