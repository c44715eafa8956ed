/* What comes in: commands from the master, results from handlers. */
#include "core/invariant.h"
#include "slave/slave_private.h"

static bool is_newer(struct ms_token a, struct ms_token b)
{
    return a.epoch > b.epoch || (a.epoch == b.epoch && a.n > b.n);
}

static void give_back(struct ms_slave *slave, struct ms_token token)
{
    slave->stats.returned_total++;
    ms_upstream_send(&slave->upstream,
                     &(struct ms_command){.kind = MS_KIND_RETURN, .token = token});
}

/* Ends an attempt that never ran. */
static void refuse(struct ms_slave *slave, struct ms_attempt *attempt, enum ms_status status,
                   enum ms_error error)
{
    ms_attempts_done(&slave->attempts, attempt,
                     &(struct ms_command){
                         .status = (uint8_t)status,
                         .detail = ms_bytes_of(ms_error_text(error)),
                     });
}

void ms_slave_start(struct ms_slave *slave, ms_time now, struct ms_attempt *attempt,
                    struct ms_bytes payload)
{
    const struct ms_effect run = {
        .type = MS_EFFECT_RUN,
        .epoch = attempt->token.epoch,
        .command = {.kind = MS_KIND_COMMAND,
                    .flags = attempt->flags,
                    .attempt = attempt->number,
                    .type = attempt->type,
                    .id = attempt->id,
                    .token = attempt->token,
                    .timeout = attempt->timeout,
                    .index = attempt->index,
                    .count = attempt->array_count,
                    .payload = payload},
    };

    ms_assert(attempt->state == MS_ATTEMPT_RUNNING);
    ms_assert(slave->attempts.running_count <= slave->running_max);
    if (attempt->timeout > 0 && attempt->timeout < MS_TIME_NEVER - now) {
        /* Without memory for a deadline it runs without one; the master's own walk still guards. */
        ms_attempts_limit(&slave->attempts, attempt, now + attempt->timeout);
    }
    ms_engine_emit(&slave->engine, &run);
}

void ms_slave_serve(void *context, ms_time now, ms_peer from, const struct ms_command *command)
{
    const struct ms_service *service = context;
    struct ms_slave *slave = service->slave;
    struct ms_attempts *attempts = &slave->attempts;
    const bool is_free = attempts->running_count < slave->slots && attempts->queued_count == 0 &&
                         ms_upstream_is_sure(&slave->upstream, now);
    const bool is_assembled = slave->are_parts_taken && command->payload.size > 0;
    struct ms_command bare = *command;

    if (is_assembled) {
        bare.payload = (struct ms_bytes){NULL, 0};
    }
    struct ms_attempt *attempt =
        ms_attempts_add(attempts, &bare, is_free ? MS_ATTEMPT_RUNNING : MS_ATTEMPT_QUEUED);

    (void)from;
    if (attempt == NULL) {
        give_back(slave, command->token); /* out of memory here, not everywhere */
        return;
    }
    if (attempt->timeout <= 0) {
        attempt->timeout = service->timeout;
    }
    if (is_free) {
        ms_slave_start(slave, now, attempt, command->payload);
    } else if (is_assembled) {
        ms_attempts_take_payload(attempt, ms_parts_release(&slave->parts), command->payload.size);
    }
}

/* A command that is refused is an attempt all the same: its result is kept until acknowledged. */
static void refuse_command(struct ms_slave *slave, const struct ms_command *command,
                           enum ms_error error)
{
    struct ms_command bare = *command;

    bare.payload = (struct ms_bytes){NULL, 0};
    struct ms_attempt *attempt = ms_attempts_add(&slave->attempts, &bare, MS_ATTEMPT_QUEUED);

    if (attempt == NULL) {
        give_back(slave, command->token);
        return;
    }
    refuse(slave, attempt, MS_STATUS_FAIL, error);
}

/* The payload of a command that came in parts; they last until the next step. */
static enum ms_error assemble(struct ms_slave *slave, struct ms_command *command)
{
    if ((command->flags & MS_FLAG_PARTS) == 0) {
        return MS_E_OK;
    }
    command->flags &= (uint8_t)~MS_FLAG_PARTS;
    slave->are_parts_taken = true;
    return ms_parts_take(&slave->parts, command->token, &command->payload);
}

/* Hands it to its service, or says why that cannot be. */
static void route_command(struct ms_slave *slave, ms_time now, const struct ms_command *command)
{
    const struct ms_route *route = ms_router_find(&slave->router, command->type);
    struct ms_command whole = *command;
    const enum ms_error error = assemble(slave, &whole);

    if (error == MS_E_NO_MEMORY || error == MS_E_ORDER) {
        give_back(slave, command->token); /* another slave, or the next time, may do better */
        return;
    }
    if (route == NULL || error != MS_E_OK) {
        refuse_command(slave, &whole, route == NULL ? MS_E_UNKNOWN_TYPE : error);
        return;
    }
    const struct ms_service *service = route->context;

    if (service->payload_max != 0 && whole.payload.size > service->payload_max) {
        refuse_command(slave, &whole, MS_E_PAYLOAD_SIZE);
        return;
    }
    route->handler(route->context, now, slave->upstream.peer, &whole);
}

void ms_slave_command(struct ms_slave *slave, ms_time now, const struct ms_command *command)
{
    const bool is_new = is_newer(command->token, slave->highest);
    const struct ms_attempt *known = NULL;

    slave->stats.commands_total++;
    if (!is_new || slave->attempts.dropped_count > 0) {
        /* Dropped ones may be of an earlier session, whose tokens say nothing about this one's. */
        known = ms_attempts_find(&slave->attempts, command->token);
    }
    if (known != NULL && known->state != MS_ATTEMPT_DROPPED) {
        slave->stats.duplicates_total++;
        return;
    }
    /* Tokens grow, so one that is not new has been here before: to run it again would be to run it
     * twice. Handing back is always safe, and it is also the answer to more than was granted. */
    const bool is_granted = ms_credits_spend(&slave->credits);

    if (!is_granted || known != NULL || slave->life != MS_SLAVE_WORKS || !is_new) {
        give_back(slave, command->token);
        return;
    }
    slave->highest = command->token;
    route_command(slave, now, command);
}

/* What is told of an attempt whose output passed a limit: the result would not be whole. */
static void mark_overflow(struct ms_command *result, enum ms_error error)
{
    ms_assert(error == MS_E_RESULT_SIZE || error == MS_E_NO_MEMORY);
    result->status = error == MS_E_RESULT_SIZE ? MS_STATUS_FAIL : MS_STATUS_RETRY;
    result->detail =
        ms_bytes_of(error == MS_E_RESULT_SIZE ? ms_error_text(MS_E_RESULT_SIZE)
                                              : "the slave's memory for results is full");
    result->payload = (struct ms_bytes){NULL, 0};
}

/* The master is told, as far as the step has room, so that its operator sees it: it refuses the result
 * and counts it too. */
static void tell_late(struct ms_slave *slave, struct ms_token token, enum ms_status status)
{
    const struct ms_command late = {
        .kind = MS_KIND_RESULT, .status = (uint8_t)status, .token = token};

    slave->stats.late_total++;
    if (ms_upstream_is_up(&slave->upstream) && ms_engine_room(&slave->engine) > MS_SLAVE_ROOM_MIN) {
        ms_upstream_send(&slave->upstream, &late);
    }
    ms_trace(&slave->engine.trace, MS_LEVEL_WARN, "late result refused",
             "token_epoch=%llu token=%llu status=%s", (unsigned long long)token.epoch,
             (unsigned long long)token.n, ms_status_name(status));
}

void ms_slave_finished(struct ms_slave *slave, const struct ms_command *result)
{
    struct ms_attempt *attempt = ms_attempts_find(&slave->attempts, result->token);
    struct ms_command told = *result;

    if (attempt == NULL || attempt->state == MS_ATTEMPT_QUEUED ||
        attempt->state == MS_ATTEMPT_DONE) {
        slave->stats.late_total++;
        return;
    }
    if (attempt->state == MS_ATTEMPT_DROPPED) {
        tell_late(slave, attempt->token, (enum ms_status)result->status);
        ms_attempts_forget(&slave->attempts, attempt);
        return;
    }
    if (attempt->is_timed_out) {
        told.status = MS_STATUS_TIMEOUT;
    }
    if (attempt->overflow == MS_E_OK &&
        told.payload.size > MS_RESULT_BYTES_MAX - attempt->output_bytes) {
        attempt->overflow = MS_E_RESULT_SIZE;
    }
    if (attempt->overflow == MS_E_OK && slave->upstream.welcome.payload_max != 0 &&
        told.payload.size > slave->upstream.welcome.payload_max) {
        attempt->overflow = MS_E_RESULT_SIZE; /* would not fit into a frame */
    }
    if (attempt->overflow != MS_E_OK) {
        mark_overflow(&told, attempt->overflow);
    }
    slave->stats.results_total++;
    if (!ms_attempts_done(&slave->attempts, attempt, &told)) {
        attempt->status = MS_STATUS_RETRY;
    }
}

void ms_slave_output(struct ms_slave *slave, const struct ms_command *output)
{
    struct ms_attempt *attempt = ms_attempts_find(&slave->attempts, output->token);

    if (attempt == NULL || attempt->state != MS_ATTEMPT_RUNNING || attempt->overflow != MS_E_OK) {
        return; /* dropped, or given up already */
    }
    slave->stats.outputs_total++;
    attempt->overflow = ms_attempts_output(&slave->attempts, attempt, output);
    if (attempt->overflow != MS_E_OK) {
        ms_attempts_abort(&slave->attempts, attempt);
    }
}

static void acknowledged(struct ms_slave *slave, struct ms_attempt *attempt)
{
    /* One that was not sent on this connection cannot have been acknowledged on it. */
    if (attempt != NULL && attempt->state == MS_ATTEMPT_DONE && attempt->is_sent) {
        ms_attempts_forget(&slave->attempts, attempt);
    }
}

/* Results are acknowledged in the order in which they were sent, so the oldest is the best guess. */
static struct ms_attempt *find_done(const struct ms_slave *slave, struct ms_token token)
{
    struct ms_list *link = ms_list_first(&slave->attempts.done);

    if (link != NULL) {
        struct ms_attempt *oldest = ms_container_of(link, struct ms_attempt, link);

        if (ms_token_equal(oldest->token, token)) {
            return oldest;
        }
    }
    return ms_attempts_find(&slave->attempts, token);
}

void ms_slave_acknowledged(struct ms_slave *slave, const struct ms_command *ack)
{
    const struct ms_token first = ack->token;
    const uint64_t count = ack->count == 0 ? 1 : ack->count;

    if (count <= slave->attempts.done_count) {
        for (uint64_t i = 0; i < count; i++) {
            const struct ms_token token = {first.epoch, first.n + i};

            acknowledged(slave, find_done(slave, token));
        }
        return;
    }
    /* A run longer than what is kept: walk what is kept instead. */
    ms_list_for_each(link, &slave->attempts.done)
    {
        struct ms_attempt *attempt = ms_container_of(link, struct ms_attempt, link);

        if (attempt->token.epoch == first.epoch && attempt->token.n - first.n < count) {
            acknowledged(slave, attempt);
        }
    }
}

void ms_slave_revoked(struct ms_slave *slave, struct ms_token token)
{
    struct ms_attempt *attempt = ms_attempts_find(&slave->attempts, token);

    if (attempt == NULL) {
        return; /* its result is acknowledged or on its way */
    }
    if (attempt->state == MS_ATTEMPT_QUEUED) {
        refuse(slave, attempt, MS_STATUS_CANCELLED, MS_E_CANCELLED);
    } else if (attempt->state == MS_ATTEMPT_RUNNING) {
        ms_attempts_abort(&slave->attempts, attempt);
    }
}

void ms_slave_followed(struct ms_slave *slave, struct ms_token token)
{
    struct ms_attempt *attempt = ms_attempts_find(&slave->attempts, token);

    if (attempt == NULL || (attempt->flags & MS_FLAG_STREAM) != 0) {
        return;
    }
    attempt->flags |= MS_FLAG_STREAM; /* what waits yet is started with it */
    if (attempt->state == MS_ATTEMPT_RUNNING) {
        ms_engine_emit(&slave->engine,
                       &(struct ms_effect){.type = MS_EFFECT_FOLLOW, .command = {.token = token}});
    }
}

void ms_slave_discard(struct ms_slave *slave, struct ms_attempt *attempt)
{
    if (attempt->state == MS_ATTEMPT_RUNNING) {
        ms_attempts_drop(&slave->attempts, attempt);
    } else if (attempt->state != MS_ATTEMPT_DROPPED) {
        /* One that went out may have counted, and only its acknowledgement was lost. */
        if (attempt->state == MS_ATTEMPT_DONE && !attempt->is_sent) {
            tell_late(slave, attempt->token, attempt->status);
        }
        ms_attempts_forget(&slave->attempts, attempt);
    }
}

void ms_slave_expire(struct ms_slave *slave, ms_time now)
{
    for (;;) {
        struct ms_attempt *attempt = ms_attempts_expired(&slave->attempts, now);

        if (attempt == NULL) {
            return;
        }
        ms_assert(attempt->state == MS_ATTEMPT_RUNNING);
        attempt->is_timed_out = true;
        slave->stats.timeouts_total++;
        ms_attempts_abort(&slave->attempts, attempt);
    }
}
