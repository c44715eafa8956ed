#include "master/service_calls.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"

static_assert(MS_SERVICE_REPLY_MAX == MS_SERVICE_RECORD_MAX, "handle writes either of them");

/* A call that is asked, for the first time or again. */
struct asked {
    ms_peer peer;
    const struct ms_uuid *client;
    uint64_t number, floor;
    struct ms_bytes what, payload;
    ms_time until;
    struct ms_call *waited; /* NULL: for the first time */
};

/* --- replies --- */

static void give(struct ms_services *services, struct ms_call *call)
{
    ms_list_remove(&call->link);
    if (ms_heap_has(&call->timer)) {
        ms_heap_remove(&services->timers, &call->timer);
    }
    services->bytes -= call->size;
    free(call->bytes);
    ms_pool_give(&services->calls, call);
}

/* NULL when there are too many. */
static struct ms_call *take(struct ms_services *services, const struct asked *asked, size_t size)
{
    struct ms_call *call = NULL;
    uint8_t *bytes;

    if (services->bytes + size > MS_CALLS_BYTES_MAX || (bytes = malloc(size + 1)) == NULL) {
        return NULL;
    }
    call = ms_pool_take(&services->calls);
    if (call == NULL) {
        free(bytes);
        return NULL;
    }
    ms_list_init(&call->link);
    call->peer = asked->peer;
    call->client = *asked->client;
    call->number = asked->number;
    call->floor = asked->floor;
    call->bytes = bytes;
    call->size = size;
    services->bytes += size;
    return call;
}

static void send(struct ms_master *master, const struct ms_call *call)
{
    const struct ms_bytes bytes = {call->bytes, call->size};

    ms_master_send(master, call->peer,
                   &(struct ms_command){
                       .kind = MS_KIND_CALL_REPLY,
                       .id = {call->client, call->number},
                       .error = call->error,
                       .delay = call->delay,
                       .detail = call->error != MS_E_OK ? bytes : (struct ms_bytes){0},
                       .payload = call->error == MS_E_OK ? bytes : (struct ms_bytes){0},
                   });
}

static ms_time delay_of(enum ms_error error)
{
    switch (error) {
    case MS_E_RETRY_LATER:
        return MS_CALL_RETRY_DELAY;
    case MS_E_STORE_FULL:
        return MS_STORE_FULL_DELAY;
    default:
        return 0;
    }
}

/* Says it when the record seq is durable. What there is no room for is asked again by the client, which finds the reply to a change kept. */
static void tell(struct ms_master *master, const struct asked *asked, ms_seq seq,
                 enum ms_error error, struct ms_bytes said)
{
    struct ms_services *services = &master->services;
    const size_t size =
        error != MS_E_OK && said.size > MS_DETAIL_MAX ? (size_t)MS_DETAIL_MAX : said.size;
    struct ms_call *call = take(services, asked, size);

    if (call == NULL) {
        ms_master_send(master, asked->peer,
                       &(struct ms_command){.kind = MS_KIND_CALL_REPLY,
                                            .id = {*asked->client, asked->number},
                                            .error = MS_E_RETRY_LATER,
                                            .delay = MS_CALL_RETRY_DELAY,
                                            .detail = ms_bytes_of("too many calls at a time")});
        return;
    }
    if (size > 0) {
        memcpy(call->bytes, said.data, size);
    }
    call->state = MS_CALL_ANSWERED;
    call->error = (uint16_t)error;
    call->delay = delay_of(error);
    ms_journal_answer(master, seq,
                      &(struct ms_answer){
                          .kind = MS_KIND_CALL_REPLY,
                          .peer = asked->peer,
                          .made_at = master->engine.now,
                          .first = ms_pool_handle(&services->calls, call),
                      });
}

static void refuse(struct ms_master *master, const struct asked *asked, enum ms_error error,
                   const char *why)
{
    tell(master, asked, 0, error, ms_bytes_of(why != NULL ? why : ms_error_text(error)));
}

void ms_services_say(struct ms_master *master, ms_handle handle)
{
    struct ms_services *services = &master->services;
    struct ms_call *call = ms_pool_get(&services->calls, handle);

    if (call == NULL) {
        return;
    }
    ms_assert(call->state == MS_CALL_ANSWERED);
    if (ms_connections_find(&master->connections, call->peer) == NULL) {
        give(services, call); /* it asks again on its next connection */
        return;
    }
    send(master, call);
    call->state = MS_CALL_SPENT;
    ms_list_push_back(&services->spent, &call->link);
}

void ms_services_tidy(struct ms_services *services)
{
    while (!ms_list_is_empty(&services->spent)) {
        give(services, ms_container_of(services->spent.next, struct ms_call, link));
    }
}

void ms_service_calls_finish(struct ms_services *services)
{
    struct ms_call *call;
    uint32_t cursor = 0;

    while (services->calls.chunks != NULL &&
           (call = ms_pool_next(&services->calls, &cursor)) != NULL) {
        give(services, call);
    }
}

/* --- what a call is for --- */

struct split {
    char company[MS_NAME_MAX + 1], service[MS_NAME_MAX + 1];
    char parameters[MS_DETAIL_MAX + 1];
};

static bool split(struct ms_bytes what, struct split *out)
{
    const char *text = (const char *)what.data;
    const char *end = text + what.size;
    const char *slash = memchr(text, '/', what.size);

    *out = (struct split){.company = ""};
    if (slash != NULL && slash + 1 < end && slash[1] == '/') {
        if (!ms_text_copy(out->company, sizeof out->company, text, (size_t)(slash - text))) {
            return false;
        }
        text = slash + 2;
        slash = memchr(text, '/', (size_t)(end - text));
    }
    const char *stop = slash != NULL ? slash : end;

    return ms_text_copy(out->service, sizeof out->service, text, (size_t)(stop - text)) &&
           (slash == NULL || ms_text_copy(out->parameters, sizeof out->parameters, slash + 1,
                                          (size_t)(end - slash - 1)));
}

/* The chain: the first one that says it is its own. */
static struct ms_service_unit *find(const struct ms_services *services,
                                    const struct ms_service_url *url)
{
    for (uint32_t i = 0; i < services->count; i++) {
        struct ms_service_unit *unit = services->units[i];
        const bool is_its_own = unit->service != NULL && unit->service->claims != NULL
                                    ? unit->service->claims(unit->name, url) != 0
                                    : strcmp(unit->name, url->service) == 0;

        if (is_its_own) {
            return unit;
        }
    }
    return NULL;
}

static void refuse_unknown(struct ms_master *master, const struct asked *asked,
                           const struct split *parts)
{
    char why[MS_DETAIL_MAX + 1];
    struct ms_text text;

    ms_text_init(&text, why, sizeof why);
    ms_text_add(&text, "no service is for '%s'; there %s", parts->service,
                master->services.count == 0 ? "is none here" : "are:");
    for (uint32_t i = 0; i < master->services.count; i++) {
        ms_text_add(&text, " %s", master->services.units[i]->name);
    }
    refuse(master, asked, MS_E_NOT_FOUND, why);
}

/* --- asking --- */

static void propose(struct ms_master *master, const struct asked *asked,
                    struct ms_service_unit *unit, struct ms_bytes change)
{
    struct ms_services *services = &master->services;
    const struct ms_record record = {
        .event = MS_CHANGE_CALL,
        .id = {*asked->client, asked->number},
        .count = asked->floor,
        .payload = change,
    };
    enum ms_error error = MS_E_OK;

    if (!services->may_write) {
        refuse(master, asked, MS_E_RETRY_LATER,
               "the other half runs a program that knows no services");
    } else if (!ms_service_clients_have_room(&unit->clients, asked->client, asked->floor)) {
        refuse(master, asked, MS_E_RETRY_LATER, "too many calls of one client at a time");
    } else if (ms_journal_is_behind(&master->journal)) {
        refuse(master, asked, MS_E_RETRY_LATER, "the disk is behind");
    } else if (!ms_services_change(master, unit, &record, &error)) {
        refuse(master, asked, error, NULL);
    } else {
        unit->refused_total += error != MS_E_OK ? 1 : 0;
        tell(master, asked, unit->last, error,
             services->reply.is_cut ? ms_bytes_of(ms_error_text(error))
                                    : ms_service_buffer_bytes(&services->reply));
    }
}

/* It is asked again when something has changed, or its time is over. */
static void keep_waiting(struct ms_master *master, const struct asked *asked,
                         struct ms_service_unit *unit)
{
    struct ms_services *services = &master->services;
    struct ms_call *call = asked->waited;

    if (call == NULL) {
        call = take(services, asked, asked->what.size + asked->payload.size);
        if (call == NULL || !ms_heap_push(&services->timers, &call->timer, asked->until)) {
            if (call != NULL) {
                give(services, call);
            }
            refuse(master, asked, MS_E_RETRY_LATER, "too many calls at a time");
            return;
        }
        memcpy(call->bytes, asked->what.data, asked->what.size);
        if (asked->payload.size > 0) {
            memcpy(call->bytes + asked->what.size, asked->payload.data, asked->payload.size);
        }
        call->head = asked->what.size;
        call->unit = unit;
        call->until = asked->until;
        call->state = MS_CALL_WAITING;
    }
    call->seen = unit->version;
    ms_list_push_back(&unit->waiters, &call->link);
}

static int handle(struct ms_master *master, const struct asked *asked, struct ms_service_unit *unit,
                  const struct ms_service_url *url)
{
    struct ms_service_buffer *written = &master->services.written;
    struct ms_service_writer *out =
        ms_service_buffer_begin(written, ms_services_record_max(master));
    const struct ms_service_call call = {
        .abi = MS_SERVICE_ABI,
        .size = sizeof call,
        .url = url,
        .payload = asked->payload.size > 0 ? (const void *)asked->payload.data : "",
        .payload_size = asked->payload.size,
        .client = asked->client->bytes,
        .number = asked->number,
        .wall_us = ms_master_wall(master),
        .is_last = asked->until <= master->engine.now,
    };

    if (unit->service->handle != NULL) {
        return unit->service->handle(unit->data, &call, out);
    }
    ms_service_buffer_add(written, asked->payload.data, asked->payload.size);
    return MS_SERVICE_PROPOSE;
}

static void ask_unit(struct ms_master *master, const struct asked *asked,
                     struct ms_service_unit *unit, const struct ms_service_url *url)
{
    const struct ms_service_buffer *written = &master->services.written;
    const int verdict = handle(master, asked, unit, url);

    if (written->is_cut) {
        refuse(master, asked, verdict == MS_SERVICE_PROPOSE ? MS_E_PAYLOAD_SIZE : MS_E_RESULT_SIZE,
               NULL);
    } else if (verdict == MS_SERVICE_PROPOSE) {
        propose(master, asked, unit, ms_service_buffer_bytes(written));
    } else if (verdict == MS_SERVICE_WAIT && asked->until > master->engine.now) {
        keep_waiting(master, asked, unit);
    } else if (verdict == MS_SERVICE_WAIT) {
        refuse(master, asked, MS_E_TIMEOUT, "nothing has come in that time");
    } else {
        unit->refused_total += verdict != MS_SERVICE_REPLY ? 1 : 0;
        tell(master, asked, unit->last, ms_service_error_of(verdict),
             ms_service_buffer_bytes(written));
    }
}

/* Carried out before, by this master or the one before it. True: it was, and is answered. */
static bool answer_again(struct ms_master *master, const struct asked *asked,
                         const struct ms_service_unit *unit)
{
    const struct ms_service_reply *reply = NULL;

    switch (ms_service_clients_find(&unit->clients, asked->client, asked->number, &reply)) {
    case MS_CALL_KNOWN:
        tell(master, asked, unit->last, (enum ms_error)reply->error,
             reply->error != MS_E_OK && reply->size == 0
                 ? ms_bytes_of(ms_error_text((enum ms_error)reply->error))
                 : (struct ms_bytes){reply->bytes, reply->size});
        return true;
    case MS_CALL_CLOSED:
        refuse(master, asked, MS_E_CLOSED_ID, "its client said that this call is answered");
        return true;
    case MS_CALL_NEW:
        break;
    }
    return false;
}

static void ask(struct ms_master *master, const struct asked *asked)
{
    const struct ms_services *services = &master->services;
    struct split parts;
    const bool is_split = split(asked->what, &parts);
    const struct ms_service_url url = {MS_SERVICE_ABI, sizeof url, parts.company, parts.service,
                                       parts.parameters};
    struct ms_service_unit *unit = is_split ? find(services, &url) : NULL;

    if (!is_split) {
        refuse(master, asked, MS_E_BAD_ARGUMENT, "a call is for SERVICE/PARAMETERS");
    } else if (unit == NULL) {
        refuse_unknown(master, asked, &parts);
    } else if (unit->state == MS_UNIT_ABSENT) {
        refuse(master, asked, MS_E_NOT_FOUND, "this service is not loaded at this master");
    } else if (services->phase != MS_SERVICES_ON) {
        refuse(master, asked, MS_E_RETRY_LATER, "services have not begun here");
    } else if (unit->state == MS_UNIT_BROKEN) {
        refuse(master, asked, MS_E_INTERNAL, unit->why.text);
    } else if (!answer_again(master, asked, unit)) {
        unit->calls_total += asked->waited == NULL ? 1 : 0;
        ask_unit(master, asked, unit, &url);
    }
}

void ms_services_call(struct ms_master *master, struct ms_client *client,
                      const struct ms_command *command)
{
    const ms_time now = master->engine.now;
    const ms_time wait = command->timeout < MS_CALL_WAIT_MAX ? command->timeout : MS_CALL_WAIT_MAX;

    ms_assert(command->kind == MS_KIND_CALL && command->detail.size > 0);
    ask(master, &(struct asked){
                    .peer = client->session->peer,
                    .client = &client->uuid,
                    .number = command->id.seq,
                    .floor = command->count,
                    .what = command->detail,
                    .payload = command->payload,
                    .until = now + wait,
                });
}

/* --- asking again --- */

/* True when it waits on. */
static void ask_again(struct ms_master *master, struct ms_call *call)
{
    struct ms_services *services = &master->services;

    ms_list_remove(&call->link);
    if (ms_connections_find(&master->connections, call->peer) != NULL) {
        ask(master, &(struct asked){
                        .peer = call->peer,
                        .client = &call->client,
                        .number = call->number,
                        .floor = call->floor,
                        .what = {call->bytes, call->head},
                        .payload = {call->bytes + call->head, call->size - call->head},
                        .until = call->until,
                        .waited = call,
                    });
    }
    if (!ms_list_is_linked(&call->link)) {
        give(services, call);
    }
}

static struct ms_call *first_behind(const struct ms_service_unit *unit)
{
    struct ms_list *link = ms_list_first(&unit->waiters);
    struct ms_call *call = link != NULL ? ms_container_of(link, struct ms_call, link) : NULL;

    return call != NULL && call->seen < unit->version ? call : NULL;
}

void ms_service_calls_run(struct ms_master *master, ms_time now)
{
    struct ms_services *services = &master->services;
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_call *call;

    while (ms_heap_min(&services->timers) <= now && burst > 0 &&
           ms_engine_room(&master->engine) > MS_DISPATCH_BURST) {
        ask_again(master, ms_container_of(ms_heap_peek(&services->timers), struct ms_call, timer));
        burst--;
    }
    for (uint32_t i = 0; i < services->count; i++) {
        while (burst > 0 && ms_engine_room(&master->engine) > MS_DISPATCH_BURST &&
               (call = first_behind(services->units[i])) != NULL) {
            ask_again(master, call);
            burst--;
        }
    }
}

bool ms_service_calls_are_due(const struct ms_services *services)
{
    for (uint32_t i = 0; i < services->count; i++) {
        if (first_behind(services->units[i]) != NULL) {
            return true;
        }
    }
    return false;
}
