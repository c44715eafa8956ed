#include <stdlib.h>

#include "client/api_private.h"
#include "core/router.h"

#define ROOM_DEFAULT 256u /* for the slaves of a broadcast */
#define TIME_MS_MAX  ((uint64_t)INT64_MAX / MS_MSEC)
#define KNOWN_FLAGS  (MS_CLIENT_BACKGROUND | MS_CLIENT_ONCE | MS_CLIENT_KEEP)

_Static_assert(MS_CLIENT_BACKGROUND == MS_FLAG_BACKGROUND && MS_CLIENT_ONCE == MS_FLAG_ONCE &&
                   MS_CLIENT_KEEP == MS_FLAG_KEEP,
               "public flags are those of the wire");
_Static_assert((int)MS_CLIENT_DURABILITY_MEM == MS_DURABILITY_MEM + 1 &&
                   (int)MS_CLIENT_DURABILITY_LOCAL == MS_DURABILITY_LOCAL + 1 &&
                   (int)MS_CLIENT_DURABILITY_SYNC == MS_DURABILITY_SYNC + 1 &&
                   (int)MS_CLIENT_DURABILITY_STRICT == MS_DURABILITY_STRICT + 1,
               "public classes are those of the wire, and one for none");
_Static_assert(MS_CLIENT_ON_ALL == MS_ON_ALL, "all are all");
_Static_assert((int)MS_CLIENT_UNIQUE_JOIN == MS_UNIQUE_JOIN &&
                   (int)MS_CLIENT_UNIQUE_REJECT == MS_UNIQUE_REJECT &&
                   (int)MS_CLIENT_UNIQUE_REPLACE == MS_UNIQUE_REPLACE,
               "public modes are those of the wire");

static bool is_name(const char *text)
{
    return ms_text_is_name(text, strlen(text));
}

static bool is_fit_broadcast(const struct ms_client_submission *submission)
{
    const char *where = submission->where;

    if (submission->on == 0) {
        return where == NULL;
    }
    return (submission->on == MS_CLIENT_ON_ALL || submission->array_count == submission->on) &&
           submission->array_count <= MS_TARGETS_MAX &&
           (where == NULL || strlen(where) <= MS_WHERE_MAX);
}

/* What the types allow and the engine cannot say of itself; ranges it checks. */
static bool is_fit(const struct ms_client_submission *submission)
{
    return (submission->type == NULL) != (submission->type_number == 0) &&
           (submission->type == NULL || is_name(submission->type)) &&
           (submission->payload != NULL || submission->payload_size == 0) &&
           (submission->flags & ~(uint32_t)KNOWN_FLAGS) == 0 &&
           submission->timeout_ms <= TIME_MS_MAX && submission->delay_ms <= TIME_MS_MAX &&
           submission->durability >= 0 && submission->durability <= MS_DURABILITY_COUNT &&
           submission->priority >= MS_PRIORITY_MIN && submission->priority <= MS_PRIORITY_MAX &&
           submission->unique_mode >= 0 && submission->unique_mode < MS_UNIQUE_COUNT &&
           (submission->unique != NULL || submission->unique_mode == 0) &&
           (submission->unique == NULL || submission->unique[0] != '\0') &&
           (submission->group == NULL || is_name(submission->group)) &&
           (submission->key != NULL || submission->key_size == 0) &&
           submission->key_size <= MS_KEY_MAX &&
           (submission->array_count > 0 || submission->array_concurrency == 0) &&
           is_fit_broadcast(submission);
}

/* False when it has none. */
static bool translate_terms(const struct ms_client_submission *submission,
                            struct ms_terms *terms_out)
{
    *terms_out = (struct ms_terms){
        .priority = (int8_t)submission->priority,
        .array_count = submission->array_count,
        .array_concurrency = submission->array_concurrency,
        .run_at = submission->run_at_us,
        .deadline = submission->deadline_us,
        .key = {submission->key, submission->key_size},
        .on = submission->on,
        .where = submission->where != NULL ? ms_bytes_of(submission->where) : (struct ms_bytes){0},
    };
    if (submission->unique != NULL) {
        terms_out->unique = ms_bytes_of(submission->unique);
        terms_out->unique_mode = submission->unique_mode != 0 ? (uint8_t)submission->unique_mode
                                                              : (uint8_t)MS_UNIQUE_JOIN;
    }
    if (submission->group != NULL) {
        terms_out->group = ms_bytes_of(submission->group);
    }
    return submission->priority != 0 || submission->array_count != 0 ||
           submission->run_at_us != 0 || submission->deadline_us != 0 ||
           submission->unique != NULL || submission->group != NULL || submission->key_size != 0;
}

/* What the engine is asked for; terms has room for those it needs. */
static struct ms_command translate(const struct ms_client_submission *submission,
                                   struct ms_terms *terms)
{
    const bool is_background = (submission->flags & MS_CLIENT_BACKGROUND) != 0;
    const bool is_streamed = submission->on_output != NULL && !is_background;
    const bool has_class = submission->durability != MS_CLIENT_DURABILITY_DEFAULT;
    const bool has_terms = translate_terms(submission, terms);

    return (struct ms_command){
        .kind = MS_KIND_SUBMIT,
        .flags = (uint8_t)(submission->flags | (is_streamed ? MS_FLAG_STREAM : 0) |
                           (has_class ? MS_FLAG_DURABILITY : 0)),
        .durability = has_class ? (uint8_t)(submission->durability - 1) : 0,
        .type =
            submission->type != NULL ? ms_type_of_name(submission->type) : submission->type_number,
        .attempts_max = submission->attempts != 0 ? submission->attempts : 1,
        .timeout = (ms_time)submission->timeout_ms * MS_MSEC,
        .delay = (ms_time)submission->delay_ms * MS_MSEC,
        .payload = {submission->payload, submission->payload_size},
        .terms = has_terms ? terms : NULL,
    };
}

static uint64_t cookie_of(const struct ms_ticket *ticket)
{
    return (uint64_t)(uintptr_t)ticket;
}

static void fill_ticket(struct ms_ticket *ticket, const struct ms_client_submission *submission,
                        ms_client_done_fn on_done, void *context)
{
    *ticket = (struct ms_ticket){
        .on_done = on_done,
        .done_context = context,
        .on_output = submission->on_output,
        .on_accepted = submission->on_accepted,
        .context = submission->context,
        .is_background = (submission->flags & MS_CLIENT_BACKGROUND) != 0,
        .is_aimed = submission->on > 0,
    };
}

/* Tickets of the members behind the first, which has one already. The pool has room for more than the engine
 * takes, so they run out when the engine would refuse anyway. */
static bool add_tickets(struct ms_client *client, const struct ms_client_submission *submission,
                        const struct ms_ticket *first, struct ms_ticket **tickets)
{
    for (uint32_t i = 1; i < submission->array_count; i++) {
        tickets[i] = ms_pool_take(&client->tickets);
        if (tickets[i] == NULL) {
            while (--i > 0) {
                ms_pool_give(&client->tickets, tickets[i]);
            }
            return false;
        }
        fill_ticket(tickets[i], submission, first->on_done, first->done_context);
        tickets[i]->on_accepted = NULL; /* an array is accepted once */
    }
    return true;
}

static int submit(struct ms_client *client, const struct ms_client_submission *submission,
                  struct ms_ticket *ticket, struct ms_ticket **members, uint64_t *seq_out)
{
    struct ms_terms terms;
    const struct ms_command command = translate(submission, &terms);

    const bool has_room = submission->array_count <= ms_pool_free(&client->engine.requests.pool);

    if (has_room && !add_tickets(client, submission, ticket, members)) {
        return MS_CLIENT_NO_MEMORY;
    }
    const enum ms_error error = ms_client_engine_submit(
        &client->engine, &command, cookie_of(ticket), submission->on_accepted == NULL, seq_out);

    for (uint32_t i = 1; i < submission->array_count; i++) {
        if (error == MS_E_OK) {
            ms_client_engine_set_cookie(&client->engine, *seq_out + i, cookie_of(members[i]));
        } else if (members[i] != NULL) {
            ms_pool_give(&client->tickets, members[i]);
        }
    }
    client->is_dirty = client->is_dirty || error == MS_E_OK;
    return (int)error;
}

uint32_t ms_client_numbers_of(const struct ms_client_submission *submission)
{
    if (submission->on == 0 || submission->array_count > 0) {
        return submission->array_count;
    }
    return submission->on == MS_CLIENT_ON_ALL ? ROOM_DEFAULT : submission->on;
}

int ms_client_submit(struct ms_client *client, const struct ms_client_submission *submission,
                     ms_client_done_fn on_done, void *context, uint64_t *seq_out)
{
    struct ms_client_submission known;
    struct ms_ticket **members = NULL;
    uint64_t seq = 0;

    if (client->is_closing) {
        return MS_CLIENT_DRAINING;
    }
    if (!ms_client_copy_struct(&known, sizeof known, submission)) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    known.array_count = ms_client_numbers_of(&known);
    if (!is_fit(&known)) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    if (known.array_count > MS_ARRAY_MAX ||
        known.array_count > ms_pool_capacity(&client->engine.requests.pool)) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    if (known.array_count > 0) {
        members = calloc(known.array_count, sizeof *members);
        if (members == NULL) {
            return MS_CLIENT_NO_MEMORY;
        }
    }
    struct ms_ticket *ticket = ms_pool_take(&client->tickets);
    int error = MS_CLIENT_NO_MEMORY;

    if (ticket != NULL) {
        fill_ticket(ticket, &known, on_done, context);
        error = submit(client, &known, ticket, members, &seq);
        if (error != MS_CLIENT_OK) {
            ms_pool_give(&client->tickets, ticket);
        }
    }
    free(members);
    if (error == MS_CLIENT_OK && seq_out != NULL) {
        *seq_out = seq;
    }
    return error;
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
