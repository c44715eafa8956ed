/* The first byte is a kind, the rest a body. Whatever it is, decoding ends, stays within its budget
 * and gives only commands that the encoder takes; and what the encoder makes of them comes back the
 * same. */
#include "proto/codec.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "tests/support/oracle.h"

#define EPOCH ((ms_epoch)5)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ms_frame_limits limits = {.greeted = true,
                                              .payload_max = MS_PAYLOAD_MAX_CEILING};

/* Reads the bytes that the borrowed values point to, for the sanitizers. */
static unsigned touch(const struct ms_command *command)
{
    unsigned sum = 0;

    for (size_t i = 0; i < command->payload.size; i++) {
        sum += command->payload.data[i];
    }
    for (size_t i = 0; i < command->detail.size; i++) {
        sum += command->detail.data[i];
    }
    if (command->terms != NULL) {
        for (size_t i = 0; i < command->terms->unique.size; i++) {
            sum += command->terms->unique.data[i];
        }
        for (size_t i = 0; i < command->terms->group.size; i++) {
            sum += command->terms->group.data[i];
        }
        for (size_t i = 0; i < command->terms->key.size; i++) {
            sum += command->terms->key.data[i];
        }
        for (size_t i = 0; i < command->terms->where.size; i++) {
            sum += command->terms->where.data[i];
        }
    }
    if (command->kind == MS_KIND_REPORT) {
        const struct ms_report *report = command->body.report;
        for (uint32_t i = 0; i < report->cells_count; i++) {
            sum += (unsigned)strlen(report->cells[i].name);
            sum += report->cells[i].text != NULL ? (unsigned)strlen(report->cells[i].text) : 0;
        }
    }
    return sum;
}

/* Counts the commands of everything the encoder holds. */
static size_t decode_all(struct ms_decoder *decoder, struct ms_bytes input)
{
    size_t count = 0;

    while (input.size > 0) {
        struct ms_frame frame;
        size_t used = 0, need = 0;
        bool more = true;
        ms_assert(ms_frame_parse(input, &limits, &frame, &used, &need) == MS_E_OK);
        ms_assert(used > 0);
        ms_assert(frame.epoch == EPOCH);
        ms_assert(ms_decoder_begin(decoder, &frame) == MS_E_OK);
        for (;;) {
            struct ms_command command;
            ms_assert(ms_decoder_next(decoder, &command, &more) == MS_E_OK);
            if (!more) {
                break;
            }
            (void)touch(&command);
            count++;
        }
        input.data += used;
        input.size -= used;
    }
    return count;
}

static bool is_ack(enum ms_kind kind)
{
    return kind == MS_KIND_RESULT_ACK || kind == MS_KIND_SUBMIT_ACK || kind == MS_KIND_OUTCOME_ACK;
}

static void decode_and_encode(struct ms_decoder *decoder, const struct ms_frame *frame)
{
    struct ms_encoder encoder = {0};
    size_t count = 0;
    bool more = false;

    if (ms_decoder_begin(decoder, frame) != MS_E_OK) {
        return;
    }
    for (;;) {
        struct ms_command command;
        const enum ms_error error = ms_decoder_next(decoder, &command, &more);
        ms_assert(error == MS_E_OK || error == MS_E_MALFORMED);
        if (error != MS_E_OK || !more) {
            break;
        }
        ms_assert(command.kind == frame->kind);
        (void)touch(&command);
        ms_assert(ms_encoder_put(&encoder, EPOCH, &command) == MS_E_OK);
        count++;
    }
    const size_t pending = ms_encoder_pending(&encoder);
    const struct ms_bytes bytes = ms_encoder_flush(&encoder);
    ms_assert(bytes.size <= pending);
    const size_t again = decode_all(decoder, bytes);
    /* Runs may have become one. */
    ms_assert(again == count || (is_ack(frame->kind) && again <= count));
    ms_encoder_consume(&encoder, bytes.size);
    ms_assert(encoder.data == NULL);
    ms_assert(ms_encoder_pending(&encoder) == 0);
    ms_encoder_finish(&encoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ms_decoder *decoder;

    if (decoder == NULL) {
        decoder = ms_decoder_create();
        ms_assert(decoder != NULL);
    }
    if (size == 0) {
        return 0;
    }
    const struct ms_frame frame = {
        .kind = (enum ms_kind)data[0],
        .epoch = EPOCH,
        .body = {data + 1, size - 1},
    };
    const uint32_t size_max = ms_frame_size_max(frame.kind, &limits);
    if (size_max > 0 && frame.body.size <= size_max) {
        decode_and_encode(decoder, &frame);
    }
    return 0;
}
