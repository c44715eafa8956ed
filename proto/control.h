/* Bodies that are one message each (HELLO, WELCOME, ANNOUNCE, ROLL, QUERY, REPORT ...), unpacked by
 * protobuf-c into an arena and checked as a whole. */
#ifndef PROTO_CONTROL_H
#define PROTO_CONTROL_H

#include "core/command.h"
#include "proto/arena.h"
#include "proto/frame.h"

/* Unpacks a frame of any kind that is neither a list nor a number. What *command_out points to lives
 * in the arena. Not OK: MALFORMED, BUDGET or NO_MEMORY, and *command_out is undefined. */
enum ms_error ms_control_read(struct ms_arena *arena, const struct ms_frame *frame,
                              struct ms_command *command_out);

#endif
