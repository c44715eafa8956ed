/* Bodies of frames <-> commands. The only users of protobuf-c are the files of this folder.
 *
 * Hot kinds (SUBMIT, COMMAND, RESULT, OUTCOME, the acks, OUTPUT, STREAM, PULL) are read and written
 * by hand for the same bytes protobuf-c would take and make; tests/fuzz proves the two equal. All
 * other kinds go through protobuf-c with an arena, under the budget of core/limits.h. */
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

/* Takes the next command of the frame. Returns MS_E_OK and *more_out = true with a command, or
 * MS_E_OK and false at the end, or what is malformed. Ids of SUBMIT, OUTCOME, CANCEL ... carry only
 * seq: the receiver knows the client. Tokens come with their epoch filled in. Enumerations out of
 * range, uuids not 16 bytes long, names too long or not UTF-8 are MALFORMED. */
enum ms_error ms_decoder_next(struct ms_decoder *decoder, struct ms_command *command_out,
                              bool *more_out);

/* Collects commands for one connection into frames, many per frame; acknowledgements are gathered
 * in runs beside them and may overtake. Zero bytes allocated while nothing waits. */
struct ms_encoder {
    uint8_t *data;        /* finished frames and the open one, from data[0] */
    size_t size, capacity;
    size_t open_at;       /* where the open frame's header stands */
    ms_epoch epoch;       /* of the open frame */
    enum ms_kind kind;    /* of the open frame; NONE = none is open */
    struct ms_ack_frame { /* the open frame of acknowledgements */
        uint8_t *data;
        uint32_t size, capacity;
        ms_epoch epoch;
        uint64_t first, count; /* the run not yet written */
        enum ms_kind kind;
        uint8_t durability, copies;
    } acks;
};

void ms_encoder_init(struct ms_encoder *encoder); /* a zeroed one is initialised, too */
void ms_encoder_finish(struct ms_encoder *encoder);

/* Appends one command. epoch goes into the frame header (and is the default epoch of tokens).
 * The command's bytes are copied. NO_MEMORY leaves the encoder as it was. */
enum ms_error ms_encoder_put(struct ms_encoder *encoder, ms_epoch epoch,
                             const struct ms_command *command);

/* Closes open frames; everything to send then stands in data[0 .. size). The caller writes it and
 * says how much went out with ms_encoder_consume. */
struct ms_bytes ms_encoder_flush(struct ms_encoder *encoder);
void ms_encoder_consume(struct ms_encoder *encoder, size_t size);

/* Bytes waiting, finished or not: what back-pressure looks at. */
size_t ms_encoder_pending(const struct ms_encoder *encoder);

#endif
