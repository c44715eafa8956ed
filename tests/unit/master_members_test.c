/* What commands have in common: a member is counted in its group wherever its life takes it. */
#include "master/groups.h"
#include "master/members.h"
#include "master_returning.h"

static void submit_to(struct script *s, uint64_t seq, const char *group)
{
    const struct ms_terms terms = {.group = ms_bytes_of(group)};
    struct ms_command command = submission(seq, "x");

    command.terms = &terms;
    receive(s, 2, &command);
}

static const struct ms_group *group_of(const struct script *s, const char *name)
{
    return ms_groups_find(s->master->queue.groups, ms_bytes_of(name));
}

START_TEST(without_a_group_there_is_nothing_to_keep)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    submit_to(&s, 2, "");
    ck_assert_ptr_null(work_of(&s, 2, 1)->rare);
    ck_assert_ptr_null(work_of(&s, 2, 2)->rare);
    ck_assert_uint_eq(ms_groups_count(s.master->queue.groups), 0);
    teardown(&s);
}
END_TEST

START_TEST(a_member_moves_with_its_life)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_to(&s, 1, "g");
    submit_to(&s, 2, "g");
    const struct ms_group *group = group_of(&s, "g");

    ck_assert_ptr_nonnull(group);
    ck_assert_uint_eq(group->counts[MS_GROUP_OPEN], 2);
    pull(&s, 1, 1);
    ck_assert_uint_eq(group->counts[MS_GROUP_OPEN], 2);
    result(&s, 1, s.last_token, MS_STATUS_OK, "");
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 2});
    ck_assert_uint_eq(group->counts[MS_GROUP_OPEN], 0);
    ck_assert_uint_eq(group->counts[MS_GROUP_DONE], 1);
    ck_assert_uint_eq(group->counts[MS_GROUP_CANCELLED], 1);
    ck_assert_uint_eq(group->live, 2);
    confirm(&s, 2, 1, 2);
    ck_assert_uint_eq(group->live, 0);
    teardown(&s);
}
END_TEST

START_TEST(members_are_members_after_a_restart)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    pull(&s, 1, 1);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit_to(&s, seq, "g");
    }
    result(&s, 1, s.last_token, MS_STATUS_FAIL, "");
    commit(&s);
    restart(&s);
    ck_assert_ptr_nonnull(group_of(&s, "g"));
    ck_assert_uint_eq(group_of(&s, "g")->counts[MS_GROUP_OPEN], 2);
    ck_assert_uint_eq(group_of(&s, "g")->counts[MS_GROUP_BURIED], 1);
    ck_assert_uint_eq(group_of(&s, "g")->live, 3);
    teardown_durable(&s);
}
END_TEST

TESTS(without_a_group_there_is_nothing_to_keep, a_member_moves_with_its_life,
      members_are_members_after_a_restart)
