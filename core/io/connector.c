/* Connections we open: names to addresses, each address in turn, without ever waiting. */
#include "core/io/driver_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/invariant.h"

struct ms_attempt {
    uint32_t tag;
    uint32_t next;   /* of the endpoints to try */
    bool is_refused; /* the last one: a machine answers, but nobody listens */
    struct ms_endpoints endpoints;
};

static void tell_failed(struct ms_driver *driver, uint32_t tag, enum ms_error error,
                        bool is_refused)
{
    struct ms_event event = {
        .type = MS_EVENT_PEER_CLOSED, .tag = tag, .error = error, .count = is_refused};

    ms_driver_tell(driver, &event);
}

void ms_connector_failed(struct ms_connection *connection, enum ms_error error)
{
    const uint32_t tag = connection->attempt->tag;
    const bool is_refused = connection->attempt->is_refused && error == MS_E_UNREACHABLE;

    free(connection->attempt);
    connection->attempt = NULL;
    tell_failed(ms_connection_driver(connection), tag, error, is_refused);
}

/* A descriptor on its way to the endpoint, or -1. */
static int begin(const struct ms_endpoint *endpoint)
{
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
    int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connect(fd, address, endpoint->size) != 0 && errno != EINPROGRESS) {
        const int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* The next endpoint that does not fail at once; when there is none, that was it. */
static void try_next(struct ms_connection *connection)
{
    struct ms_attempt *attempt = connection->attempt;

    while (attempt->next < attempt->endpoints.count) {
        int fd = begin(&attempt->endpoints.items[attempt->next++]);

        if (fd >= 0) {
            ms_connection_watch(connection, fd, EV_WRITE);
            return;
        }
        attempt->is_refused = errno == ECONNREFUSED;
    }
    ms_connection_drop(connection, MS_E_UNREACHABLE);
}

/* A port of this machine that nobody listens on may be picked by the kernel for our own end: then
 * the connection leads to itself. */
static bool is_to_itself(int fd)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof here, there_size = sizeof there;

    if (getsockname(fd, (struct sockaddr *)&here, &here_size) != 0 ||
        getpeername(fd, (struct sockaddr *)&there, &there_size) != 0) {
        return true; /* or it is gone already */
    }
    return here.ss_family != AF_UNIX && here_size == there_size &&
           memcmp(&here, &there, here_size) == 0;
}

void ms_connector_ready(struct ms_connection *connection)
{
    int error = 0, fd = connection->io.fd;
    socklen_t size = sizeof error;
    uint32_t tag;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0 ||
        is_to_itself(fd)) {
        connection->attempt->is_refused = error == ECONNREFUSED;
        ms_connection_watch(connection, -1, 0);
        close(fd);
        try_next(connection);
        return;
    }
    tag = connection->attempt->tag;
    free(connection->attempt);
    connection->attempt = NULL;
    ms_connection_opened(connection, tag);
}

void ms_connector_resolved(void *context, const struct ms_resolution *resolution)
{
    struct ms_driver *driver = context;
    struct ms_connection *connection = ms_pool_get(&driver->pool, resolution->user);

    if (connection == NULL || connection->attempt == NULL) {
        return; /* it has timed out meanwhile */
    }
    connection->attempt->endpoints = resolution->endpoints;
    try_next(connection);
}

/* Numbers are taken as they are; names go to the resolver's thread. */
static bool look_up(struct ms_driver *driver, struct ms_connection *connection,
                    const struct ms_address *address)
{
    if (ms_endpoints_find(&connection->attempt->endpoints, address, true)) {
        try_next(connection);
        return true;
    }
    if (driver->resolver == NULL) {
        driver->resolver = ms_resolver_create(driver->options.loop, ms_connector_resolved, driver);
    }
    return driver->resolver != NULL &&
           ms_resolver_ask(driver->resolver, address, ms_pool_handle(&driver->pool, connection));
}

void ms_connector_start(struct ms_driver *driver, uint32_t tag, const char *text)
{
    struct ms_address address;
    struct ms_connection *connection;

    if (!ms_address_parse(text, MS_ADDRESS_CONNECT, &address, NULL)) {
        tell_failed(driver, tag, MS_E_BAD_ARGUMENT, false);
        return;
    }
    connection = ms_connection_create(driver);
    if (connection == NULL) {
        tell_failed(driver, tag, MS_E_TOO_MANY, false);
        return;
    }
    connection->attempt = calloc(1, sizeof *connection->attempt);
    if (connection->attempt == NULL) {
        tell_failed(driver, tag, MS_E_NO_MEMORY, false);
        ms_connection_drop(connection, MS_E_NO_MEMORY);
        return;
    }
    connection->attempt->tag = tag;
    if (!look_up(driver, connection, &address)) {
        ms_connection_drop(connection, MS_E_UNREACHABLE);
    }
}
