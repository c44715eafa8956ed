/* The rows of reports: what each column of each table says. */
#ifndef MASTER_ROWS_H
#define MASTER_ROWS_H

#include "core/command.h"
#include "core/limits.h"

struct ms_inquiry;
struct ms_master;

#define MS_PAGE_ROWS   128  /* in one frame of a report; bounds a step */
#define MS_PAGE_VISITS 4096 /* objects looked at for one frame */
#define MS_PAGE_TEXT   (64u << 10)

struct ms_report_page {
    struct ms_report report;
    struct ms_cell cells[MS_PAGE_ROWS * MS_REPORT_COLUMNS_MAX];
    char text[MS_PAGE_TEXT];
    size_t text_used;
};

/* The next part of the answer, in page->report. It may be empty without being the last. */
void ms_rows_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                  struct ms_report_page *page);

/* Why the command is where it is: one sentence. */
struct ms_text;
struct ms_work;
void ms_rows_reason(const struct ms_work *work, ms_time now, struct ms_text *text);

#endif
