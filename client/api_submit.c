#include <stdlib.h>

#include "client/api_private.h"
#include "core/router.h"

#define TIME_MS_MAX ((uint64_t)INT64_MAX / MS_MSEC)

/* What the engine is asked for; false when it cannot be. */
static bool translate(const struct ms_client_submission *submission, struct ms_command *submit_out)
{
    if ((submission->type == NULL) == (submission->type_number == 0) ||
        (submission->type != NULL &&
         !ms_text_is_name(submission->type, strlen(submission->type))) ||
        (submission->payload == NULL && submission->payload_size > 0) ||
        (submission->flags & ~(uint32_t)MS_CLIENT_BACKGROUND) != 0 ||
        submission->timeout_ms > TIME_MS_MAX || submission->delay_ms > TIME_MS_MAX) {
        return false;
    }
    const bool is_background = (submission->flags & MS_CLIENT_BACKGROUND) != 0;
    const bool is_streamed = submission->on_output != NULL && !is_background;

    *submit_out = (struct ms_command){
        .kind = MS_KIND_SUBMIT,
        .flags = (uint8_t)((is_background ? MS_FLAG_BACKGROUND : 0) |
                           (is_streamed ? MS_FLAG_STREAM : 0)),
        .type =
            submission->type != NULL ? ms_type_of_name(submission->type) : submission->type_number,
        .attempts_max = submission->attempts != 0 ? submission->attempts : 1,
        .timeout = (ms_time)submission->timeout_ms * MS_MSEC,
        .delay = (ms_time)submission->delay_ms * MS_MSEC,
        .payload = {submission->payload, submission->payload_size},
    };
    return true;
}

int ms_client_submit(struct ms_client *client, const struct ms_client_submission *submission,
                     ms_client_done_fn on_done, void *context, uint64_t *seq_out)
{
    struct ms_client_submission known;
    struct ms_command submit;
    uint64_t seq = 0;

    if (client->is_closing) {
        return MS_CLIENT_DRAINING;
    }
    if (!ms_client_copy_struct(&known, sizeof known, submission) || !translate(&known, &submit)) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    struct ms_record *record = ms_pool_take(&client->records);

    if (record == NULL) {
        return MS_CLIENT_NO_MEMORY;
    }
    const enum ms_error error = ms_client_engine_submit(
        &client->engine, &submit, (uint64_t)(uintptr_t)record, known.on_accepted == NULL, &seq);

    if (error != MS_E_OK) {
        ms_pool_give(&client->records, record);
        return (int)error;
    }
    *record = (struct ms_record){
        .on_done = on_done,
        .done_context = context,
        .on_output = known.on_output,
        .on_accepted = known.on_accepted,
        .context = known.context,
        .is_background = (known.flags & MS_CLIENT_BACKGROUND) != 0,
    };
    client->is_dirty = true;
    if (seq_out != NULL) {
        *seq_out = seq;
    }
    return MS_CLIENT_OK;
}

int ms_client_cancel(struct ms_client *client, uint64_t seq)
{
    if (ms_requests_find(&client->engine.requests, seq) == NULL) {
        return MS_CLIENT_NOT_FOUND;
    }
    ms_client_post(client, MS_EVENT_REQUEST, 0,
                   &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = seq});
    return MS_CLIENT_OK;
}
