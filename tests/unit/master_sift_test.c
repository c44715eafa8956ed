/* A follower's own store is looked at, and sifted. */
#include "master_stream.h"
#include "master/sift.h"

static struct stream *stream;
static struct ms_sift sift;

static void set_up(void)
{
    stream = stream_make();
    sift = (struct ms_sift){.state = MS_SIFT_IDLE};
}

static void tear_down(void)
{
    stream_drop(stream);
}

static void want_scan(ms_seq above)
{
    ck_assert(ms_sift_is_due(&sift));
    ms_sift_scan(&sift, &stream->engine);
    stream_step(stream);
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, above);
    ck_assert(!ms_sift_is_due(&sift));
}

/* The store answers with what was written to the stream. */
static enum ms_sift_outcome scanned(ms_seq seq)
{
    const struct ms_command command = {.payload = stream_entries(stream)};

    return ms_sift_scanned(
        &sift, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = seq, .command = &command});
}

START_TEST(the_last_epoch_is_the_reign)
{
    ms_sift_look(&sift);
    want_scan(0);
    stream_put_epoch(stream, 3, 5);
    stream_put(stream, 4);
    ck_assert_int_eq(scanned(4), MS_SIFT_MORE);
    want_scan(4);
    stream_put_epoch(stream, 9, 8);
    stream_put(stream, 12);
    ck_assert_int_eq(scanned(12), MS_SIFT_MORE);
    want_scan(12);
    ck_assert_int_eq(scanned(0), MS_SIFT_DONE);
    ck_assert_uint_eq(sift.reign, 8);
    ck_assert_uint_eq(sift.last, 12);
    ms_sift_look(&sift);
    want_scan(0);
    ck_assert_int_eq(scanned(0), MS_SIFT_DONE);
    ck_assert_uint_eq(sift.reign, 0);
}
END_TEST

START_TEST(it_is_done_when_nothing_is_left_to_erase)
{
    ms_sift_begin(&sift);
    ck_assert(!ms_sift_is_due(&sift));
    ck_assert(ms_sift_list(&sift, (struct ms_bytes){(const uint8_t *)"\4\1", 2}, 9)); /* 5 */
    want_scan(0);
    stream_put(stream, 4);
    stream_put(stream, 5);
    stream_put(stream, 11);
    ck_assert_int_eq(scanned(11), MS_SIFT_MORE);
    ck_assert_uint_eq(sift.erases_size, MS_RECORD_HEADER_SIZE);
    want_scan(9);
    stream_put(stream, 11);
    ck_assert_int_eq(scanned(11), MS_SIFT_DONE);
    ck_assert_uint_eq(sift.erases_size, 0);
    stream_put(stream, 5);
    ck_assert_uint_eq(sift.digest, ms_record_digest(0, stream_entries(stream)));
    ck_assert(!ms_sift_list(&sift, (struct ms_bytes){0}, 9)); /* behind the last one */
    ck_assert(ms_sift_list(&sift, (struct ms_bytes){0}, 20));
    want_scan(9);
}
END_TEST

START_TEST(what_was_asked_before_is_void)
{
    ms_sift_look(&sift);
    want_scan(0);
    ms_sift_leave(&sift);
    ck_assert(ms_sift_is_scanning(&sift));
    ms_sift_look(&sift);
    stream_put(stream, 1);
    ck_assert_int_eq(scanned(1), MS_SIFT_VOID);
    want_scan(0);
}
END_TEST

START_TEST(a_store_that_cannot_be_read_is_told)
{
    ms_sift_look(&sift);
    want_scan(0);
    ck_assert_int_eq(ms_sift_scanned(&sift, &(struct ms_event){.type = MS_EVENT_SCANNED,
                                                               .error = MS_E_STORE_FAILED}),
                     MS_SIFT_BROKEN);
    ms_sift_look(&sift);
    want_scan(0);
    stream_put(stream, 1);
    stream->entries[25] ^= 1;
    ck_assert_int_eq(scanned(1), MS_SIFT_BROKEN);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("sift");
    TCase *tests = tcase_create("sift");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_last_epoch_is_the_reign);
    tcase_add_test(tests, it_is_done_when_nothing_is_left_to_erase);
    tcase_add_test(tests, what_was_asked_before_is_void);
    tcase_add_test(tests, a_store_that_cannot_be_read_is_told);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
