/* What one command costs in the codec: nanoseconds to encode into frames and to decode out of them,
 * 64 bytes of payload, batches as they travel, one thread; and the same for records of the journal. The
 * best of several rounds is printed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/invariant.h"
#include "proto/codec.h"
#include "proto/record.h"

#define BATCH             512
#define BATCHES_PER_ROUND 20
#define ROUNDS            15
#define PAYLOAD_SIZE      64
#define EPOCH             ((ms_epoch)3)

static uint8_t payload[PAYLOAD_SIZE];

static const struct ms_usage usage = {1500, 900, 300, 4096};

static const struct ms_frame_limits limits = {.greeted = true, .payload_max = 1 << 20};

static uint64_t sink; /* keeps the work from being left out */

static double now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct ms_command make(enum ms_kind kind, uint64_t i)
{
    const bool has_payload = kind == MS_KIND_SUBMIT || kind == MS_KIND_COMMAND ||
                             kind == MS_KIND_RESULT || kind == MS_KIND_OUTCOME;
    struct ms_command command = {
        .kind = (uint8_t)kind,
        .attempt = 1,
        .attempts_max = 1,
        .type = 0x9ae16a3b2f90404full,
        .id = {.client = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
               .seq = 1000000 + i},
        .token = {.epoch = EPOCH, .n = 3000000 + i},
        .count = kind == MS_KIND_RESULT ? 1 : 0,
    };
    if (has_payload) {
        command.payload = (struct ms_bytes){payload, sizeof payload};
    }
    if (kind == MS_KIND_RESULT || kind == MS_KIND_OUTCOME) {
        command.usage = &usage;
    }
    return command;
}

static void encode_batch(struct ms_encoder *encoder, struct ms_command *command)
{
    for (unsigned i = 0; i < BATCH; i++) {
        command->id.seq++;
        command->token.n++;
        if (ms_encoder_put(encoder, EPOCH, command) != MS_E_OK) {
            abort();
        }
    }
}

static uint64_t decode_batch(struct ms_decoder *decoder, struct ms_bytes input)
{
    uint64_t count = 0;

    while (input.size > 0) {
        struct ms_frame frame;
        size_t used = 0, need = 0;
        bool more = false;
        if (ms_frame_parse(input, &limits, &frame, &used, &need) != MS_E_OK || used == 0 ||
            ms_decoder_begin(decoder, &frame) != MS_E_OK) {
            abort();
        }
        for (;;) {
            struct ms_command command;
            if (ms_decoder_next(decoder, &command, &more) != MS_E_OK) {
                abort();
            }
            if (!more) {
                break;
            }
            sink += command.id.seq + command.payload.size;
            count++;
        }
        input.data += used;
        input.size -= used;
    }
    return count;
}

static double encode_round(enum ms_kind kind)
{
    struct ms_encoder encoder = {0};
    struct ms_command command = make(kind, 0);
    const double start = now_ns();

    for (unsigned i = 0; i < BATCHES_PER_ROUND; i++) {
        encode_batch(&encoder, &command);
        const struct ms_bytes bytes = ms_encoder_flush(&encoder);
        sink += bytes.data[bytes.size - 1];
        ms_encoder_consume(&encoder, bytes.size);
    }
    const double end = now_ns();
    ms_encoder_finish(&encoder);
    return (end - start) / BATCHES_PER_ROUND / BATCH;
}

static double decode_round(struct ms_decoder *decoder, enum ms_kind kind)
{
    struct ms_encoder encoder = {0};
    struct ms_command command = make(kind, 0);
    uint64_t count = 0;

    encode_batch(&encoder, &command);
    const struct ms_bytes bytes = ms_encoder_flush(&encoder);
    const double start = now_ns();
    for (unsigned i = 0; i < BATCHES_PER_ROUND; i++) {
        count += decode_batch(decoder, bytes);
    }
    const double end = now_ns();
    ms_encoder_finish(&encoder);
    return (end - start) / (double)count;
}

static struct ms_record make_record(enum ms_record_kind kind)
{
    return (struct ms_record){
        .kind = (uint8_t)kind,
        .at = INT64_C(1700000000123456),
        .id = {.client = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, .seq = 1000000},
        .type = kind == MS_RECORD_SUBMIT ? 0x9ae16a3b2f90404full : 0,
        .durability = kind == MS_RECORD_SUBMIT ? MS_DURABILITY_LOCAL : 0,
        .attempts_max = kind == MS_RECORD_SUBMIT ? 1 : 0,
        .attempt = kind == MS_RECORD_SETTLE ? 1 : 0,
        .event = kind == MS_RECORD_SETTLE ? 7 : 0,
        .usage = kind == MS_RECORD_SETTLE ? &usage : NULL,
        .name = kind == MS_RECORD_SETTLE ? ms_bytes_of("slave-1") : (struct ms_bytes){0},
        .payload = {payload, sizeof payload},
    };
}

static double write_round(uint8_t *journal, enum ms_record_kind kind, size_t *size_out)
{
    struct ms_record record = make_record(kind);
    uint8_t *at = journal;
    const double start = now_ns();

    for (unsigned i = 0; i < BATCHES_PER_ROUND; i++) {
        at = journal;
        for (unsigned k = 0; k < BATCH; k++) {
            record.id.seq++;
            at = ms_record_write(at, record.id.seq, &record);
        }
    }
    *size_out = (size_t)(at - journal);
    return (now_ns() - start) / BATCHES_PER_ROUND / BATCH;
}

static double read_round(struct ms_bytes journal)
{
    const double start = now_ns();

    for (unsigned i = 0; i < BATCHES_PER_ROUND; i++) {
        struct ms_bytes rest = journal;
        struct ms_record_room room;
        struct ms_record record;
        struct ms_entry entry;
        while (ms_record_next(&rest, &entry)) {
            if (ms_record_read(&entry, &room, &record) != MS_E_OK) {
                abort();
            }
            sink += record.id.seq + record.payload.size;
        }
    }
    return (now_ns() - start) / BATCHES_PER_ROUND / BATCH;
}

static void measure_record(enum ms_record_kind kind)
{
    const struct ms_record record = make_record(kind);
    uint8_t *journal = malloc(BATCH * ms_record_size_max(&record));
    double encode = 1e9, decode = 1e9;
    size_t size = 0;

    if (journal == NULL) {
        abort();
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        const double written = write_round(journal, kind, &size);
        const double read = read_round((struct ms_bytes){journal, size});
        encode = written < encode ? written : encode;
        decode = read < decode ? read : decode;
    }
    (void)printf("%-12s %12.1f %12.1f  (%zu bytes)\n", ms_record_kind_name(kind), encode, decode,
                 size / BATCH);
    free(journal);
}

int main(void)
{
    static const enum ms_kind kinds[] = {
        MS_KIND_SUBMIT,  MS_KIND_SUBMIT_ACK, MS_KIND_COMMAND,     MS_KIND_RESULT,
        MS_KIND_OUTCOME, MS_KIND_RESULT_ACK, MS_KIND_OUTCOME_ACK,
    };
    struct ms_decoder *decoder = ms_decoder_create();

    if (decoder == NULL) {
        return EXIT_FAILURE;
    }
    (void)printf("%-12s %12s %12s\n", "kind", "encode_ns", "decode_ns");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        double encode = 1e9, decode = 1e9;
        for (unsigned round = 0; round < ROUNDS; round++) {
            const double encoded = encode_round(kinds[i]);
            const double decoded = decode_round(decoder, kinds[i]);
            encode = encoded < encode ? encoded : encode;
            decode = decoded < decode ? decoded : decode;
        }
        (void)printf("%-12s %12.1f %12.1f\n", ms_kind_name(kinds[i]), encode, decode);
    }
    (void)printf("%-12s %12s %12s\n", "record", "write_ns", "read_ns");
    measure_record(MS_RECORD_SUBMIT);
    measure_record(MS_RECORD_SETTLE);
    ms_decoder_destroy(decoder);
    return sink != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
