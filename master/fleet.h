/* What people ask about slaves, and what they want of them: cordon, uncordon, slots, log-level. */
#ifndef MASTER_FLEET_H
#define MASTER_FLEET_H

#include "core/command.h"
#include "core/filter.h"

struct ms_inquiry;
struct ms_master;
struct ms_report_page;
struct ms_session;

/* Whether the filter, which is of slaves, matches a slave's session. */
bool ms_fleet_is_meant(const struct ms_filter *filter, const struct ms_session *session);

/* A row about a slave. */
void ms_fleet_row(const struct ms_session *session, ms_time now, struct ms_report_page *page);

/* What is wrong with an order itself: BAD_ARGUMENT. */
enum ms_error ms_fleet_examine(const struct ms_query *query);

/* The next part of the answer to a COMMAND_SLAVES: a row for each slave that is meant; the last part, which has none,
 * waits until all that was done is durable. */
void ms_fleet_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                   struct ms_report_page *page);

#endif
