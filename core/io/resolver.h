/* Looks host names up without stopping the loop: one thread, started when first needed. */
#ifndef CORE_IO_RESOLVER_H
#define CORE_IO_RESOLVER_H

#include <ev.h>
#include <sys/socket.h>

#include "core/types.h"
#include "core/uri.h"

#define MS_ENDPOINTS_MAX 8 /* socket addresses of one name that are tried */

struct ms_endpoint {
    socklen_t size;
    struct sockaddr_storage address;
};

struct ms_endpoints {
    uint32_t count; /* 0 = there are none: why in the resolution */
    struct ms_endpoint items[MS_ENDPOINTS_MAX];
};

/* Socket addresses of an address, in the order to try them. Blocks for names unless is_numeric; then
 * false means that it is a name. */
bool ms_endpoints_find(struct ms_endpoints *endpoints, const struct ms_address *address,
                       bool is_numeric);

/* "host:port", "[v6]:port" or "unix:/path". */
void ms_endpoint_print(const struct ms_endpoint *endpoint, struct ms_text *text);

struct ms_resolution {
    uint64_t user; /* of the question */
    struct ms_endpoints endpoints;
};

/* In the loop's thread, once per question, in order; none after destroy. */
typedef void (*ms_resolved_fn)(void *context, const struct ms_resolution *resolution);

struct ms_resolver;

struct ms_resolver *ms_resolver_create(struct ev_loop *loop, ms_resolved_fn resolved,
                                       void *context); /* NULL: no memory, no thread */
bool ms_resolver_ask(struct ms_resolver *resolver, const struct ms_address *address, uint64_t user);

/* Does not wait for a question under way. Accepts NULL. */
void ms_resolver_destroy(struct ms_resolver *resolver);

#endif
