#include "client/client_private.h"

static void accepted(struct ms_client_engine *engine, struct ms_request *request,
                     const struct ms_command *ack)
{
    if (ms_request_state(&engine->requests, request) != MS_REQUEST_SENT) {
        return; /* told already, or an answer to what was not asked on this connection */
    }
    request->was_accepted = true;
    if (engine->allowed < engine->window) {
        engine->allowed++;
    }
    if (!request->is_quiet) {
        request->durability = ack->durability;
        request->copies = ack->copies;
        ms_requests_confirm(&engine->requests, request);
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
        struct ms_request *request = ms_requests_find(&engine->requests, seq);

        if (request != NULL) {
            accepted(engine, request, ack);
        }
    }
}

/* Not now: it pauses, and the window shrinks so that a full master is not flooded with the rest. */
static void put_off(struct ms_client_engine *engine, struct ms_request *request, ms_time now,
                    ms_time delay)
{
    ms_time pause = delay == 0 ? MS_CLIENT_DELAY_DEFAULT : delay;

    pause = pause < MS_CLIENT_DELAY_MIN ? MS_CLIENT_DELAY_MIN : pause;
    pause = pause > MS_CLIENT_DELAY_MAX ? MS_CLIENT_DELAY_MAX : pause;
    engine->counters.later_total++;
    const uint32_t half = engine->requests.sent_count / 2;
    const uint32_t least = half > MS_CLIENT_WINDOW_MIN ? half : MS_CLIENT_WINDOW_MIN;

    engine->allowed = engine->allowed > least ? least : engine->allowed;
    /* Never sooner than the master asked; up to half as much again, so that many do not come back
     * in step. */
    const ms_time until = now + pause + ms_rng_between(&engine->rng, 0, pause / 2);

    if (ms_requests_delay(&engine->requests, request, until) != MS_E_OK) {
        static const struct ms_command nak = {.kind = MS_KIND_SUBMIT_NAK, .error = MS_E_NO_MEMORY};

        ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, &nak);
        ms_client_engine_close(engine, request);
    }
}

/* A master that was started again does not know a type before a slave has come back to it, but a
 * submission that was accepted once has a type that exists. */
static bool is_for_now(const struct ms_request *request, const struct ms_command *nak)
{
    return nak->error == MS_E_RETRY_LATER || nak->error == MS_E_DRAINING ||
           nak->error == MS_E_NOT_ACTIVE ||
           (nak->error == MS_E_UNKNOWN_TYPE && request->was_accepted);
}

static void receive_refused(struct ms_client_engine *engine, ms_time now,
                            const struct ms_command *nak)
{
    struct ms_request *request = ms_requests_find(&engine->requests, nak->id.seq);

    if (request == NULL || ms_request_state(&engine->requests, request) != MS_REQUEST_SENT) {
        engine->counters.strange_total++;
        return;
    }
    const bool is_background = (request->flags & MS_FLAG_BACKGROUND) != 0;

    if (nak->error == MS_E_CLOSED_ID && is_background) {
        accepted(engine, request, nak); /* done and gone; only its acknowledgement was lost */
    } else if (is_for_now(request, nak)) {
        if (request->is_cancelled) {
            ms_client_engine_cancel_here(engine, request);
        } else {
            put_off(engine, request, now, nak->delay);
        }
    } else {
        engine->counters.refused_total++;
        ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, nak);
        ms_client_engine_close(engine, request);
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
    if (ack->error == MS_E_OK) {
        request->is_cancel_told = true;
    } else {
        ms_assert(engine->cancels_count > 0);
        request->is_cancelled = false;
        engine->cancels_count--;
    }
    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, ack);
}

static void receive_report(struct ms_client_engine *engine, const struct ms_command *command)
{
    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        struct ms_client_asked *query = &engine->queries[i];

        if (query->number == 0 || query->number != command->count || !query->is_sent) {
            continue;
        }
        query->has_rows = true;
        ms_client_engine_deliver(engine, query->cookie, MS_CLIENT_NOTE_NONE, command);
        if (command->body.report == NULL || command->body.report->last) {
            query->number = 0;
        }
        return;
    }
    engine->counters.strange_total++;
}

void ms_client_engine_hear(struct ms_client_engine *engine, ms_time now,
                           const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_SUBMIT_ACK:
        receive_accepted(engine, command);
        break;
    case MS_KIND_SUBMIT_NAK:
        receive_refused(engine, now, command);
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
