#include "client/requests.h"

#include <stdlib.h>

#include "client/requests_private.h"

/* Numbers come in order and mostly end in order, so a ring of pointers finds nearly all of them without
 * hashing; it is large enough for all when they do. */
static uint64_t places_for(uint32_t count_max)
{
    uint64_t places = 1;

    while (places < count_max) {
        places *= 2;
    }
    return places;
}

bool ms_requests_init(struct ms_requests *requests, const struct ms_requests_config *config)
{
    ms_assert(config->count_max >= 1 && config->count_max <= MS_OUTSTANDING_MAX);
    ms_assert(config->bytes_max > 0);
    ms_assert(config->seq_first >= 1 && config->floor < config->seq_first);
    *requests = (struct ms_requests){
        .turn = 1,
        .seq_first = config->seq_first,
        .seq_last = config->seq_first - 1,
        .floor = config->floor,
    };
    if (!ms_pool_init(&requests->pool, sizeof(struct ms_request), config->count_max)) {
        return false;
    }
    const uint64_t places = places_for(config->count_max);

    requests->recent_mask = places - 1;
    requests->recent = calloc(places, sizeof(struct ms_request *));
    if (requests->recent == NULL) {
        ms_pool_finish(&requests->pool);
        return false;
    }
    ms_slab_init(&requests->slab, config->bytes_max);
    ms_map_init(&requests->others, config->count_max, config->seed);
    ms_map_init(&requests->arrays, config->count_max, config->seed);
    ms_heap_init(&requests->delayed, config->count_max);
    ms_list_init(&requests->all);
    ms_list_init(&requests->waiting);
    ms_list_init(&requests->sent);
    ms_list_init(&requests->confirmed);
    ms_list_init(&requests->told);
    return true;
}

void ms_requests_finish(struct ms_requests *requests)
{
    if (requests == NULL || requests->turn == 0) {
        return;
    }
    ms_list_for_each(link, &requests->all)
    {
        const struct ms_request *request = ms_container_of(link, struct ms_request, all);

        ms_slab_give(&requests->slab, request->payload, request->size);
        ms_request_terms_leave(requests, request->terms);
    }
    ms_heap_finish(&requests->delayed);
    ms_map_finish(&requests->others);
    ms_map_finish(&requests->arrays);
    free(requests->recent);
    ms_slab_finish(&requests->slab);
    ms_pool_finish(&requests->pool);
    *requests = (struct ms_requests){.turn = 0};
}

static bool index_request(struct ms_requests *requests, uint64_t seq, struct ms_request *request)
{
    struct ms_request **place = &requests->recent[seq & requests->recent_mask];

    if (*place != NULL) {
        return ms_map_put_pointer(&requests->others, ms_key_of(0, seq), request);
    }
    *place = request;
    return true;
}

static void unindex_request(struct ms_requests *requests, const struct ms_request *request)
{
    struct ms_request **place = &requests->recent[request->seq & requests->recent_mask];

    if (*place == request) {
        *place = NULL;
    } else {
        ms_map_remove(&requests->others, ms_key_of(0, request->seq));
    }
}

/* One request under the next seq; its payload, if it has one, is taken over when that succeeds. */
static struct ms_request *add_one(struct ms_requests *requests, const struct ms_command *submit,
                                  struct ms_request_terms *terms)
{
    struct ms_request *request = ms_pool_take(&requests->pool);

    if (request == NULL) {
        return NULL;
    }
    if (!index_request(requests, requests->seq_last + 1, request)) {
        ms_pool_give(&requests->pool, request);
        return NULL;
    }
    request->seq = ++requests->seq_last;
    request->type = submit->type;
    request->terms = terms;
    request->timeout = submit->timeout;
    request->delay = submit->delay;
    request->sent_at = MS_TIME_NEVER;
    request->attempts_max = submit->attempts_max;
    request->flags = submit->flags;
    request->durability = submit->durability;
    ms_list_init(&request->all);
    ms_list_init(&request->link);
    ms_list_push_back(&requests->all, &request->all);
    ms_list_push_back(&requests->waiting, &request->link);
    requests->waiting_count++;
    if (terms != NULL) {
        terms->members++;
    }
    return request;
}

/* Members that were added before memory ran out; their numbers are free again. */
static void remove_last(struct ms_requests *requests, uint64_t first)
{
    while (requests->seq_last >= first) {
        struct ms_request *request = ms_requests_find(requests, requests->seq_last);

        ms_assert(request != NULL);
        ms_requests_close(requests, request);
        requests->seq_last--;
    }
}

static enum ms_error add_array(struct ms_requests *requests, const struct ms_command *submit,
                               struct ms_request_terms *terms, struct ms_request **request_out)
{
    const uint64_t first = terms->first;

    if (!ms_map_put_pointer(&requests->arrays, ms_key_of(0, first), terms)) {
        ms_request_terms_destroy(requests, terms);
        return MS_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < submit->terms->array_count; i++) {
        if (add_one(requests, submit, terms) == NULL) {
            if (i == 0) {
                ms_map_remove(&requests->arrays, ms_key_of(0, first));
                ms_request_terms_destroy(requests, terms);
            } else {
                remove_last(requests, first);
            }
            return MS_E_NO_MEMORY;
        }
    }
    *request_out = ms_requests_find(requests, first);
    ms_assert(*request_out != NULL);
    return MS_E_OK;
}

static enum ms_error add_single(struct ms_requests *requests, const struct ms_command *submit,
                                struct ms_request_terms *terms, struct ms_request **request_out)
{
    const size_t size = submit->payload.size;
    uint8_t *payload = NULL;

    if (size > 0) {
        payload = ms_slab_copy(&requests->slab, submit->payload.data, size);
    }
    struct ms_request *request =
        size > 0 && payload == NULL ? NULL : add_one(requests, submit, terms);

    if (request == NULL) {
        ms_slab_give(&requests->slab, payload, size);
        ms_request_terms_destroy(requests, terms);
        return MS_E_NO_MEMORY;
    }
    request->payload = payload;
    request->size = size;
    *request_out = request;
    return MS_E_OK;
}

enum ms_error ms_requests_add(struct ms_requests *requests, const struct ms_command *submit,
                              struct ms_request **request_out)
{
    const size_t cost = ms_slab_cost(submit->payload.size) + ms_request_terms_cost(submit->terms);
    const uint32_t array_count = submit->terms != NULL ? submit->terms->array_count : 0;
    struct ms_request_terms *terms = NULL;

    ms_assert(submit->kind == MS_KIND_SUBMIT);
    if (cost > requests->slab.max) {
        return MS_E_PAYLOAD_SIZE;
    }
    if (array_count > ms_pool_capacity(&requests->pool) ||
        requests->seq_last >= MS_NUMBER_MAX - (array_count > 0 ? array_count - 1 : 0)) {
        return MS_E_BAD_ARGUMENT;
    }
    if (ms_pool_free(&requests->pool) < (array_count > 0 ? array_count : 1) ||
        cost > requests->slab.max - ms_slab_used(&requests->slab)) {
        return MS_E_RETRY_LATER;
    }
    if (submit->terms != NULL) {
        terms = ms_request_terms_create(requests, submit);
        if (terms == NULL) {
            return MS_E_NO_MEMORY;
        }
    }
    return array_count > 0 ? add_array(requests, submit, terms, request_out)
                           : add_single(requests, submit, terms, request_out);
}

struct ms_request *ms_requests_find(const struct ms_requests *requests, uint64_t seq)
{
    struct ms_request *request = requests->recent[seq & requests->recent_mask];

    if (request != NULL && request->seq == seq) {
        return request;
    }
    if (ms_map_count(&requests->others) == 0) {
        return NULL;
    }
    request = ms_map_find_pointer(&requests->others, ms_key_of(0, seq));
    ms_assert(request == NULL || request->seq == seq);
    return request;
}

bool ms_requests_is_ours(const struct ms_requests *requests, uint64_t seq)
{
    ms_assert(requests->seq_last + 1 >= requests->seq_first);
    return seq >= requests->seq_first && seq <= requests->seq_last;
}

enum ms_request_state ms_request_state(const struct ms_requests *requests,
                                       const struct ms_request *request)
{
    if (ms_heap_has(&request->pause)) {
        return MS_REQUEST_DELAYED;
    }
    if (request->turn != requests->turn) {
        ms_assert(request->turn < requests->turn);
        return MS_REQUEST_WAITING;
    }
    return request->is_confirmed ? MS_REQUEST_CONFIRMED : MS_REQUEST_SENT;
}

static struct ms_request *first_of(const struct ms_list *list)
{
    struct ms_list *link = ms_list_first(list);

    return link == NULL ? NULL : ms_container_of(link, struct ms_request, link);
}

struct ms_request *ms_requests_waiting(const struct ms_requests *requests)
{
    return first_of(&requests->waiting);
}

struct ms_request *ms_requests_confirmed(const struct ms_requests *requests)
{
    return first_of(&requests->confirmed);
}

void ms_requests_send(struct ms_requests *requests, struct ms_request *request, ms_time now)
{
    ms_assert(ms_request_state(requests, request) == MS_REQUEST_WAITING);
    ms_assert(requests->waiting_count > 0);
    ms_list_remove(&request->link);
    ms_list_push_back(&requests->sent, &request->link);
    requests->waiting_count--;
    requests->sent_count++;
    request->may_be_elsewhere |= request->turn != 0;
    request->turn = requests->turn;
    request->is_confirmed = false;
    if (request->sent_at == MS_TIME_NEVER) {
        request->sent_at = now;
    }
}

void ms_requests_confirm(struct ms_requests *requests, struct ms_request *request)
{
    ms_assert(ms_request_state(requests, request) == MS_REQUEST_SENT);
    ms_list_remove(&request->link);
    ms_list_push_back(&requests->confirmed, &request->link);
    request->is_confirmed = true;
}

void ms_requests_told(struct ms_requests *requests, struct ms_request *request)
{
    ms_assert(ms_request_state(requests, request) == MS_REQUEST_CONFIRMED);
    ms_list_remove(&request->link);
    ms_list_push_back(&requests->told, &request->link);
    request->is_confirmed = false;
}

enum ms_error ms_requests_delay(struct ms_requests *requests, struct ms_request *request,
                                ms_time until)
{
    const bool is_waiting = ms_request_state(requests, request) == MS_REQUEST_WAITING;
    uint32_t *count = is_waiting ? &requests->waiting_count : &requests->sent_count;

    ms_assert(is_waiting || ms_request_state(requests, request) == MS_REQUEST_SENT);
    ms_assert(*count > 0);
    if (!ms_heap_push(&requests->delayed, &request->pause, until)) {
        return MS_E_NO_MEMORY;
    }
    ms_list_remove(&request->link);
    (*count)--;
    return MS_E_OK;
}

void ms_requests_take_back(struct ms_requests *requests, struct ms_request *request)
{
    ms_assert(ms_request_state(requests, request) == MS_REQUEST_SENT);
    ms_assert(requests->sent_count > 0);
    ms_list_remove(&request->link);
    ms_list_push_front(&requests->waiting, &request->link);
    requests->sent_count--;
    requests->waiting_count++;
    request->turn = 0;
}

void ms_requests_resume(struct ms_requests *requests, ms_time now, uint32_t max)
{
    for (uint32_t i = 0; i < max && ms_heap_min(&requests->delayed) <= now; i++) {
        struct ms_heap_node *node = ms_heap_pop(&requests->delayed);

        if (node == NULL) {
            return;
        }
        struct ms_request *request = ms_container_of(node, struct ms_request, pause);

        request->turn = 0;
        ms_list_push_back(&requests->waiting, &request->link);
        requests->waiting_count++;
        ms_assert(ms_request_state(requests, request) == MS_REQUEST_WAITING);
    }
}

void ms_requests_lost(struct ms_requests *requests)
{
    /* Changing the turn makes every SENT one WAITING at once; what they keep of the old turn means
     * nothing any more. */
    ms_list_splice(&requests->told, &requests->confirmed);
    ms_list_splice(&requests->told, &requests->sent);
    ms_list_splice(&requests->told, &requests->waiting);
    ms_list_splice(&requests->waiting, &requests->told);
    requests->waiting_count += requests->sent_count;
    requests->sent_count = 0;
    requests->turn++;
    ms_assert(ms_list_is_empty(&requests->sent) && ms_list_is_empty(&requests->confirmed));
}

void ms_requests_close(struct ms_requests *requests, struct ms_request *request)
{
    switch (ms_request_state(requests, request)) {
    case MS_REQUEST_WAITING:
        ms_assert(requests->waiting_count > 0);
        requests->waiting_count--;
        break;
    case MS_REQUEST_SENT:
    case MS_REQUEST_CONFIRMED:
        ms_assert(requests->sent_count > 0);
        requests->sent_count--;
        break;
    case MS_REQUEST_DELAYED:
        ms_heap_remove(&requests->delayed, &request->pause);
        break;
    case MS_REQUEST_STATES:
        ms_unreachable();
    }
    ms_list_remove(&request->link);
    ms_list_remove(&request->all);
    unindex_request(requests, request);
    ms_slab_give(&requests->slab, request->payload, request->size);
    ms_request_terms_leave(requests, request->terms);
    ms_pool_give(&requests->pool, request);
}

uint64_t ms_requests_floor(const struct ms_requests *requests)
{
    if (requests->floor + 1 < requests->seq_first) {
        return requests->floor; /* what became of the ids between is not known here */
    }
    const struct ms_list *link = ms_list_first(&requests->all);

    if (link == NULL) {
        return requests->seq_last;
    }
    return ms_container_of(link, struct ms_request, all)->seq - 1;
}

uint32_t ms_requests_count(const struct ms_requests *requests)
{
    return ms_pool_used(&requests->pool);
}

size_t ms_requests_bytes(const struct ms_requests *requests)
{
    return ms_slab_used(&requests->slab);
}

static uint32_t check_list(const struct ms_requests *requests, const struct ms_list *list,
                           enum ms_request_state state)
{
    uint32_t count = 0;

    ms_list_for_each(link, list)
    {
        const struct ms_request *request = ms_container_of(link, struct ms_request, link);

        ms_assert(ms_request_state(requests, request) == state);
        ms_assert(ms_requests_find(requests, request->seq) == request);
        count++;
    }
    return count;
}

void ms_requests_check(const struct ms_requests *requests)
{
    uint64_t seq = requests->seq_first - 1;
    uint32_t count = 0;
    const struct ms_request_terms *last = NULL;
    uint32_t members = 0;

    ms_list_for_each(link, &requests->all)
    {
        const struct ms_request *request = ms_container_of(link, struct ms_request, all);

        if (request->terms != last) {
            ms_assert(last == NULL || members == last->members);
            last = request->terms;
            members = 0;
        }
        members++;
        ms_assert(request->seq > seq && request->seq <= requests->seq_last);
        ms_assert((request->payload == NULL) == (request->size == 0));
        seq = request->seq;
        count++;
    }
    const uint32_t waiting = check_list(requests, &requests->waiting, MS_REQUEST_WAITING);
    const uint32_t sent = check_list(requests, &requests->sent, MS_REQUEST_SENT) +
                          check_list(requests, &requests->confirmed, MS_REQUEST_CONFIRMED) +
                          check_list(requests, &requests->told, MS_REQUEST_SENT);

    ms_assert(waiting == requests->waiting_count);
    ms_assert(sent == requests->sent_count);
    ms_assert(count == waiting + sent + ms_heap_count(&requests->delayed));
    ms_assert(count == ms_requests_count(requests));
    ms_assert(count >= ms_map_count(&requests->others));
    ms_assert(last == NULL || members == last->members);
    ms_assert(ms_requests_floor(requests) <= requests->seq_last);
}
