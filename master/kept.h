/* The outcome of a command, told to anybody who asks for it: its output and result as TAILs, then one row. */
#ifndef MASTER_KEPT_H
#define MASTER_KEPT_H

#include "core/types.h"

struct ms_inquiry;
struct ms_master;
struct ms_report_page;

/* The next part of the answer to a RESULT. */
void ms_kept_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                  struct ms_report_page *page);

#endif
