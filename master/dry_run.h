/* Who would get a command of a type and a key, if it came now, and why nobody else. */
#ifndef MASTER_DRY_RUN_H
#define MASTER_DRY_RUN_H

struct ms_inquiry;
struct ms_master;
struct ms_report_page;

/* The next part of the answer to a DRY_RUN: a row for each slave whose session is not dead. */
void ms_dry_run_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page);

#endif
