/* Who would get a command, and why nobody else. */
#include "master/dry_run.h"

#include "master/slaves.h"
#include "master/state.h"
#include "master_reports.h"
#include "master_routes.h"

#define CLIENT 2u  /* who asks */
#define SLAVES 10u /* peers of slaves come behind */

static struct script script;
static struct script *const s = &script;

static void set_routes(const char *const *lines)
{
    struct ms_routes routes = make_routes(lines);

    ck_assert(ms_master_set_routes(s->master, s->now, &routes));
    ms_routes_finish(&routes);
}

#define SET(...) set_routes((const char *const[]){__VA_ARGS__, NULL})

/* The slave s1, s2, ... */
static void join(uint32_t place, ms_type type, const char *group, const char *label,
                 uint64_t credit)
{
    const ms_peer peer = SLAVES + place;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, (uint8_t)peer);

    ms_text_copy_name(hello.group, group);
    if (label != NULL) {
        hello.labels_count = 1;
        ms_text_copy_name(hello.labels[0], label);
    }
    greet(s, peer, &hello);
    announce(s, peer, type, type == ECHO ? "echo" : "other");
    if (credit > 0) {
        pull(s, peer, credit);
    }
}

static const char *said_of(uint32_t place, const char *key)
{
    struct ms_query query = {.what = MS_QUERY_DRY_RUN, .type = ECHO};
    const char wanted[] = {'s', (char)('0' + place), '\0'};
    struct sent *report;

    ms_text_copy_name(query.where, key);
    report = ask(s, &query);
    ck_assert(report->is_last);
    for (size_t row = 0; row < report->rows; row++) {
        const size_t at = row * report->columns;

        if (strcmp(report->cells[at + column(report, "slave")].text, wanted) == 0) {
            return report->cells[at + column(report, "it")].text;
        }
    }
    return "";
}

START_TEST(one_is_next_and_the_others_say_why_not)
{
    setup(s);
    client(s, CLIENT, 50);
    SET("route echo", "strategy round-robin", "labels ssd");
    join(1, ECHO, "", "ssd", 2);
    join(2, ECHO, "", "ssd", 2);
    join(3, ECHO, "", "hdd", 2);
    join(4, ECHO + 1, "", "ssd", 2);
    join(5, ECHO, "", "ssd", 0);
    join(6, ECHO, "", "ssd", 1);
    close_peer(s, SLAVES + 6);
    ck_assert_str_eq(said_of(1, ""), "is next");
    ck_assert_str_eq(said_of(2, ""), "may get one");
    ck_assert_str_eq(said_of(3, ""), "lacks label ssd");
    ck_assert_str_eq(said_of(4, ""), "does not run it");
    ck_assert_str_eq(said_of(5, ""), "has no free slot");
    ck_assert_str_eq(said_of(6, ""), "is not connected");
    submit(s, CLIENT, 1, "x");
    ck_assert_uint_eq(want(s, MS_KIND_COMMAND)->effect.peer, SLAVES + 1);
    ck_assert_str_eq(said_of(1, ""), "may get one");
    ck_assert_str_eq(said_of(2, ""), "is next");
    teardown(s);
}
END_TEST

START_TEST(asking_takes_no_turn)
{
    setup(s);
    client(s, CLIENT, 50);
    join(1, ECHO, "", NULL, 10);
    join(2, ECHO, "", NULL, 10);
    for (uint64_t seq = 1; seq <= 6; seq++) {
        const bool is_first = strcmp(said_of(1, ""), "is next") == 0;

        ck_assert_str_eq(said_of(is_first ? 2 : 1, ""), "may get one");
        ck_assert_str_eq(said_of(is_first ? 1 : 2, ""), "is next");
        submit(s, CLIENT, seq, "x");
        ck_assert_uint_eq(want(s, MS_KIND_COMMAND)->effect.peer, SLAVES + (is_first ? 1 : 2));
    }
    teardown(s);
}
END_TEST

START_TEST(a_key_goes_to_its_group)
{
    setup(s);
    client(s, CLIENT, 50);
    SET("route echo", "strategy hash:java31", "groups a", "groups b");
    join(1, ECHO, "a", NULL, 1);
    join(2, ECHO, "b", NULL, 1);
    join(3, ECHO, "", NULL, 1);
    ck_assert_str_eq(said_of(1, "alice"), "is next"); /* bucket 40 of 100 */
    ck_assert_str_eq(said_of(2, "alice"), "is of group b, and it goes to group a");
    ck_assert_str_eq(said_of(3, "alice"), "is of no group, and it goes to group a");
    ck_assert_str_eq(said_of(2, "a"), "is next"); /* bucket 97 */
    ms_slaves_cordon(s->master, ms_pool_at(&s->master->slaves, 1));
    ck_assert_str_eq(said_of(2, "a"), "is cordoned");
    teardown(s);
}
END_TEST

START_TEST(a_type_that_nobody_runs)
{
    setup(s);
    client(s, CLIENT, 50);
    join(1, ECHO + 1, "", NULL, 1);
    ck_assert_str_eq(said_of(1, ""), "does not run it");
    teardown(s);
}
END_TEST

TESTS(one_is_next_and_the_others_say_why_not, asking_takes_no_turn, a_key_goes_to_its_group,
      a_type_that_nobody_runs)
