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

/* Killed when its record says that its log is given up, before that was set aside: nobody can be asked once more. */
START_TEST(test_a_death_in_between_changes_nothing)
{
    refuse();
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
    refuse();
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
