#include "core/io/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/link.h"
#include "core/io/process.h"
#include "core/io/workers.h"

/* One thread beside the loop's is all it needs; the pool is the same as in a slave. */
struct host {
    struct ev_loop *loop;
    struct ms_plugins *plugins;
    struct ms_link link;
    struct ms_decoder *decoder;
    struct ms_executor *executor;
    ev_io readable;
    bool is_busy; /* a job is in hand */
};

/* The link blocks: while the slave is slow, output waits with its writer. */
static void send_command(struct host *host, const struct ms_command *command)
{
    if (!ms_link_send(&host->link, command) || ms_link_flush(&host->link) != MS_LINK_OK) {
        ev_break(host->loop, EVBREAK_ALL);
    }
}

static void report(void *context, const struct ms_event *event)
{
    struct host *host = context;
    struct ms_command command = *event->command;

    ms_assert(host->is_busy);
    command.kind = MS_KIND_OUTPUT;
    if (event->type == MS_EVENT_FINISHED) {
        command.kind = MS_KIND_RESULT;
        host->is_busy = false;
    }
    send_command(host, &command);
}

static bool take(void *context, const struct ms_command *command)
{
    struct host *host = context;

    if (command->kind == MS_KIND_REVOKE) {
        host->executor->ops->abort(host->executor, command->token);
        return true;
    }
    if (command->kind == MS_KIND_FOLLOW) {
        host->executor->ops->follow(host->executor, command->token);
        return true;
    }
    if (command->kind != MS_KIND_COMMAND || host->is_busy ||
        ms_plugins_find(host->plugins, command->type) == NULL) {
        return false;
    }
    host->is_busy = true;
    host->executor->ops->submit(host->executor, command);
    return true;
}

static void readable_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    struct host *host = watcher->data;
    const enum ms_link_state state = ms_link_receive(&host->link, host->decoder, take, host);

    (void)revents;
    if (state == MS_LINK_ENDED || state == MS_LINK_BROKEN) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static int complain(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return EX_SOFTWARE;
}

static int serve(struct host *host)
{
    struct ms_complaint complaint;

    if (!ms_plugins_start(host->plugins, ms_workers_host(host->executor), &complaint)) {
        return complain(complaint.text);
    }
    ev_io_init(&host->readable, readable_cb, host->link.fd, EV_READ);
    host->readable.data = host;
    ev_io_start(host->loop, &host->readable);
    send_command(host, &(struct ms_command){.kind = MS_KIND_BEAT});
    ev_run(host->loop, 0);
    ev_io_stop(host->loop, &host->readable);
    return EX_OK;
}

int ms_host_serve(const struct ms_host_settings *settings)
{
    /* Not the default loop, which reaps every child: those of handlers are theirs. */
    static struct host host;

    host = (struct host){.loop = ev_loop_new(EVFLAG_AUTO), .plugins = settings->plugins};
    if (fcntl(MS_PROCESS_LINK_FD, F_SETFD, FD_CLOEXEC) != 0) {
        return complain("this is for muster-slave to start");
    }
    ms_link_init(&host.link, MS_PROCESS_LINK_FD, MS_PAYLOAD_MAX_CEILING);
    host.decoder = ms_decoder_create();
    if (host.loop == NULL || host.decoder == NULL) {
        return complain("out of memory");
    }
    host.executor = ms_workers_create(&(struct ms_workers_options){
        .size = sizeof(struct ms_workers_options),
        .loop = host.loop,
        .plugins = settings->plugins,
        .slots = 1,
        .slave = settings->slave,
        .report = report,
        .context = &host,
    });
    if (host.executor == NULL) {
        return complain("out of memory");
    }
    const int exit_code = serve(&host);

    if (!host.executor->ops->destroy(host.executor)) {
        _exit(EX_SOFTWARE); /* a handler that does not listen ends with its process */
    }
    if (exit_code != EX_OK) {
        return exit_code; /* the end of the link must not come before that of the process */
    }
    ms_plugins_stop(settings->plugins);
    ms_decoder_destroy(host.decoder);
    ms_link_finish(&host.link);
    ev_loop_destroy(host.loop);
    return exit_code;
}
