#include "client/client_private.h"

size_t ms_client_engine_payload_max(const struct ms_client_engine *engine)
{
    const uint64_t told = engine->upstream.welcome.payload_max;
    const bool has_parts = (engine->upstream.welcome.features & MS_FEATURE_PARTS) != 0;

    if (has_parts || engine->upstream.welcome.version == 0) {
        return SIZE_MAX; /* the next master may take it */
    }
    return told > 0 && told < MS_PAYLOAD_MAX_CEILING ? (size_t)told : MS_PAYLOAD_MAX_CEILING;
}

/* What the wire can say. */
static bool is_time(int64_t time)
{
    return time >= 0 && time <= MS_DURATION_MAX;
}

static bool are_terms_fit(const struct ms_terms *terms)
{
    return terms == NULL ||
           (terms->priority >= MS_PRIORITY_MIN && terms->priority <= MS_PRIORITY_MAX &&
            terms->unique_mode < MS_UNIQUE_COUNT && terms->array_count <= MS_ARRAY_MAX &&
            terms->unique.size <= MS_UNIQUE_KEY_MAX && terms->group.size <= MS_NAME_MAX &&
            terms->key.size <= MS_KEY_MAX && terms->where.size <= MS_WHERE_MAX &&
            (terms->unique_mode == MS_UNIQUE_NONE) == (terms->unique.size == 0) &&
            (terms->unique.size == 0 || terms->array_count == 0) && is_time(terms->run_at) &&
            is_time(terms->deadline) && terms->parts_size == 0);
}

static bool is_fit(const struct ms_command *submit)
{
    return submit->type >= MS_TYPE_USER_MIN && submit->attempts_max > 0 &&
           submit->attempts_max <= MS_ATTEMPTS_MAX && is_time(submit->timeout) &&
           is_time(submit->delay) && submit->durability < MS_DURABILITY_COUNT &&
           are_terms_fit(submit->terms);
}

static void set_cookies(struct ms_client_engine *engine, struct ms_request *first, uint64_t cookie,
                        bool is_quiet)
{
    const bool is_background = (first->flags & MS_FLAG_BACKGROUND) != 0;
    const uint32_t count = ms_request_is_in_array(first) ? first->terms->terms.array_count : 1;

    first->cookie = cookie;
    first->is_quiet = is_quiet && !is_background;
    for (uint32_t i = 1; i < count; i++) {
        struct ms_request *request = ms_requests_find(&engine->requests, first->seq + i);

        ms_assert(request != NULL);
        request->cookie = cookie + i;
        request->is_quiet = !is_background; /* an array is accepted once */
    }
    engine->counters.submitted_total += count;
}

enum ms_error ms_client_engine_submit(struct ms_client_engine *engine,
                                      const struct ms_command *submit, uint64_t cookie,
                                      bool is_quiet, uint64_t *seq_out)
{
    struct ms_request *request;

    ms_assert(submit->kind == MS_KIND_SUBMIT);
    if (engine->stops > 0) {
        return MS_E_DRAINING;
    }
    if (!is_fit(submit)) {
        return MS_E_BAD_ARGUMENT;
    }
    if (submit->payload.size > ms_client_engine_payload_max(engine)) {
        return MS_E_PAYLOAD_SIZE;
    }
    const enum ms_error error = ms_requests_add(&engine->requests, submit, &request);

    if (error != MS_E_OK) {
        engine->was_refused = error == MS_E_RETRY_LATER;
        engine->refused_bytes = ms_slab_cost(submit->payload.size);
        engine->refused_count = submit->terms != NULL ? submit->terms->array_count : 0;
        return error;
    }
    set_cookies(engine, request, cookie, is_quiet);
    *seq_out = request->seq;
    return MS_E_OK;
}

void ms_client_engine_set_cookie(struct ms_client_engine *engine, uint64_t seq, uint64_t cookie)
{
    struct ms_request *request = ms_requests_find(&engine->requests, seq);

    ms_assert(request != NULL);
    request->cookie = cookie;
}

static void ask_submit(struct ms_client_engine *engine, const struct ms_event *event)
{
    uint64_t seq = 0;
    const enum ms_error error = ms_client_engine_submit(engine, event->command, event->seq,
                                                        (event->tag & MS_CLIENT_QUIET) != 0, &seq);

    if (error != MS_E_OK) {
        engine->counters.refused_total++;
        ms_client_engine_deliver(engine, event->seq, MS_CLIENT_NOTE_NONE,
                                 &(struct ms_command){
                                     .kind = MS_KIND_SUBMIT_NAK,
                                     .error = (uint16_t)error,
                                     .detail = ms_bytes_of(ms_error_text(error)),
                                 });
    }
}

static void deliver_cancel_ack(struct ms_client_engine *engine, uint64_t cookie, uint64_t seq,
                               enum ms_error error)
{
    ms_client_engine_deliver(engine, cookie, MS_CLIENT_NOTE_NONE,
                             &(struct ms_command){
                                 .kind = MS_KIND_CANCEL_ACK,
                                 .id.seq = seq,
                                 .error = (uint16_t)error,
                             });
}

/* No master holds it, so there is nobody to ask: it ends here. */
void ms_client_engine_cancel_here(struct ms_client_engine *engine, struct ms_request *request)
{
    if (!request->is_cancel_told) {
        deliver_cancel_ack(engine, request->cookie, request->seq, MS_E_OK);
    }
    ms_client_engine_deliver(
        engine, request->cookie, MS_CLIENT_NOTE_NONE,
        &(struct ms_command){
            .kind = MS_KIND_OUTCOME,
            .id.seq = request->seq,
            .status = MS_STATUS_CANCELLED,
            .detail = ms_bytes_of(request->is_cancel_told ? "cancelled"
                                                          : "cancelled before a master had it"),
        });
    engine->counters.outcomes_total++;
    ms_client_engine_close(engine, request);
}

void ms_client_engine_send_cancel(struct ms_client_engine *engine, const struct ms_request *request)
{
    ms_assert(request->is_cancelled);
    ms_upstream_send(&engine->upstream, &(struct ms_command){
                                            .kind = MS_KIND_CANCEL,
                                            .id = {engine->client, request->seq},
                                        });
}

/* True when no master has it. One that was not sent yet may still have been submitted by an earlier run of the
 * program; a master that has put it off has just said that it does not know it. But of two masters one may have taken it
 * without an answer, or with one, and hand it over to the other one later: then the CANCEL waits until it is known there. */
static bool is_unknown(const struct ms_client_engine *engine, const struct ms_request *request,
                       enum ms_request_state state)
{
    return (state == MS_REQUEST_DELAYED && !ms_client_engine_may_be_elsewhere(engine, request)) ||
           (request->sent_at == MS_TIME_NEVER && !engine->is_lasting);
}

static void ask_cancel(struct ms_client_engine *engine, const struct ms_event *event)
{
    const uint64_t seq = event->command->id.seq;
    struct ms_request *request = ms_requests_find(&engine->requests, seq);

    if (request == NULL) {
        deliver_cancel_ack(engine, event->seq, seq, MS_E_NOT_FOUND);
        return;
    }
    if (request->is_cancelled) {
        if (request->is_cancel_told) {
            deliver_cancel_ack(engine, event->seq, seq, MS_E_OK);
        }
        return; /* the answer to the first one will do */
    }
    const enum ms_request_state state = ms_request_state(&engine->requests, request);

    /* A member of an array does not end here, for the others bring it to the master with them. */
    if (ms_request_is_in_array(request)) {
        request->is_cancelled = true;
        engine->cancels_count++;
        if (request->terms->turn == engine->requests.turn && state == MS_REQUEST_SENT &&
            engine->sending != request) {
            ms_client_engine_send_cancel(engine, request);
        }
        return;
    }
    if (is_unknown(engine, request, state)) {
        ms_client_engine_cancel_here(engine, request);
        return;
    }
    request->is_cancelled = true;
    engine->cancels_count++;
    /* While its payload is on its way the master knows nothing of it; then the CANCEL follows its SUBMIT. */
    if (state != MS_REQUEST_WAITING && state != MS_REQUEST_DELAYED && engine->sending != request) {
        ms_client_engine_send_cancel(engine, request);
    }
}

static void deliver_query_failed(struct ms_client_engine *engine, uint64_t cookie,
                                 enum ms_error error)
{
    static const struct ms_report full = {.error = MS_E_RETRY_LATER, .last = true};
    static const struct ms_report draining = {.error = MS_E_DRAINING, .last = true};

    ms_assert(error == full.error || error == draining.error);
    ms_client_engine_deliver(engine, cookie, MS_CLIENT_NOTE_NONE,
                             &(struct ms_command){
                                 .kind = MS_KIND_REPORT,
                                 .error = (uint16_t)error,
                                 .body.report = error == full.error ? &full : &draining,
                             });
}

static void ask_query(struct ms_client_engine *engine, const struct ms_event *event)
{
    ms_assert(event->command->body.query != NULL);
    if (engine->stops > 0) {
        deliver_query_failed(engine, event->seq, MS_E_DRAINING);
        return;
    }
    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        struct ms_client_asked *query = &engine->queries[i];

        if (query->number == 0) {
            engine->query_number++;
            engine->queries_unsent++;
            *query = (struct ms_client_asked){
                .number = engine->query_number,
                .cookie = event->seq,
                .query = *event->command->body.query,
            };
            return;
        }
    }
    deliver_query_failed(engine, event->seq, MS_E_RETRY_LATER);
}

static void ask_call(struct ms_client_engine *engine, const struct ms_event *event)
{
    const enum ms_error error =
        engine->stops > 0 ? MS_E_DRAINING
                          : ms_client_calls_add(&engine->calls, event->command, event->seq);

    if (error != MS_E_OK) {
        ms_client_engine_deliver(engine, event->seq, MS_CLIENT_NOTE_NONE,
                                 &(struct ms_command){
                                     .kind = MS_KIND_CALL_REPLY,
                                     .error = (uint16_t)error,
                                     .detail = ms_bytes_of(ms_error_text(error)),
                                 });
    }
}

void ms_client_engine_ask(struct ms_client_engine *engine, const struct ms_event *event)
{
    switch (event->command->kind) {
    case MS_KIND_SUBMIT:
        ask_submit(engine, event);
        break;
    case MS_KIND_CANCEL:
        ask_cancel(engine, event);
        break;
    case MS_KIND_QUERY:
        ask_query(engine, event);
        break;
    case MS_KIND_CALL:
        ask_call(engine, event);
        break;
    default:
        ms_unreachable();
    }
}
