/* How a command came out, as the row of a report tells it: of one that is there, or that was closed meanwhile. */
#ifndef MASTER_ENDING_H
#define MASTER_ENDING_H

#include "core/command.h"
#include "core/limits.h"

struct ms_report_page;
struct ms_work;

struct ms_ending {
    struct ms_id id;
    uint8_t state; /* enum ms_life_state */
    uint8_t status;
    bool is_finished; /* else it has no status yet */
    uint32_t attempt;
    int32_t code;
    uint32_t signal;
    struct ms_usage usage;
    uint32_t detail_size;
    uint8_t detail[MS_DETAIL_MAX];
};

void ms_ending_of(const struct ms_work *work, struct ms_ending *ending_out);

/* The cells of one row; more may follow before it is ended. */
void ms_ending_fill(const struct ms_ending *ending, struct ms_report_page *page);

#endif
