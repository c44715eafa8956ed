#include "client/client.h"

#include "client/client_private.h"
#include "core/text.h"

/* Effects of one step: what the upstream may emit, what answers one event, and the two bursts. */
#define SEND_BURST MS_CLIENT_SEND_BURST
#define TELL_BURST MS_DISPATCH_BURST

static_assert(2 * SEND_BURST + TELL_BURST + 2 * MS_CLIENT_QUERIES_MAX + 32 < MS_EFFECTS_MAX,
              "a step of the client fits the effect queue");
static_assert(MS_CLIENT_WINDOW_MIN <= MS_CLIENT_WINDOW_DEFAULT &&
                  2 * MS_CLIENT_WINDOW_DEFAULT <= MS_OUTSTANDING_MAX,
              "the default window is legal");

static struct ms_client_engine *engine_of(struct ms_engine *base)
{
    return ms_container_of(base, struct ms_client_engine, base);
}

void ms_client_engine_deliver(struct ms_client_engine *engine, uint64_t cookie,
                              enum ms_client_note note, const struct ms_command *command)
{
    struct ms_effect effect;

    /* Field by field: this is the hot path, and the rest of an effect means nothing to DELIVER. */
    effect.type = MS_EFFECT_DELIVER;
    effect.tag = note;
    effect.peer = MS_PEER_NONE;
    effect.epoch = 0;
    effect.seq = cookie;
    effect.count = 0;
    effect.error = (enum ms_error)command->error;
    effect.text = NULL;
    effect.command = *command;
    effect.command.id.client = engine->client;
    ms_engine_emit(&engine->base, &effect);
}

void ms_client_engine_note(struct ms_client_engine *engine, enum ms_client_note note,
                           enum ms_error error)
{
    ms_assert(note != MS_CLIENT_NOTE_NONE);
    ms_client_engine_deliver(
        engine, 0, note,
        &(struct ms_command){
            .kind = MS_KIND_NONE,
            .error = (uint16_t)error,
            .count = note == MS_CLIENT_NOTE_UP ? engine->upstream.welcome.session : 0,
        });
}

void ms_client_engine_close(struct ms_client_engine *engine, struct ms_request *request)
{
    if (request->is_cancelled) {
        ms_assert(engine->cancels_count > 0);
        engine->cancels_count--;
    }
    if (engine->sending == request) {
        engine->sending = NULL;
    }
    ms_requests_close(&engine->requests, request);
}

/* What was sent is to be sent again. */
static void take_back(struct ms_client_engine *engine)
{
    ms_requests_lost(&engine->requests);
    engine->sending = NULL;
    engine->parts_beat = 0;
    engine->parts_beat_due = 0;
    engine->later = MS_E_OK;
    engine->queries_unsent = 0;
    ms_client_calls_lost(&engine->calls);
    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        engine->queries[i].is_sent = false;
        engine->queries_unsent += engine->queries[i].number != 0 ? 1 : 0;
    }
}

void ms_client_engine_lost(struct ms_client_engine *engine, enum ms_error error)
{
    engine->counters.lost_total++;
    engine->counters.resent_total += engine->requests.sent_count;
    engine->allowed = engine->window;
    take_back(engine);
    ms_client_engine_note(engine, MS_CLIENT_NOTE_LOST, error);
}

static void welcomed(struct ms_client_engine *engine)
{
    ms_assert(engine->requests.sent_count == 0);
    if (!engine->upstream.welcome.resumed) {
        engine->life++;
    }
    engine->is_away = false;
    engine->allowed = engine->window;
    ms_client_engine_note(engine, MS_CLIENT_NOTE_UP, MS_E_OK);
}

static void tell_accepted(struct ms_client_engine *engine)
{
    for (uint32_t i = 0; i < TELL_BURST; i++) {
        struct ms_request *request = ms_requests_confirmed(&engine->requests);

        if (request == NULL) {
            return;
        }
        ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE,
                                 &(struct ms_command){
                                     .kind = MS_KIND_SUBMIT_ACK,
                                     .id.seq = request->seq,
                                     .durability = request->durability,
                                     .copies = request->copies,
                                     .count = 1,
                                 });
        if ((request->flags & MS_FLAG_BACKGROUND) != 0) {
            ms_client_engine_close(engine, request);
        } else {
            request->is_quiet = true; /* told once, however often it is sent again */
            ms_requests_told(&engine->requests, request);
        }
    }
}

static struct ms_client_asked *next_query(struct ms_client_engine *engine)
{
    struct ms_client_asked *next = NULL;

    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        struct ms_client_asked *query = &engine->queries[i];

        if (query->number != 0 && !query->is_sent &&
            (next == NULL || query->number < next->number)) {
            next = query;
        }
    }
    return next;
}

/* Older masters take no filters and no orders of slaves, and have no services: the first would be passed over, the others end the
 * connection. */
static bool is_understood(const struct ms_client_engine *engine, const struct ms_query *query)
{
    const bool is_of_slaves = query->what == MS_QUERY_COMMAND_SLAVES ||
                              (query->what == MS_QUERY_SLAVES && query->where[0] != '\0');

    const uint64_t wanted = query->what == MS_QUERY_SERVICES ? MS_FEATURE_CALLS
                            : is_of_slaves                   ? MS_FEATURE_ADJUST
                                                             : 0;

    return (engine->upstream.welcome.features & wanted) == wanted;
}

static void refuse_query(struct ms_client_engine *engine, struct ms_client_asked *query)
{
    static const struct ms_report unknown = {.error = MS_E_FRAME_KIND, .last = true};

    query->number = 0;
    ms_client_engine_deliver(engine, query->cookie, MS_CLIENT_NOTE_NONE,
                             &(struct ms_command){.kind = MS_KIND_REPORT,
                                                  .error = MS_E_FRAME_KIND,
                                                  .body.report = &unknown});
}

static void send_queries(struct ms_client_engine *engine)
{
    while (engine->queries_unsent > 0) {
        struct ms_client_asked *query = next_query(engine);

        ms_assert(query != NULL);
        if (query->has_rows) {
            ms_client_engine_deliver(engine, query->cookie, MS_CLIENT_NOTE_RESET,
                                     &(struct ms_command){.kind = MS_KIND_REPORT});
            query->has_rows = false;
        }
        engine->queries_unsent--;
        if (!is_understood(engine, &query->query)) {
            refuse_query(engine, query);
            continue;
        }
        query->is_sent = true;
        ms_upstream_send(&engine->upstream, &(struct ms_command){
                                                .kind = MS_KIND_QUERY,
                                                .count = query->number,
                                                .body.query = &query->query,
                                            });
    }
}

/* A quarter free before the word is given, so that it is not given for every single place. */
static void tell_room(struct ms_client_engine *engine)
{
    const struct ms_requests *requests = &engine->requests;
    const uint64_t count = ms_requests_count(requests);

    if (!engine->was_refused || engine->stops > 0) {
        return;
    }
    if (count <= ms_pool_capacity(&requests->pool) / 4 * 3 &&
        engine->refused_count <= ms_pool_free(&requests->pool) &&
        engine->refused_bytes <= requests->slab.max - ms_requests_bytes(requests)) {
        engine->was_refused = false;
        ms_client_engine_note(engine, MS_CLIENT_NOTE_ROOM, MS_E_OK);
    }
}

static void stop_when_done(struct ms_client_engine *engine)
{
    const uint32_t left = ms_client_engine_outstanding(engine);

    if (engine->is_stopped || engine->stops == 0 || (engine->stops == 1 && left > 0)) {
        return;
    }
    ms_upstream_stop(&engine->upstream);
    take_back(engine);
    engine->is_stopped = true;
    ms_engine_emit(&engine->base, &(struct ms_effect){
                                      .type = MS_EFFECT_STOPPED,
                                      .error = left > 0 ? MS_E_CANCELLED : MS_E_OK,
                                      .count = left,
                                  });
}

static void step(struct ms_engine *base, ms_time now, const struct ms_event *event)
{
    struct ms_client_engine *engine = engine_of(base);

    if (!engine->is_started) {
        engine->is_started = true;
        ms_upstream_start(&engine->upstream, now);
    }
    engine->upstream.hello.floor = ms_requests_floor(&engine->requests);
    if (engine->array_closed.size > 0) {
        ms_client_engine_drop_closed(engine);
    }
    switch (ms_upstream_step(&engine->upstream, now, event)) {
    case MS_UPSTREAM_NOTHING:
        break;
    case MS_UPSTREAM_RECEIVED:
        ms_client_engine_hear(engine, now, event->command);
        break;
    case MS_UPSTREAM_WELCOMED:
        welcomed(engine);
        break;
    case MS_UPSTREAM_MOVED:
        ms_client_engine_lost(engine, MS_E_TIMEOUT);
        welcomed(engine);
        break;
    case MS_UPSTREAM_LOST:
        ms_client_engine_lost(engine, engine->upstream.last_error);
        break;
    case MS_UPSTREAM_REFUSED:
        ms_client_engine_note(engine, MS_CLIENT_NOTE_REFUSED, engine->upstream.last_error);
        break;
    }
    if (event->type == MS_EVENT_REQUEST) {
        ms_client_engine_ask(engine, event);
    } else if (event->type == MS_EVENT_STOP && engine->stops < 2) {
        engine->stops++;
    }
    tell_accepted(engine);
    ms_requests_resume(&engine->requests, now, SEND_BURST);
    ms_client_engine_send_waiting(engine, now);
    if (ms_upstream_is_up(&engine->upstream)) {
        send_queries(engine);
    }
    ms_client_calls_send(engine, now);
    tell_room(engine);
    stop_when_done(engine);
}

static ms_time deadline(const struct ms_engine *base)
{
    const struct ms_client_engine *engine =
        ms_container_of((struct ms_engine *)(uintptr_t)base, struct ms_client_engine, base);

    if (!engine->is_started) {
        return 0;
    }
    if (ms_client_engine_can_send(engine) || ms_requests_confirmed(&engine->requests) != NULL) {
        return engine->base.now;
    }
    const ms_time upstream = ms_upstream_deadline(&engine->upstream);
    const ms_time calls = ms_upstream_is_up(&engine->upstream)
                              ? ms_client_calls_deadline(&engine->calls)
                              : MS_TIME_NEVER;
    const ms_time delayed =
        engine->is_stopped ? MS_TIME_NEVER : ms_heap_min(&engine->requests.delayed);
    const ms_time resume = calls < delayed ? calls : delayed;

    return upstream < resume ? upstream : resume;
}

static bool is_config_fit(const struct ms_client_config *config)
{
    return config->addresses != NULL && !ms_uuid_is_zero(&config->client) &&
           config->window <= MS_OUTSTANDING_MAX && config->kept_max <= MS_OUTSTANDING_MAX;
}

bool ms_client_engine_init(struct ms_client_engine *engine, const struct ms_client_config *config)
{
    static const struct ms_engine_ops ops = {"client", step, deadline};
    const uint32_t window_max = config->window == 0 ? MS_CLIENT_WINDOW_DEFAULT : config->window;
    const uint32_t twice =
        window_max > MS_OUTSTANDING_MAX / 2 ? MS_OUTSTANDING_MAX : 2 * window_max;
    const uint64_t seq_first = config->seq_first == 0 ? 1 : config->seq_first;

    ms_assert(is_config_fit(config));
    *engine = (struct ms_client_engine){
        .client = config->client,
        .is_lasting = config->is_lasting,
        .window = window_max,
        .allowed = window_max,
    };
    if (!ms_engine_init(&engine->base, &ops)) {
        return false;
    }
    if (!ms_requests_init(
            &engine->requests,
            &(struct ms_requests_config){
                .count_max = config->kept_max == 0 ? twice : config->kept_max,
                .bytes_max = config->bytes_max == 0 ? MS_CLIENT_BYTES_DEFAULT : config->bytes_max,
                .seq_first = seq_first,
                .floor = config->floor,
                .seed = config->seed,
            })) {
        ms_engine_finish(&engine->base);
        return false;
    }
    ms_client_calls_init(&engine->calls, config->calls_before);
    ms_rng_init(&engine->rng, config->seed);
    ms_upstream_init(&engine->upstream, &engine->base, &engine->rng, config->addresses);
    engine->upstream.is_parking = true;
    engine->upstream.hello.role = MS_ROLE_CLIENT;
    engine->upstream.hello.node = config->client;
    if (config->name != NULL) {
        ms_text_copy(engine->upstream.hello.name, sizeof engine->upstream.hello.name, config->name,
                     strlen(config->name));
    }
    if (config->build != NULL) {
        ms_text_copy(engine->upstream.hello.build, sizeof engine->upstream.hello.build,
                     config->build, strlen(config->build));
    }
    return true;
}

void ms_client_engine_finish(struct ms_client_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    ms_client_engine_drop_closed(engine);
    ms_client_calls_finish(&engine->calls);
    ms_requests_finish(&engine->requests);
    ms_engine_finish(&engine->base);
}

uint32_t ms_client_engine_outstanding(const struct ms_client_engine *engine)
{
    uint32_t count = ms_requests_count(&engine->requests) + engine->calls.count;

    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        count += engine->queries[i].number != 0 ? 1 : 0;
    }
    return count;
}

void ms_client_engine_check(const struct ms_client_engine *engine)
{
    uint64_t cancels = 0;

    ms_requests_check(&engine->requests);
    ms_list_for_each(link, &engine->requests.all)
    {
        const struct ms_request *request = ms_container_of(link, struct ms_request, all);

        cancels += request->is_cancelled ? 1 : 0;
        ms_assert(!request->is_cancelled || request->sent_at != MS_TIME_NEVER ||
                  engine->is_lasting || ms_request_is_in_array(request));
    }
    ms_assert(cancels == engine->cancels_count);
    ms_assert(engine->sending == NULL ||
              ms_request_state(&engine->requests, engine->sending) == MS_REQUEST_SENT);
    ms_assert(engine->allowed >= 1 && engine->allowed <= engine->window);
    ms_assert(ms_upstream_is_up(&engine->upstream) || engine->requests.sent_count == 0);
    ms_assert(engine->requests.sent_count <= engine->window ||
              ms_map_count(&engine->requests.arrays) > 0); /* an array goes as a whole */
    ms_assert(engine->stops <= 2 && (!engine->is_stopped || engine->stops > 0));
    uint32_t unsent = 0;

    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        const struct ms_client_asked *query = &engine->queries[i];

        ms_assert(query->number <= engine->query_number);
        ms_assert(!query->is_sent || ms_upstream_is_up(&engine->upstream) || query->number == 0);
        unsent += query->number != 0 && !query->is_sent ? 1 : 0;
    }
    ms_assert(unsent == engine->queries_unsent);
}
