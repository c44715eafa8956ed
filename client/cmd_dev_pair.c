#include "client/cmd_dev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/cli_pair.h"
#include "core/decision.h"
#include "core/invariant.h"
#include "core/io/clock.h"

#define ANSWER_TIMEOUT (500 * MS_MSEC)
#define SETTLE_TIMEOUT                                                                             \
    (5 * MS_SEC) /* for the active to go on alone when the passive one has ended */
#define SETTLE_POLL_S 0.02

/* ---- addresses ---- */

/* A socket that has a port which nobody else has; it is closed when all have theirs. */
static int take_port(uint64_t *port_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        *port_out = ntohs(address.sin_port);
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static bool find_ports(uint64_t ports_out[MS_DEV_MASTERS_MAX])
{
    int fds[MS_DEV_MASTERS_MAX];
    size_t count = 0;

    while (count < MS_DEV_MASTERS_MAX && (fds[count] = take_port(&ports_out[count])) >= 0) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
    return count == MS_DEV_MASTERS_MAX;
}

bool ms_dev_choose_addresses(struct ms_dev *dev)
{
    uint64_t ports[MS_DEV_MASTERS_MAX] = {dev->settings->port, dev->settings->port + 1};
    struct ms_text text;

    ms_assert(dev->masters == MS_DEV_MASTERS_MAX);
    if (dev->settings->port == 0 && !find_ports(ports)) {
        ms_cli_say(&ms_dev_cli, "no free port: %s", strerror(errno));
        return false;
    }
    if (ports[1] > UINT16_MAX) {
        ms_cli_say(&ms_dev_cli,
                   "--port goes up to 65534 with --ha: the second master has the next");
        return false;
    }
    ms_text_init(&text, dev->address, sizeof dev->address);
    for (size_t i = 0; i < dev->masters; i++) {
        struct ms_dev_member *member = &dev->members[i];

        snprintf(member->address, sizeof member->address, "127.0.0.1:%" PRIu64, ports[i]);
        ms_text_add(&text, "%s%s", i > 0 ? "," : "", member->address);
    }
    return true;
}

/* ---- how it is ---- */

/* As many as so many slaves can be: an odd number. */
static uint64_t witnesses_of(uint64_t slaves)
{
    const uint64_t count = slaves < MS_WITNESSES_MAX ? slaves : MS_WITNESSES_MAX;

    return count > 0 && count % 2 == 0 ? count - 1 : count;
}

bool ms_dev_pair_is(const struct ms_dev *dev, enum ms_dev_stage stage)
{
    struct ms_cli_master *active;
    struct ms_cli_pair pair;
    bool is_so = false;

    if (ms_cli_pair_init(&pair, &ms_dev_cli, dev->address) == 0) {
        ms_cli_pair_ask(&pair, ANSWER_TIMEOUT);
        if (ms_cli_pair_serving(&pair, &active) == 1) {
            is_so =
                stage == MS_DEV_SERVES ||
                (strcmp(ms_cli_master_text(active, "state"), "PAIR") == 0 &&
                 ms_cli_master_number(active, "witnesses") >= witnesses_of(dev->settings->slaves));
        }
    }
    ms_cli_pair_finish(&pair);
    return is_so;
}

/* ---- ending ---- */

/* The passive masters, of which one that is paused is none; and whether somebody serves alone. */
static void look(const struct ms_dev *dev, bool is_active_out[MS_DEV_MASTERS_MAX],
                 bool *is_alone_out)
{
    struct ms_cli_pair pair;

    *is_alone_out = false;
    if (ms_cli_pair_init(&pair, &ms_dev_cli, dev->address) == 0) {
        ms_cli_pair_ask(&pair, ANSWER_TIMEOUT);
    }
    for (size_t i = 0; i < dev->masters; i++) {
        const struct ms_cli_master *master = &pair.masters[i];

        is_active_out[i] = strcmp(ms_cli_master_text(master, "role"), "active") == 0;
        *is_alone_out |= strcmp(ms_cli_master_text(master, "state"), "SOLO") == 0;
    }
    ms_cli_pair_finish(&pair);
}

static void settle_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_dev *dev = watcher->data;
    bool is_active[MS_DEV_MASTERS_MAX], is_alone;

    (void)revents;
    look(dev, is_active, &is_alone);
    if (!is_alone && dev->stops == 1 && ms_clock_now() < dev->settle_by) {
        return;
    }
    ev_timer_stop(loop, watcher);
    for (size_t i = 0; i < dev->masters; i++) {
        ms_dev_signal(&dev->members[i], SIGTERM);
    }
}

void ms_dev_stop_pair(struct ms_dev *dev)
{
    bool is_active[MS_DEV_MASTERS_MAX], is_alone;

    look(dev, is_active, &is_alone);
    for (size_t i = 0; i < dev->masters; i++) {
        ev_timer_stop(dev->loop, &dev->members[i].respawn);
        if (!is_active[i]) {
            ms_dev_signal(&dev->members[i], SIGTERM);
        }
    }
    dev->settle_by = ms_clock_now() + SETTLE_TIMEOUT;
    ev_timer_init(&dev->settler, settle_cb, 0.0, SETTLE_POLL_S);
    dev->settler.data = dev;
    ev_timer_start(dev->loop, &dev->settler);
}
