/* The passive's side of replication: what it takes, writes and says. */
#include "master_following.h"

START_TEST(it_asks_from_where_it_is)
{
    const struct ms_effect *nothing = follow_on(PEER + 2, 0);

    ck_assert_uint_eq(nothing->command.token.epoch, 0);
    ck_assert_uint_eq(nothing->command.count, 0);
    ms_follower_leave(follower);
    join(50);
    stream_put(stream, 51);
    ck_assert(log_of(1, 51));
    ms_follower_leave(follower);
    const struct ms_effect *effect = follow_on(PEER + 1, 0);

    ck_assert_uint_eq(effect->peer, PEER + 1);
    ck_assert_uint_eq(effect->command.token.epoch, REIGN);
    ck_assert_uint_eq(effect->command.token.n, 1);
    ck_assert_uint_eq(effect->command.count, REIGN); /* if the backlog does not reach back so far */
    ck_assert_uint_eq(effect->command.id.seq, 51);
}
END_TEST

START_TEST(a_batch_is_one_write_and_said_when_durable)
{
    join(50);
    stream_put(stream, 51);
    stream_put(stream, 52);
    stream_erase(stream, 3);
    const size_t size = stream->size;

    ck_assert(log_of(1, 52));
    const struct ms_effect *write = stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);

    ck_assert_uint_eq(write->seq, 52);
    ck_assert_uint_eq(write->command.payload.size, size);
    stream_want_nothing(stream);
    persisted(52);
    want_ack(1, 52);
    ck_assert_uint_eq(ms_follower_durable(follower), 52);
}
END_TEST

START_TEST(frames_of_one_batch_are_put_together)
{
    join(50);
    stream_put_sized(stream, 51, 150000);
    stream_erase(stream, 9);
    const struct ms_bytes entries = stream_entries(stream);
    struct ms_command piece = {.kind = MS_KIND_LOG, .token = {REIGN, 1}, .id.seq = 51};

    for (size_t at = 0; at < entries.size; at += piece.payload.size) {
        const size_t left = entries.size - at;

        stream_want_nothing(stream);
        piece.payload = (struct ms_bytes){entries.data + at, left < 65536 ? left : 65536};
        piece.flags = left <= 65536;
        ck_assert(hear(&piece));
    }
    const struct ms_effect *write = stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);

    ck_assert_uint_eq(write->command.payload.size, entries.size);
    ck_assert_mem_eq(write->command.payload.data, entries.data, entries.size);
}
END_TEST

START_TEST(half_a_batch_is_forgotten_with_the_connection)
{
    join(50);
    stream_put(stream, 51);
    ck_assert(hear(&(struct ms_command){
        .kind = MS_KIND_LOG, .token = {REIGN, 1}, .id.seq = 51, .payload = {stream->entries, 10}}));
    ms_follower_leave(follower);
    follow(0);
    ck_assert(begin(0, 50, 0));
    want_ack(0, 50);
    ck_assert(log_of(1, 51));
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);
}
END_TEST

START_TEST(much_that_arrived_is_said_before_it_is_durable)
{
    uint64_t number = 0;

    join(50);
    do {
        number++;
        stream_put_sized(stream, 50 + number, 100000);
        ck_assert(log_of(number, 50 + number));
        ck_assert_uint_lt(number, 100);
    } while (stream->count == 1);
    want_ack(number, 50);
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE); /* which is the last of its step */
    ck_assert_uint_ge(number * 100000, MS_LOG_AHEAD_BYTES / 4);
}
END_TEST

static bool log_with(uint64_t number, ms_seq seq, uint8_t flags)
{
    stream_put(stream, seq);
    return hear(&(struct ms_command){.kind = MS_KIND_LOG,
                                     .token = {REIGN, number},
                                     .id.seq = seq,
                                     .flags = 1 | flags,
                                     .payload = stream_entries(stream)});
}

START_TEST(what_somebody_waits_for_is_said_when_it_has_arrived)
{
    join(50);
    ck_assert(log_with(1, 51, 0));
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);
    ck_assert(!ms_follower_pump(follower));
    ck_assert(log_with(2, 52, MS_FLAG_PROMPT));
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);
    ck_assert(!ms_follower_pump(follower));
    stream_step(stream);
    want_ack(2, 50);
}
END_TEST

START_TEST(it_knows_all_hands_from_the_tip_on)
{
    join(50);
    ck_assert(log_with(1, 51, 0));
    ck_assert(!ms_follower_knows_hands(follower));
    ck_assert(log_with(2, 52, MS_FLAG_TIP));
    ck_assert(log_with(3, 53, 0));
    ck_assert(ms_follower_knows_hands(follower));
    ms_follower_leave(follower); /* nothing leaves the active while this half is away and in S */
    ck_assert(ms_follower_knows_hands(follower));
    follow(0);
    ck_assert(begin(3, 53, 0)); /* it was away: maybe not in S either */
    ck_assert(!ms_follower_knows_hands(follower));
}
END_TEST

START_TEST(a_copy_waits_for_its_owner_and_for_the_store)
{
    follow(33);
    ck_assert(begin(4, 60, 1));
    stream_want_nothing(stream);
    ck_assert(!ms_follower_is_complete(follower));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_INCOMPLETE);
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_NOTHING);
    ms_follower_go_on(follower);
    stream_step(stream);
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE)->count, 33);
    stream_want_nothing(stream);
    persisted(99); /* of what was there before */
    stream_want_nothing(stream);
    ms_follower_cleared(follower, false);
    stream_step(stream);
    want_ack(4, 0);
}
END_TEST

static const struct ms_effect *clear_after(void)
{
    follow(33);
    ck_assert(begin(4, 60, 1));
    ms_follower_go_on(follower);
    stream_step(stream);
    return stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE);
}

START_TEST(what_was_merged_is_kept_for_a_while)
{
    const struct ms_effect *effect = clear_after();

    ck_assert_uint_eq(effect->count, 33);
    ck_assert_uint_eq(effect->tag, MS_ASIDE_MERGED);
}
END_TEST

START_TEST(what_was_not_is_kept_as_that)
{
    ms_follower_keep(follower, MS_ASIDE_UNMERGED);
    const struct ms_effect *effect = clear_after();

    ck_assert_uint_eq(effect->count, 33);
    ck_assert_uint_eq(effect->tag, MS_ASIDE_UNMERGED);
}
END_TEST

START_TEST(what_the_active_knew_is_not_kept)
{
    ms_follower_keep(follower, MS_ASIDE_MERGED);
    ms_follower_spare(follower);
    ck_assert_uint_eq(clear_after()->count, 0);
}
END_TEST

START_TEST(what_was_set_aside_is_so_once)
{
    follow(33);
    ck_assert(begin(4, 60, 1));
    ms_follower_go_on(follower);
    ms_follower_cleared(follower, false);
    ck_assert(begin(5, 61, 1)); /* begun anew */
    ms_follower_go_on(follower);
    stream_step(stream);
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE)->count, 0);
    ms_follower_cleared(follower, false);
    ms_follower_leave(follower);
    stream_step(stream);
    follow(33);
    ck_assert(begin(4, 60, 1));
    ms_follower_go_on(follower);
    stream_step(stream);
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE)->count, 0);
}
END_TEST

START_TEST(a_copy_is_written_as_it_comes)
{
    begin_copy(4, 60);
    stream_put(stream, 10);
    stream_put(stream, 20);
    ck_assert(copy_of());
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE)->seq, 20);
    persisted(20);
    want_ack(4, 20);
    stream_put(stream, 60);
    const struct ms_bytes entries = stream_entries(stream);

    ck_assert(hear(&(struct ms_command){
        .kind = MS_KIND_LOG_COPY, .count = entries.size - 30, .payload = {entries.data, 30}}));
    stream_want_nothing(stream);
    ck_assert(hear(&(struct ms_command){.kind = MS_KIND_LOG_COPY,
                                        .payload = {entries.data + 30, entries.size - 30}}));
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE)->command.payload.size,
                      entries.size);
    copied = ms_record_digest(copied, entries);
    ck_assert(copy_ends(4, 60));
    ck_assert(!ms_follower_is_complete(follower));
    persisted(60);
    ck_assert(ms_follower_is_complete(follower));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_COMPLETE);
    want_ack(4, 60);
}
END_TEST

START_TEST(an_empty_copy_is_complete)
{
    begin_copy(4, 60);
    ck_assert(copy_ends(4, 60));
    ck_assert(ms_follower_is_complete(follower));
    want_ack(4, 60);
    ck_assert_uint_eq(ms_follower_durable(follower), 60);
}
END_TEST

START_TEST(a_copy_is_whole_only_where_it_was_read_to_the_end)
{
    begin_copy(4, 60);
    stream_put(stream, 60);
    ck_assert(copy_of());
    ck_assert(copy_ends(6, 62));
    persisted(60);
    want_ack(4, 60);
    ck_assert_uint_eq(ms_follower_durable(follower), 0);
    stream_put(stream, 61);
    stream_erase(stream, 60);
    ck_assert(log_of(5, 61));
    stream_put(stream, 62);
    ck_assert(log_of(6, 62));
    persisted(61);
    want_ack(6, 60); /* it speaks of the copy yet */
    ck_assert(!ms_follower_is_complete(follower));
    persisted(62);
    want_ack(6, 62);
    ck_assert(ms_follower_is_complete(follower));
    ck_assert_uint_eq(ms_follower_durable(follower), 62);
}
END_TEST

START_TEST(a_copy_that_becomes_durable_between_two_connections_is_whole)
{
    begin_copy(4, 60);
    stream_put(stream, 60);
    ck_assert(copy_of());
    ck_assert(copy_ends(4, 60));
    ck_assert(!ms_follower_is_complete(follower));
    ms_follower_leave(follower);
    persisted(60);
    follow(0);
    ck_assert(begin(4, 60, 0));
    want_ack(4, 60);
    ck_assert(ms_follower_is_complete(follower));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_COMPLETE);
}
END_TEST

START_TEST(half_a_copy_is_nothing_but_after_it_the_stream_goes_on)
{
    begin_copy(4, 60);
    stream_put(stream, 60);
    ck_assert(copy_of());
    ms_follower_leave(follower);
    ck_assert_uint_eq(follow_on(PEER + 1, 0)->command.token.epoch, 0);
    ms_follower_leave(follower);

    begin_copy(4, 60);
    ck_assert(copy_ends(5, 61));
    ms_follower_leave(follower);
    ck_assert_uint_eq(follow_on(PEER, 0)->command.token.n, 4);
    ck_assert(begin(4, 60, 0));
    ck_assert(!ms_follower_is_complete(follower));
    stream_put(stream, 61);
    ck_assert(log_of(5, 61));
    persisted(61);
    ck_assert(ms_follower_is_complete(follower));
}
END_TEST

START_TEST(it_is_said_again_in_another_epoch)
{
    join(50);
    stream_put(stream, 51);
    ck_assert(log_of(1, 51));
    persisted(51);
    want_ack(1, 51);
    ms_follower_epoch(follower, EPOCH + 1);
    stream_step(stream);
    const struct ms_effect *ack = stream_want_sent(stream, MS_KIND_LOG_ACK);

    ck_assert_uint_eq(ack->epoch, EPOCH + 1);
    ck_assert_uint_eq(ack->command.id.seq, 51);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    follow(0);
    ck_assert(hear(&(struct ms_command){.kind = MS_KIND_LOG_BEGIN, .error = MS_E_NOT_ACTIVE}));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_REFUSED);
    follow(0);
}
END_TEST

START_TEST(what_answers_an_older_question_is_not_taken)
{
    follow(0);
    ms_follower_leave(follower);
    follow(0);
    ck_assert(begin(9, 9, 1));
    stream_put(stream, 70);
    ck_assert(copy_of());
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_NOTHING);
    ck_assert(begin(4, 60, 1));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_INCOMPLETE);
}
END_TEST

START_TEST(the_active_may_begin_a_copy_anew)
{
    begin_copy(4, 60);
    stream_put(stream, 10);
    ck_assert(copy_of());
    ck_assert(begin(90, 300, 1));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_INCOMPLETE);
    ms_follower_go_on(follower);
    ms_follower_cleared(follower, false);
    stream_step(stream);
    stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE);
    want_ack(90, 0);
    stream_put(stream, 7);
    ck_assert(copy_of());
}
END_TEST

START_TEST(another_log_is_not_gone_on_with)
{
    join(50);
    stream_put(stream, 51);
    ck_assert(log_of(1, 51));
    ms_follower_leave(follower);
    follow(0);
    ck_assert(!begin(1, 52, 0)); /* it has another record there */
    const struct ms_effect *effect = follow_on(PEER, 0);

    ck_assert_uint_eq(effect->command.token.epoch, 0);
    ck_assert_uint_eq(effect->command.count, 0); /* and a whole copy is wanted */
}
END_TEST

START_TEST(another_digest_is_another_log)
{
    struct ms_command command = {
        .kind = MS_KIND_LOG_BEGIN, .token = {REIGN, 0}, .id.seq = 50, .count = 777};

    ms_follower_place(follower, REIGN, 0);
    follow(0);
    ck_assert(hear(&command));
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_ACK)->command.count, 777);
    ms_follower_leave(follower);
    follow(0);
    command.count = 778;
    ck_assert(!hear(&command));
}
END_TEST

/* Each in a connection of its own. */
START_TEST(what_makes_no_sense_is_refused)
{
    const struct ms_command log = {.kind = MS_KIND_LOG, .token = {REIGN, 1}, .flags = 1};
    struct ms_command wrong = log;

    join(50);
    ck_assert(!hear(&log)); /* empty */
    stream_put(stream, 51);
    ck_assert(!log_of(2, 51)); /* a gap */
    stream_put(stream, 51);
    ck_assert(!log_of(0, 51));
    stream_put(stream, 50);
    ck_assert(!log_of(1, 50)); /* it was there */
    stream_put(stream, 52);
    stream_put(stream, 51);
    ck_assert(!log_of(1, 52)); /* does not rise */
    stream_put(stream, 52);
    ck_assert(!log_of(1, 51)); /* beyond what it says */
    stream_erase(stream, 52);
    ck_assert(!log_of(1, 51));
    stream_put(stream, 51);
    stream->entries[25] ^= 1;
    ck_assert(!log_of(1, 51)); /* not sound */
    stream_put(stream, 51);
    stream->size--;
    ck_assert(!log_of(1, 51)); /* torn */
    wrong.token.epoch = REIGN + 1;
    wrong.payload = (struct ms_bytes){stream->entries, 30};
    ck_assert(!hear(&wrong)); /* another reign */
    wrong.token.epoch = EPOCH + 1;
    ck_assert(!hear(&wrong));    /* one to come */
    ck_assert(!begin(1, 51, 0)); /* not asked for */
    stream_put(stream, 20);
    ck_assert(!copy_of());
    wrong.kind = MS_KIND_LOG_ACK;
    ck_assert(!hear(&wrong));
    stream_want_nothing(stream); /* and none of it was written */
    stream_put(stream, 51);
    ck_assert(log_of(1, 51));
}
END_TEST

START_TEST(a_copy_that_makes_no_sense_is_refused)
{
    begin_copy(4, 60);
    stream_put(stream, 61);
    ck_assert(!copy_of()); /* from after it began */
    stream_erase(stream, 10);
    ck_assert(!copy_of());
    ck_assert(!copy_of()); /* empty */
    stream_put(stream, 10);
    ck_assert(copy_of());
    stream_put(stream, 10);
    ck_assert(!copy_of());
    stream_put(stream, 61);
    ck_assert(!log_of(5, 61)); /* the copy is not over */
    ck_assert(!copy_ends(3, 60));
    ck_assert(!copy_ends(4, 59));
    copied++;
    ck_assert(!copy_ends(4, 60)); /* not all that was sent is here */
    copied--;
    ck_assert(copy_ends(4, 60));
    ck_assert(!copy_ends(4, 60));
}
END_TEST

START_TEST(what_has_no_room_is_said_later)
{
    const struct ms_effect tick = {.type = MS_EFFECT_READY};

    ms_follower_place(follower, REIGN, 0);
    while (ms_engine_room(&stream->engine) > 0) {
        ms_engine_emit(&stream->engine, &tick);
    }
    ms_follower_follow(follower, PEER, EPOCH, 0);
    ck_assert(ms_follower_pump(follower));
    stream_step(stream);
    ck_assert(!ms_follower_pump(follower));
    stream_step(stream);
    stream_want_sent(stream, MS_KIND_FOLLOW_LOG);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("follower");
    TCase *tests = tcase_create("follower");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, it_asks_from_where_it_is);
    tcase_add_test(tests, a_batch_is_one_write_and_said_when_durable);
    tcase_add_test(tests, frames_of_one_batch_are_put_together);
    tcase_add_test(tests, half_a_batch_is_forgotten_with_the_connection);
    tcase_add_test(tests, much_that_arrived_is_said_before_it_is_durable);
    tcase_add_test(tests, what_somebody_waits_for_is_said_when_it_has_arrived);
    tcase_add_test(tests, it_knows_all_hands_from_the_tip_on);
    tcase_add_test(tests, a_copy_waits_for_its_owner_and_for_the_store);
    tcase_add_test(tests, what_was_set_aside_is_so_once);
    tcase_add_test(tests, what_was_merged_is_kept_for_a_while);
    tcase_add_test(tests, what_was_not_is_kept_as_that);
    tcase_add_test(tests, what_the_active_knew_is_not_kept);
    tcase_add_test(tests, a_copy_is_written_as_it_comes);
    tcase_add_test(tests, an_empty_copy_is_complete);
    tcase_add_test(tests, a_copy_is_whole_only_where_it_was_read_to_the_end);
    tcase_add_test(tests, a_copy_that_becomes_durable_between_two_connections_is_whole);
    tcase_add_test(tests, half_a_copy_is_nothing_but_after_it_the_stream_goes_on);
    tcase_add_test(tests, it_is_said_again_in_another_epoch);
    tcase_add_test(tests, a_refusal_is_told);
    tcase_add_test(tests, what_answers_an_older_question_is_not_taken);
    tcase_add_test(tests, the_active_may_begin_a_copy_anew);
    tcase_add_test(tests, another_log_is_not_gone_on_with);
    tcase_add_test(tests, another_digest_is_another_log);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    tcase_add_test(tests, a_copy_that_makes_no_sense_is_refused);
    tcase_add_test(tests, what_has_no_room_is_said_later);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
