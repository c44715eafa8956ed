#include "history.h"

static uint32_t draw(struct history *history, uint32_t below)
{
    history->random = history->random * 1664525 + 1013904223;
    return (history->random >> 8) % below;
}

/* Mostly small records; now and then one of 40 KiB, and sometimes more than the ring takes. */
void history_write(struct history *history, struct entries *entries)
{
    bool *lives = history->lives[history->windows + 1];
    const uint32_t puts = 1 + draw(history, 8), erases = draw(history, 10);

    ck_assert_uint_lt(history->windows, HISTORY_WINDOWS);
    memcpy(lives, history->lives[history->windows], sizeof history->lives[0]);
    history->windows++;
    for (uint32_t i = 0; i < puts; i++) {
        const uint32_t kind = draw(history, 24);
        const ms_seq seq = ++history->seq;

        ck_assert_uint_lt(seq, HISTORY_RECORDS);
        history->sizes[seq] = kind == 0 ? 150000 : kind < 4 ? 40000 : 10 + draw(history, 300);
        entries_put_sized(entries, seq, history->sizes[seq]);
        lives[seq] = true;
    }
    for (uint32_t i = 0; i < erases; i++) {
        const uint32_t depth = (uint32_t)(history->seq < 40 ? history->seq : 40);
        const ms_seq seq = draw(history, 3) == 0 ? 1 + draw(history, (uint32_t)history->seq)
                                                 : history->seq - draw(history, depth);

        if (lives[seq]) {
            entries_erase(entries, seq);
            lives[seq] = false;
        }
    }
}

void history_clear(struct history *history)
{
    ck_assert_uint_lt(history->windows, HISTORY_WINDOWS);
    history->windows++;
    memset(history->lives[history->windows], 0, sizeof history->lives[0]);
}

struct found {
    const struct history *history;
    bool lives[HISTORY_RECORDS];
};

static bool on_entry(void *context, ms_seq seq, struct ms_bytes entry)
{
    struct found *found = context;

    ck_assert_uint_lt(seq, HISTORY_RECORDS);
    entries_check(seq, entry, found->history->sizes[seq]);
    found->lives[seq] = true;
    return true;
}

size_t history_judge(const struct history *history, struct ms_store *store, size_t from)
{
    struct found *found = calloc(1, sizeof *found);
    struct ms_complaint complaint;
    size_t window = from;

    found->history = history;
    ck_assert_msg(ms_store_replay(store, on_entry, found, &complaint) == MS_E_OK, "%s",
                  complaint.text);
    while (window <= history->windows &&
           memcmp(found->lives, history->lives[window], sizeof found->lives) != 0) {
        window++;
    }
    free(found);
    ck_assert_msg(window <= history->windows, "what came back is no state from window %zu on",
                  from);
    return window;
}

void history_resume(struct history *history, size_t window)
{
    history->windows = window;
    history->seq = 0;
    for (ms_seq seq = 1; seq < HISTORY_RECORDS; seq++) {
        if (history->lives[window][seq]) {
            history->seq = seq;
        }
    }
}
