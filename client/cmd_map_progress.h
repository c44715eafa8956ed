/* How far muster map is, as a bar for a terminal or a line for a log. Makes the text only. */
#ifndef CLIENT_CMD_MAP_PROGRESS_H
#define CLIENT_CMD_MAP_PROGRESS_H

#include "core/text.h"
#include "core/types.h"

#define MS_PROGRESS_TEXT_MAX 512 /* bytes of a line, its zero included */

struct ms_progress {
    uint64_t done; /* in this run, failed ones included */
    uint64_t failed, retries;
    uint64_t total;  /* 0 = not known yet */
    ms_time elapsed; /* since the first was started */
    /* Rate of the last seconds, smoothed; commands per 1000 seconds. Kept by update. */
    uint64_t rate_milli;
    uint64_t seen_done;
    ms_time seen_at;
};

/* Call from time to time after done and elapsed changed. */
void ms_progress_update(struct ms_progress *progress);

/* "#####-----  52% 1234/2371  310/s  ETA 4s  2 failed", at most width columns. */
void ms_progress_print_bar(const struct ms_progress *progress, size_t width, struct ms_text *text);

/* "1234 of 2371 done, 2 failed, 310/s, ETA 4s" */
void ms_progress_print_line(const struct ms_progress *progress, struct ms_text *text);

/* "2371 commands, 0 failed, 17 retries, 7.6 s, 311 commands/s" */
void ms_progress_print_summary(const struct ms_progress *progress, struct ms_text *text);

#endif
