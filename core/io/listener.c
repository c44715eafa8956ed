/* Addresses we listen on. */
#include "core/io/driver_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/invariant.h"

struct ms_listener {
    struct ms_list link;
    struct ms_driver *driver;
    ev_io io;
    ev_timer pause; /* runs while there are no descriptors to accept with */
    bool is_unix, is_apart;
    struct ms_endpoint endpoint; /* of a Unix socket, to remove its file */
};

/* A sentence that goes with errno. */
static bool complain(struct ms_complaint *complaint, const char *address, const char *what)
{
    return ms_complain(complaint, "cannot listen on %s: %s: %s", address, what, strerror(errno));
}

/* A refusal that says why, as far as that can be said without waiting. */
static void refuse(struct ms_driver *driver, int fd, enum ms_error error)
{
    struct ms_encoder encoder;
    struct ms_command goodbye = {.kind = MS_KIND_ERROR, .error = (uint16_t)error};

    driver->stats.refused_total++;
    ms_encoder_init(&encoder);
    goodbye.detail = ms_bytes_of(ms_error_text(error));
    if (ms_encoder_put(&encoder, 0, &goodbye) == MS_E_OK) {
        struct ms_bytes output = ms_encoder_flush(&encoder);

        (void)!send(fd, output.data, output.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    ms_encoder_finish(&encoder);
    close(fd);
}

/* No descriptor is left: the reserve is given up for a moment, so that the one who waits longest is
 * told instead of hanging; then nothing is accepted for a while. */
static void run_short(struct ms_listener *listener)
{
    struct ms_driver *driver = listener->driver;
    struct ev_loop *loop = driver->options.loop;
    int fd;

    if (driver->reserve >= 0) {
        close(driver->reserve);
        fd = accept4(listener->io.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            refuse(driver, fd, MS_E_TOO_MANY);
        }
        driver->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    ev_io_stop(loop, &listener->io);
    ev_timer_set(&listener->pause, (double)driver->tuning.accept_pause * 1e-6, 0.);
    ev_timer_start(loop, &listener->pause);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *pause, int revents)
{
    struct ms_listener *listener = pause->data;

    (void)revents;
    if (listener->driver->reserve < 0) {
        listener->driver->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    ev_io_start(loop, &listener->io);
}

static void take(struct ms_listener *listener, int fd)
{
    struct ms_driver *driver = listener->driver;
    struct ms_connection *connection = ms_connection_create(driver);
    int on = 1;

    if (connection == NULL) {
        refuse(driver, fd, MS_E_TOO_MANY);
        return;
    }
    if (!listener->is_unix) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    connection->is_apart = listener->is_apart;
    ms_connection_watch(connection, fd, 0);
    driver->stats.accepted_total++;
    ms_connection_opened(connection, 0);
}

static void on_accept(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ms_listener *listener = io->data;

    (void)loop, (void)revents;
    for (int i = 0; i < MS_DRIVER_ACCEPT_BATCH && ev_is_active(io); i++) {
        int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            take(listener, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            run_short(listener);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return; /* EAGAIN: all are in; the rest are troubles of connections not taken */
        }
    }
}

static void close_listener(struct ms_listener *listener)
{
    struct ev_loop *loop = listener->driver->options.loop;

    ev_io_stop(loop, &listener->io);
    ev_timer_stop(loop, &listener->pause);
    close(listener->io.fd);
    if (listener->is_unix) {
        unlink(((struct sockaddr_un *)&listener->endpoint.address)->sun_path);
    }
    ms_list_remove(&listener->link);
    free(listener);
}

void ms_listener_close_all(struct ms_driver *driver)
{
    ms_list_for_each(link, &driver->listeners)
    {
        close_listener(ms_container_of(link, struct ms_listener, link));
    }
}

/* True when the file is a socket that nobody answers on: what a killed process left behind. */
static bool is_stale(const struct ms_endpoint *endpoint)
{
    const struct sockaddr_un *name = (const struct sockaddr_un *)&endpoint->address;
    struct stat status;
    int fd, failed;

    if (lstat(name->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    failed = connect(fd, (const struct sockaddr *)name, endpoint->size);
    failed = failed != 0 && errno == ECONNREFUSED;
    close(fd);
    return failed;
}

static bool bind_to(int fd, const struct ms_endpoint *endpoint)
{
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;

    if (bind(fd, address, endpoint->size) == 0) {
        return true;
    }
    if (address->sa_family == AF_UNIX && errno == EADDRINUSE) {
        if (is_stale(endpoint)) {
            unlink(((const struct sockaddr_un *)address)->sun_path);
            return bind(fd, address, endpoint->size) == 0;
        }
        errno = EADDRINUSE;
    }
    return false;
}

/* A listening descriptor, or -1 with errno. A wildcard takes IPv4 on its IPv6 socket, too. */
static int open_socket(const struct ms_endpoint *endpoint, bool is_wildcard)
{
    int family = endpoint->address.ss_family;
    int on = 1, only = !is_wildcard, saved;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if (bind_to(fd, endpoint) && listen(fd, MS_DRIVER_BACKLOG) == 0) {
        return fd;
    }
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool add(struct ms_driver *driver, int fd, const struct ms_endpoint *endpoint, bool is_apart)
{
    struct ms_listener *listener = calloc(1, sizeof *listener);

    if (listener == NULL) {
        return false;
    }
    listener->driver = driver;
    listener->endpoint = *endpoint;
    listener->is_apart = is_apart;
    listener->is_unix = endpoint->address.ss_family == AF_UNIX;
    ev_timer_init(&listener->pause, on_pause_over, 0., 0.);
    listener->pause.data = listener;
    ev_io_init(&listener->io, on_accept, fd, EV_READ);
    listener->io.data = listener;
    ev_io_start(driver->options.loop, &listener->io);
    ms_list_init(&listener->link);
    ms_list_push_back(&driver->listeners, &listener->link);
    return true;
}

/* "*" is every interface: IPv6 with IPv4, or IPv4 alone where there is no IPv6. */
static bool find(const struct ms_address *address, bool is_wildcard, struct ms_endpoints *endpoints)
{
    struct ms_address any = *address;

    if (!is_wildcard) {
        return ms_endpoints_find(endpoints, address, false);
    }
    memcpy(any.host, "::", sizeof "::");
    if (!ms_endpoints_find(endpoints, &any, true)) {
        endpoints->count = 0;
    }
    struct ms_endpoints four;
    memcpy(any.host, "0.0.0.0", sizeof "0.0.0.0");
    if (ms_endpoints_find(&four, &any, true)) {
        endpoints->items[endpoints->count++] = four.items[0];
    }
    return endpoints->count > 0;
}

static bool listen_on(struct ms_driver *driver, const char *text, bool is_apart, char *bound_out,
                      struct ms_complaint *complaint)
{
    struct ms_address address;
    struct ms_endpoints endpoints;
    struct ms_endpoint bound = {.size = sizeof bound.address};
    struct ms_text out;
    bool is_wildcard;
    int fd = -1;

    if (!ms_address_parse(text, MS_ADDRESS_LISTEN, &address, complaint)) {
        return false;
    }
    is_wildcard = address.kind == MS_ADDRESS_TCP && strcmp(address.host, "*") == 0;
    if (!find(&address, is_wildcard, &endpoints)) {
        return ms_complain(complaint, "cannot listen on %s: no such host", text);
    }
    for (uint32_t i = 0; i < endpoints.count && fd < 0; i++) {
        fd = open_socket(&endpoints.items[i], is_wildcard);
    }
    if (fd < 0) {
        return complain(complaint, text, "bind");
    }
    if (getsockname(fd, (struct sockaddr *)&bound.address, &bound.size) != 0 ||
        !add(driver, fd, &bound, is_apart)) {
        complain(complaint, text, "listen");
        close(fd);
        return false;
    }
    ms_text_init(&out, bound_out, MS_ADDRESS_MAX + 1);
    ms_endpoint_print(&bound, &out);
    return true;
}

static bool explain(const struct ms_complaint *complaint, char *why_out, size_t why_size)
{
    snprintf(why_out, why_size, "%s", complaint->text);
    return false;
}

bool ms_driver_listen(struct ms_driver *driver, const char *address, char *bound_out, char *why_out,
                      size_t why_size)
{
    struct ms_complaint complaint;

    return listen_on(driver, address, false, bound_out, &complaint) ||
           explain(&complaint, why_out, why_size);
}

bool ms_driver_listen_apart(struct ms_driver *driver, const char *address, char *bound_out,
                            char *why_out, size_t why_size)
{
    struct ms_complaint complaint;

    return listen_on(driver, address, true, bound_out, &complaint) ||
           explain(&complaint, why_out, why_size);
}
