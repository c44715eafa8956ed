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
    for (size_t there = 0; there < MS_MERGE_STATES; there++) {
        for (size_t here = 0; here < MS_MERGE_STATES; here++) {
            stats->cells[there][here] += more->cells[there][here];
        }
    }
}

static void print_cells(const struct sim_stats *stats, FILE *out)
{
    for (size_t there = 0; there < MS_MERGE_STATES; there++) {
        for (size_t here = 0; here < MS_MERGE_STATES; here++) {
            fprintf(out, "%12llu  merged: %s there, %s here\n",
                    (unsigned long long)stats->cells[there][here],
                    ms_merge_state_name((enum ms_merge_state)there),
                    ms_merge_state_name((enum ms_merge_state)here));
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
        print_cells(stats, out);
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

/* Of each state there, those here that two hundred long seeds meet several times. The others are in master_reconcile_test, each
 * of them once. */
static const uint32_t met[MS_MERGE_STATES] = {
    [MS_MERGE_QUEUED] = 1u << MS_MERGE_NONE | 1u << MS_MERGE_QUEUED | 1u << MS_MERGE_IN_FLIGHT |
                        1u << MS_MERGE_DEAD | 1u << MS_MERGE_DONE | 1u << MS_MERGE_CANCELLED |
                        1u << MS_MERGE_CLOSED,
    [MS_MERGE_IN_FLIGHT] = 1u << MS_MERGE_IN_FLIGHT | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_DEAD] = 1u << MS_MERGE_DEAD | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_DONE] = 1u << MS_MERGE_QUEUED | 1u << MS_MERGE_DONE | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_CANCELLED] = 1u << MS_MERGE_QUEUED | 1u << MS_MERGE_CANCELLED | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_CLOSED] = 1u << MS_MERGE_NONE | 1u << MS_MERGE_QUEUED | 1u << MS_MERGE_IN_FLIGHT,
};

bool sim_cells_are_full(const struct sim_stats *stats, FILE *out)
{
    bool are_full = true;

    for (size_t there = 0; there < MS_MERGE_STATES; there++) {
        for (size_t here = 0; here < MS_MERGE_STATES; here++) {
            if ((met[there] >> here & 1) != 0 && stats->cells[there][here] == 0) {
                fprintf(out, "never merged: %s there, %s here\n",
                        ms_merge_state_name((enum ms_merge_state)there),
                        ms_merge_state_name((enum ms_merge_state)here));
                are_full = false;
            }
        }
    }
    return are_full;
}
