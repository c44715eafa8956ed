/* What protobuf-c makes of frames that the codec reads by hand, judged once more after the rules of
 * docs/protocol.md: a second opinion for unit tests and fuzzers. Lists and numbers only. */
#ifndef SUPPORT_ORACLE_H
#define SUPPORT_ORACLE_H

#include "core/command.h"
#include "proto/frame.h"

struct oracle_list {
    struct ms_command *commands; /* they borrow from message and from this list */
    struct ms_usage *usages;
    struct ms_terms *terms;
    struct ms_load load; /* of a BEAT */
    size_t count;
    void *message;
};

/* False: the frame is malformed. */
bool oracle_unpack(const struct ms_frame *frame, struct oracle_list *list_out);
void oracle_free(struct oracle_list *list);

/* The body of one frame with these commands (of one kind, count >= 1; acknowledgements of one
 * scope), packed by protobuf-c; the caller frees *body_out. */
size_t oracle_pack(ms_epoch frame_epoch, const struct ms_command *commands, size_t count,
                   uint8_t **body_out);

/* Equality of what commands and records both have; NULL terms are terms of zeros. */
bool oracle_bytes_equal(struct ms_bytes a, struct ms_bytes b);
bool oracle_usage_equal(const struct ms_usage *a, const struct ms_usage *b);
bool oracle_terms_equal(const struct ms_terms *a, const struct ms_terms *b);

bool oracle_start_equal(const struct ms_known_start *a, const struct ms_known_start *b);
bool oracle_pair_equal(const struct ms_pair_frame *a, const struct ms_pair_frame *b);
bool oracle_decision_equal(const struct ms_decision *a, const struct ms_decision *b);
bool oracle_witnesses_equal(const struct ms_witnesses *a, const struct ms_witnesses *b);
bool oracle_settings_equal(const struct ms_pair_settings *a, const struct ms_pair_settings *b);

/* Field by field, following pointers; body is compared by its address only, but for a BEAT's. */
bool oracle_equal(const struct ms_command *a, const struct ms_command *b);

#endif
