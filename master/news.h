/* What the script of --notify is told of one half of a pair, and when: each change of state or epoch at once, with the first alarm of that
 * moment; and the alarm once more when it has become another one and has stood for a while, because a takeover passes through several.
 * Pure. */
#ifndef MASTER_NEWS_H
#define MASTER_NEWS_H

#include "master/pair_alarms.h"

#define MS_NEWS_SETTLE   (1 * MS_SEC)
#define MS_NEWS_LOOK     (100 * MS_MSEC) /* between two looks at the alarms */
#define MS_NEWS_WORD_MAX 31

struct ms_news {
    bool has_told;
    enum ms_council_state state;
    ms_epoch epoch;
    char alarm[MS_NEWS_WORD_MAX + 1]; /* its name; "none" */
    ms_time since;                    /* when it became another one; 0 = it is as it was told */
    ms_time look_at;                  /* the next one */
};

/* Whether alarms, which are a work to find, must be looked at: at each change of state or epoch, else now and then. */
bool ms_news_is_due(const struct ms_news *news, ms_time now, const struct ms_pair_stats *stats);

/* Zeroed at first. True when there is something to tell, which is what news has then. */
bool ms_news_take(struct ms_news *news, ms_time now, const struct ms_pair_stats *stats,
                  const struct ms_pair_alarms *alarms);

#endif
