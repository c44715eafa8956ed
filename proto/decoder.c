#include "proto/codec.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/control.h"
#include "proto/element.h"
#include "proto/pair.h"

enum decoder_state {
    STATE_END,    /* nothing is left */
    STATE_LIST,   /* elements of body */
    STATE_SINGLE, /* the one command in single */
};

struct ms_decoder {
    enum decoder_state state;
    enum ms_kind kind;
    ms_epoch epoch; /* of the frame; of the tokens, for RESULT_ACK */
    struct ms_wire body;
    unsigned unknown_count;
    struct ms_ack_scope scope;
    struct ms_element_room room; /* of the command last taken */
    struct ms_command single;
    struct ms_pair_frame pair; /* of single */
    struct ms_arena arena;
};

struct ms_decoder *ms_decoder_create(void)
{
    struct ms_decoder *decoder = calloc(1, sizeof *decoder);

    if (decoder != NULL) {
        ms_arena_init(&decoder->arena);
    }
    return decoder;
}

void ms_decoder_destroy(struct ms_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    ms_arena_finish(&decoder->arena);
    free(decoder);
}

static bool is_ack(enum ms_kind kind)
{
    return kind == MS_KIND_RESULT_ACK || kind == MS_KIND_SUBMIT_ACK || kind == MS_KIND_OUTCOME_ACK;
}

/* What stands beside the runs counts for all of them, wherever it stands. */
static enum ms_error begin_acks(struct ms_decoder *decoder, const struct ms_frame *frame)
{
    ms_assert(is_ack(frame->kind));
    if (!ms_element_read_scope(frame->body, &decoder->scope)) {
        return MS_E_MALFORMED;
    }
    if (frame->kind == MS_KIND_SUBMIT_ACK) {
        return decoder->scope.durability < MS_DURABILITY_COUNT ? MS_E_OK : MS_E_MALFORMED;
    }
    if (frame->kind == MS_KIND_RESULT_ACK && decoder->scope.epoch != 0) {
        decoder->epoch = decoder->scope.epoch;
    }
    decoder->scope = (struct ms_ack_scope){0};
    return MS_E_OK;
}

static enum ms_error begin_list(struct ms_decoder *decoder, const struct ms_frame *frame)
{
    ms_assert(ms_element_is_list(frame->kind));
    if (is_ack(frame->kind)) {
        const enum ms_error error = begin_acks(decoder, frame);
        if (error != MS_E_OK) {
            return error;
        }
    }
    decoder->body = ms_wire_of(frame->body);
    decoder->unknown_count = 0;
    decoder->state = STATE_LIST;
    return MS_E_OK;
}

enum ms_error ms_decoder_begin(struct ms_decoder *decoder, const struct ms_frame *frame)
{
    enum ms_error error = MS_E_OK;

    ms_assert(frame->body.data != NULL || frame->body.size == 0);
    decoder->state = STATE_END;
    decoder->kind = frame->kind;
    decoder->epoch = frame->epoch;
    if (ms_element_is_list(frame->kind)) {
        return begin_list(decoder, frame);
    }
    if (ms_element_is_flat(frame->kind)) {
        if (!ms_element_read(frame->kind, frame->epoch, frame->body, &decoder->single,
                             &decoder->room)) {
            error = MS_E_MALFORMED;
        }
    } else if (ms_kind_is_pair(frame->kind)) {
        if (!ms_pair_read(frame->kind, frame->body, &decoder->single, &decoder->pair)) {
            error = MS_E_MALFORMED;
        }
    } else {
        error = ms_control_read(&decoder->arena, frame, &decoder->single);
    }
    if (error == MS_E_OK) {
        decoder->state = STATE_SINGLE;
    }
    return error;
}

static enum ms_error next_of_list(struct ms_decoder *decoder, struct ms_command *command_out,
                                  bool *more_out)
{
    struct ms_bytes element = {0};
    bool more = false;

    if (!ms_element_next(decoder->kind, &decoder->body, &element, &decoder->unknown_count, &more)) {
        decoder->state = STATE_END;
        return MS_E_MALFORMED;
    }
    if (!more) {
        decoder->state = STATE_END;
        *more_out = false;
        return MS_E_OK;
    }
    if (!ms_element_read(decoder->kind, decoder->epoch, element, command_out, &decoder->room)) {
        decoder->state = STATE_END;
        return MS_E_MALFORMED;
    }
    if (decoder->kind == MS_KIND_SUBMIT_ACK) {
        command_out->durability = decoder->scope.durability;
        command_out->copies = decoder->scope.copies;
    }
    *more_out = true;
    return MS_E_OK;
}

enum ms_error ms_decoder_next(struct ms_decoder *decoder, struct ms_command *command_out,
                              bool *more_out)
{
    switch (decoder->state) {
    case STATE_LIST:
        return next_of_list(decoder, command_out, more_out);
    case STATE_SINGLE:
        *command_out = decoder->single;
        *more_out = true;
        decoder->state = STATE_END;
        return MS_E_OK;
    case STATE_END:
        *more_out = false;
        return MS_E_OK;
    }
    ms_unreachable();
}
