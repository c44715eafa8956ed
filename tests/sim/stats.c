#include "tests/sim/stats.h"

static const struct {
    const char *text;
    int needed;
} rows[SIM_STATS_COUNT] = {
#define SIM_STAT_ROW(name, text, needed) [SIM_STAT_##name] = {(text), (needed)},
    SIM_STATS(SIM_STAT_ROW)
#undef SIM_STAT_ROW
};

void sim_stats_add(struct sim_stats *stats, const struct sim_stats *more)
{
    for (int i = 0; i < SIM_STATS_COUNT; i++) {
        stats->counts[i] += more->counts[i];
    }
    for (size_t from = 0; from < MS_COUNCIL_STATES; from++) {
        for (size_t event = 0; event < MS_COUNCIL_EVENTS; event++) {
            stats->rows.lives[from][event] += more->rows.lives[from][event];
        }
    }
}

const char *sim_stat_text(enum sim_stat stat)
{
    return rows[stat].text;
}

void sim_stats_print(const struct sim_stats *stats, FILE *out)
{
    for (int i = 0; i < SIM_STATS_COUNT; i++) {
        fprintf(out, "%12llu  %s\n", (unsigned long long)stats->counts[i], rows[i].text);
    }
    if (stats->counts[SIM_STAT_EPOCHS] > 0) {
        council_rows_print(&stats->rows, out);
    }
}

/* Nobody says here that a master shall serve without votes, and some meetings take a moment that is too short: ms-council-sim
 * has them. */
static bool is_others(const struct ms_council_row *row)
{
    switch (row->from) {
    case MS_COUNCIL_CANDIDATE:
        return row->event == MS_COUNCIL_BEHIND || row->event == MS_COUNCIL_IN_SYNC;
    case MS_COUNCIL_SOLO:
        return row->event == MS_COUNCIL_DEPOSE;
    case MS_COUNCIL_HOLD:
        return row->event != MS_COUNCIL_STAND && row->event != MS_COUNCIL_RETURN;
    case MS_COUNCIL_DRAIN:
        return row->event != MS_COUNCIL_STAND;
    default:
        return row->event == MS_COUNCIL_WIN_SOLO;
    }
}

bool sim_rows_are_full(const struct sim_stats *stats, FILE *out)
{
    return council_rows_are_all(&stats->rows, is_others, out);
}

bool sim_stats_are_full(const struct sim_stats *stats, bool is_pair, bool is_short, FILE *out)
{
    const int needed = is_pair ? SIM_OF_PAIR : true;
    bool are_full = true;

    for (int i = 0; i < SIM_STATS_COUNT; i++) {
        const bool is_needed =
            rows[i].needed == needed || (rows[i].needed == SIM_OF_LONG && is_pair && !is_short);

        if (is_needed && stats->counts[i] == 0) {
            fprintf(out, "never seen: %s\n", rows[i].text);
            are_full = false;
        }
    }
    return are_full;
}
