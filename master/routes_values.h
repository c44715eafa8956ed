/* What the section of a route says, as the option table fills it in; for the files routes*.c. */
#ifndef MASTER_ROUTES_VALUES_H
#define MASTER_ROUTES_VALUES_H

#include "core/options.h"
#include "master/routes.h"

struct ms_route_values {
    struct ms_option_list strategy, labels, groups;
    const char *group;
    const char *priority;
    const char *rate[MS_ROUTE_SCOPES];
    uint64_t concurrency[MS_ROUTE_SCOPES];
    ms_time affinity;
    uint32_t on_absent;
    bool is_ordered;
    bool is_fair;
};

/* Of texts that were checked; NULL = 0. */
int8_t ms_route_priority(const char *text);
void ms_route_chain(const struct ms_route_values *values, struct ms_chain *chain_out);

#endif
