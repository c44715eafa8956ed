/* Bodies of frames <-> commands. The only users of protobuf-c are the files of this folder.
 *
 * Everything is written by hand, and lists and numbers (SUBMIT, COMMAND, RESULT, OUTCOME, OUTPUT,
 * STREAM, the acks, PULL, BEAT, REVOKE, CANCEL ...) are read by hand, for the same bytes protobuf-c
 * would make and take; tests/fuzz proves the two equal. The kinds that are one message each are
 * read by protobuf-c into an arena, under the budget of core/limits.h; those of the pair, whose payloads are long,
 * by hand again (proto/pair.h). */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "core/command.h"
#include "proto/frame.h"

/* Walks the commands of one frame. Keep one per connection's owner (it holds the arena, some KiB),
 * not one per connection. Embed or allocate; private. */
struct ms_decoder;

struct ms_decoder *ms_decoder_create(void); /* NULL: out of memory */
void ms_decoder_destroy(struct ms_decoder *decoder);

/* Begins a frame; its bytes stay borrowed until the next begin. Control kinds are unpacked and
 * checked here (whole), hot kinds element by element in next. */
enum ms_error ms_decoder_begin(struct ms_decoder *decoder, const struct ms_frame *frame);

/* Takes the next command of the frame; what it points to is borrowed until the next call. Returns MS_E_OK and *more_out = true with a command, or
 * MS_E_OK and false at the end, or what is malformed. Ids of SUBMIT, OUTCOME, CANCEL ... carry only
 * seq: the receiver knows the client. Tokens come with their epoch filled in. Enumerations out of
 * range, uuids not 16 bytes long, names too long or not UTF-8 are MALFORMED. */
enum ms_error ms_decoder_next(struct ms_decoder *decoder, struct ms_command *command_out,
                              bool *more_out);

/* Acknowledgements on their way out: frames in data, and the run being gathered. Private. */
struct ms_acks {
    uint8_t *data;
    size_t size, capacity;
    size_t open_at; /* where the open frame stands, or will; behind it only whole runs */
    ms_epoch epoch, token_epoch;
    uint64_t first, count; /* the run not yet written */
    enum ms_kind kind;     /* of the open frame; NONE = nothing waits */
    uint8_t durability, copies;
};

/* Collects commands for one connection into frames, many per frame; acknowledgements are gathered
 * in runs beside them and leave with the next flush: they may be overtaken, but not by ERROR and
 * BYE. Zero bytes are allocated while nothing waits. */
struct ms_encoder {
    uint8_t *data;
    size_t head, size; /* waiting: data[head .. size), finished frames and the open one */
    size_t capacity;
    size_t hint;       /* capacity to begin with */
    size_t open_at;    /* where the open frame's header stands */
    ms_epoch epoch;    /* of the open frame */
    enum ms_kind kind; /* of the open frame; NONE = none is open */
    struct ms_acks acks;
};

void ms_encoder_init(struct ms_encoder *encoder); /* a zeroed one is initialised, too */
void ms_encoder_finish(struct ms_encoder *encoder);

/* Appends one command. epoch goes into the frame header (and is the default epoch of tokens; that of
 * a COMMAND's token it must be). The command's bytes are copied. A detail is cut to MS_DETAIL_MAX
 * and '?' put for what is not UTF-8 in it; a report is split into as many frames as it needs; other
 * values out of range are programmer errors. NO_MEMORY leaves the encoder as it was. */
enum ms_error ms_encoder_put(struct ms_encoder *encoder, ms_epoch epoch,
                             const struct ms_command *command);

/* Closes open frames and returns everything there is to send; borrowed until the next call. The
 * caller writes it and says how much went out with ms_encoder_consume. */
struct ms_bytes ms_encoder_flush(struct ms_encoder *encoder);
void ms_encoder_consume(struct ms_encoder *encoder, size_t size);

/* Bytes waiting, finished or not: what back-pressure looks at. */
size_t ms_encoder_pending(const struct ms_encoder *encoder);

#endif
