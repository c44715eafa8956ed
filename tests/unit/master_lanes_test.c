/* Lanes and profiles: equal sets are one, clashes are refused, supply and demand find each other. */
#include "master/lanes.h"
#include "master/slaves.h"
#include "master/work.h"
#include "master_script.h"

static struct ms_lanes lanes;
static enum ms_error error;
static struct ms_complaint complaint;

static struct ms_profile *join(const struct ms_announced *types, uint32_t count)
{
    error = MS_E_OK;
    return ms_lanes_join(&lanes, &(struct ms_announce){count, types},
                         &(struct ms_traits){.group = ""}, &error, &complaint);
}

static struct ms_session session_with(uint32_t credit)
{
    static struct ms_slave seatless;

    return (struct ms_session){.credit = credit, .user = &seatless};
}

START_TEST(equal_sets_share_a_profile)
{
    const struct ms_announced ab[] = {{2000, "a"}, {3000, "b"}};
    const struct ms_announced ba[] = {{3000, "b"}, {2000, "a"}, {3000, "b"}};
    const struct ms_announced a[] = {{2000, "a"}};

    ck_assert(ms_lanes_init(&lanes, NULL, 1));
    struct ms_profile *first = join(ab, 2);
    struct ms_profile *second = join(ba, 3);
    struct ms_profile *third = join(a, 1);
    struct ms_profile *none = join(NULL, 0);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, third);
    ck_assert_uint_eq(none->members_count, 0);
    ck_assert_uint_eq(first->sessions_count, 2);
    ck_assert_uint_eq(ms_lane_sessions(ms_lanes_find(&lanes, 2000)), 3);
    ck_assert_uint_eq(ms_lane_sessions(ms_lanes_find(&lanes, 3000)), 2);
    ck_assert_uint_eq(ms_lanes_count(&lanes), 2);
    ms_lanes_leave(&lanes, first);
    ms_lanes_leave(&lanes, second);
    ms_lanes_leave(&lanes, third);
    ms_lanes_leave(&lanes, none);
    ms_lanes_leave(&lanes, NULL);
    ck_assert_uint_eq(lanes.members_count, 0);
    ms_lanes_finish(&lanes);
}
END_TEST

START_TEST(clashes_and_odd_types_are_refused)
{
    const struct ms_announced good[] = {{2000, "a"}};
    const struct ms_announced two_names[] = {{2000, "b"}};
    const struct ms_announced two_types[] = {{2001, "a"}};
    const struct ms_announced own[] = {{MS_TYPE_USER_MIN - 1, "x"}};
    const struct ms_announced unnamed[] = {{5000, "white space"}};
    static struct ms_announced many[MS_SLAVE_TYPES_MAX + 1];

    ck_assert(ms_lanes_init(&lanes, NULL, 1));
    struct ms_profile *profile = join(good, 1);
    ck_assert_ptr_null(join(two_names, 1));
    ck_assert_int_eq(error, MS_E_TYPE_CLASH);
    ck_assert_ptr_null(join(two_types, 1));
    ck_assert_int_eq(error, MS_E_TYPE_CLASH);
    ck_assert_ptr_null(join(own, 1));
    ck_assert_int_eq(error, MS_E_BAD_ARGUMENT);
    ck_assert_ptr_null(join(unnamed, 1));
    ck_assert_int_eq(error, MS_E_BAD_ARGUMENT);
    ck_assert_ptr_null(join(many, MS_SLAVE_TYPES_MAX + 1));
    ck_assert_int_eq(error, MS_E_BAD_ARGUMENT);
    ck_assert_uint_eq(ms_lanes_count(&lanes), 1);
    ms_lanes_leave(&lanes, profile);
    ms_lanes_finish(&lanes);
}
END_TEST

START_TEST(supply_meets_demand)
{
    const struct ms_announced types[] = {{2000, "a"}, {3000, "b"}};
    struct ms_session session = session_with(1);
    struct ms_work work = {.state = MS_LIFE_READY};

    ck_assert(ms_lanes_init(&lanes, NULL, 1));
    ms_list_init(&session.link);
    ms_list_init(&work.link);
    struct ms_profile *profile = join(types, 2);
    struct ms_lane *lane = work.lane = ms_lanes_find(&lanes, 3000);
    ck_assert_ptr_null(ms_lane_supplier(lane));
    ck_assert(!ms_lanes_are_due(&lanes));
    ms_lanes_supply(&lanes, profile, &session);
    ck_assert(!ms_lanes_are_due(&lanes));
    ck_assert_ptr_eq(ms_lane_supplier(lane)->profile, profile);
    ck_assert_ptr_null(ms_profile_demand(profile));
    ms_lanes_push(&lanes, &work, false);
    ck_assert(ms_lanes_are_due(&lanes));
    ck_assert_ptr_eq(ms_profile_demand(profile)->lane, lane);
    ck_assert_ptr_eq(ms_lane_choose(lane), &session);
    ms_lanes_remove(&work);
    ck_assert_ptr_null(ms_profile_demand(profile));
    ms_lanes_withdraw(profile, &session);
    ck_assert_ptr_null(ms_lane_choose(lane));
    ms_lanes_leave(&lanes, profile);
    ms_list_remove(&lane->due);
    ms_lanes_finish(&lanes);
}
END_TEST

START_TEST(turns_are_even_over_sessions_of_different_profiles)
{
    const struct ms_announced a[] = {{2000, "a"}};
    const struct ms_announced ab[] = {{2000, "a"}, {3000, "b"}};
    struct ms_session sessions[4];
    struct ms_profile *profiles[4];
    uint32_t turns[4] = {0};

    ck_assert(ms_lanes_init(&lanes, NULL, 1));
    for (size_t i = 0; i < 4; i++) {
        sessions[i] = session_with(1000);
        ms_list_init(&sessions[i].link);
        profiles[i] = i == 0 ? join(ab, 2) : join(a, 1);
        ms_lanes_supply(&lanes, profiles[i], &sessions[i]);
    }
    struct ms_lane *lane = ms_lanes_find(&lanes, 2000);
    for (int i = 0; i < 400; i++) {
        struct ms_session *session = ms_lane_choose(lane);
        size_t at = (size_t)(session - sessions);

        turns[at]++;
        ms_list_rotate(&profiles[at]->ready);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(turns[i], 100);
        ms_lanes_withdraw(profiles[i], &sessions[i]);
        ms_lanes_leave(&lanes, profiles[i]);
    }
    ms_lanes_finish(&lanes);
}
END_TEST

TESTS(equal_sets_share_a_profile, clashes_and_odd_types_are_refused, supply_meets_demand,
      turns_are_even_over_sessions_of_different_profiles)
