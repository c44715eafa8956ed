/* What goes to the master: submissions, and payloads too large for one frame in pieces before them. */
#include "client/client_private.h"

static uint32_t window(const struct ms_client_engine *engine)
{
    const uint64_t told = engine->upstream.welcome.outstanding_max;

    return told > 0 && told < engine->allowed ? (uint32_t)told : engine->allowed;
}

/* Two spans of parts may be on their way: the master has taken the last but one. */
static bool are_parts_blocked(const struct ms_client_engine *engine)
{
    return engine->upstream.beats_heard < engine->parts_beat_due;
}

/* The rest of an array goes with its SUBMIT, whatever the window says: the master has it all. */
static bool is_sent_with_array(const struct ms_client_engine *engine,
                               const struct ms_request *request)
{
    return request != NULL && ms_request_is_in_array(request) &&
           (request->terms->turn == engine->requests.turn || request->terms->refused != MS_E_OK);
}

bool ms_client_engine_can_send(const struct ms_client_engine *engine)
{
    const struct ms_request *request = ms_requests_waiting(&engine->requests);

    if (!ms_upstream_is_up(&engine->upstream) || engine->is_away) {
        return false;
    }
    if (engine->sending != NULL) {
        return !are_parts_blocked(engine);
    }
    return request != NULL &&
           (engine->requests.sent_count < window(engine) || is_sent_with_array(engine, request));
}

/* Bytes of a payload that goes in one piece. */
static uint64_t piece_max(const struct ms_client_engine *engine)
{
    const uint64_t told = engine->upstream.welcome.payload_max;

    return told > 0 && told < MS_PAYLOAD_MAX_CEILING ? told : MS_PAYLOAD_MAX_CEILING;
}

static uint64_t id_of(const struct ms_request *request)
{
    return ms_request_is_in_array(request) ? request->terms->first : request->seq;
}

static bool has_ended(const struct ms_request *request)
{
    return request == NULL || request->is_cancel_told;
}

/* Nothing of an array shall begin anew at a master that has forgotten it. True when members have ended, and there
 * is room to tell of them: then engine->parts_terms are its terms. */
static bool tell_closed(struct ms_client_engine *engine, const struct ms_request_terms *array)
{
    const uint32_t count = array->terms.array_count;
    const size_t size = (count + 7u) / 8;
    uint8_t *bits = NULL;

    ms_assert(engine->array_closed.size == 0);
    if (array->payload.size + size > piece_max(engine)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!has_ended(ms_requests_find(&engine->requests, array->first + i))) {
            continue;
        }
        if (bits == NULL) {
            bits = ms_slab_take(&engine->requests.slab, size);
        }
        if (bits == NULL) {
            return false;
        }
        if (engine->array_closed.size == 0) {
            engine->array_closed = (struct ms_bytes){memset(bits, 0, size), size};
        }
        bits[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    engine->parts_terms = array->terms;
    engine->parts_terms.array_closed = engine->array_closed;
    return bits != NULL;
}

void ms_client_engine_drop_closed(struct ms_client_engine *engine)
{
    ms_slab_give(&engine->requests.slab, (void *)(uintptr_t)engine->array_closed.data,
                 engine->array_closed.size);
    engine->array_closed = (struct ms_bytes){0};
}

static void send_submit(struct ms_client_engine *engine, struct ms_request *request, ms_time now,
                        bool has_parts)
{
    const struct ms_bytes payload = ms_request_payload(request);
    const bool has_stream = (engine->upstream.welcome.features & MS_FEATURE_STREAM) != 0;
    const uint8_t flags = has_stream ? request->flags : request->flags & (uint8_t)~MS_FLAG_STREAM;
    /* A master that hears of it late shall not begin the whole delay again. */
    const ms_time sent_at =
        ms_request_is_in_array(request) ? request->terms->sent_at : request->sent_at;
    const ms_time waited = now - sent_at;
    const struct ms_terms *terms = request->terms != NULL ? &request->terms->terms : NULL;

    ms_assert(waited >= 0);
    if (has_parts) {
        engine->parts_terms = terms != NULL ? *terms : (struct ms_terms){0};
        engine->parts_terms.parts_size = payload.size;
        terms = &engine->parts_terms;
    } else if (ms_request_is_in_array(request) &&
               (request->terms->members < terms->array_count || engine->cancels_count > 0) &&
               tell_closed(engine, request->terms)) {
        terms = &engine->parts_terms;
    }
    ms_upstream_send(&engine->upstream,
                     &(struct ms_command){
                         .kind = MS_KIND_SUBMIT,
                         .flags = has_parts ? flags | MS_FLAG_PARTS : flags,
                         .durability = request->durability,
                         .attempts_max = request->attempts_max,
                         .type = request->type,
                         .id = {engine->client, id_of(request)},
                         .timeout = request->timeout,
                         .delay = request->delay > waited ? request->delay - waited : 0,
                         .payload = has_parts ? (struct ms_bytes){NULL, 0} : payload,
                         .terms = terms,
                     });
    if (request->is_cancelled) {
        ms_client_engine_send_cancel(engine, request);
    }
}

/* One piece; behind the last one the SUBMIT, and then true: its terms stand in the engine until the next
 * step, so another one has to wait for that. */
static bool send_part(struct ms_client_engine *engine, ms_time now)
{
    struct ms_request *request = engine->sending;
    const struct ms_bytes payload = ms_request_payload(request);
    const size_t offset = (size_t)engine->parts_sent * MS_CHUNK_MAX;

    ms_assert(payload.size > 0);
    if (offset >= payload.size) {
        engine->sending = NULL;
        send_submit(engine, request, now, true);
        return true;
    }
    const size_t left = payload.size - offset;

    ms_upstream_send(&engine->upstream, &(struct ms_command){
                                            .kind = MS_KIND_PART,
                                            .id = {engine->client, id_of(request)},
                                            .index = engine->parts_sent,
                                            .payload = {payload.data + offset,
                                                        left < MS_CHUNK_MAX ? left : MS_CHUNK_MAX},
                                        });
    engine->parts_sent++;
    if (engine->parts_sent % MS_CLIENT_PARTS_SPAN == 0) {
        ms_upstream_beat(&engine->upstream, now);
        engine->parts_beat_due = engine->parts_beat;
        engine->parts_beat = engine->upstream.beats_count;
    }
    return false;
}

static bool is_large(const struct ms_client_engine *engine, const struct ms_request *request)
{
    return ms_request_payload(request).size > piece_max(engine);
}

static void send_request(struct ms_client_engine *engine, struct ms_request *request, ms_time now)
{
    struct ms_request_terms *array = ms_request_is_in_array(request) ? request->terms : NULL;

    ms_requests_send(&engine->requests, request, now);
    if (array != NULL && array->turn == engine->requests.turn) {
        if (request->is_cancelled) {
            ms_client_engine_send_cancel(engine, request);
        }
        return; /* its SUBMIT is out */
    }
    if (array != NULL) {
        array->turn = engine->requests.turn;
        array->sent_at = array->sent_at == MS_TIME_NEVER ? now : array->sent_at;
    }
    if (is_large(engine, request)) {
        engine->sending = request;
        engine->parts_sent = 0;
    } else {
        send_submit(engine, request, now, false);
    }
}

/* Ends one that the master refused, or never would take. detail is static, or the engine's. */
static void refuse_here(struct ms_client_engine *engine, struct ms_request *request,
                        enum ms_error error, const char *detail)
{
    ms_assert(error != MS_E_OK);
    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE,
                             &(struct ms_command){
                                 .kind = MS_KIND_SUBMIT_NAK,
                                 .id.seq = request->seq,
                                 .error = (uint16_t)error,
                                 .detail = ms_bytes_of(detail),
                             });
    ms_client_engine_close(engine, request);
}

/* It would take a broadcast for an array. */
static bool is_unknown_there(const struct ms_client_engine *engine,
                             const struct ms_request *request)
{
    return request->terms != NULL && request->terms->terms.on > 0 &&
           (engine->upstream.welcome.features & MS_FEATURE_ON) == 0;
}

/* One that was cancelled comes out so. Of several arrays that were refused the last one's words are at hand. */
static void refuse_member(struct ms_client_engine *engine, struct ms_request *request)
{
    const enum ms_error error = request->terms->refused;
    const bool has_detail =
        engine->array_refused == request->terms->first && engine->array_detail[0] != '\0';

    if (request->is_cancel_told) {
        ms_client_engine_cancel_here(engine, request);
    } else {
        refuse_here(engine, request, error,
                    has_detail ? engine->array_detail : ms_error_text(error));
    }
}

void ms_client_engine_send_waiting(struct ms_client_engine *engine, ms_time now)
{
    for (uint32_t i = 0; i < MS_CLIENT_SEND_BURST && ms_client_engine_can_send(engine); i++) {
        struct ms_request *request = ms_requests_waiting(&engine->requests);

        if (engine->sending != NULL) {
            if (send_part(engine, now)) {
                return;
            }
        } else if (ms_request_is_in_array(request) && request->terms->refused != MS_E_OK) {
            refuse_member(engine, request);
        } else if (is_unknown_there(engine, request)) {
            refuse_here(engine, request, MS_E_BAD_ARGUMENT, "this master does not know broadcasts");
        } else if (request->is_cancel_told && !ms_request_is_in_array(request)) {
            /* How it ends is settled, and a master that has forgotten it must not begin it anew. */
            ms_client_engine_cancel_here(engine, request);
        } else if (ms_request_payload(request).size > ms_client_engine_payload_max(engine)) {
            /* Taken when another master's limit, or none, was known. */
            refuse_here(engine, request, MS_E_PAYLOAD_SIZE, ms_error_text(MS_E_PAYLOAD_SIZE));
        } else {
            send_request(engine, request, now);
        }
        if (engine->array_closed.size > 0) {
            return; /* its terms stand in the engine until the next step */
        }
    }
}
