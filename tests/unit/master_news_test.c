/* What a script is told, and when. */
#include <check.h>

#include "master/news.h"
#include "tests/support/suite.h"

static struct ms_news news;
static ms_time now;

static bool take(enum ms_council_state state, ms_epoch epoch, const char *alarm)
{
    const struct ms_pair_stats stats = {.state = state, .epoch = epoch};
    const struct ms_pair_alarms alarms = {.count = alarm != NULL, .texts = {alarm}};

    return ms_news_take(&news, now, &stats, &alarms);
}

static void begin(void)
{
    now = 100 * MS_SEC;
    news = (struct ms_news){.has_told = false};
    ck_assert(take(MS_COUNCIL_PAIR, 3, NULL));
    ck_assert_str_eq(news.alarm, "none");
}

START_TEST(a_change_is_told_at_once_with_its_alarm)
{
    begin();
    ck_assert(!take(MS_COUNCIL_PAIR, 3, NULL));
    ck_assert(take(MS_COUNCIL_SOLO, 4, "DEGRADED: one copy only"));
    ck_assert_str_eq(news.alarm, "DEGRADED");
    ck_assert(!take(MS_COUNCIL_SOLO, 4, "DEGRADED: one copy only"));
    ck_assert(take(MS_COUNCIL_SOLO, 5, "DEGRADED: one copy only"));
}
END_TEST

START_TEST(an_alarm_that_stands_is_told_once)
{
    begin();
    ck_assert(!take(MS_COUNCIL_PAIR, 3, "WITNESSES_LOST: too few"));
    now += MS_NEWS_SETTLE - 1;
    ck_assert(!take(MS_COUNCIL_PAIR, 3, "WITNESSES_LOST: too few"));
    now++;
    ck_assert(take(MS_COUNCIL_PAIR, 3, "WITNESSES_LOST: too few"));
    ck_assert_str_eq(news.alarm, "WITNESSES_LOST");
    now += MS_NEWS_SETTLE;
    ck_assert(!take(MS_COUNCIL_PAIR, 3, "WITNESSES_LOST: fewer still"));
    ck_assert(!take(MS_COUNCIL_PAIR, 3, NULL));
    now += MS_NEWS_SETTLE;
    ck_assert(take(MS_COUNCIL_PAIR, 3, NULL));
}
END_TEST

START_TEST(an_alarm_that_passes_is_not_told)
{
    begin();
    ck_assert(!take(MS_COUNCIL_PAIR, 3, "PEER_SILENT: nothing comes"));
    now += MS_NEWS_SETTLE / 2;
    ck_assert(!take(MS_COUNCIL_PAIR, 3, NULL));
    now += MS_NEWS_SETTLE / 2;
    ck_assert(!take(MS_COUNCIL_PAIR, 3, "PEER_SILENT: nothing comes"));
}
END_TEST

START_TEST(alarms_are_looked_at_now_and_then)
{
    struct ms_pair_stats stats = {.state = MS_COUNCIL_PAIR, .epoch = 3};

    begin();
    ck_assert(!ms_news_is_due(&news, now, &stats));
    ck_assert(!ms_news_is_due(&news, now + MS_NEWS_LOOK - 1, &stats));
    ck_assert(ms_news_is_due(&news, now + MS_NEWS_LOOK, &stats));
    now += MS_NEWS_LOOK;
    ck_assert(!take(MS_COUNCIL_PAIR, 3, NULL));
    ck_assert(!ms_news_is_due(&news, now, &stats));
    stats.epoch = 4;
    ck_assert(ms_news_is_due(&news, now, &stats));
}
END_TEST

START_TEST(a_name_is_cut)
{
    begin();
    ck_assert(take(MS_COUNCIL_SOLO, 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN"));
    ck_assert_uint_eq(strlen(news.alarm), MS_NEWS_WORD_MAX);
    ck_assert(!take(MS_COUNCIL_SOLO, 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("news");
    TCase *tests = tcase_create("news");

    tcase_add_test(tests, a_change_is_told_at_once_with_its_alarm);
    tcase_add_test(tests, alarms_are_looked_at_now_and_then);
    tcase_add_test(tests, an_alarm_that_stands_is_told_once);
    tcase_add_test(tests, an_alarm_that_passes_is_not_told);
    tcase_add_test(tests, a_name_is_cut);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
