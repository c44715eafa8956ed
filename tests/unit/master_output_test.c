/* Output in pieces: kept in order, once each, within bounds, forwarded anew on a new connection. */
#include "master/clients.h"
#include "master/journal.h"
#include "master/output.h"
#include "master/queue.h"
#include "master/work.h"
#include "master_script.h"

struct fixture {
    struct ms_queue queue;
    struct ms_client client;
    struct ms_work work;
    struct ms_journal journal;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.client.connection = 1, .queue.journal = &f->journal};
    f->work = (struct ms_work){.state = MS_LIFE_LEASED, .client = &f->client, .attempt = 1};
    ms_slab_init(&f->queue.slab, 256u << 20);
}

static void end(struct fixture *f)
{
    ms_output_discard(&f->queue, &f->work);
    ck_assert_uint_eq(ms_slab_used(&f->queue.slab), 0);
    ck_assert_uint_eq(f->client.live_bytes, 0);
    ms_slab_finish(&f->queue.slab);
}

static enum ms_output_result add(struct fixture *f, uint32_t index, const char *text)
{
    struct ms_command piece = {.index = index, .payload = ms_bytes_of(text)};

    return ms_output_add(&f->work, &f->queue.slab, &piece);
}

START_TEST(pieces_come_once_and_in_order)
{
    struct fixture f;

    begin(&f);
    ck_assert_int_eq(add(&f, 1, "b"), MS_OUTPUT_GAP);
    ck_assert_int_eq(add(&f, 0, "a"), MS_OUTPUT_KEPT);
    ck_assert_int_eq(add(&f, 0, "a"), MS_OUTPUT_KNOWN);
    ck_assert_int_eq(add(&f, 1, ""), MS_OUTPUT_KEPT);
    ck_assert_int_eq(add(&f, 3, "d"), MS_OUTPUT_GAP);
    ck_assert_uint_eq(ms_output_count(f.work.output), 2);
    ck_assert_uint_eq(ms_output_count(NULL), 0);
    end(&f);
}
END_TEST

START_TEST(a_new_connection_begins_anew)
{
    struct fixture f;

    begin(&f);
    add(&f, 0, "a");
    add(&f, 1, "b");
    ck_assert_uint_eq(ms_output_next(f.work.output)->index, 0);
    ms_output_forward(f.work.output, true);
    ms_output_forward(f.work.output, true);
    ck_assert_ptr_null(ms_output_next(f.work.output));
    ck_assert_uint_gt(f.client.live_bytes, 0);
    f.client.connection++;
    f.client.live_bytes = 0;
    ck_assert_uint_eq(ms_output_next(f.work.output)->index, 0);
    ms_output_forward(f.work.output, true);
    add(&f, 2, "c");
    ck_assert_uint_eq(ms_output_next(f.work.output)->index, 1);
    ms_output_calm(f.work.output);
    ck_assert_uint_eq(f.client.live_bytes, 0);
    end(&f);
}
END_TEST

START_TEST(there_is_a_limit)
{
    static uint8_t bytes[MS_CHUNK_MAX];
    struct ms_command piece = {.payload = {bytes, sizeof bytes}};
    struct fixture f;

    begin(&f);
    while (ms_output_add(&f.work, &f.queue.slab, &piece) == MS_OUTPUT_KEPT) {
        piece.index++;
    }
    ck_assert_int_eq(ms_output_add(&f.work, &f.queue.slab, &piece), MS_OUTPUT_TOO_MUCH);
    ck_assert_uint_le(f.work.output->bytes, MS_RESULT_BYTES_MAX);
    ck_assert_uint_gt(f.work.output->bytes, MS_RESULT_BYTES_MAX - 2 * MS_CHUNK_MAX);
    end(&f);
}
END_TEST

TESTS(pieces_come_once_and_in_order, a_new_connection_begins_anew, there_is_a_limit)
