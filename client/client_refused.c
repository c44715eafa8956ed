/* How submissions are accepted and refused, one by one or as arrays. */
#include "client/client_private.h"

void ms_client_engine_later(struct ms_client_engine *engine, enum ms_error error)
{
    if (engine->later == error) {
        return;
    }
    engine->later = error;
    ms_client_engine_note(engine, MS_CLIENT_NOTE_LATER, error);
}

void ms_client_engine_accepted(struct ms_client_engine *engine, struct ms_request *request,
                               const struct ms_command *ack)
{
    /* The rest of an array whose SUBMIT went out follows it in its own time. */
    if (ms_request_is_in_array(request) && request->terms->turn == engine->requests.turn &&
        ms_request_state(&engine->requests, request) == MS_REQUEST_WAITING) {
        ms_requests_send(&engine->requests, request, engine->base.now);
        if (request->is_cancelled) {
            ms_client_engine_send_cancel(engine, request);
        }
    }
    if (ms_request_state(&engine->requests, request) != MS_REQUEST_SENT) {
        return; /* told already, or an answer to what was not asked on this connection */
    }
    request->was_accepted = true;
    request->refusals = 0;
    if (engine->allowed < engine->window) {
        engine->allowed++;
    }
    if (!request->is_quiet) {
        request->durability = ack->durability;
        request->copies = ack->copies;
        ms_requests_confirm(&engine->requests, request);
    }
    ms_client_engine_later(engine, MS_E_OK);
}

/* The pause is the master's, or twice, four times ... as long when it says so again and again. */
static ms_time pause_until(struct ms_client_engine *engine, uint8_t refusals, ms_time now,
                           ms_time delay)
{
    const uint32_t doublings = refusals < MS_CLIENT_BACKOFF_MAX ? refusals : MS_CLIENT_BACKOFF_MAX;
    ms_time pause = delay == 0 ? MS_CLIENT_DELAY_DEFAULT : delay;

    ms_assert(delay >= 0);
    pause = pause < MS_CLIENT_DELAY_MIN ? MS_CLIENT_DELAY_MIN : pause;
    pause = pause > MS_CLIENT_DELAY_MAX ? MS_CLIENT_DELAY_MAX : pause << doublings;
    pause = pause > MS_CLIENT_DELAY_MAX ? MS_CLIENT_DELAY_MAX : pause;
    /* Never sooner than the master asked; up to half as much again, so that many do not come back
     * in step. */
    return now + pause + ms_rng_between(&engine->rng, 0, pause / 2);
}

/* The window shrinks so that a full master is not flooded with the rest. */
static void shrink_window(struct ms_client_engine *engine)
{
    const uint32_t half = engine->requests.sent_count / 2;
    const uint32_t least = half > MS_CLIENT_WINDOW_MIN ? half : MS_CLIENT_WINDOW_MIN;

    engine->counters.later_total++;
    engine->allowed = engine->allowed > least ? least : engine->allowed;
}

static void count_refusal(struct ms_request *request)
{
    if (request->refusals < UINT8_MAX) {
        request->refusals++;
    }
}

static void put_off(struct ms_client_engine *engine, struct ms_request *request, ms_time until)
{
    if (engine->sending == request) {
        engine->sending = NULL;
    }
    count_refusal(request);
    if (ms_requests_delay(&engine->requests, request, until) != MS_E_OK) {
        static const struct ms_command nak = {.kind = MS_KIND_SUBMIT_NAK, .error = MS_E_NO_MEMORY};

        ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, &nak);
        ms_client_engine_close(engine, request);
    }
}

/* A master that was started again does not know a type before a slave has come back to it, but a
 * submission that was accepted once has a type that exists. A master that is alone refuses class strict, but the other one
 * may have what was sent to it, and hand it over: then it will run, and both will have it. */
static bool is_for_now(const struct ms_client_engine *engine, const struct ms_request *request,
                       const struct ms_command *nak)
{
    const bool is_elsewhere = request->durability == MS_DURABILITY_STRICT &&
                              ms_client_engine_may_be_elsewhere(engine, request);

    return (nak->error == MS_E_DURABILITY && is_elsewhere) || nak->error == MS_E_RETRY_LATER ||
           nak->error == MS_E_STORE_FULL || nak->error == MS_E_DRAINING ||
           nak->error == MS_E_NOT_ACTIVE ||
           (nak->error == MS_E_UNKNOWN_TYPE && request->was_accepted);
}

/* Of the reasons to wait, those that are the master's and may last. */
static void tell_later(struct ms_client_engine *engine, const struct ms_command *nak)
{
    if (nak->error == MS_E_RETRY_LATER || nak->error == MS_E_STORE_FULL ||
        nak->error == MS_E_DURABILITY) {
        ms_client_engine_later(engine, (enum ms_error)nak->error);
    }
}

static bool is_closed_background(const struct ms_request *request, const struct ms_command *nak)
{
    return nak->error == MS_E_CLOSED_ID && (request->flags & MS_FLAG_BACKGROUND) != 0;
}

/* ---- arrays ---- */

static void put_off_array(struct ms_client_engine *engine, struct ms_request_terms *array,
                          ms_time until)
{
    const uint64_t end = array->first + array->terms.array_count;

    array->turn = 0;
    for (uint64_t seq = array->first; seq < end; seq++) {
        struct ms_request *request = ms_requests_find(&engine->requests, seq);

        if (request == NULL) {
            continue;
        }
        const enum ms_request_state state = ms_request_state(&engine->requests, request);

        if (engine->sending == request) {
            engine->sending = NULL;
        }
        count_refusal(request);
        /* Without memory for the pause it waits for the others only. */
        if (state != MS_REQUEST_DELAYED &&
            ms_requests_delay(&engine->requests, request, until) != MS_E_OK &&
            state == MS_REQUEST_SENT) {
            ms_requests_take_back(&engine->requests, request);
        }
    }
}

/* Its members are told one by one, as many in a step as are sent in one. */
static void refuse_array(struct ms_client_engine *engine, struct ms_request_terms *array,
                         const struct ms_command *nak)
{
    const size_t size = nak->detail.size <= MS_DETAIL_MAX ? nak->detail.size : MS_DETAIL_MAX;

    ms_assert(array->refused == MS_E_OK);
    array->refused = (enum ms_error)nak->error;
    engine->array_refused = array->first;
    if (size > 0) {
        memcpy(engine->array_detail, nak->detail.data, size);
    }
    engine->array_detail[size] = '\0';
    for (uint64_t seq = array->first + array->terms.array_count; seq > array->first; seq--) {
        struct ms_request *request = ms_requests_find(&engine->requests, seq - 1);

        if (request == NULL) {
            continue;
        }
        if (engine->sending == request) {
            engine->sending = NULL;
        }
        if (ms_request_state(&engine->requests, request) == MS_REQUEST_SENT) {
            ms_requests_take_back(&engine->requests, request);
        }
    }
}

static struct ms_request *first_open(const struct ms_client_engine *engine,
                                     const struct ms_request_terms *array)
{
    uint64_t seq = array->first;

    ms_assert(array->members > 0);
    while (ms_requests_find(&engine->requests, seq) == NULL) {
        seq++;
    }
    ms_assert(seq < array->first + array->terms.array_count);
    return ms_requests_find(&engine->requests, seq);
}

static void accept_closed(struct ms_client_engine *engine, const struct ms_request_terms *array,
                          const struct ms_command *nak)
{
    const uint64_t end = array->first + array->terms.array_count;

    for (uint64_t seq = array->first; seq < end; seq++) {
        struct ms_request *request = ms_requests_find(&engine->requests, seq);

        if (request != NULL) {
            ms_client_engine_accepted(engine, request, nak);
        }
    }
}

static void array_refused(struct ms_client_engine *engine, struct ms_request_terms *array,
                          ms_time now, const struct ms_command *nak)
{
    const struct ms_request *request = first_open(engine, array);

    if (array->turn != engine->requests.turn || array->refused != MS_E_OK) {
        engine->counters.strange_total++;
    } else if (is_closed_background(request, nak)) {
        accept_closed(engine, array, nak);
    } else if (is_for_now(engine, request, nak)) {
        shrink_window(engine);
        put_off_array(engine, array, pause_until(engine, request->refusals, now, nak->delay));
        tell_later(engine, nak);
    } else {
        engine->counters.refused_total += array->members;
        refuse_array(engine, array, nak);
    }
}

/* Members that are closed at the master: an earlier run of the program had their outcomes, or this one did; or nobody's. */
static void refuse_members(struct ms_client_engine *engine, const struct ms_command *nak)
{
    ms_assert(nak->count <= MS_NAK_RUN_MAX);
    for (uint64_t i = 0; i < nak->count; i++) {
        struct ms_request *request = ms_requests_find(&engine->requests, nak->id.seq + i);
        struct ms_command one = *nak;

        if (request != NULL && ms_request_is_in_array(request) && request->is_cancel_told) {
            ms_client_engine_cancel_here(engine, request);
        } else if (request != NULL && ms_request_is_in_array(request)) {
            one.id.seq += i;
            one.count = nak->error == MS_E_NOT_FOUND; /* of a broadcast: it is nobody's */
            engine->counters.refused_total++;
            ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, &one);
            ms_client_engine_close(engine, request);
        }
    }
}

void ms_client_engine_refused(struct ms_client_engine *engine, ms_time now,
                              const struct ms_command *nak)
{
    struct ms_request_terms *array = ms_requests_array(&engine->requests, nak->id.seq);
    struct ms_request *request = ms_requests_find(&engine->requests, nak->id.seq);

    if (nak->count > 0) {
        refuse_members(engine, nak);
        return;
    }
    if (array != NULL) {
        array_refused(engine, array, now, nak);
        return;
    }

    if (request == NULL || ms_request_is_in_array(request) ||
        ms_request_state(&engine->requests, request) != MS_REQUEST_SENT) {
        engine->counters.strange_total++;
    } else if (is_closed_background(request, nak)) {
        /* Done and gone; only its acknowledgement was lost. */
        ms_client_engine_accepted(engine, request, nak);
    } else if (!is_for_now(engine, request, nak)) {
        engine->counters.refused_total++;
        ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, nak);
        ms_client_engine_close(engine, request);
    } else if (request->is_cancelled && !ms_client_engine_may_be_elsewhere(engine, request)) {
        ms_client_engine_cancel_here(engine, request);
    } else {
        shrink_window(engine);
        put_off(engine, request, pause_until(engine, request->refusals, now, nak->delay));
        tell_later(engine, nak);
    }
}
