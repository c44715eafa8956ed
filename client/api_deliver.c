#include <stdlib.h>

#include "client/api_private.h"
#include "core/text.h"

#define COLLECT_FIRST 4096

static struct ms_ticket *ticket_of(const struct ms_effect *effect)
{
    ms_assert(effect->seq != 0);
    return (struct ms_ticket *)(uintptr_t)effect->seq;
}

/* Output of a submission that did not ask for a stream gathers here until its result. */
static void collect(struct ms_ticket *ticket, struct ms_bytes bytes)
{
    if (ticket->error != MS_CLIENT_OK || bytes.size == 0) {
        return;
    }
    if (bytes.size > MS_RESULT_BYTES_MAX - ticket->collected_size) {
        ticket->error = MS_E_RESULT_SIZE;
        return;
    }
    const size_t size = ticket->collected_size + bytes.size;

    if (size > ticket->collected_capacity) {
        size_t capacity =
            ticket->collected_capacity == 0 ? COLLECT_FIRST : 2 * ticket->collected_capacity;

        capacity = capacity < size ? size : capacity;
        uint8_t *grown = realloc(ticket->collected, capacity);

        if (grown == NULL) {
            ticket->error = MS_CLIENT_NO_MEMORY;
            return;
        }
        ticket->collected = grown;
        ticket->collected_capacity = capacity;
    }
    memcpy(ticket->collected + ticket->collected_size, bytes.data, bytes.size);
    ticket->collected_size = size;
}

static void deliver_output(struct ms_client *client, const struct ms_effect *effect)
{
    const struct ms_command *piece = &effect->command;
    struct ms_ticket *ticket = ticket_of(effect);
    const bool is_reset = effect->tag == MS_CLIENT_NOTE_RESET;

    if (ticket->on_output == NULL) {
        if (is_reset) {
            ticket->collected_size = 0;
            ticket->error = MS_CLIENT_OK;
        } else if (piece->stream == MS_STREAM_DATA) {
            collect(ticket, piece->payload);
        }
        return;
    }
    client->depth++;
    ticket->on_output(client,
                      &(struct ms_client_output){
                          .size = sizeof(struct ms_client_output),
                          .seq = piece->id.seq,
                          .stream = is_reset ? (int)MS_CLIENT_RESET : (int)piece->stream,
                          .attempt = piece->attempt,
                          .data = piece->payload.data,
                          .data_size = piece->payload.size,
                      },
                      ticket->context);
    client->depth--;
}

/* The ticket is free again before anybody hears of it, so that a callback may submit the next. */
static void finish(struct ms_client *client, struct ms_ticket *ticket,
                   const struct ms_client_result *result)
{
    const ms_client_done_fn on_done = ticket->on_done;
    void *context = ticket->done_context;

    ms_pool_give(&client->tickets, ticket);
    if (on_done != NULL) {
        client->depth++;
        on_done(client, result, context);
        client->depth--;
    }
}

static void copy_detail(char detail_out[MS_DETAIL_MAX + 1], struct ms_bytes detail)
{
    const size_t size = detail.size <= MS_DETAIL_MAX ? detail.size : MS_DETAIL_MAX;

    if (size > 0) {
        memcpy(detail_out, detail.data, size);
    }
    detail_out[size] = '\0';
}

/* The detail of a broadcast's outcome begins with the name of its slave: "NAME", or "NAME: detail". Cuts that off. */
static void split_detail(struct ms_client_result *result, char slave_out[MS_NAME_MAX + 1])
{
    const size_t length = strcspn(result->detail, ":");
    const char *rest = result->detail + length;

    slave_out[0] = '\0';
    if (!ms_text_is_name(result->detail, length) || (rest[0] != '\0' && rest[1] != ' ')) {
        return;
    }
    memcpy(slave_out, result->detail, length);
    slave_out[length] = '\0';
    result->detail = rest[0] != '\0' ? rest + 2 : rest;
}

static void deliver_outcome(struct ms_client *client, const struct ms_effect *effect)
{
    const struct ms_command *outcome = &effect->command;
    struct ms_ticket *ticket = ticket_of(effect);
    char detail[MS_DETAIL_MAX + 1];
    char slave[MS_NAME_MAX + 1] = "";
    struct ms_client_result result = {
        .size = sizeof result,
        .seq = outcome->id.seq,
        .status = outcome->status,
        .attempt = outcome->attempt,
        .code = outcome->code,
        .signal = outcome->signal,
        .payload = outcome->payload.data,
        .payload_size = outcome->payload.size,
        .detail = detail,
        .slave = slave,
    };
    uint8_t *collected;

    copy_detail(detail, outcome->detail);
    if (ticket->is_aimed) {
        split_detail(&result, slave);
    }
    if (outcome->usage != NULL) {
        result.has_usage = true;
        result.wall_us = outcome->usage->wall_us;
        result.user_us = outcome->usage->user_us;
        result.system_us = outcome->usage->system_us;
        result.rss_kib = outcome->usage->rss_kib;
    }
    if (ticket->collected_size > 0) {
        collect(ticket, outcome->payload);
        result.payload = ticket->collected;
        result.payload_size = ticket->collected_size;
    }
    result.error = ticket->error;
    collected = ticket->collected;
    finish(client, ticket, &result);
    free(collected);
}

static void deliver_accepted(struct ms_client *client, const struct ms_effect *effect)
{
    const struct ms_command *ack = &effect->command;
    struct ms_ticket *ticket = ticket_of(effect);
    const bool is_background = ticket->is_background;

    if (ticket->on_accepted != NULL) {
        client->depth++;
        ticket->on_accepted(client, ack->id.seq, ack->durability, ack->copies, ticket->context);
        client->depth--;
    }
    if (is_background) {
        finish(client, ticket,
               &(struct ms_client_result){
                   .size = sizeof(struct ms_client_result),
                   .seq = ack->id.seq,
                   .is_background = true,
                   .detail = "",
                   .slave = "",
               });
    }
}

static void deliver_refused(struct ms_client *client, const struct ms_effect *effect)
{
    const struct ms_command *nak = &effect->command;
    struct ms_ticket *ticket = ticket_of(effect);
    uint8_t *collected = ticket->collected;
    char detail[MS_DETAIL_MAX + 1];

    copy_detail(detail, nak->detail);
    finish(client, ticket,
           &(struct ms_client_result){
               .size = sizeof(struct ms_client_result),
               .seq = nak->id.seq,
               .error = (int)nak->error,
               .status = MS_CLIENT_STATUS_FAIL,
               .detail = detail,
               .slave = "",
               .is_spare = ticket->is_aimed && nak->count > 0 && nak->error == MS_E_NOT_FOUND,
           });
    free(collected);
}

static void deliver_note(struct ms_client *client, const struct ms_effect *effect)
{
    client->depth++;
    switch ((enum ms_client_note)effect->tag) {
    case MS_CLIENT_NOTE_ROOM:
        if (client->on_room != NULL) {
            client->on_room(client, client->context);
        }
        break;
    case MS_CLIENT_NOTE_UP:
    case MS_CLIENT_NOTE_LOST:
    case MS_CLIENT_NOTE_REFUSED:
        if (client->on_connection != NULL) {
            client->on_connection(client, effect->tag == MS_CLIENT_NOTE_UP, (int)effect->error,
                                  client->context);
        }
        break;
    case MS_CLIENT_NOTE_LATER:
        if (client->on_later != NULL) {
            client->on_later(client, (int)effect->error, client->context);
        }
        break;
    case MS_CLIENT_NOTE_NONE:
    case MS_CLIENT_NOTE_RESET:
        break;
    }
    client->depth--;
}

static void deliver(struct ms_client *client, const struct ms_effect *effect)
{
    switch (effect->command.kind) {
    case MS_KIND_NONE:
        deliver_note(client, effect);
        break;
    case MS_KIND_SUBMIT_ACK:
        deliver_accepted(client, effect);
        break;
    case MS_KIND_SUBMIT_NAK:
        deliver_refused(client, effect);
        break;
    case MS_KIND_STREAM:
        deliver_output(client, effect);
        break;
    case MS_KIND_OUTCOME:
        deliver_outcome(client, effect);
        break;
    case MS_KIND_REPORT:
        ms_client_deliver_report(client, effect);
        break;
    case MS_KIND_TAIL:
        ms_client_deliver_tail(client, effect);
        break;
    case MS_KIND_CALL_REPLY:
        ms_client_deliver_reply(client, effect);
        break;
    default: /* CANCEL_ACK: the outcome says the rest */
        break;
    }
}

void ms_client_effect(void *context, const struct ms_effect *effect)
{
    struct ms_client *client = context;

    if (effect->type == MS_EFFECT_DELIVER) {
        deliver(client, effect);
    } else if (effect->type == MS_EFFECT_STOPPED) {
        client->is_stopped = true;
    }
}
