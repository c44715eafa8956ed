/* Routes of a running master: groups, labels and keys say who gets a command, and new routes hold for what waits, too. */
#include "master/reroute.h"

#include "master/slaves.h"
#include "master/state.h"
#include "master_frames.h"

#define CLIENT 50u
#define GROUPS 4u

static struct script script;
static struct script *const s = &script;
static uint64_t next_seq;
static struct ms_route_name names[] = {{"a"}, {"b"}, {"c"}, {"d"}, {"ssd"}}; /* of a table */
static const struct ms_route_name *const groups = names, *const ssd = names + GROUPS;

static void use(const struct ms_route_settings *route)
{
    struct ms_route_settings item = *route;

    ms_text_copy_name(item.pattern, "echo");
    ck_assert(
        ms_reroute(s->master, s->now,
                   &(struct ms_routes){
                       .items = &item, .count = 1, .names = names, .names_count = GROUPS + 1}));
    ms_master_check(s->master);
    s->count = 0;
}

static struct ms_route_settings hashing(uint32_t count)
{
    return (struct ms_route_settings){
        .chain = {.count = 2, .strategies = {&ms_strategy_jump, &ms_strategy_round_robin}},
        .groups = groups,
        .groups_count = count,
    };
}

static void join(ms_peer peer, const char *group, const char *label, uint64_t credit)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, (uint8_t)peer);

    ms_text_copy_name(hello.group, group);
    if (label != NULL) {
        hello.labels_count = 1;
        ms_text_copy_name(hello.labels[0], label);
    }
    greet(s, peer, &hello);
    announce(s, peer, ECHO, "echo");
    if (credit > 0) {
        pull(s, peer, credit);
    }
}

static void begin(void)
{
    setup(s);
    next_seq = 1;
    client(s, CLIENT, 50);
}

static void submit_key(const char *key, const char *payload)
{
    const struct ms_terms terms = {.key = ms_bytes_of(key)};
    struct ms_command command = submission(next_seq++, payload);

    command.terms = &terms;
    receive(s, CLIENT, &command);
}

/* The peer that the nth command of the latest step went to; 0 = there is none. */
static ms_peer taker(size_t n)
{
    const struct sent *sent = find_nth(s, MS_KIND_COMMAND, n);

    return sent != NULL ? sent->effect.peer : 0;
}

static uint32_t group_of(const char *key, uint32_t count)
{
    return ms_strategy_jump.place((const uint8_t *)key, strlen(key), count);
}

static const char *key_at(uint32_t i)
{
    static char key[16];

    snprintf(key, sizeof key, "key-%u", i);
    return key;
}

START_TEST(keys_go_to_their_groups)
{
    const struct ms_route_settings route = hashing(GROUPS);

    begin();
    for (ms_peer peer = 1; peer <= GROUPS; peer++) {
        join(peer, groups[peer - 1].text, NULL, 100);
    }
    use(&route);
    for (uint32_t i = 0; i < 40; i++) {
        submit_key(key_at(i), "x");
        ck_assert_uint_eq(taker(0), 1 + group_of(key_at(i), GROUPS));
    }
    for (ms_peer peer = 1; peer <= GROUPS; peer++) { /* without a key anybody, in turn */
        submit(s, CLIENT, next_seq++, "x");
        ck_assert_uint_ne(taker(0), 0);
    }
    teardown(s);
}
END_TEST

START_TEST(a_key_waits_for_its_group)
{
    const struct ms_route_settings route = hashing(2);
    uint32_t number = 0;
    const char *key;

    while (group_of(key_at(number), 2) != 1) {
        number++;
    }
    key = key_at(number);
    begin();
    join(1, "a", NULL, 10);
    use(&route);
    submit_key(key, "x");
    ck_assert_uint_eq(taker(0), 0);
    submit(s, CLIENT, next_seq++, "y"); /* others do not wait behind it */
    ck_assert_uint_eq(taker(0), 1);
    join(2, "b", NULL, 1);
    ck_assert_uint_eq(taker(0), 2);
    teardown(s);
}
END_TEST

START_TEST(groups_and_labels_are_wanted)
{
    struct ms_route_settings route = {.labels = ssd, .labels_count = 1};

    ms_text_copy_name(route.group, "b");
    begin();
    join(1, "a", "ssd", 10);
    join(2, "b", "hdd", 10);
    join(3, "b", NULL, 10);
    use(&route);
    submit(s, CLIENT, next_seq++, "x");
    ck_assert_uint_eq(taker(0), 0);
    join(4, "b", "ssd", 10);
    ck_assert_uint_eq(taker(0), 4);
    use(&(struct ms_route_settings){.labels = ssd, .labels_count = 1});
    submit(s, CLIENT, next_seq++, "x");
    submit(s, CLIENT, next_seq++, "x");
    ck_assert(taker(0) == 1 || taker(0) == 4);
    teardown(s);
}
END_TEST

/* Of two keys, each of which waits for another group. */
START_TEST(what_waits_goes_where_new_routes_say)
{
    const struct ms_route_settings one = hashing(1), both = hashing(2);

    begin();
    join(1, "a", NULL, 0);
    join(2, "b", NULL, 0);
    use(&one);
    for (uint32_t i = 0; i < 20; i++) {
        submit_key(key_at(i % 4), "x");
    }
    pull(s, 2, 100);
    ck_assert_uint_eq(taker(0), 0); /* all of it is of group a */
    use(&both);
    settle_down(s);
    const size_t moved = count_of(s, MS_KIND_COMMAND);
    uint64_t last[4] = {0};
    for (size_t i = 0; i < moved; i++) {
        const uint64_t seq = find_nth(s, MS_KIND_COMMAND, i)->effect.command.id.seq;
        const uint32_t key = (uint32_t)((seq - 1) % 4);

        ck_assert_uint_eq(taker(i), 2);
        ck_assert_uint_eq(group_of(key_at(key), 2), 1);
        ck_assert_uint_gt(seq, last[key]); /* in their order */
        last[key] = seq;
    }
    ck_assert_uint_gt(moved, 0);
    ck_assert_uint_lt(moved, 20);
    use(&(struct ms_route_settings){.is_fair = false}); /* no groups any more */
    settle_down(s);
    ck_assert_uint_eq(count_of(s, MS_KIND_COMMAND), 20 - moved);
    teardown(s);
}
END_TEST

START_TEST(priorities_are_kept)
{
    const struct ms_route_settings route = hashing(1);
    const struct ms_terms high = {.priority = 5, .key = ms_bytes_of("k")};
    struct ms_command command;

    begin();
    join(1, "a", NULL, 0);
    submit_key("k", "low");
    submit_key("k", "low");
    command = submission(next_seq++, "high");
    command.terms = &high;
    receive(s, CLIENT, &command);
    use(&route);
    pull(s, 1, 3);
    ck_assert_uint_eq(find_nth(s, MS_KIND_COMMAND, 0)->effect.command.id.seq, 3);
    ck_assert_uint_eq(find_nth(s, MS_KIND_COMMAND, 1)->effect.command.id.seq, 1);
    ck_assert_uint_eq(find_nth(s, MS_KIND_COMMAND, 2)->effect.command.id.seq, 2);
    teardown(s);
}
END_TEST

START_TEST(a_unique_key_holds_over_all_groups)
{
    const struct ms_route_settings route = hashing(GROUPS);
    struct ms_command command;

    begin();
    join(1, "a", NULL, 0);
    use(&route);
    for (uint32_t i = 0; i < 8; i++) {
        const struct ms_terms terms = {.key = ms_bytes_of(key_at(i)),
                                       .unique = ms_bytes_of("u"),
                                       .unique_mode = MS_UNIQUE_REJECT};

        command = submission(next_seq++, "x");
        command.terms = &terms;
        receive(s, CLIENT, &command);
        ck_assert_uint_eq(find(s, MS_KIND_SUBMIT_NAK) != NULL, i > 0);
    }
    teardown(s);
}
END_TEST

TESTS(keys_go_to_their_groups, a_key_waits_for_its_group, groups_and_labels_are_wanted,
      what_waits_goes_where_new_routes_say, priorities_are_kept, a_unique_key_holds_over_all_groups)
