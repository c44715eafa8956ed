/* What both halves must know alike: how they are configured, whether takeover is held, who is enrolled. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

START_TEST(halves_that_are_configured_differently_leave_takeover_to_an_operator)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_complaint complaint;

    ck_assert_ptr_null(ms_council_mismatch(room->masters[0].council));
    room->masters[1].config.times.silent = 2 * MS_SEC;
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[0].council), "--pair-profile"));
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[1].council), "--pair-profile"));
    stop(room, 0, true);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_PROMOTE, &complaint),
        MS_E_OK);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(once_they_agree_again_the_standby_takes_over)
{
    struct assembly *room = assemble_pair(WITNESSES);

    room->masters[1].config.tick = 1 * MS_SEC;
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[1].council), "--tick"));
    room->masters[1].config.tick = room->masters[0].config.tick;
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_ptr_null(ms_council_mismatch(room->masters[1].council));
    stop(room, 0, true);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

/* The other half does not live to say it again. */
START_TEST(what_the_other_half_had_is_known_after_a_restart)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_complaint complaint;

    room->masters[1].config.times.silent = 2 * MS_SEC;
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    stop(room, 0, true);
    restart(room, 1);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[1].council),
                                 "another --pair-profile than this one when it was last heard"));
    ck_assert(!ms_council_is_agreed(room->masters[1].council));
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 1, PENDING);
    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_PROMOTE, &complaint),
        MS_E_OK);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(a_half_that_is_given_what_the_lost_one_had_takes_over)
{
    struct assembly *room = assemble_pair(WITNESSES);

    room->masters[1].config.failover = MS_FAILOVER_EVIDENCE;
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[0].council), "--failover"));
    stop(room, 0, true);
    restart(room, 1);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 1, PENDING);
    room->masters[1].config.failover = MS_FAILOVER_QUORUM;
    restart(room, 1);
    ck_assert_ptr_null(ms_council_mismatch(room->masters[1].council));
    pass(room, 10 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

static void differ(void (*change)(struct ms_council_config *config), const char *option)
{
    struct assembly *room = assemble_pair(WITNESSES);

    change(&room->masters[1].config);
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        const char *text = ms_council_mismatch(room->masters[place].council);

        ck_assert_ptr_nonnull(text);
        ck_assert_ptr_nonnull(strstr(text, option));
    }
    dismiss(room);
}

static void degrade(struct ms_council_config *config)
{
    config->is_degrading = true;
}

static void fall_back(struct ms_council_config *config)
{
    config->is_auto_failback = true;
    config->times.failback_delay = 1 * MS_SEC;
}

START_TEST(what_is_given_to_one_half_only_is_known)
{
    differ(degrade, "--on-quorum-loss");
    differ(fall_back, "--failback");
}
END_TEST

START_TEST(roles_stay_while_only_one_half_wants_them_back)
{
    struct assembly *room = assemble_pair(WITNESSES);

    fall_back(&room->masters[1].config);
    stop(room, 0, true);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    restart(room, 1);
    start(room, 0);
    pass(room, 20 * MS_SEC);
    copy_log(room, 0);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 1, PAIR);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[1].council), "--failback"));
    dismiss(room);
}
END_TEST

/* Such a half says nothing of what it does not know, and that is no difference. */
START_TEST(what_an_older_program_does_not_tell_is_not_compared)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council_party peer = party_of(0);
    struct ms_pair_frame hello = hello_of(room, 0);
    struct ms_council *council;

    fall_back(&room->masters[1].config);
    stop(room, 1, true);
    room->is_cut = true;
    start(room, 1);
    council = room->masters[1].council;
    hello.settings.failback = hello.settings.quorum_loss = 0;
    ms_council_met(council, room->now, &peer, &hello);
    act(room);
    ck_assert_ptr_null(ms_council_mismatch(council));
    ck_assert(ms_council_is_agreed(council));
    hello.settings = (struct ms_pair_settings){.failover = 0};
    ms_council_met(council, room->now, &peer, &hello);
    act(room);
    ck_assert_ptr_null(ms_council_mismatch(council));
    ck_assert(!ms_council_is_agreed(council));
    ck_assert_uint_eq(ms_council_record(council)->theirs.failover, 0);
    dismiss(room);
}
END_TEST

static bool is_held(const struct assembly *room, uint8_t place)
{
    return ms_council_record(room->masters[place].council)->hold.is_on;
}

static void order(struct assembly *room, uint8_t place, enum ms_order what)
{
    struct ms_complaint complaint;

    ck_assert_int_eq(ms_council_order(room->masters[place].council, room->now, what, &complaint),
                     MS_E_OK);
    settle(room);
    pass(room, 1 * MS_SEC);
}

START_TEST(a_hold_is_known_to_a_half_that_was_away)
{
    struct assembly *room = assemble_pair(WITNESSES);

    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    order(room, 0, MS_ORDER_HOLD);
    wipe(room, 1, 2);
    start(room, 1);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ck_assert(is_held(room, 1));
    stop(room, 0, true);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    start(room, 0);
    pass(room, 10 * MS_SEC);
    order(room, 1, MS_ORDER_RELEASE);
    ck_assert(!is_held(room, 0));
    dismiss(room);
}
END_TEST

START_TEST(of_two_words_that_were_given_apart_hold_counts)
{
    const struct ms_pair_hold off = {.version = 3}, on = {.version = 3, .is_on = true};
    const struct ms_pair_hold later = {.version = 4};

    ck_assert(ms_pair_hold_is_later(&off, &on));
    ck_assert(!ms_pair_hold_is_later(&on, &off));
    ck_assert(ms_pair_hold_is_later(&on, &later));
    ck_assert(!ms_pair_hold_is_later(&later, &on));
    ck_assert(!ms_pair_hold_is_later(&on, &on));
}
END_TEST

START_TEST(a_list_that_is_configured_takes_the_place_of_the_one_before)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_witnesses list = {.count = 1, .ids = {party_of(3).id}};

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        room->masters[place].config.is_pinned = true;
        room->masters[place].config.pinned = list;
    }
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[0].council), "--witness"));
    order(room, 0, MS_ORDER_SWITCHOVER);
    copy_log(room, 1);
    settle(room);
    ck_assert_state(room, 1, PAIR);
    restart(room, 0);
    pass(room, 5 * MS_SEC);
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        const struct ms_council_record *record = ms_council_record(room->masters[place].council);

        ck_assert(!record->is_changing);
        ck_assert(ms_witnesses_equal(&record->witnesses, &list));
        ck_assert_ptr_null(ms_council_mismatch(room->masters[place].council));
    }
    dismiss(room);
}
END_TEST

START_TEST(lists_are_marked_alike_in_any_order)
{
    const struct ms_witnesses one = {.count = 2, .ids = {party_of(2).id, party_of(3).id}};
    const struct ms_witnesses other = {.count = 2, .ids = {party_of(3).id, party_of(2).id}};
    const struct ms_witnesses third = {.count = 1, .ids = {party_of(3).id}};
    const struct ms_witnesses none = {.count = 0};

    ck_assert_uint_eq(ms_witnesses_mark(&one), ms_witnesses_mark(&other));
    ck_assert_uint_ne(ms_witnesses_mark(&one), ms_witnesses_mark(&third));
    ck_assert_uint_gt(ms_witnesses_mark(&none), MS_WITNESSES_MARK_AUTO);
}
END_TEST

/* A reload changes them while both are connected, so a beat tells it; whoever tells nothing is an older program. */
START_TEST(routes_that_differ_are_known_and_do_not_prevent_a_takeover)
{
    struct assembly *room = assemble_pair(WITNESSES);

    ms_council_set_routes(room->masters[0].council, 5);
    pass(room, 1 * MS_SEC);
    ck_assert(!ms_council_has_other_routes(room->masters[0].council));
    ms_council_set_routes(room->masters[1].council, 6);
    pass(room, 1 * MS_SEC);
    ck_assert(ms_council_has_other_routes(room->masters[0].council));
    ck_assert(ms_council_has_other_routes(room->masters[1].council));
    ck_assert_ptr_null(ms_council_mismatch(room->masters[1].council));
    ms_council_set_routes(room->masters[0].council, 6);
    pass(room, 1 * MS_SEC);
    ck_assert(!ms_council_has_other_routes(room->masters[0].council));
    ck_assert(!ms_council_has_other_routes(room->masters[1].council));
    ms_council_set_routes(room->masters[1].council, 5);
    pass(room, 1 * MS_SEC);
    stop(room, 0, true);
    pass(room, 3 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

TESTS(what_the_other_half_had_is_known_after_a_restart,
      a_half_that_is_given_what_the_lost_one_had_takes_over,
      what_is_given_to_one_half_only_is_known, roles_stay_while_only_one_half_wants_them_back,
      what_an_older_program_does_not_tell_is_not_compared,
      halves_that_are_configured_differently_leave_takeover_to_an_operator,
      once_they_agree_again_the_standby_takes_over, a_hold_is_known_to_a_half_that_was_away,
      routes_that_differ_are_known_and_do_not_prevent_a_takeover,
      of_two_words_that_were_given_apart_hold_counts,
      a_list_that_is_configured_takes_the_place_of_the_one_before,
      lists_are_marked_alike_in_any_order)
