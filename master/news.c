#include "master/news.h"

#include "core/text.h"

static void name_first(const struct ms_pair_alarms *alarms, char name[MS_NEWS_WORD_MAX + 1])
{
    const char *text = alarms->count > 0 ? alarms->texts[0] : "none";
    struct ms_text to;

    ms_text_init(&to, name, MS_NEWS_WORD_MAX + 1);
    ms_text_add(&to, "%.*s", (int)strcspn(text, ":"), text);
}

/* An alarm that passes is none. */
static bool has_settled(struct ms_news *news, ms_time now, bool is_other)
{
    if (!is_other) {
        news->since = 0;
    } else if (news->since == 0) {
        news->since = now;
    }
    return is_other && now - news->since >= MS_NEWS_SETTLE;
}

static bool is_change(const struct ms_news *news, const struct ms_pair_stats *stats)
{
    return !news->has_told || stats->state != news->state || stats->epoch != news->epoch;
}

bool ms_news_is_due(const struct ms_news *news, ms_time now, const struct ms_pair_stats *stats)
{
    return now >= news->look_at || is_change(news, stats);
}

bool ms_news_take(struct ms_news *news, ms_time now, const struct ms_pair_stats *stats,
                  const struct ms_pair_alarms *alarms)
{
    char name[MS_NEWS_WORD_MAX + 1];

    news->look_at = now + MS_NEWS_LOOK;
    name_first(alarms, name);
    if (!has_settled(news, now, strcmp(name, news->alarm) != 0) && !is_change(news, stats)) {
        return false;
    }
    news->has_told = true;
    news->state = stats->state;
    news->epoch = stats->epoch;
    news->since = 0;
    memcpy(news->alarm, name, sizeof name);
    return true;
}
