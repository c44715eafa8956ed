/* The backlog: which places of the stream are known. */
#include "master_stream.h"
#include "master/backlog.h"

static struct stream *stream;
static struct ms_backlog backlog;

static void set_up(void)
{
    stream = stream_make();
    ms_backlog_begin(&backlog, 5, 100);
}

static void tear_down(void)
{
    ms_backlog_finish(&backlog);
    stream_drop(stream);
}

static void put(ms_seq seq)
{
    stream_put(stream, seq);
    ck_assert(ms_backlog_append(&backlog, seq, stream_entries(stream)));
}

static void erase(ms_seq seq)
{
    stream_erase(stream, seq);
    ck_assert(ms_backlog_append(&backlog, backlog.tip.seq, stream_entries(stream)));
}

START_TEST(batches_are_numbered_from_the_beginning)
{
    ck_assert(ms_backlog_has(&backlog, 0));
    ck_assert(!ms_backlog_has(&backlog, 1));
    put(101);
    erase(50);
    put(102);
    ck_assert_uint_eq(backlog.tip.number, 3);
    ck_assert_uint_eq(ms_backlog_at(&backlog, 1)->place.seq, 101);
    ck_assert_uint_eq(ms_backlog_at(&backlog, 2)->place.seq, 101);
    ck_assert_uint_eq(ms_backlog_at(&backlog, 2)->entries.size, MS_RECORD_HEADER_SIZE);
    ck_assert_uint_eq(ms_backlog_place(&backlog, 0)->seq, 100);
    ck_assert_uint_eq(ms_backlog_bytes(&backlog), ms_backlog_place(&backlog, 3)->bytes);
}
END_TEST

START_TEST(what_is_dropped_stays_readable_until_it_is_freed)
{
    put(101);
    put(102);
    const struct ms_bytes entries = ms_backlog_at(&backlog, 1)->entries;
    const uint64_t bytes = ms_backlog_bytes(&backlog);
    struct ms_bytes rest = entries;
    struct ms_entry entry;

    ms_backlog_drop(&backlog);
    ck_assert(ms_record_next(&rest, &entry));
    ck_assert_uint_eq(entry.seq, 101);
    ck_assert(!ms_backlog_has(&backlog, 0));
    ck_assert(ms_backlog_has(&backlog, 1));
    ck_assert_uint_eq(ms_backlog_bytes(&backlog), bytes - entries.size);
    ms_backlog_free(&backlog);
    ck_assert_uint_eq(ms_backlog_at(&backlog, 2)->place.seq, 102);
}
END_TEST

START_TEST(many_batches_keep_their_numbers)
{
    for (ms_seq seq = 101; seq <= 5000; seq++) {
        put(seq);
        if (seq % 3 == 0) {
            ms_backlog_drop(&backlog);
        }
    }
    for (uint64_t i = backlog.base.number + 1; i <= backlog.tip.number; i++) {
        ck_assert_uint_eq(ms_backlog_at(&backlog, i)->place.number, i);
        ck_assert_uint_eq(ms_backlog_at(&backlog, i)->place.seq, 100 + i);
    }
}
END_TEST

START_TEST(a_record_is_found)
{
    put(101);
    put(105);
    erase(3);
    put(107);
    ck_assert_uint_eq(ms_backlog_find(&backlog, 4, 107)->number, 4);
    ck_assert_uint_eq(ms_backlog_find(&backlog, 4, 1000)->number, 4);
    ck_assert_uint_eq(ms_backlog_find(&backlog, 4, 106)->number, 3);
    ck_assert_uint_eq(ms_backlog_find(&backlog, 2, 106)->number, 2);
    ck_assert_uint_eq(ms_backlog_find(&backlog, 4, 104)->number, 1);
    ck_assert_uint_eq(ms_backlog_find(&backlog, 4, 7)->number, 0);
}
END_TEST

START_TEST(the_digest_depends_on_every_entry_and_the_order)
{
    struct ms_backlog other = {0};

    ms_backlog_begin(&other, 5, 100);
    ck_assert_uint_eq(other.tip.digest, backlog.tip.digest);
    put(101);
    put(102);
    stream_put(stream, 101);
    stream_put_sized(stream, 102, 11);
    ms_backlog_append(&other, 102, stream_entries(stream));
    ck_assert_uint_ne(other.tip.digest, backlog.tip.digest);
    ms_backlog_begin(&other, 6, 100);
    ck_assert_uint_ne(other.tip.digest, ms_backlog_place(&backlog, 0)->digest);
    ms_backlog_finish(&other);
}
END_TEST

START_TEST(one_that_grows_is_one_batch)
{
    struct ms_backlog other = {0};

    ms_backlog_begin(&other, 5, 100);
    put(101);
    for (ms_seq seq = 102; seq <= 130; seq++) {
        stream_put(stream, seq);
        ck_assert(ms_backlog_extend(&backlog, seq, stream_entries(stream)));
    }
    for (ms_seq seq = 101; seq <= 130; seq++) {
        stream_put(stream, seq);
    }
    ms_backlog_append(&other, 130, stream_entries(stream));
    const struct ms_batch *grown = ms_backlog_at(&backlog, 1), *whole = ms_backlog_at(&other, 1);

    ck_assert_uint_eq(backlog.tip.number, 1);
    ck_assert_uint_eq(ms_backlog_bytes(&backlog), ms_backlog_bytes(&other));
    ck_assert_mem_eq(&grown->place, &whole->place, sizeof grown->place);
    ck_assert_mem_eq(grown->entries.data, whole->entries.data, grown->entries.size);
    put(131);
    put(132);
    ck_assert_uint_eq(ms_backlog_at(&backlog, 2)->place.seq, 131);
    ms_backlog_finish(&other);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("backlog");
    TCase *tests = tcase_create("backlog");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, batches_are_numbered_from_the_beginning);
    tcase_add_test(tests, what_is_dropped_stays_readable_until_it_is_freed);
    tcase_add_test(tests, many_batches_keep_their_numbers);
    tcase_add_test(tests, a_record_is_found);
    tcase_add_test(tests, the_digest_depends_on_every_entry_and_the_order);
    tcase_add_test(tests, one_that_grows_is_one_batch);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
