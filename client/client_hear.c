#include "client/client_private.h"

/* An array is accepted as a whole, with the number of its first member. */
static void accept_array(struct ms_client_engine *engine, const struct ms_request_terms *array,
                         const struct ms_command *ack)
{
    const uint32_t count = array->terms.array_count;

    for (uint64_t seq = array->first, end = array->first + count; seq < end; seq++) {
        struct ms_request *request = ms_requests_find(&engine->requests, seq);

        if (request != NULL) {
            ms_client_engine_accepted(engine, request, ack);
        }
    }
}

static void receive_accepted(struct ms_client_engine *engine, const struct ms_command *ack)
{
    /* A run names what was sent and not yet answered, so a longer one is nonsense; bounding it keeps
     * a hostile master from holding us here. */
    uint64_t count = ack->count == 0 ? 1 : ack->count;

    if (count > MS_OUTSTANDING_MAX) {
        engine->counters.strange_total++;
        count = MS_OUTSTANDING_MAX;
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t seq = ack->id.seq + i;

        if (!ms_requests_is_ours(&engine->requests, seq)) {
            engine->counters.strange_total++;
            return;
        }
        const struct ms_request_terms *array = ms_requests_array(&engine->requests, seq);
        struct ms_request *request = ms_requests_find(&engine->requests, seq);

        if (array != NULL) {
            accept_array(engine, array, ack);
        } else if (request != NULL && !ms_request_is_in_array(request)) {
            ms_client_engine_accepted(engine, request, ack);
        }
    }
}

static void deliver_reset(struct ms_client_engine *engine, struct ms_request *request,
                          uint32_t attempt)
{
    if (request->pieces > 0) {
        ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_RESET,
                                 &(struct ms_command){
                                     .kind = MS_KIND_STREAM,
                                     .id.seq = request->seq,
                                     .attempt = attempt,
                                 });
    }
    request->attempt = attempt;
    request->life = engine->life;
    request->pieces = 0;
}

/* A master that does not know our session may have forgotten our submissions, too, and then counts
 * their attempts from the beginning. */
static bool is_same_life(const struct ms_client_engine *engine, const struct ms_request *request)
{
    ms_assert(request->life <= engine->life);
    return request->life == engine->life;
}

/* Pieces of output are missing. A new connection makes the master begin them again with what we
 * resubmit; when even that does not help, the request ends. */
static void receive_gap(struct ms_client_engine *engine, ms_time now, struct ms_request *request)
{
    engine->counters.gaps_total++;
    if (++request->gaps < MS_CLIENT_GAPS_MAX) {
        ms_upstream_fail(&engine->upstream, now, MS_E_ORDER);
        ms_client_engine_lost(engine, MS_E_ORDER);
        return;
    }
    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE,
                             &(struct ms_command){
                                 .kind = MS_KIND_SUBMIT_NAK,
                                 .id.seq = request->seq,
                                 .error = MS_E_ORDER,
                                 .detail = ms_bytes_of("the master left pieces of the output out"),
                             });
    ms_client_engine_close(engine, request);
}

static void receive_stream(struct ms_client_engine *engine, ms_time now,
                           const struct ms_command *piece)
{
    struct ms_request *request = ms_requests_find(&engine->requests, piece->id.seq);

    if (request == NULL || (is_same_life(engine, request) && (piece->attempt < request->attempt ||
                                                              (piece->attempt == request->attempt &&
                                                               piece->index < request->pieces)))) {
        engine->counters.duplicates_total++;
        return;
    }
    if (!is_same_life(engine, request) || piece->attempt > request->attempt) {
        deliver_reset(engine, request, piece->attempt);
    }
    if (piece->index > request->pieces) {
        receive_gap(engine, now, request);
        return;
    }
    request->pieces++;
    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, piece);
}

static void confirm_outcome(struct ms_client_engine *engine, uint64_t seq)
{
    ms_upstream_send(&engine->upstream, &(struct ms_command){
                                            .kind = MS_KIND_OUTCOME_ACK,
                                            .id = {engine->client, seq},
                                            .count = 1,
                                        });
}

static void receive_outcome(struct ms_client_engine *engine, ms_time now,
                            const struct ms_command *outcome)
{
    const uint64_t seq = outcome->id.seq;
    struct ms_request *request = ms_requests_find(&engine->requests, seq);

    if (request == NULL) {
        if (ms_requests_is_ours(&engine->requests, seq)) {
            engine->counters.duplicates_total++;
            confirm_outcome(engine, seq);
        } else {
            engine->counters.strange_total++; /* another run's: it alone may confirm it */
        }
        return;
    }
    if (!is_same_life(engine, request) || outcome->attempt != request->attempt) {
        deliver_reset(engine, request, outcome->attempt);
    }
    if ((request->flags & MS_FLAG_STREAM) != 0 && outcome->index > request->pieces) {
        receive_gap(engine, now, request);
        return;
    }
    engine->counters.outcomes_total++;
    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, outcome);
    confirm_outcome(engine, seq);
    ms_client_engine_close(engine, request);
}

static void receive_cancel_ack(struct ms_client_engine *engine, const struct ms_command *ack)
{
    struct ms_request *request = ms_requests_find(&engine->requests, ack->id.seq);

    if (request == NULL || !request->is_cancelled || request->is_cancel_told) {
        engine->counters.duplicates_total++;
        return;
    }
    if (ms_request_state(&engine->requests, request) == MS_REQUEST_DELAYED) {
        return; /* put off together with its SUBMIT: it goes with the next one */
    }
    if (ack->error == MS_E_OK) {
        request->is_cancel_told = true;
    } else {
        ms_assert(engine->cancels_count > 0);
        request->is_cancelled = false;
        engine->cancels_count--;
    }
    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, ack);
}

static struct ms_client_asked *find_query(struct ms_client_engine *engine, uint64_t number)
{
    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX && number != 0; i++) {
        struct ms_client_asked *query = &engine->queries[i];

        if (query->number == number && query->is_sent) {
            return query;
        }
    }
    engine->counters.strange_total++;
    return NULL;
}

static void receive_report(struct ms_client_engine *engine, const struct ms_command *command)
{
    struct ms_client_asked *query = find_query(engine, command->count);

    if (query == NULL) {
        return;
    }
    query->has_rows = true;
    ms_client_engine_deliver(engine, query->cookie, MS_CLIENT_NOTE_NONE, command);
    if (command->body.report == NULL || command->body.report->last) {
        query->number = 0;
    }
}

/* After a loss the query is asked again as it was, and what came before is left out here. */
static void receive_tail(struct ms_client_engine *engine, const struct ms_command *piece)
{
    struct ms_client_asked *query = find_query(engine, piece->count);

    if (query == NULL || piece->attempt < query->attempt ||
        (piece->attempt == query->attempt && piece->index < query->pieces)) {
        engine->counters.duplicates_total++;
        return;
    }
    query->attempt = piece->attempt;
    query->pieces = piece->index + 1;
    ms_client_engine_deliver(engine, query->cookie, MS_CLIENT_NOTE_NONE, piece);
}

void ms_client_engine_hear(struct ms_client_engine *engine, ms_time now,
                           const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_SUBMIT_ACK:
        receive_accepted(engine, command);
        break;
    case MS_KIND_SUBMIT_NAK:
        ms_client_engine_refused(engine, now, command);
        break;
    case MS_KIND_STREAM:
        receive_stream(engine, now, command);
        break;
    case MS_KIND_OUTCOME:
        receive_outcome(engine, now, command);
        break;
    case MS_KIND_CANCEL_ACK:
        receive_cancel_ack(engine, command);
        break;
    case MS_KIND_REPORT:
        receive_report(engine, command);
        break;
    case MS_KIND_TAIL:
        receive_tail(engine, command);
        break;
    case MS_KIND_CALL_REPLY:
        ms_client_calls_hear(engine, now, command);
        break;
    case MS_KIND_GOAWAY:
        engine->is_away = true; /* outcomes still come; new work waits for the next connection */
        break;
    default:
        engine->counters.strange_total++;
        ms_upstream_fail(&engine->upstream, now, MS_E_ROLE);
        ms_client_engine_lost(engine, MS_E_ROLE);
        break;
    }
}
