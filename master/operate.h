/* What people do to commands, one or many: cancel, kick, release, priority, concurrency. */
#ifndef MASTER_OPERATE_H
#define MASTER_OPERATE_H

#include "core/command.h"

struct ms_inquiry;
struct ms_master;
struct ms_report_page;
struct ms_work;

/* What is wrong with the question itself: BAD_ARGUMENT. */
enum ms_error ms_operate_examine(const struct ms_query *query);

/* Why it cannot be done to this command, one sentence; NULL when it can. */
const char *ms_operate_refusal(const struct ms_work *work, const struct ms_query *query);

/* Does it; ms_operate_refusal said that it can be done. */
void ms_operate(struct ms_master *master, ms_time now, struct ms_work *work,
                const struct ms_query *query);

/* The next part of the answer to an OPERATE; the last one waits until all that was done is durable. */
void ms_operate_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                     struct ms_report_page *page);

#endif
