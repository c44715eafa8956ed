/* What a deposed master offers: frames, their order and their pace. */
#include "master/suffix.h"

#include "core/limits.h"
#include "master_stream.h"
#include "proto/record.h"

#define PEER  7u
#define EPOCH 9u
#define OWN   5u

static struct stream *stream;
static struct ms_suffix *suffix;

static void begin(void)
{
    stream = stream_make();
    suffix = ms_suffix_create(&stream->engine);
    ck_assert_ptr_nonnull(suffix);
    ms_suffix_offer(suffix, PEER, EPOCH, OWN, true);
}

static void end(void)
{
    stream_step(stream);
    ms_suffix_destroy(suffix);
    stream_drop(stream);
}

/* One step in which it says what it can. */
static void pump(void)
{
    ms_suffix_pump(suffix, true);
    stream_step(stream);
}

static const struct ms_effect *want(enum ms_effect_type type)
{
    ck_assert_uint_eq(stream->count, 1);
    ck_assert_int_eq(stream->effects[0].type, type);
    return &stream->effects[0];
}

static void scanned(ms_seq seq, const void *bytes, size_t size)
{
    const struct ms_command command = {.payload = {bytes, size}};

    ms_suffix_scanned(
        suffix, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = seq, .command = &command});
}

static bool hear(uint64_t number, uint64_t count, uint8_t flags, enum ms_error error)
{
    return ms_suffix_hear(suffix, &(struct ms_command){.kind = MS_KIND_RECONCILE_ACK,
                                                       .token = {OWN, number},
                                                       .count = count,
                                                       .flags = flags,
                                                       .error = (uint16_t)error});
}

/* Everything is sent: one piece, and the end. */
static void send_all(void)
{
    pump();
    scanned(3, "abc", 3);
    pump();
    scanned(0, NULL, 0);
    pump();
}

/* A record of that kind, of the command that number names. */
static uint8_t *write_one(uint8_t *at, enum ms_record_kind kind, ms_seq seq)
{
    return ms_record_write(at, seq,
                           &(struct ms_record){.kind = (uint8_t)kind,
                                               .at = 1,
                                               .id = {{{1}}, seq},
                                               .type = MS_TYPE_USER_MIN,
                                               .token = {1, seq},
                                               .attempt = 1});
}

/* Who has a command in hand is left out; that it was started, and may be started once only, is not. */
START_TEST(an_older_half_is_not_offered_what_it_cannot_read)
{
    static uint8_t bytes[1024];
    struct ms_entry entry;

    stream = stream_make();
    suffix = ms_suffix_create(&stream->engine);
    ms_suffix_offer(suffix, PEER, EPOCH, OWN, false);
    pump();
    uint8_t *at = write_one(bytes, MS_RECORD_SUBMIT, 1);

    at = write_one(at, MS_RECORD_HAND, 2);
    at = write_one(at, MS_RECORD_LEASE, 3);
    scanned(3, bytes, (size_t)(at - bytes));
    pump();
    ck_assert_int_eq(stream->effects[0].type, MS_EFFECT_SEND);
    struct ms_bytes left = stream->effects[0].command.payload;

    ck_assert(ms_record_next(&left, &entry));
    ck_assert_uint_eq(entry.kind, MS_RECORD_SUBMIT);
    ck_assert(ms_record_next(&left, &entry));
    ck_assert_uint_eq(entry.kind, MS_RECORD_LEASE);
    ck_assert_uint_eq(left.size, 0);
    scanned(2, bytes, 0);
    end();
}
END_TEST

START_TEST(the_store_is_read_and_sent)
{
    begin();
    pump();
    ck_assert_uint_eq(want(MS_EFFECT_SCAN)->seq, 0);
    ck_assert(ms_suffix_is_scanning(suffix));
    scanned(3, "abc", 3);
    pump();
    ck_assert_uint_eq(stream->count, 2);
    const struct ms_effect *sent = &stream->effects[0];
    ck_assert_int_eq(sent->type, MS_EFFECT_SEND);
    ck_assert_uint_eq(sent->peer, PEER);
    ck_assert_uint_eq(sent->epoch, EPOCH);
    ck_assert_uint_eq(sent->command.kind, MS_KIND_RECONCILE);
    ck_assert_uint_eq(sent->command.token.epoch, OWN);
    ck_assert_uint_eq(sent->command.token.n, 0);
    ck_assert_uint_eq(sent->command.count, 0);
    ck_assert_mem_eq(sent->command.payload.data, "abc", 3);
    ck_assert_uint_eq(stream->effects[1].seq, 3);
    scanned(0, NULL, 0);
    pump();
    sent = want(MS_EFFECT_SEND);
    ck_assert_uint_eq(sent->command.flags, 1);
    ck_assert_uint_eq(sent->command.token.n, 1);
    pump();
    ck_assert_uint_eq(stream->count, 0);
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_NOTHING);
    ck_assert(hear(1, 3, 1, MS_E_OK));
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_MERGED);
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_NOTHING);
    end();
}
END_TEST

START_TEST(it_may_have_been_known_before)
{
    begin();
    send_all();
    ck_assert(hear(1, 3, 1 | MS_FLAG_KNOWN, MS_E_OK));
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_KNOWN);
    end();
}
END_TEST

START_TEST(what_is_large_comes_in_frames)
{
    const size_t size = MS_LOG_FRAME_SIZE + 5;
    uint8_t *bytes = calloc(1, size);

    ck_assert_ptr_nonnull(bytes);
    begin();
    pump();
    scanned(1, bytes, size);
    pump();
    ck_assert_uint_eq(stream->effects[0].command.payload.size, MS_LOG_FRAME_SIZE);
    ck_assert_uint_eq(stream->effects[0].command.count, 5);
    ck_assert_uint_eq(stream->effects[1].command.payload.size, 5);
    ck_assert_uint_eq(stream->effects[1].command.count, 0);
    ck_assert_uint_eq(stream->effects[1].command.token.n, 1);
    end();
    free(bytes);
}
END_TEST

START_TEST(no_more_is_on_its_way_than_may_be)
{
    uint8_t *bytes = calloc(1, MS_SCAN_BYTES);
    uint64_t sent = 0;

    ck_assert_ptr_nonnull(bytes);
    begin();
    pump();
    for (ms_seq seq = 1; ms_suffix_is_scanning(suffix); seq++) {
        scanned(seq, bytes, MS_SCAN_BYTES);
        sent += MS_SCAN_BYTES;
        pump();
    }
    ck_assert_uint_eq(sent, MS_LOG_AHEAD_BYTES);
    ck_assert(hear(0, MS_LOG_FRAME_SIZE, 0, MS_E_OK));
    pump();
    want(MS_EFFECT_SCAN);
    end();
    free(bytes);
}
END_TEST

START_TEST(nobody_else_may_read_the_store)
{
    begin();
    ck_assert(!ms_suffix_pump(suffix, false));
    stream_step(stream);
    ck_assert_uint_eq(stream->count, 0);
    end();
}
END_TEST

START_TEST(refusals_are_news)
{
    begin();
    pump();
    ck_assert(hear(0, 0, 0, MS_E_NOT_ACTIVE));
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_REFUSED);
    scanned(3, "abc", 3); /* of what is over */
    ms_suffix_offer(suffix, PEER, EPOCH, OWN, true);
    ck_assert(hear(0, 0, 0, MS_E_STORE_CORRUPT));
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_UNMERGED);
    end();
}
END_TEST

START_TEST(a_store_that_cannot_be_read_is_not_merged)
{
    begin();
    pump();
    ms_suffix_scanned(suffix,
                      &(struct ms_event){.type = MS_EVENT_SCANNED, .error = MS_E_STORE_CORRUPT});
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_UNMERGED);
    end();
}
END_TEST

START_TEST(an_offer_under_way_goes_on)
{
    begin();
    send_all();
    ms_suffix_offer(suffix, PEER, EPOCH, OWN, true); /* the active was silent for a moment */
    ck_assert(hear(0, 3, 0, MS_E_OK));
    ms_suffix_offer(suffix, PEER, EPOCH + 1, OWN,
                    true); /* another reign, which knows nothing of it */
    ck_assert(!hear(0, 3, 0, MS_E_OK));
    end();
}
END_TEST

START_TEST(answers_that_make_no_sense)
{
    begin();
    send_all();
    ck_assert(!hear(2, 3, 0, MS_E_OK)); /* was not sent */
    ck_assert(!hear(1, 4, 0, MS_E_OK));
    ck_assert(hear(0, 3, 0, MS_E_OK));
    ck_assert(!hear(1, 2, 0, MS_E_OK)); /* less than before */
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_NOTHING);
    ms_suffix_leave(suffix);
    ms_suffix_offer(suffix, PEER, EPOCH, OWN, true);
    pump();
    scanned(3, "abc", 3);
    pump();
    ck_assert(!hear(0, 3, 1, MS_E_OK)); /* not all was sent */
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_NOTHING);
    end();
}
END_TEST

START_TEST(it_begins_anew_after_a_break)
{
    begin();
    send_all();
    ms_suffix_leave(suffix);
    ck_assert(hear(1, 3, 1, MS_E_OK)); /* too late */
    ck_assert_int_eq(ms_suffix_news(suffix), MS_SUFFIX_NOTHING);
    ms_suffix_offer(suffix, PEER + 1, EPOCH, OWN, true);
    ms_suffix_epoch(suffix, EPOCH + 1);
    pump();
    ck_assert_uint_eq(want(MS_EFFECT_SCAN)->seq, 0);
    scanned(3, "abc", 3);
    pump();
    ck_assert_uint_eq(stream->effects[0].command.token.n, 0);
    ck_assert_uint_eq(stream->effects[0].peer, PEER + 1);
    ck_assert_uint_eq(stream->effects[0].epoch, EPOCH + 1);
    ms_suffix_leave(suffix);
    scanned(5, "de", 2); /* of what is over */
    pump();
    ck_assert_uint_eq(stream->count, 0);
    ms_suffix_destroy(NULL);
    end();
}
END_TEST

int main(void)
{
    const TTest *const all[] = {
        an_older_half_is_not_offered_what_it_cannot_read,
        the_store_is_read_and_sent,
        it_may_have_been_known_before,
        what_is_large_comes_in_frames,
        no_more_is_on_its_way_than_may_be,
        nobody_else_may_read_the_store,
        refusals_are_news,
        a_store_that_cannot_be_read_is_not_merged,
        an_offer_under_way_goes_on,
        answers_that_make_no_sense,
        it_begins_anew_after_a_break,
    };
    Suite *suite = suite_create("suffix");
    TCase *tests = tcase_create("all");

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tcase_add_test(tests, all[i]);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
