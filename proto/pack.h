/* Commands -> the bytes that protobuf would make of them: elements of lists, and whole bodies of
 * the kinds that are one message each. */
#ifndef PROTO_PACK_H
#define PROTO_PACK_H

#include "core/command.h"

/* The runs of acknowledgements are gathered by proto/acks.h; these kinds are not packed here. */
bool ms_pack_is_ack(enum ms_kind kind);

/* Bytes that ms_pack needs at most. */
size_t ms_pack_max(const struct ms_command *command);

/* Writes the command: one element of its frame's list, or the whole body. frame_epoch is left out
 * of tokens that have it. A detail that is too long is cut; what is not UTF-8 in it becomes '?'.
 * Returns the place after it. */
uint8_t *ms_pack(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command);

/* Rows of the report, from that one on, that fit one frame together with the columns; 0 at the end. */
uint32_t ms_pack_report_rows(const struct ms_report *report, uint32_t row);

#endif
