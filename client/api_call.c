#include "client/api_private.h"
#include "core/limits.h"

int ms_client_call(struct ms_client *client, const struct ms_client_call *call,
                   ms_client_reply_fn on_reply, void *context)
{
    struct ms_client_call known;
    struct ms_call_ticket *ticket = NULL;

    if (client->is_closing) {
        return MS_CLIENT_DRAINING;
    }
    if (on_reply == NULL || !ms_client_copy_struct(&known, sizeof known, call) ||
        known.what == NULL || known.what[0] == '\0' || strlen(known.what) > MS_DETAIL_MAX ||
        known.wait_ms < 0 || known.wait_ms > MS_DURATION_MAX / MS_MSEC) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    if (known.payload_size > MS_SERVICE_RECORD_MAX) {
        return MS_CLIENT_PAYLOAD_SIZE;
    }
    for (size_t i = 0; i < MS_CALLS_MAX && ticket == NULL; i++) {
        ticket = client->calls[i].on_reply == NULL ? &client->calls[i] : NULL;
    }
    if (ticket == NULL) {
        return MS_CLIENT_BUSY;
    }
    *ticket = (struct ms_call_ticket){on_reply, context};
    ms_client_post(client, MS_EVENT_REQUEST, (uint64_t)(uintptr_t)ticket,
                   &(struct ms_command){
                       .kind = MS_KIND_CALL,
                       .detail = ms_bytes_of(known.what),
                       .payload = {known.payload, known.payload_size},
                       .timeout = known.wait_ms * MS_MSEC,
                   });
    return MS_CLIENT_OK;
}

/* The ticket is free again before anybody hears of it, so that a callback may call the next. */
void ms_client_deliver_reply(struct ms_client *client, const struct ms_effect *effect)
{
    struct ms_call_ticket *ticket = (struct ms_call_ticket *)(uintptr_t)effect->seq;
    const struct ms_command *from = &effect->command;
    char detail[MS_DETAIL_MAX + 1] = "";

    ms_assert(ticket != NULL && ticket->on_reply != NULL);
    const struct ms_call_ticket taken = *ticket;

    if (from->detail.size > 0) {
        memcpy(detail, from->detail.data,
               from->detail.size < MS_DETAIL_MAX ? from->detail.size : MS_DETAIL_MAX);
    }
    *ticket = (struct ms_call_ticket){NULL, NULL};
    client->depth++;
    taken.on_reply(client,
                   &(struct ms_client_reply){
                       .size = sizeof(struct ms_client_reply),
                       .error = from->error,
                       .payload = from->payload.data,
                       .payload_size = from->payload.size,
                       .detail = detail,
                   },
                   taken.context);
    client->depth--;
}
