/* Everything that can go wrong and is answered: one table of codes, wire numbers and texts. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <stdbool.h>

/* name, number on the wire (never reused), fatal to the connection?, text */
#define MS_ERRORS(X)                                                                               \
    X(OK, 0, false, "no error")                                                                    \
    X(MAGIC, 1, true, "not a muster frame: wrong magic")                                           \
    X(VERSION, 2, true, "no protocol version in common")                                           \
    X(FRAME_KIND, 3, true, "unknown frame kind")                                                   \
    X(FRAME_SIZE, 4, true, "frame longer than allowed for its kind and the connection's state")    \
    X(MALFORMED, 5, true, "frame body is not a valid message of its kind")                         \
    X(BUDGET, 6, true, "frame body would expand beyond the decoding budget")                       \
    X(ORDER, 7, true, "frame kind not allowed in this state of the connection")                    \
    X(ROLE, 8, true, "frame kind not allowed for this role")                                       \
    X(TIMEOUT, 9, true, "nothing, or too little, was heard in time")                               \
    X(STALE_EPOCH, 10, true, "epoch below the highest one seen")                                   \
    X(NOT_ACTIVE, 11, true, "this master is not active")                                           \
    X(SESSION_DEAD, 12, true, "the session was declared dead")                                     \
    X(REPLACED, 13, true, "the session was resumed on another connection")                         \
    X(TOO_MANY, 14, true, "too many connections or sessions")                                      \
    X(SLOW, 15, true, "output limit reached: the peer does not read")                              \
    X(CLOSED, 16, true, "connection closed by the peer")                                           \
    X(UNREACHABLE, 17, true, "connection could not be opened")                                     \
    X(IO, 18, true, "input or output failed")                                                      \
    X(DRAINING, 19, true, "shutting down: no new work is accepted")                                \
    X(INTERNAL, 20, true, "internal limit reached")                                                \
    X(UNKNOWN_TYPE, 32, false, "unknown command type: no route and no slave announced it")         \
    X(PAYLOAD_SIZE, 33, false, "payload larger than max_payload")                                  \
    X(RETRY_LATER, 34, false, "the queue is full, try again later")                                \
    X(BAD_ARGUMENT, 35, false, "argument out of range")                                            \
    X(NOT_FOUND, 36, false, "no such command, slave or type")                                      \
    X(TYPE_CLASH, 37, false, "two names for one type")                                             \
    X(CLOSED_ID, 38, false, "this id is closed: its outcome was confirmed before")                 \
    X(NO_MEMORY, 39, false, "out of memory")                                                       \
    X(PERMISSION, 40, false, "not allowed")                                                        \
    X(RESULT_SIZE, 41, false, "output larger than the 64 MiB that are kept for one command")       \
    X(CANCELLED, 42, false, "cancelled")                                                           \
    X(STORE_FULL, 43, false, "the disk is full: no new work is accepted until space returns")      \
    X(STORE_FAILED, 44, true, "the store failed: this master acknowledges nothing any more")       \
    X(STORE_CORRUPT, 45, false, "the data directory is damaged")                                   \
    X(NOT_UNIQUE, 46, false, "a live command has the same unique key")                             \
    X(DURABILITY, 47, false, "this master cannot keep commands as durable as was asked for")

enum ms_error {
#define MS_ERROR_ENUM(name, number, fatal, text) MS_E_##name = (number),
    MS_ERRORS(MS_ERROR_ENUM)
#undef MS_ERROR_ENUM
};

/* Stable name ("FRAME_SIZE"); "UNKNOWN" for a number of a newer peer. Never NULL. */
const char *ms_error_name(enum ms_error error);

/* One sentence for people. Never NULL. */
const char *ms_error_text(enum ms_error error);

/* True when the connection it happened on cannot go on. Unknown numbers are not fatal. */
bool ms_error_is_fatal(enum ms_error error);

#endif
