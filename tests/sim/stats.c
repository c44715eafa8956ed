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

/* What neither half has a record of is not merged: no command is in that cell. A payload in parts, whose SUBMIT nobody has, is none. */
static bool is_no_cell(size_t there, size_t here)
{
    return there == MS_MERGE_NONE && here == MS_MERGE_NONE;
}

static void print_cells(const struct sim_stats *stats, FILE *out)
{
    for (size_t there = 0; there < MS_MERGE_STATES; there++) {
        for (size_t here = 0; here < MS_MERGE_STATES; here++) {
            fprintf(out, "%12llu  merged: %s there, %s here%s\n",
                    (unsigned long long)stats->cells[there][here],
                    ms_merge_state_name((enum ms_merge_state)there),
                    ms_merge_state_name((enum ms_merge_state)here),
                    is_no_cell(there, here) ? " (there is no such command)" : "");
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
    if (row->event == MS_COUNCIL_OUTLIVE) { /* few disks are set back in short seeds */
        return true;
    }
    switch (row->from) {
    case MS_COUNCIL_CANDIDATE:
        return row->event == MS_COUNCIL_BEHIND || row->event == MS_COUNCIL_IN_SYNC;
    case MS_COUNCIL_PAIR: /* short seeds have no disk that is stuck */
        return row->event == MS_COUNCIL_SHED || row->event == MS_COUNCIL_WIN_SOLO ||
               row->event == MS_COUNCIL_DEPOSE;
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

static bool stats_are_full(const struct sim_stats *stats, enum sim_kind kind, FILE *out)
{
    /* Bit i: what has the number i in stats.h is needed. */
    static const uint32_t needs[SIM_KINDS_COUNT] = {
        [SIM_KIND_SINGLE] = 1u << true,
        [SIM_KIND_PAIR] = 1u << SIM_OF_PAIR | 1u << SIM_OF_FORCE | 1u << SIM_OF_LONG,
        [SIM_KIND_SHORT] = 1u << SIM_OF_PAIR,
        [SIM_KIND_MERGE] = 1u << SIM_OF_FORCE | 1u << SIM_OF_MERGE,
    };
    bool are_full = true;

    for (int i = 0; i < SIM_STATS_COUNT; i++) {
        const bool is_needed = rows[i].needed != 0 && (needs[kind] >> rows[i].needed & 1) != 0;

        if (is_needed && stats->counts[i] == 0) {
            fprintf(out, "never seen: %s\n", rows[i].text);
            are_full = false;
        }
    }
    return are_full;
}

/* Of each state there, those here that two hundred long seeds meet several times. Seeds that merge meet
 * all of them. */
static const uint32_t met[MS_MERGE_STATES] = {
    [MS_MERGE_QUEUED] = 1u << MS_MERGE_NONE | 1u << MS_MERGE_QUEUED | 1u << MS_MERGE_IN_FLIGHT |
                        1u << MS_MERGE_CANCELLED | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_IN_FLIGHT] = 1u << MS_MERGE_QUEUED | 1u << MS_MERGE_IN_FLIGHT | 1u << MS_MERGE_DONE |
                           1u << MS_MERGE_CLOSED,
    [MS_MERGE_DEAD] = 1u << MS_MERGE_DEAD | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_DONE] = 1u << MS_MERGE_IN_FLIGHT | 1u << MS_MERGE_DONE | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_CANCELLED] = 1u << MS_MERGE_CANCELLED | 1u << MS_MERGE_CLOSED,
    [MS_MERGE_CLOSED] = 1u << MS_MERGE_NONE | 1u << MS_MERGE_QUEUED,
};

static bool cells_are_full(const struct sim_stats *stats, bool are_all, FILE *out)
{
    bool are_full = true;

    for (size_t there = 0; there < MS_MERGE_STATES; there++) {
        for (size_t here = 0; here < MS_MERGE_STATES; here++) {
            const bool is_needed =
                are_all ? !is_no_cell(there, here) : (met[there] >> here & 1) != 0;

            if (is_needed && stats->cells[there][here] == 0) {
                fprintf(out, "never merged: %s there, %s here\n",
                        ms_merge_state_name((enum ms_merge_state)there),
                        ms_merge_state_name((enum ms_merge_state)here));
                are_full = false;
            }
        }
    }
    return are_full;
}

bool sim_stats_are_full(const struct sim_stats *stats, enum sim_kind kind, FILE *out)
{
    const bool are_full = stats_are_full(stats, kind, out);

    switch (kind) {
    case SIM_KIND_PAIR:
    case SIM_KIND_MERGE:
        return cells_are_full(stats, kind == SIM_KIND_MERGE, out) && are_full;
    case SIM_KIND_SHORT:
        return council_rows_are_all(&stats->rows, is_others, out) && are_full;
    default:
        return are_full;
    }
}
