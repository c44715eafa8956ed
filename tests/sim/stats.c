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
}

bool sim_stats_are_full(const struct sim_stats *stats, bool is_pair, FILE *out)
{
    const int needed = is_pair ? SIM_OF_PAIR : true;
    bool are_full = true;

    for (int i = 0; i < SIM_STATS_COUNT; i++) {
        if (rows[i].needed == needed && stats->counts[i] == 0) {
            fprintf(out, "never seen: %s\n", rows[i].text);
            are_full = false;
        }
    }
    return are_full;
}
