/* The rows of reports: what each column of each table says. */
#ifndef MASTER_ROWS_H
#define MASTER_ROWS_H

#include "core/command.h"
#include "core/limits.h"

struct ms_inquiry;
struct ms_master;

struct ms_report_page;

/* The next part of the answer, in page->report. It may be empty without being the last. */
void ms_rows_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                  struct ms_report_page *page);

#endif
