/* What happened to a command, in order of time, as far as it is remembered. */
#ifndef MASTER_TIMELINE_H
#define MASTER_TIMELINE_H

#include "core/types.h"

struct ms_master;
struct ms_report_page;
struct ms_work;

/* Rows at_us (wall clock), event, attempt, slave, status, code, signal, detail: submission, attempts that
 * ended, wishes of people, the present attempt, the outcome. They fit one page. */
void ms_timeline_fill(const struct ms_master *master, const struct ms_work *work,
                      struct ms_report_page *page);

#endif
