/* The first byte is a kind, the rest a body. Our decoder takes it exactly when protobuf-c and the
 * rules of the protocol do, sees the same values, and our encoder makes of these the very bytes that
 * protobuf-c makes. */
#include "proto/codec.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "tests/support/oracle.h"

#define EPOCH ((ms_epoch)5)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ms_frame_limits limits = {.greeted = true,
                                              .payload_max = MS_PAYLOAD_MAX_CEILING};

static const enum ms_kind kinds[] = {
    MS_KIND_BEAT,       MS_KIND_BEAT_ACK,   MS_KIND_PULL,       MS_KIND_COMMAND,     MS_KIND_OUTPUT,
    MS_KIND_RESULT,     MS_KIND_RESULT_ACK, MS_KIND_REVOKE,     MS_KIND_RETURN,      MS_KIND_SUBMIT,
    MS_KIND_SUBMIT_ACK, MS_KIND_SUBMIT_NAK, MS_KIND_OUTCOME,    MS_KIND_OUTCOME_ACK, MS_KIND_STREAM,
    MS_KIND_CANCEL,     MS_KIND_CANCEL_ACK, MS_KIND_PART,       MS_KIND_TAIL,        MS_KIND_FOLLOW,
    MS_KIND_ADJUST,     MS_KIND_CALL,       MS_KIND_CALL_REPLY,
};

static bool is_ack(enum ms_kind kind)
{
    return kind == MS_KIND_RESULT_ACK || kind == MS_KIND_SUBMIT_ACK || kind == MS_KIND_OUTCOME_ACK;
}

/* Takes the frame beside the second opinion; true when every command was accepted. */
static bool compare(struct ms_decoder *decoder, const struct ms_frame *frame,
                    const struct oracle_list *list, bool is_accepted)
{
    struct ms_command command;
    bool more = true;

    if (ms_decoder_begin(decoder, frame) != MS_E_OK) {
        return false;
    }
    for (size_t i = 0;; i++) {
        if (ms_decoder_next(decoder, &command, &more) != MS_E_OK) {
            return false;
        }
        if (!more) {
            ms_assert(!is_accepted || i == list->count);
            return true;
        }
        if (is_accepted) {
            ms_assert(i < list->count);
            ms_assert(oracle_equal(&command, &list->commands[i]));
        }
    }
}

/* One command after the other, so that no batch hides a difference. */
static void encode(const struct oracle_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ms_encoder encoder = {0};
        struct ms_frame frame;
        size_t used = 0, need = 0;
        uint8_t *expected = NULL;
        const size_t size = oracle_pack(EPOCH, &list->commands[i], 1, &expected);
        ms_assert(ms_encoder_put(&encoder, EPOCH, &list->commands[i]) == MS_E_OK);
        ms_assert(ms_frame_parse(ms_encoder_flush(&encoder), &limits, &frame, &used, &need) ==
                  MS_E_OK);
        ms_assert(frame.body.size == size);
        ms_assert(size == 0 || memcmp(frame.body.data, expected, size) == 0);
        ms_encoder_finish(&encoder);
        free(expected);
    }
}

/* All together; runs that follow on each other become one, so those are left out. */
static void encode_batch(const struct oracle_list *list)
{
    struct ms_encoder encoder = {0};
    struct ms_frame frame;
    size_t used = 0, need = 0;
    uint8_t *expected = NULL;

    if (list->count < 2 || is_ack((enum ms_kind)list->commands[0].kind)) {
        return;
    }
    const size_t size = oracle_pack(EPOCH, list->commands, list->count, &expected);
    for (size_t i = 0; i < list->count; i++) {
        ms_assert(ms_encoder_put(&encoder, EPOCH, &list->commands[i]) == MS_E_OK);
    }
    const struct ms_bytes bytes = ms_encoder_flush(&encoder);
    ms_assert(ms_frame_parse(bytes, &limits, &frame, &used, &need) == MS_E_OK);
    ms_assert(frame.body.size <= size);
    ms_assert(memcmp(frame.body.data, expected, frame.body.size) == 0);
    ms_encoder_finish(&encoder);
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ms_decoder *decoder;
    struct oracle_list list;

    if (decoder == NULL) {
        decoder = ms_decoder_create();
        ms_assert(decoder != NULL);
    }
    if (size == 0 || size > MS_FRAME_CONTROL_MAX) {
        return 0;
    }
    const struct ms_frame frame = {
        .kind = kinds[data[0] % (sizeof kinds / sizeof kinds[0])],
        .epoch = EPOCH,
        .body = {data + 1, size - 1},
    };
    const bool is_accepted = oracle_unpack(&frame, &list);
    ms_assert(compare(decoder, &frame, &list, is_accepted) == is_accepted);
    if (is_accepted) {
        encode(&list);
        encode_batch(&list);
        oracle_free(&list);
    }
    return 0;
}
