/* Who a broadcast is for, and how it is accepted and refused. */
#include "master/broadcast.h"

#include "master_broadcasts.h"

static void want_nak(struct script *s, enum ms_error error, const char *words)
{
    const struct sent *nak = want(s, MS_KIND_SUBMIT_NAK);

    ck_assert_str_eq(ms_error_name((enum ms_error)nak->effect.command.error), ms_error_name(error));
    ck_assert_msg(strstr(nak->detail, words) != NULL, "\"%s\" is not in \"%s\"", words,
                  nak->detail);
    ck_assert_uint_eq(nak->effect.command.count, 0);
    ck_assert_ptr_null(find(s, MS_KIND_SUBMIT_ACK));
}

static void want_count(struct script *s, uint64_t first, uint32_t count)
{
    const struct sent *ack = want(s, MS_KIND_SUBMIT_ACK);

    ck_assert_uint_eq(ack->effect.command.id.seq, first);
    ck_assert_uint_eq(ack->effect.command.count, count);
}

START_TEST(it_is_for_all_that_run_its_type)
{
    struct script s;

    begin_fleet(&s);
    greet(&s, 5,
          &(struct ms_hello){.role = MS_ROLE_SLAVE,
                             .version_min = 1,
                             .version_max = 1,
                             .node = uuid_of(5),
                             .name = "other",
                             .slots = 1});
    announce(&s, 5, OTHER, "other");
    broadcast(&s, 10, MS_ON_ALL, ROOM, "");
    want_count(&s, 10, 2);
    const struct sent *rest = want(&s, MS_KIND_SUBMIT_NAK);

    ck_assert_uint_eq(rest->effect.command.error, MS_E_NOT_FOUND);
    ck_assert_uint_eq(rest->effect.command.id.seq, 12);
    ck_assert_uint_eq(rest->effect.command.count, ROOM - 2);
    ck_assert_uint_eq(stats_of(&s).submitted_total, 2);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    submit(&s, CLIENT, 13, "x"); /* its number is closed */
    want_nak(&s, MS_E_CLOSED_ID, "");
    broadcast(&s, 10, MS_ON_ALL, ROOM, ""); /* again, and it is known */
    want_count(&s, 10, 2);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.id.seq, 12);
    teardown(&s);
}
END_TEST

START_TEST(those_that_take_nothing_are_left_out)
{
    struct script s;
    const struct ms_query cordon = {
        .what = MS_QUERY_COMMAND_SLAVES, .order = MS_SLAVE_ORDER_CORDON, .where = "name=s1"};

    begin_fleet(&s);
    slave(&s, 5, 5);
    slave(&s, 7, 7);
    ask(&s, &cordon);
    receive(&s, 5, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    close_peer(&s, 7); /* it may come back */
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    want_count(&s, 1, 2);
    want_why(&s, 1, "it is for slave s3 only");
    want_why(&s, 2, "it is for slave s7 only");
    teardown(&s);
}
END_TEST

START_TEST(a_filter_says_which_are_meant)
{
    struct script s;

    begin_fleet(&s);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "name=s3");
    want_count(&s, 1, 1);
    pull(&s, SECOND, 1);
    want_on(&s, SECOND, 1);
    broadcast(&s, 10, MS_ON_ALL, ROOM, "nme=s3");
    want_nak(&s, MS_E_BAD_ARGUMENT, "nme");
    broadcast(&s, 10, MS_ON_ALL, ROOM, "name=nobody");
    want_nak(&s, MS_E_NOT_FOUND, "no slave lives, runs echo, fits");
    teardown(&s);
}
END_TEST

START_TEST(k_are_those_with_credit)
{
    struct script s;

    begin_fleet(&s);
    slave(&s, 5, 5);
    pull(&s, SECOND, 1);
    broadcast(&s, 1, 1, 1, "");
    want_count(&s, 1, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_NAK));
    want_on(&s, SECOND, 1);
    pull(&s, 5, 5);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    broadcast(&s, 2, 3, 3, "");
    want_count(&s, 2, 3);
    broadcast(&s, 10, 4, 4, "");
    want_nak(&s, MS_E_NOT_FOUND, "3 slaves live, run echo");
    teardown(&s);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    struct script s;
    struct ms_terms terms;
    struct ms_command command;

    begin_fleet(&s);
    broadcast(&s, 1, MS_ON_ALL, 1, "");
    want_nak(&s, MS_E_BAD_ARGUMENT, "2 slaves fit, and array_count has room for 1");
    broadcast(&s, 1, MS_ON_ALL, 0, "");
    want_nak(&s, MS_E_BAD_ARGUMENT, "array_count");
    broadcast(&s, 1, MS_ON_ALL, MS_TARGETS_MAX + 1, "");
    want_nak(&s, MS_E_BAD_ARGUMENT, "at most");
    broadcast(&s, 1, 2, 3, "");
    want_nak(&s, MS_E_BAD_ARGUMENT, "the same");
    command = submission(1, "x");
    terms = (struct ms_terms){.where = ms_bytes_of("name=s1")};
    command.terms = &terms;
    receive(&s, CLIENT, &command);
    want_nak(&s, MS_E_BAD_ARGUMENT, "only a broadcast");
    teardown(&s);
}
END_TEST

START_TEST(what_was_forgotten_is_not_begun_anew)
{
    struct script s;
    const uint8_t told[] = {0x0d}; /* 0 has its outcome, and behind 1 there is nobody */
    struct ms_terms terms = {
        .on = MS_ON_ALL, .array_count = ROOM, .array_closed = {told, sizeof told}};
    struct ms_command command = submission(1, "each");

    begin_fleet(&s);
    pull(&s, FIRST, 4);
    pull(&s, SECOND, 4);
    command.terms = &terms;
    receive(&s, CLIENT, &command);
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_uint_eq(work_of(&s, CLIENT, 2)->status, MS_STATUS_LOST);
    ck_assert_str_eq(detail_of(&s, 2), "no master knows any more for which slave it was");
    ck_assert_ptr_null(work_of(&s, CLIENT, 1));
    confirm(&s, CLIENT, 2, 1);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(ms_slab_used(&s.master->queue.slab), 0);
    teardown(&s);
}
END_TEST

START_TEST(it_is_put_off_while_slaves_are_awaited)
{
    struct shelf shelf = {0};
    struct ms_welcome first, second;
    struct script s;

    begin_durable_fleet_of(&s, &shelf, &first, &second);
    restart(&s);
    client(&s, CLIENT, CLIENT);
    come_back_idle(&s, FIRST, FIRST, &first);
    settle_down(&s);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    want_nak(&s, MS_E_RETRY_LATER, "");
    come_back_idle(&s, SECOND, SECOND, &second);
    settle_down(&s);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_NAK)); /* with the acknowledgement */
    commit(&s);
    want_count(&s, 1, 2);
    want(&s, MS_KIND_SUBMIT_NAK);
    teardown_durable(&s);
}
END_TEST

START_TEST(it_is_as_durable_as_the_master)
{
    struct shelf shelf = {0};
    struct script s;
    struct ms_command command;

    begin_durable_fleet(&s, &shelf);
    command = broadcast_of(1, MS_ON_ALL, ROOM, "");
    command.flags = MS_FLAG_DURABILITY;
    command.durability = MS_DURABILITY_MEM;
    receive(&s, CLIENT, &command);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.durability, MS_DURABILITY_LOCAL);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_is_nobodys_is_closed_in_the_same_commit)
{
    struct shelf shelf = {0};
    struct script s;

    begin_durable_fleet(&s, &shelf);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    commit_once(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED] + shelf.counts[MS_RECORD_CLOSED_RUN], 1);
    teardown_durable(&s);
}
END_TEST

TESTS(it_is_for_all_that_run_its_type, those_that_take_nothing_are_left_out,
      a_filter_says_which_are_meant, k_are_those_with_credit, what_cannot_be_is_refused,
      what_was_forgotten_is_not_begun_anew, it_is_put_off_while_slaves_are_awaited,
      it_is_as_durable_as_the_master, what_is_nobodys_is_closed_in_the_same_commit)
