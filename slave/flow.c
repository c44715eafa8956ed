/* What goes out: aborts, rolls, output, results, starts, credit. Each step does as much as fits into
 * its effects and comes back at once for the rest. */
#include "core/invariant.h"
#include "slave/slave_private.h"

void ms_slave_roll(struct ms_slave *slave)
{
    const uint32_t total = ms_attempts_list(&slave->attempts, slave->tokens, slave->holdings);
    uint32_t frames = 0;
    uint32_t at = 0;

    do {
        const uint32_t left = total - at;
        struct ms_tokens *roll = &slave->rolls[frames++];

        ms_assert(frames <= MS_SLAVE_ROLLS_MAX);
        roll->count = left < MS_HELD_PER_FRAME_MAX ? left : MS_HELD_PER_FRAME_MAX;
        roll->tokens = slave->tokens + at;
        roll->holdings = slave->holdings + at;
        at += roll->count;
        roll->last = at == total;
        ms_upstream_send(&slave->upstream,
                         &(struct ms_command){.kind = MS_KIND_ROLL, .body.tokens = roll});
    } while (at < total);
}

void ms_slave_go_away(struct ms_slave *slave)
{
    ms_assert(slave->life != MS_SLAVE_WORKS);
    ms_credits_void(&slave->credits);
    ms_upstream_send(&slave->upstream, &(struct ms_command){
                                           .kind = MS_KIND_GOAWAY,
                                           .error = MS_E_DRAINING,
                                           .detail = ms_bytes_of(ms_error_text(MS_E_DRAINING)),
                                       });
}

static void send_aborts(struct ms_slave *slave)
{
    while (ms_slave_has_room(slave)) {
        struct ms_list *link = ms_list_pop_front(&slave->attempts.aborting);

        if (link == NULL) {
            return;
        }
        const struct ms_attempt *attempt = ms_container_of(link, struct ms_attempt, stopping);

        ms_engine_emit(&slave->engine, &(struct ms_effect){
                                           .type = MS_EFFECT_ABORT,
                                           .command = {.token = attempt->token},
                                       });
    }
}

/* Credit that may be told to the master now. */
static uint32_t due(struct ms_slave *slave)
{
    if (slave->phase != MS_SLAVE_SERVING || slave->life != MS_SLAVE_WORKS) {
        return 0;
    }
    ms_credits_restore(&slave->credits, ms_attempts_held(&slave->attempts),
                       ms_attempts_room(&slave->attempts));
    return ms_credits_due(&slave->credits, ms_attempts_held(&slave->attempts),
                          ms_attempts_room(&slave->attempts));
}

static void send_piece(struct ms_slave *slave, const struct ms_attempt *attempt,
                       const struct ms_piece *piece)
{
    ms_upstream_send(&slave->upstream, &(struct ms_command){
                                           .kind = MS_KIND_OUTPUT,
                                           .token = attempt->token,
                                           .stream = piece->stream,
                                           .index = piece->index,
                                           .payload = {piece->bytes, piece->size},
                                       });
}

static void send_result(struct ms_slave *slave, struct ms_attempt *attempt)
{
    const uint32_t credit = slave->credits.mode == MS_CREDIT_PUSH ? due(slave) : 0;

    ms_assert(attempt->state == MS_ATTEMPT_DONE && !attempt->is_sent);
    ms_credits_grant(&slave->credits, credit);
    attempt->is_sent = true;
    ms_upstream_send(&slave->upstream, &(struct ms_command){
                                           .kind = MS_KIND_RESULT,
                                           .status = (uint8_t)attempt->status,
                                           .token = attempt->token,
                                           .code = attempt->code,
                                           .signal = attempt->signal,
                                           .count = credit,
                                           .delay = attempt->retry_delay,
                                           .usage = attempt->has_usage ? &attempt->usage : NULL,
                                           .detail = {attempt->detail, attempt->detail_size},
                                           .payload = {attempt->payload, attempt->payload_size},
                                       });
}

/* Output and then the result of each attempt, in the order in which they had something to say. */
static void send_unsent(struct ms_slave *slave)
{
    while (ms_slave_has_room(slave)) {
        struct ms_list *link = ms_list_first(&slave->attempts.unsent);

        if (link == NULL) {
            return;
        }
        struct ms_attempt *attempt = ms_container_of(link, struct ms_attempt, sending);

        if (attempt->unsent != NULL) {
            send_piece(slave, attempt, attempt->unsent);
            attempt->unsent = attempt->unsent->next;
            continue;
        }
        ms_list_remove(link);
        if (attempt->state == MS_ATTEMPT_DONE && !attempt->is_sent) {
            send_result(slave, attempt);
        }
    }
}

/* The next one that waits, or NULL. */
static struct ms_attempt *waiting(const struct ms_slave *slave)
{
    struct ms_list *link = ms_list_first(&slave->attempts.queued);

    return link != NULL ? ms_container_of(link, struct ms_attempt, link) : NULL;
}

/* Nothing is started for a master that may have given us up, and what we hold to others: its answer to a beat says that it has not. */
static void start_waiting(struct ms_slave *slave, ms_time now)
{
    if (!ms_upstream_is_sure(&slave->upstream, now)) {
        return;
    }
    while (ms_slave_has_room(slave) && slave->attempts.running_count < slave->slots) {
        struct ms_attempt *attempt = waiting(slave);

        if (attempt == NULL) {
            return;
        }
        ms_attempts_start(&slave->attempts, attempt);
        ms_slave_start(slave, now, attempt,
                       (struct ms_bytes){attempt->payload, attempt->payload_size});
    }
}

static void return_waiting(struct ms_slave *slave)
{
    while (ms_slave_has_room(slave)) {
        struct ms_attempt *attempt = waiting(slave);

        if (attempt == NULL) {
            return;
        }
        slave->stats.returned_total++;
        ms_upstream_send(&slave->upstream, &(struct ms_command){
                                               .kind = MS_KIND_RETURN,
                                               .token = attempt->token,
                                           });
        ms_attempts_forget(&slave->attempts, attempt);
    }
}

static void enter_service(struct ms_slave *slave)
{
    ms_assert(slave->phase == MS_SLAVE_RESENDING);
    slave->phase = MS_SLAVE_SERVING;
    if (slave->life != MS_SLAVE_WORKS) {
        ms_slave_go_away(slave);
        return;
    }
    ms_upstream_send(&slave->upstream, &(struct ms_command){
                                           .kind = MS_KIND_ANNOUNCE,
                                           .body.announce = &slave->announce,
                                       });
}

static void grant(struct ms_slave *slave)
{
    const uint32_t count = due(slave);

    if (count > 0) {
        ms_credits_grant(&slave->credits, count);
        ms_upstream_send(&slave->upstream,
                         &(struct ms_command){.kind = MS_KIND_PULL, .count = count});
    }
}

static void end(struct ms_slave *slave, enum ms_error error)
{
    ms_upstream_stop(&slave->upstream);
    slave->phase = MS_SLAVE_STOPPED;
    slave->has_more = false;
    ms_engine_emit(&slave->engine, &(struct ms_effect){.type = MS_EFFECT_STOPPED, .error = error});
}

static bool is_drained(const struct ms_slave *slave)
{
    const struct ms_attempts *attempts = &slave->attempts;

    /* What waits is the master's again as soon as the session ends, so it needs no goodbye when
     * there is nobody to say it to; a result does. */
    return attempts->running_count == 0 && attempts->done_count == 0 &&
           (attempts->queued_count == 0 || slave->phase == MS_SLAVE_OFFLINE);
}

static void flow_up(struct ms_slave *slave, ms_time now)
{
    send_unsent(slave);
    if (slave->phase == MS_SLAVE_RESENDING && ms_slave_has_room(slave)) {
        enter_service(slave);
    }
    if (slave->life != MS_SLAVE_WORKS) {
        return_waiting(slave);
        return;
    }
    if (slave->attempts.queued_count > 0) {
        start_waiting(slave, now);
    }
    if (slave->phase == MS_SLAVE_SERVING) {
        grant(slave);
    }
}

void ms_slave_flow(struct ms_slave *slave, ms_time now)
{
    ms_assert(slave->phase != MS_SLAVE_STOPPED);
    send_aborts(slave);
    if (slave->phase == MS_SLAVE_RESENDING || slave->phase == MS_SLAVE_SERVING) {
        flow_up(slave, now);
    }
    slave->has_more = !ms_slave_has_room(slave);
    if (slave->has_more) {
        return;
    }
    if (slave->life == MS_SLAVE_ENDS) {
        end(slave, slave->end_error);
    } else if (slave->life == MS_SLAVE_DRAINS && is_drained(slave)) {
        end(slave, MS_E_OK);
    }
}
