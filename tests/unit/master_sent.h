/* Effects of a master with copies of what they pointed to. */
#ifndef TESTS_UNIT_MASTER_SENT_H
#define TESTS_UNIT_MASTER_SENT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"

struct sent_cell {
    char name[64], text[512];
    uint64_t number;
};

#define CELLS_MAX 64

/* One effect with copies of what it pointed to. */
struct sent {
    struct ms_effect effect;
    char payload[256];
    char detail[MS_DETAIL_MAX + 1];
    struct ms_usage usage;
    struct ms_welcome welcome;
    struct ms_token tokens[64];
    uint32_t tokens_count;
    bool is_last;
    uint32_t columns, rows;
    enum ms_error report_error;
    struct sent_cell *cells; /* CELLS_MAX, once there was a report; they stay with this place */
};

static inline void copy_bytes(char *to, size_t size, struct ms_bytes bytes)
{
    size_t length = bytes.size < size - 1 ? bytes.size : size - 1;

    if (length > 0) {
        memcpy(to, bytes.data, length);
    }
    to[length] = '\0';
}

static inline void copy_report(struct sent *sent, const struct ms_report *report)
{
    sent->report_error = report->error;
    sent->is_last = report->last;
    sent->columns = report->columns_count;
    sent->rows = report->columns_count > 0 ? report->cells_count / report->columns_count : 0;
    if (sent->cells == NULL) {
        sent->cells = malloc(CELLS_MAX * sizeof *sent->cells);
        ck_assert_ptr_nonnull(sent->cells);
    }
    memset(sent->cells, 0, CELLS_MAX * sizeof *sent->cells);
    for (uint32_t i = 0; i < report->cells_count && i < CELLS_MAX; i++) {
        snprintf(sent->cells[i].name, sizeof sent->cells[i].name, "%s", report->cells[i].name);
        snprintf(sent->cells[i].text, sizeof sent->cells[i].text, "%s",
                 report->cells[i].text != NULL ? report->cells[i].text : "");
        sent->cells[i].number = report->cells[i].number;
    }
}

static inline void copy_tokens(struct sent *sent, const struct ms_tokens *tokens)
{
    sent->is_last = tokens->last;
    sent->tokens_count = tokens->count;
    for (uint32_t i = 0; i < tokens->count && i < 64; i++) {
        sent->tokens[i] = tokens->tokens[i];
    }
}

#endif
