/* The active's side of replication: what is sent when, and what is told to be covered. */
#include "master_mirroring.h"

START_TEST(a_batch_is_one_log)
{
    stream_from_start();
    append();
    stream_put(stream, 102);
    stream_put(stream, 103);
    stream_erase(stream, 5);
    ck_assert(ms_mirror_append(mirror, 103, stream_entries(stream)));
    ck_assert(!pump());
    const struct ms_effect *first = stream_want_sent(stream, MS_KIND_LOG);
    const struct ms_effect *second = stream_want_sent(stream, MS_KIND_LOG);

    ck_assert_uint_eq(first->peer, PEER);
    ck_assert_uint_eq(first->epoch, REIGN);
    ck_assert_uint_eq(first->command.token.epoch, REIGN);
    ck_assert_uint_eq(first->command.token.n, 1);
    ck_assert_uint_eq(first->command.id.seq, 101);
    ck_assert_uint_eq(first->command.flags, 1);
    ck_assert_uint_eq(second->command.token.n, 2);
    ck_assert_uint_eq(second->command.id.seq, 103);
    stream_want_nothing(stream);
}
END_TEST

START_TEST(a_large_batch_is_cut)
{
    size_t sum = 0, frames = 0;

    stream_from_start();
    append_sized(3 * MS_LOG_FRAME_SIZE);
    pump();
    for (bool is_last = false; !is_last; frames++) {
        const struct ms_command *log = &stream_want_sent(stream, MS_KIND_LOG)->command;

        ck_assert_uint_le(log->payload.size, MS_LOG_FRAME_SIZE);
        ck_assert_uint_eq(log->token.n, 1);
        sum += log->payload.size;
        is_last = log->flags == 1;
    }
    ck_assert_uint_eq(frames, 4);
    ck_assert_uint_gt(sum, 3 * MS_LOG_FRAME_SIZE);
    stream_want_nothing(stream);
}
END_TEST

START_TEST(so_much_is_sent_ahead_and_no_more)
{
    uint64_t sent = 0, bytes = 0;

    stream_from_start();
    append_sized(3 * MS_LOG_AHEAD_BYTES); /* one that is larger goes nevertheless */
    pump();
    ck_assert_uint_eq(stream->effects[stream->count - 1].command.flags, 1);
    ck_assert(ack(1, LAST));
    for (int i = 0; i < 12; i++) {
        append_sized(1 << 20);
    }
    pump();
    while (stream->taken < stream->count) {
        const struct ms_command *log = &stream_want_sent(stream, MS_KIND_LOG)->command;

        bytes += log->payload.size;
        sent = log->flags == 1 ? log->token.n : sent;
    }
    ck_assert_uint_ge(bytes, MS_LOG_AHEAD_BYTES);
    ck_assert_uint_lt(bytes, MS_LOG_AHEAD_BYTES + MS_LOG_FRAME_SIZE);
    pump();
    stream_want_nothing(stream);
    ck_assert(ack(sent, LAST)); /* it is there, if not durable */
    pump();
    ck_assert_uint_gt(stream->count, 0);
}
END_TEST

/* It says that all is there, and its disk does nothing. */
START_TEST(one_outside_s_is_not_buried)
{
    uint64_t bytes = 0, sent = 1;

    stream_from_start();
    append();
    pump();
    ck_assert(ack(1, 101));
    while (sent < 40) {
        const uint64_t before = bytes;

        append_sized(1 << 20);
        pump();
        while (stream->taken < stream->count) {
            const struct ms_command *log = &stream_want_sent(stream, MS_KIND_LOG)->command;

            bytes += log->payload.size;
            sent = log->flags == 1 ? log->token.n : sent;
        }
        if (bytes == before) {
            break;
        }
        ck_assert(ack(sent, 101));
    }
    ck_assert_uint_ge(bytes, MS_STANDBY_AHEAD_BYTES);
    ck_assert_uint_le(bytes, MS_STANDBY_AHEAD_BYTES + (2 << 20));
    ck_assert(ack(sent, 110)); /* it writes again */
    pump();
    ck_assert_uint_gt(stream->count, 0);
}
END_TEST

START_TEST(what_has_no_room_goes_in_the_next_step)
{
    size_t count = 0;

    stream_from_start();
    for (int i = 0; i < 3000; i++) {
        append();
    }
    for (bool is_more = true; is_more; count += stream->count) {
        is_more = pump();
        ck_assert_uint_le(stream->count, MS_EFFECTS_MAX);
    }
    ck_assert_uint_eq(count, 3000);
}
END_TEST

START_TEST(a_peer_comes_back_where_it_was)
{
    struct ms_mirror_stats stats;

    stream_from_start();
    for (int i = 0; i < 5; i++) {
        append();
    }
    pump();
    ms_mirror_connect(mirror, MS_PEER_NONE);
    append();
    ck_assert(!pump());
    stream_want_nothing(stream);
    ms_mirror_connect(mirror, PEER + 1);
    ck_assert(follow(REIGN, 3));
    pump();
    const struct ms_effect *begin = stream_want_sent(stream, MS_KIND_LOG_BEGIN);

    ck_assert_uint_eq(begin->peer, PEER + 1);
    ck_assert_uint_eq(begin->command.flags, 0);
    ck_assert_uint_eq(begin->command.token.n, 3);
    ck_assert_uint_eq(begin->command.id.seq, LAST + 3);
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.token.n, 4);
    ck_assert_uint_eq(stream->count, 4);
    ms_mirror_stats(mirror, &stats);
    ck_assert_uint_eq(stats.resumes_total, 2);
    ck_assert_uint_eq(stats.copies_total, 0);
}
END_TEST

START_TEST(one_that_was_away_too_long_is_copied)
{
    struct ms_mirror_stats stats;

    for (int i = 0; i < 20; i++) {
        append_sized(1 << 20);
    }
    ms_mirror_persisted(mirror, last);
    ms_mirror_stats(mirror, &stats);
    ck_assert_uint_le(stats.backlog_bytes, MS_BACKLOG_BYTES);
    ck_assert(follow(REIGN, 1));
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.flags, 1);
    ms_mirror_stats(mirror, &stats);
    ck_assert(stats.is_copying);
    ck_assert_uint_eq(stats.copies_total, 1);
}
END_TEST

START_TEST(but_not_as_long_as_it_is_in_s)
{
    ms_mirror_serve(mirror, REIGN, true);
    ck_assert(!ms_mirror_needs_copy(mirror));
    ck_assert(follow(REIGN - 1, 4));
    ck_assert(ms_mirror_needs_copy(mirror));
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.error, MS_E_NOT_ACTIVE);
    stream_want_nothing(stream);
    ms_mirror_serve(mirror, REIGN + 1, false);
    copy_from(0);
    ck_assert(!ms_mirror_needs_copy(mirror));
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->count, MS_SCAN_BYTES);
}
END_TEST

START_TEST(a_copy_is_what_is_live_and_then_the_stream)
{
    append(); /* 101 */
    append(); /* 102 */
    copy_from(2);
    const struct ms_effect *scan = stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE);

    ck_assert_uint_eq(scan->seq, 0);
    append(); /* 103 */
    stream_put(stream, 40);
    stream_put(stream, 90);
    scanned(90);
    pump();
    const struct ms_command *copied = &stream_want_sent(stream, MS_KIND_LOG_COPY)->command;

    ck_assert_uint_eq(copied->flags, 0);
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, 90);
    stream_put(stream, 101);
    stream_put(stream, 102);
    stream_put(stream, 103);
    scanned(103);
    pump();
    const struct ms_command *rest = &stream_want_sent(stream, MS_KIND_LOG_COPY)->command;
    struct ms_bytes entries = rest->payload;
    struct ms_entry entry;

    ck_assert(ms_record_next(&entries, &entry));
    ck_assert_uint_eq(entry.seq, 101);
    ck_assert(ms_record_next(&entries, &entry));
    ck_assert_uint_eq(entry.seq, 102);
    ck_assert_uint_eq(entries.size, 0); /* what came later comes with the stream */
    const struct ms_command *end = &stream_want_sent(stream, MS_KIND_LOG_COPY)->command;

    ck_assert_uint_eq(end->flags, 1);
    ck_assert_uint_eq(end->token.n, 3); /* from there on nothing is missing */
    ck_assert_uint_eq(end->id.seq, 103);
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.token.n, 3);
    stream_want_nothing(stream);
}
END_TEST

START_TEST(a_copy_waits_until_the_peer_is_empty)
{
    ck_assert(follow(0, 0));
    pump();
    stream_want_sent(stream, MS_KIND_LOG_BEGIN);
    append();
    pump();
    stream_want_nothing(stream);
    ck_assert(ack(0, 0));
    pump();
    stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE);
}
END_TEST

START_TEST(a_copy_is_not_read_further_than_the_peer_takes_it)
{
    unsigned scans = 0;
    ms_seq seq = 0;

    copy_from(0);
    while (stream->count > 0 && stream->effects[stream->count - 1].type == MS_EFFECT_SCAN) {
        scans++;
        seq++;
        stream_put_sized(stream, seq, 1 << 20);
        scanned(seq);
        pump();
    }
    ck_assert_uint_eq(scans, MS_LOG_AHEAD_BYTES >> 20);
    ck_assert(!ack(0, seq + 1)); /* which was not copied */
    ck_assert(ack(0, 1));
    pump();
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, seq);
}
END_TEST

START_TEST(a_scan_of_an_older_copy_is_not_taken)
{
    copy_from(0);
    stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE);
    ms_mirror_connect(mirror, PEER + 1);
    copy_from(0);
    stream_want_nothing(stream); /* one at a time */
    stream_put(stream, 50);
    scanned(50);
    pump();
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, 0);
    stream_want_nothing(stream);
}
END_TEST

START_TEST(a_copy_that_is_overtaken_begins_anew_and_not_for_ever)
{
    struct ms_mirror_stats stats;

    copy_from(0);
    for (unsigned i = 1; i <= MS_COPY_TRIES_MAX; i++) {
        for (uint64_t bytes = 0; bytes <= MS_BACKLOG_COPY_BYTES; bytes += 32u << 20) {
            append_sized(32u << 20);
            ms_mirror_persisted(mirror, last);
        }
        ms_mirror_stats(mirror, &stats);
        ck_assert_uint_eq(stats.overruns_total, i);
        ck_assert_uint_le(stats.backlog_bytes, MS_BACKLOG_COPY_BYTES);
        pump();
        const struct ms_command *begin = &stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command;

        if (i < MS_COPY_TRIES_MAX) {
            ck_assert_uint_eq(begin->flags, 1);
            ck_assert_uint_gt(begin->token.n, 0);
        } else {
            ck_assert_uint_eq(begin->error, MS_E_NOT_ACTIVE);
        }
    }
    ck_assert(!stats.is_copying);
}
END_TEST

START_TEST(alone_the_own_disk_counts)
{
    append();
    ck_assert_uint_eq(ms_mirror_covered(mirror), LAST);
    ms_mirror_persisted(mirror, 101);
    ck_assert_uint_eq(ms_mirror_covered(mirror), 101);
    ck_assert_uint_eq(ms_mirror_copies(mirror), 1);
}
END_TEST

START_TEST(in_a_pair_both_disks_count)
{
    ms_mirror_serve(mirror, REIGN, true);
    ck_assert_uint_eq(ms_mirror_copies(mirror), 2);
    stream_from_start();
    append();
    append();
    pump();
    ms_mirror_persisted(mirror, 102);
    ck_assert_uint_eq(ms_mirror_covered(mirror), LAST);
    ck_assert(ack(1, 101));
    ck_assert_uint_eq(ms_mirror_covered(mirror), 101);
    append();
    pump();
    ck_assert(ack(3, 103));
    ck_assert_uint_eq(ms_mirror_covered(mirror), 102);
    ms_mirror_persisted(mirror, 103);
    ck_assert_uint_eq(ms_mirror_covered(mirror), 103);
}
END_TEST

START_TEST(a_peers_word_counts_in_its_epoch_only)
{
    ms_mirror_serve(mirror, REIGN, true);
    stream_from_start();
    append();
    append();
    pump();
    ms_mirror_persisted(mirror, 102);
    ck_assert(ack(1, 101));
    ms_mirror_serve(mirror, REIGN + 1, true);
    ck_assert(ack_in(REIGN, 2, 102));
    ck_assert_uint_eq(ms_mirror_covered(mirror), 101);
    ck_assert(!ms_mirror_is_complete(mirror));
    ck_assert(ack_in(REIGN + 1, 2, 102));
    ck_assert_uint_eq(ms_mirror_covered(mirror), 102);
    ck_assert(ms_mirror_is_complete(mirror));
}
END_TEST

START_TEST(a_lost_peer_holds_what_is_covered_until_it_is_out_of_s)
{
    ms_mirror_serve(mirror, REIGN, true);
    append();
    ms_mirror_persisted(mirror, 101);
    ms_mirror_connect(mirror, MS_PEER_NONE);
    ck_assert_uint_eq(ms_mirror_covered(mirror), LAST);
    ms_mirror_serve(mirror, REIGN + 1, false);
    ck_assert_uint_eq(ms_mirror_covered(mirror), 101);
    ms_mirror_serve(mirror, REIGN + 2, true);
    ck_assert_uint_eq(ms_mirror_covered(mirror), 101); /* never goes back */
}
END_TEST

START_TEST(who_is_about_to_join_is_waited_for)
{
    stream_from_start();
    append();
    append();
    append();
    pump();
    ms_mirror_persisted(mirror, 102);
    ck_assert(ms_mirror_is_near(mirror) == false); /* nothing was said yet */
    ck_assert(ack(1, 101));
    ck_assert(ms_mirror_is_near(mirror));
    ck_assert(!ms_mirror_is_complete(mirror)); /* nobody waits for it */
    ms_mirror_wait_for_peer(mirror, true);
    ms_mirror_persisted(mirror, 103);
    ck_assert_uint_eq(ms_mirror_covered(mirror), 102);
    ck_assert(!ms_mirror_is_complete(mirror));
    ck_assert(ack(2, 102));
    ck_assert(!ms_mirror_is_complete(mirror)); /* of the third, COMMANDs have left unheeded */
    ck_assert(ack(3, 102));
    ck_assert(ms_mirror_is_complete(mirror));
    ck_assert(!ms_mirror_is_drained(mirror));
    ck_assert(ack(3, 103));
    ck_assert(ms_mirror_is_drained(mirror));
    ck_assert_uint_eq(ms_mirror_covered(mirror), 103);
    append_sized(MS_JOIN_LAG_BYTES);
    ck_assert(!ms_mirror_is_near(mirror));
    pump();
    ck_assert(!ms_mirror_is_drained(mirror));
    ck_assert(ack(4, 104));
    ck_assert(!ms_mirror_is_drained(mirror)); /* the own store has not */
    ms_mirror_wait_for_peer(mirror, false);
    ms_mirror_persisted(mirror, 104);
    ck_assert_uint_eq(ms_mirror_covered(mirror), 104);
}
END_TEST

/* master/pace.h has the times. Who is not in S is judged only if somebody waits for it. */
START_TEST(a_disk_that_is_waited_for_in_vain_is_slow)
{
    struct ms_mirror_stats stats;
    ms_time now = 0;

    stream_from_start();
    append();
    pump();
    ms_mirror_persisted(mirror, 101);
    for (; now < 60 * MS_SEC; now += MS_STANDBY_LOOK / 2) {
        ck_assert(!ms_mirror_watch(mirror, now, true));
    }
    ms_mirror_serve(mirror, REIGN + 1, true);
    while (!ms_mirror_watch(mirror, now, true)) {
        now += MS_STANDBY_LOOK / 2;
        ck_assert_int_lt(now, 70 * MS_SEC);
    }
    ms_mirror_serve(mirror, REIGN + 2, false);
    ck_assert(ack_in(REIGN + 2, 1, 101));
    ck_assert(ms_mirror_watch(mirror, now, true)); /* it has to keep up for a while */
    for (ms_time end = now + 2 * MS_STANDBY_WELL; now < end; now += MS_STANDBY_LOOK / 2) {
        ms_mirror_watch(mirror, now, true);
    }
    ck_assert(!ms_mirror_watch(mirror, now, true));
    ms_mirror_stats(mirror, &stats);
    ck_assert_uint_eq(stats.slow_total, 1);
    ck_assert(!stats.is_slow);
}
END_TEST

START_TEST(half_a_copy_counts_for_nothing)
{
    ms_mirror_wait_for_peer(mirror, true);
    copy_from(0);
    stream_put(stream, LAST);
    scanned(LAST);
    append(); /* 101: the copy may miss what this erased */
    pump();
    scanned(LAST); /* empty */
    pump();
    ck_assert(ack(0, LAST));
    ck_assert(!ms_mirror_is_near(mirror));
    ck_assert(!ms_mirror_is_complete(mirror));
    ck_assert(ack(1, LAST)); /* it has received all, and not said that it is durable */
    ck_assert(!ms_mirror_is_complete(mirror));
    ck_assert(ack(1, 101));
    ck_assert(ms_mirror_is_near(mirror));
    ck_assert(ms_mirror_is_complete(mirror));
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    struct ms_command command = {.kind = MS_KIND_LOG_ACK, .token = {REIGN, 1}, .id.seq = 101};
    struct ms_mirror_stats stats;

    ck_assert(!follow(REIGN, 1)); /* not said yet */
    stream_from_start();
    append();
    append();
    pump();
    ck_assert(!ack(3, 102));
    ck_assert(!ack(1, 102));
    command.token.epoch = REIGN + 1;
    ck_assert(!ms_mirror_hear(mirror, REIGN, &command));
    command.token.epoch = REIGN;
    command.count = 12345; /* another log */
    ck_assert(!ms_mirror_hear(mirror, REIGN, &command));
    ms_mirror_stats(mirror, &stats);
    ck_assert_uint_eq(stats.differences_total, 1);
    ck_assert(ack(2, 102));
    ck_assert(!ack(1, 101));
    command.kind = MS_KIND_LOG;
    ck_assert(!ms_mirror_hear(mirror, REIGN, &command));
}
END_TEST

START_TEST(what_was_on_its_way_is_not)
{
    ms_mirror_end(mirror);
    ck_assert(ack(5, 5));
    ck_assert(follow(REIGN, 5));
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.error, MS_E_NOT_ACTIVE);
    ms_mirror_begin(mirror, REIGN + 3, 200);
    ms_mirror_connect(mirror, PEER);
    ck_assert(ack(5, 5));
    ck_assert_uint_eq(ms_mirror_covered(mirror), 200);
}
END_TEST

START_TEST(each_question_has_an_answer)
{
    ck_assert(follow(0, 0));
    ck_assert(follow(REIGN, 0));
    ms_mirror_connect(mirror, PEER); /* is known already */
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.error, MS_E_NOT_ACTIVE);
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.error, MS_E_OK);
    stream_want_nothing(stream);
    ck_assert(follow(REIGN, 0));
    ms_mirror_end(mirror); /* before it was said */
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.error, MS_E_NOT_ACTIVE);
}
END_TEST

START_TEST(what_effects_point_to_outlives_the_end_of_the_reign)
{
    struct ms_effect effect;
    struct ms_entry entry;

    stream_from_start();
    append();
    ms_mirror_pump(mirror, true);
    ms_mirror_end(mirror);
    ck_assert(ms_engine_poll(&stream->engine, &effect));
    ck_assert(ms_record_next(&effect.command.payload, &entry));
    ck_assert_uint_eq(entry.seq, 101);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("mirror");
    TCase *tests = tcase_create("mirror");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_batch_is_one_log);
    tcase_add_test(tests, a_large_batch_is_cut);
    tcase_add_test(tests, so_much_is_sent_ahead_and_no_more);
    tcase_add_test(tests, one_outside_s_is_not_buried);
    tcase_add_test(tests, what_has_no_room_goes_in_the_next_step);
    tcase_add_test(tests, a_peer_comes_back_where_it_was);
    tcase_add_test(tests, one_that_was_away_too_long_is_copied);
    tcase_add_test(tests, but_not_as_long_as_it_is_in_s);
    tcase_add_test(tests, a_copy_is_what_is_live_and_then_the_stream);
    tcase_add_test(tests, a_copy_waits_until_the_peer_is_empty);
    tcase_add_test(tests, a_copy_is_not_read_further_than_the_peer_takes_it);
    tcase_add_test(tests, a_scan_of_an_older_copy_is_not_taken);
    tcase_add_test(tests, a_copy_that_is_overtaken_begins_anew_and_not_for_ever);
    tcase_add_test(tests, alone_the_own_disk_counts);
    tcase_add_test(tests, in_a_pair_both_disks_count);
    tcase_add_test(tests, a_peers_word_counts_in_its_epoch_only);
    tcase_add_test(tests, a_lost_peer_holds_what_is_covered_until_it_is_out_of_s);
    tcase_add_test(tests, who_is_about_to_join_is_waited_for);
    tcase_add_test(tests, a_disk_that_is_waited_for_in_vain_is_slow);
    tcase_add_test(tests, half_a_copy_counts_for_nothing);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    tcase_add_test(tests, what_was_on_its_way_is_not);
    tcase_add_test(tests, each_question_has_an_answer);
    tcase_add_test(tests, what_effects_point_to_outlives_the_end_of_the_reign);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
