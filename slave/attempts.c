#include "slave/attempts.h"

#include <assert.h>

#include "core/invariant.h"
#include "slave/parts.h"

static_assert(sizeof(struct ms_piece) <= 32, "a piece costs little beside its bytes");

/* Which list an attempt is on says its state; DROPPED shares that of RUNNING, whose slots they use. */
static struct ms_list *list_of(struct ms_attempts *attempts, enum ms_attempt_state state)
{
    switch (state) {
    case MS_ATTEMPT_QUEUED:
        return &attempts->queued;
    case MS_ATTEMPT_RUNNING:
    case MS_ATTEMPT_DROPPED:
        return &attempts->running;
    case MS_ATTEMPT_DONE:
        return &attempts->done;
    case MS_ATTEMPT_STATES:
        break;
    }
    ms_unreachable();
}

static uint32_t *count_of(struct ms_attempts *attempts, enum ms_attempt_state state)
{
    switch (state) {
    case MS_ATTEMPT_QUEUED:
        return &attempts->queued_count;
    case MS_ATTEMPT_RUNNING:
    case MS_ATTEMPT_DROPPED:
        return &attempts->running_count;
    case MS_ATTEMPT_DONE:
        return &attempts->done_count;
    case MS_ATTEMPT_STATES:
        break;
    }
    ms_unreachable();
}

static struct ms_key key_of(struct ms_token token)
{
    return ms_key_of(token.epoch, token.n);
}

bool ms_attempts_init(struct ms_attempts *attempts, uint32_t max, size_t bytes_max, uint64_t seed)
{
    ms_assert(max > 0);
    *attempts = (struct ms_attempts){0};
    if (!ms_pool_init(&attempts->pool, sizeof(struct ms_attempt), max)) {
        return false;
    }
    ms_map_init(&attempts->map, max, seed);
    ms_slab_init(&attempts->slab, bytes_max);
    ms_heap_init(&attempts->deadlines, max);
    ms_list_init(&attempts->queued);
    ms_list_init(&attempts->running);
    ms_list_init(&attempts->done);
    ms_list_init(&attempts->unsent);
    ms_list_init(&attempts->aborting);
    return true;
}

static void free_output(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    while (attempt->first != NULL) {
        struct ms_piece *piece = attempt->first;

        attempt->first = piece->next;
        ms_slab_give(&attempts->slab, piece, sizeof *piece + piece->size);
    }
    attempt->last = NULL;
    attempt->unsent = NULL;
    attempt->output_bytes = 0;
}

static void free_payload(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    if (attempt->is_assembled) {
        ms_parts_free(attempt->payload);
    } else {
        ms_slab_give(&attempts->slab, attempt->payload, attempt->payload_size);
    }
    attempt->payload = NULL;
    attempt->payload_size = 0;
    attempt->is_assembled = false;
}

static void free_memory(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    free_output(attempts, attempt);
    free_payload(attempts, attempt);
    ms_slab_give(&attempts->slab, attempt->detail, attempt->detail_size);
    attempt->detail = NULL;
    attempt->detail_size = 0;
}

void ms_attempts_finish(struct ms_attempts *attempts)
{
    uint32_t cursor = 0;

    if (attempts == NULL) {
        return;
    }
    for (;;) {
        struct ms_attempt *attempt = ms_pool_next(&attempts->pool, &cursor);

        if (attempt == NULL) {
            break;
        }
        free_memory(attempts, attempt);
    }
    ms_heap_finish(&attempts->deadlines);
    ms_slab_finish(&attempts->slab);
    ms_map_finish(&attempts->map);
    ms_pool_finish(&attempts->pool);
}

struct ms_attempt *ms_attempts_find(const struct ms_attempts *attempts, struct ms_token token)
{
    return ms_map_find_pointer(&attempts->map, key_of(token));
}

static void enter(struct ms_attempts *attempts, struct ms_attempt *attempt,
                  enum ms_attempt_state state)
{
    ms_assert(!ms_list_is_linked(&attempt->link));
    attempt->state = state;
    ms_list_push_back(list_of(attempts, state), &attempt->link);
    ++*count_of(attempts, state);
}

static void leave(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    uint32_t *count = count_of(attempts, attempt->state);

    ms_assert(*count > 0);
    ms_list_remove(&attempt->link);
    --*count;
}

struct ms_attempt *ms_attempts_add(struct ms_attempts *attempts, const struct ms_command *command,
                                   enum ms_attempt_state state)
{
    ms_assert(state == MS_ATTEMPT_QUEUED || state == MS_ATTEMPT_RUNNING);
    const size_t count = ms_map_count(&attempts->map);
    struct ms_attempt *attempt = ms_pool_take(&attempts->pool);

    if (attempt == NULL) {
        return NULL;
    }
    ms_list_init(&attempt->link);
    ms_list_init(&attempt->sending);
    ms_list_init(&attempt->stopping);
    attempt->token = command->token;
    attempt->id = command->id;
    attempt->type = command->type;
    attempt->number = command->attempt;
    attempt->timeout = command->timeout;
    attempt->flags = command->flags;
    attempt->index = command->index;
    attempt->array_count = (uint32_t)command->count;
    if (state == MS_ATTEMPT_QUEUED && command->payload.size > 0) {
        attempt->payload =
            ms_slab_copy(&attempts->slab, command->payload.data, command->payload.size);
        if (attempt->payload == NULL) {
            goto err_after_take;
        }
        attempt->payload_size = command->payload.size;
    }
    if (!ms_map_put_pointer(&attempts->map, key_of(attempt->token), attempt)) {
        goto err_after_copy;
    }
    ms_assert(ms_map_count(&attempts->map) == count + 1); /* the token was new */
    enter(attempts, attempt, state);
    return attempt;

err_after_copy:
    ms_slab_give(&attempts->slab, attempt->payload, attempt->payload_size);
err_after_take:
    ms_pool_give(&attempts->pool, attempt);
    return NULL;
}

void ms_attempts_take_payload(struct ms_attempt *attempt, void *payload, size_t size)
{
    ms_assert(attempt->state == MS_ATTEMPT_QUEUED && attempt->payload == NULL);
    attempt->payload = payload;
    attempt->payload_size = size;
    attempt->is_assembled = true;
}

void ms_attempts_start(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    ms_assert(attempt->state == MS_ATTEMPT_QUEUED);
    leave(attempts, attempt);
    enter(attempts, attempt, MS_ATTEMPT_RUNNING);
}

bool ms_attempts_limit(struct ms_attempts *attempts, struct ms_attempt *attempt, ms_time until)
{
    ms_assert(!ms_heap_has(&attempt->deadline));
    return until == MS_TIME_NEVER || ms_heap_push(&attempts->deadlines, &attempt->deadline, until);
}

struct ms_attempt *ms_attempts_expired(struct ms_attempts *attempts, ms_time now)
{
    if (ms_heap_min(&attempts->deadlines) > now || ms_heap_count(&attempts->deadlines) == 0) {
        return NULL;
    }
    return ms_container_of(ms_heap_pop(&attempts->deadlines), struct ms_attempt, deadline);
}

static void mark_unsent(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    if (!ms_list_is_linked(&attempt->sending)) {
        ms_list_push_back(&attempts->unsent, &attempt->sending);
    }
}

enum ms_error ms_attempts_output(struct ms_attempts *attempts, struct ms_attempt *attempt,
                                 const struct ms_command *output)
{
    const size_t size = output->payload.size;

    ms_assert(attempt->state == MS_ATTEMPT_RUNNING);
    if (size > MS_RESULT_BYTES_MAX - attempt->output_bytes) {
        return MS_E_RESULT_SIZE;
    }
    struct ms_piece *piece = ms_slab_take(&attempts->slab, sizeof *piece + size);

    if (piece == NULL) {
        return MS_E_NO_MEMORY;
    }
    *piece = (struct ms_piece){
        .size = (uint32_t)size,
        .index = attempt->pieces_count++,
        .stream = output->stream,
    };
    if (size > 0) {
        memcpy(piece->bytes, output->payload.data, size);
    }
    if (attempt->last != NULL) {
        attempt->last->next = piece;
    } else {
        attempt->first = piece;
    }
    attempt->last = piece;
    attempt->output_bytes += size;
    if (attempt->unsent == NULL) {
        attempt->unsent = piece;
    }
    mark_unsent(attempts, attempt);
    return MS_E_OK;
}

/* Copies bytes behind one of an attempt's two pointers; false when they do not fit. */
static bool keep(struct ms_attempts *attempts, struct ms_bytes bytes, void **copy_out,
                 size_t *size_out)
{
    ms_assert(*copy_out == NULL);
    if (bytes.size == 0) {
        return true;
    }
    *copy_out = ms_slab_copy(&attempts->slab, bytes.data, bytes.size);
    *size_out = *copy_out != NULL ? bytes.size : 0;
    return *copy_out != NULL;
}

/* Takes the attempt out of everything that only concerns a running handler. */
static void calm(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    if (ms_heap_has(&attempt->deadline)) {
        ms_heap_remove(&attempts->deadlines, &attempt->deadline);
    }
    ms_list_remove(&attempt->stopping);
}

bool ms_attempts_done(struct ms_attempts *attempts, struct ms_attempt *attempt,
                      const struct ms_command *result)
{
    struct ms_bytes detail = result->detail;

    ms_assert(attempt->state == MS_ATTEMPT_QUEUED || attempt->state == MS_ATTEMPT_RUNNING);
    ms_assert(attempt->detail == NULL);
    free_payload(attempts, attempt);
    calm(attempts, attempt);
    leave(attempts, attempt);
    enter(attempts, attempt, MS_ATTEMPT_DONE);
    attempt->status = (enum ms_status)result->status;
    attempt->code = result->code;
    attempt->signal = result->signal;
    attempt->retry_delay = result->delay;
    attempt->has_usage = result->usage != NULL;
    if (attempt->has_usage) {
        attempt->usage = *result->usage;
    }
    attempt->is_sent = false;
    mark_unsent(attempts, attempt);
    detail.size = detail.size < MS_DETAIL_MAX ? detail.size : MS_DETAIL_MAX;
    keep(attempts, detail, &attempt->detail, &attempt->detail_size); /* words may be missing */
    return keep(attempts, result->payload, &attempt->payload, &attempt->payload_size);
}

void ms_attempts_abort(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    ms_assert(attempt->state == MS_ATTEMPT_RUNNING || attempt->state == MS_ATTEMPT_DROPPED);
    if (!attempt->is_aborted) {
        attempt->is_aborted = true;
        ms_list_push_back(&attempts->aborting, &attempt->stopping);
    }
}

void ms_attempts_drop(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    ms_assert(attempt->state == MS_ATTEMPT_RUNNING);
    attempt->state = MS_ATTEMPT_DROPPED;
    attempts->dropped_count++;
    free_output(attempts, attempt);
    ms_list_remove(&attempt->sending);
    if (ms_heap_has(&attempt->deadline)) {
        ms_heap_remove(&attempts->deadlines, &attempt->deadline);
    }
    ms_attempts_abort(attempts, attempt);
}

void ms_attempts_rewind(struct ms_attempts *attempts)
{
    ms_list_for_each(link, &attempts->done)
    {
        struct ms_attempt *attempt = ms_container_of(link, struct ms_attempt, link);

        attempt->unsent = attempt->first;
        attempt->is_sent = false;
        mark_unsent(attempts, attempt);
    }
    ms_list_for_each(link, &attempts->running)
    {
        struct ms_attempt *attempt = ms_container_of(link, struct ms_attempt, link);

        attempt->unsent = attempt->first;
        if (attempt->unsent != NULL) {
            mark_unsent(attempts, attempt);
        }
    }
}

void ms_attempts_forget(struct ms_attempts *attempts, struct ms_attempt *attempt)
{
    ms_assert(attempt->state != MS_ATTEMPT_RUNNING);
    attempts->dropped_count -= attempt->state == MS_ATTEMPT_DROPPED;
    calm(attempts, attempt);
    leave(attempts, attempt);
    ms_list_remove(&attempt->sending);
    free_memory(attempts, attempt);
    ms_map_remove(&attempts->map, key_of(attempt->token));
    ms_pool_give(&attempts->pool, attempt);
}

static uint32_t list_held(const struct ms_list *list, struct ms_token *tokens_out,
                          struct ms_holding *holdings_out)
{
    uint32_t count = 0;

    ms_list_for_each(link, list)
    {
        const struct ms_attempt *attempt = ms_container_of(link, struct ms_attempt, link);

        if (attempt->state != MS_ATTEMPT_DROPPED) {
            tokens_out[count] = attempt->token;
            holdings_out[count] = (struct ms_holding){
                .id = attempt->id, .type = attempt->type, .attempt = attempt->number};
            count++;
        }
    }
    return count;
}

uint32_t ms_attempts_list(const struct ms_attempts *attempts, struct ms_token *tokens_out,
                          struct ms_holding *holdings_out)
{
    uint32_t count = list_held(&attempts->done, tokens_out, holdings_out);

    count += list_held(&attempts->running, tokens_out + count, holdings_out + count);
    count += list_held(&attempts->queued, tokens_out + count, holdings_out + count);
    ms_assert(count <= ms_pool_used(&attempts->pool));
    return count;
}

static void check_attempt(const struct ms_attempts *attempts, const struct ms_attempt *attempt)
{
    const bool is_running =
        attempt->state == MS_ATTEMPT_RUNNING || attempt->state == MS_ATTEMPT_DROPPED;
    size_t output_bytes = 0;

    ms_assert(ms_attempts_find(attempts, attempt->token) == attempt);
    ms_assert(ms_list_is_linked(&attempt->link));
    ms_assert(is_running || !ms_list_is_linked(&attempt->stopping));
    ms_assert(attempt->state == MS_ATTEMPT_RUNNING || !ms_heap_has(&attempt->deadline));
    ms_assert(attempt->state != MS_ATTEMPT_DONE || attempt->is_sent ||
              ms_list_is_linked(&attempt->sending));
    ms_assert(attempt->unsent == NULL || ms_list_is_linked(&attempt->sending));
    for (const struct ms_piece *piece = attempt->first; piece != NULL; piece = piece->next) {
        output_bytes += piece->size;
    }
    ms_assert(output_bytes == attempt->output_bytes);
    ms_assert(output_bytes <= MS_RESULT_BYTES_MAX);
}

static uint32_t check_list(const struct ms_attempts *attempts, const struct ms_list *list)
{
    uint32_t count = 0;

    ms_list_for_each(link, list)
    {
        check_attempt(attempts, ms_container_of(link, struct ms_attempt, link));
        count++;
    }
    return count;
}

void ms_attempts_check(const struct ms_attempts *attempts)
{
    const uint32_t all = attempts->queued_count + attempts->running_count + attempts->done_count;

    ms_assert(check_list(attempts, &attempts->queued) == attempts->queued_count);
    ms_assert(check_list(attempts, &attempts->running) == attempts->running_count);
    ms_assert(check_list(attempts, &attempts->done) == attempts->done_count);
    ms_assert(ms_pool_used(&attempts->pool) == all);
    ms_assert(ms_map_count(&attempts->map) == all);
    ms_assert(attempts->dropped_count <= attempts->running_count);
    ms_assert(ms_heap_count(&attempts->deadlines) <=
              attempts->running_count - attempts->dropped_count);
    ms_assert(all > 0 || ms_slab_used(&attempts->slab) == 0);
}
