/* What becomes of the store of a half that was active alone, once the other one leads. */
#include "master/pair.h"

#include "core/invariant.h"
#include "master/pair_alarms.h"
#include "proto/pair_record.h"
#include "tests/support/suite.h"
#include "tests/unit/master_halves.h"

#define ALL_MERGED 1u /* flag of RECONCILE_ACK */

static void start(int place)
{
    struct ms_council_record record = first_record(place);

    if (halves[place].record_size > 0) {
        ck_assert(
            ms_pair_record_read((struct ms_bytes){halves[place].record, halves[place].record_size},
                                &record) == MS_E_OK);
    }
    start_with(place, &record, place == 0 && halves[place].record_size == 0);
}

static void force(int place)
{
    const struct ms_pair_frame hello = {
        .role = MS_ROLE_OPERATOR, .version_min = 1, .version_max = 1, .id = {{7}}};
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_ORDER, .count = MS_ORDER_FORCE});
    pass(1 * MS_SEC);
    ck_assert_ptr_nonnull(ms_pair_master(halves[place].pair));
}

/* The first half was active, and died; the second was told to lead. */
static void depose(void)
{
    begin_world();
    start(0);
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    kill_half(0);
    halves[0].clears = 0;
    pass(2 * MS_SEC);
    force(1);
}

/* The last answer of the active on its way; NULL = there is none. */
static struct ms_command *find_answer(void)
{
    for (size_t i = 0; i < things_count; i++) {
        struct thing *thing = things[i];

        if (thing->place == 0 && thing->event.type == MS_EVENT_RECEIVED &&
            thing->command.kind == MS_KIND_RECONCILE_ACK &&
            (thing->command.flags & ALL_MERGED) != 0) {
            return &thing->command;
        }
    }
    return NULL;
}

static struct ms_command *await_answer(void)
{
    struct ms_command *answer = find_answer();

    for (int i = 0; i < 10000 && answer == NULL; i++) {
        pass(LATENCY / 2);
        answer = find_answer();
    }
    ck_assert_ptr_nonnull(answer);
    return answer;
}

static bool has_alarm(int place, const char *name)
{
    struct ms_pair_alarms alarms;
    bool has_it = false;

    ms_pair_alarms(halves[place].pair, now, &alarms);
    for (uint32_t i = 0; i < alarms.count; i++) {
        has_it |= strncmp(alarms.texts[i], name, strlen(name)) == 0;
    }
    return has_it;
}

static void want_in_sync(void)
{
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SYNC);
    ck_assert(stores_are_equal());
}

START_TEST(test_what_the_other_half_knew_is_not_kept)
{
    depose();
    start(0);
    ck_assert_uint_eq(await_answer()->flags, ALL_MERGED | MS_FLAG_KNOWN);
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
    ck_assert_uint_eq(halves[0].cleared.count, 0);
    ck_assert(!has_alarm(0, "NOT_MERGED"));
    ck_assert_uint_eq(stats_of(1).merges_known_total, 1);
}
END_TEST

/* Of an active of before, which does not say that it was. */
START_TEST(test_what_may_have_been_new_is_kept)
{
    depose();
    start(0);
    await_answer()->flags = ALL_MERGED;
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
    ck_assert_uint_gt(halves[0].cleared.count, 0);
    ck_assert_uint_eq(halves[0].cleared.tag, MS_ASIDE_MERGED);
    ck_assert(!has_alarm(0, "NOT_MERGED"));
}
END_TEST

static const struct ms_council_record *record_of(int place)
{
    return ms_council_record(ms_pair_council(halves[place].pair));
}

static void refuse(void)
{
    depose();
    start(0);
    await_answer()->error = MS_E_STORE_CORRUPT;
}

START_TEST(test_what_could_not_be_merged_is_kept_as_that)
{
    refuse();
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
    ck_assert_uint_gt(halves[0].cleared.count, 0);
    ck_assert_uint_eq(halves[0].cleared.tag, MS_ASIDE_UNMERGED);
    ck_assert(has_alarm(0, "NOT_MERGED"));
    ms_pair_set_asides(halves[0].pair, (const uint32_t[MS_ASIDES]){0, 1});
    ck_assert(has_alarm(0, "NOT_MERGED"));
    ck_assert_uint_eq(stats_of(0).divergent, 1);
    ms_pair_set_asides(halves[0].pair, (const uint32_t[MS_ASIDES]){1, 0}); /* it was seen to */
    ck_assert(!has_alarm(0, "NOT_MERGED"));
}
END_TEST

static void pass_until_beside(void)
{
    while (!halves[0].is_beside) {
        pass(LATENCY / 2);
    }
}

/* Killed before the copy is whole: its own store is what it was, and the other half is asked once more. */
START_TEST(test_a_death_in_the_copy_changes_nothing)
{
    refuse();
    pass_until_beside();
    kill_half(0);
    ck_assert_uint_eq(halves[0].clears, 0);
    start(0);
    ck_assert(record_of(0)->is_complete && record_of(0)->unmerged > 0);
    await_answer()->error = MS_E_STORE_CORRUPT;
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
    ck_assert_uint_gt(halves[0].cleared.count, 0);
    ck_assert_uint_eq(halves[0].cleared.tag, MS_ASIDE_UNMERGED);
    ck_assert(!record_of(0)->is_unmergeable);
}
END_TEST

static void want_complete(int place)
{
    ck_assert(record_of(place)->is_complete);
    ck_assert_int_ne(stats_of(place).state, MS_COUNCIL_SYNC);
}

/* The active and its disk are lost during the copy: what the other one had before it is all there is, and an operator's word is
 * enough. */
START_TEST(test_what_there_was_is_served_when_the_copy_does_not_end)
{
    size_t count;

    depose();
    count = halves[0].entries_count;
    ck_assert_uint_gt(count, 0);
    start(0);
    pass_until_beside();
    want_complete(0);
    kill_half(1);
    clear(&halves[1]);
    halves[1].record_size = 0;
    pass(LATENCY);
    ck_assert_uint_eq(halves[0].own_count, count);
    if (_i == 1) { /* or it dies, too */
        kill_half(0);
        start(0);
    }
    pass(5 * MS_SEC);
    want_complete(0);
    ck_assert(has_alarm(0, "NOT_ELIGIBLE"));
    force(0);
    ck_assert(!halves[0].is_beside);
    ck_assert_uint_ge(halves[0].entries_count, count);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    ck_assert(stores_are_equal());
}
END_TEST

/* The active comes back with its disk after the other one was forced: it is deposed, as any is, and what it had is merged. */
START_TEST(test_the_active_that_comes_back_after_that_is_deposed)
{
    depose();
    start(0);
    pass_until_beside();
    kill_half(1);
    pass(5 * MS_SEC);
    force(0);
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    ck_assert_uint_eq(stats_of(0).merged.merges, 1);
    ck_assert(stores_are_equal());
}
END_TEST

/* Several copies, none of which ends: what there was before the first of them stays. */
START_TEST(test_copies_that_are_cut_short_leave_what_there_was)
{
    size_t count;

    depose();
    count = halves[0].entries_count;
    for (int i = 0; i < 3; i++) {
        start(0);
        pass_until_beside();
        pass(i * LATENCY / 2);
        kill_half(0);
        ck_assert_uint_eq(halves[0].entries_count, count);
        pass(1 * MS_SEC);
    }
    start(0);
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
}
END_TEST

/* Where there is no room for both, the record says first that the log is not whole any more. */
START_TEST(test_without_room_the_copy_takes_the_place_at_once)
{
    depose();
    halves[0].is_cramped = true;
    start(0);
    while (halves[0].clears == 0) {
        pass(LATENCY / 2);
    }
    ck_assert(!halves[0].is_beside && !record_of(0)->is_complete);
    ck_assert(has_alarm(0, "NOT_ELIGIBLE: there was no room"));
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
}
END_TEST

static void refuse_without_room(void)
{
    refuse();
    halves[0].is_cramped = true;
}

/* Killed when its record says that its log is given up, before that was set aside: nobody can be asked once more. */
START_TEST(test_a_death_in_between_changes_nothing)
{
    refuse_without_room();
    while (halves[0].clears == 0) {
        pass(LATENCY / 2);
    }
    kill_half(0);
    halves[0].clears = 0;
    start(0);
    ck_assert(record_of(0)->is_unmergeable && !record_of(0)->is_complete);
    want_in_sync();
    ck_assert_uint_eq(halves[0].clears, 1);
    ck_assert_uint_gt(halves[0].cleared.count, 0);
    ck_assert_uint_eq(halves[0].cleared.tag, MS_ASIDE_UNMERGED);
}
END_TEST

/* Killed in the copy that follows: half a copy is not what was its own. */
START_TEST(test_it_is_kept_once)
{
    refuse_without_room();
    while (halves[0].clears == 0 || record_of(0)->is_unmergeable) {
        pass(LATENCY / 2);
    }
    ck_assert_uint_eq(record_of(0)->unmerged, 0);
    ck_assert(!record_of(0)->is_complete);
    pass(LATENCY);
    kill_half(0);
    halves[0].clears = 0;
    halves[0].cleared = (struct ms_effect){.count = 0};
    start(0);
    want_in_sync();
    ck_assert_uint_eq(halves[0].cleared.count, 0);
}
END_TEST

/* A directory that has them from before tells of them from the start. */
START_TEST(test_a_start_tells_of_what_is_there)
{
    begin_world();
    start(0);
    start(1);
    ms_pair_set_asides(halves[0].pair, (const uint32_t[MS_ASIDES]){2, 1});
    pass(20 * MS_SEC);
    ck_assert(has_alarm(0, "NOT_MERGED"));
    ck_assert(!has_alarm(1, "NOT_MERGED"));
    ck_assert_uint_eq(stats_of(0).divergent, 3);
    ck_assert_uint_eq(stats_of(0).unmerged, 1);
}
END_TEST

static void tell_room(int place, uint64_t room)
{
    push(now, place, &(struct ms_event){.type = MS_EVENT_ROOM, .count = room});
    pass(1 * MS_SEC);
}

START_TEST(test_a_full_disk_is_told_of_by_both)
{
    begin_world();
    start(0);
    start(1);
    pass(20 * MS_SEC);
    tell_room(1, 0);
    ck_assert(has_alarm(1, "STORE_FULL") && !has_alarm(0, "STORE_FULL"));
    ck_assert(has_alarm(0, "STANDBY_FULL") && !has_alarm(1, "STANDBY_FULL"));
    tell_room(1, 1);
    ck_assert(!has_alarm(1, "STORE_FULL") && !has_alarm(0, "STANDBY_FULL"));
    tell_room(1, 0);
    kill_half(1);
    pass(5 * MS_SEC);
    ck_assert(!has_alarm(0, "STANDBY_FULL")); /* nobody knows */
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("pair_aside");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, NULL, end_world);
    tcase_add_test(tests, test_what_the_other_half_knew_is_not_kept);
    tcase_add_test(tests, test_what_may_have_been_new_is_kept);
    tcase_add_test(tests, test_what_could_not_be_merged_is_kept_as_that);
    tcase_add_test(tests, test_a_death_in_the_copy_changes_nothing);
    tcase_add_loop_test(tests, test_what_there_was_is_served_when_the_copy_does_not_end, 0, 2);
    tcase_add_test(tests, test_the_active_that_comes_back_after_that_is_deposed);
    tcase_add_test(tests, test_copies_that_are_cut_short_leave_what_there_was);
    tcase_add_test(tests, test_without_room_the_copy_takes_the_place_at_once);
    tcase_add_test(tests, test_a_death_in_between_changes_nothing);
    tcase_add_test(tests, test_it_is_kept_once);
    tcase_add_test(tests, test_a_start_tells_of_what_is_there);
    tcase_add_test(tests, test_a_full_disk_is_told_of_by_both);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return run_suite(suite());
}
