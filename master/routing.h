/* The routing table of a running master, as it is told to people. */
#ifndef MASTER_ROUTING_H
#define MASTER_ROUTING_H

#include "core/types.h"

struct ms_inquiry;
struct ms_master;
struct ms_report_page;

/* The next part of the answer to ROUTES. */
void ms_routing_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page);

#endif
