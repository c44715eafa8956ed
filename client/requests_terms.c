#include "client/requests_private.h"

/* Texts stand one after the other behind the struct. */
static size_t block_size(const struct ms_terms *terms)
{
    ms_assert(terms->unique.size <= MS_UNIQUE_KEY_MAX && terms->group.size <= MS_NAME_MAX);
    ms_assert(terms->key.size <= MS_KEY_MAX && terms->where.size <= MS_WHERE_MAX);
    return sizeof(struct ms_request_terms) + terms->unique.size + terms->group.size +
           terms->key.size + terms->where.size;
}

size_t ms_request_terms_cost(const struct ms_terms *terms)
{
    return terms == NULL ? 0 : ms_slab_cost(block_size(terms));
}

/* *end is where the next one goes. */
static struct ms_bytes copy_text(uint8_t **end, struct ms_bytes from)
{
    const uint8_t *to = *end;

    if (from.size > 0) {
        memcpy(*end, from.data, from.size);
        *end += from.size;
    }
    return (struct ms_bytes){from.size > 0 ? to : NULL, from.size};
}

struct ms_request_terms *ms_request_terms_create(struct ms_requests *requests,
                                                 const struct ms_command *submit)
{
    const size_t size = block_size(submit->terms);
    struct ms_request_terms *terms = ms_slab_take(&requests->slab, size);
    uint8_t *end = (uint8_t *)(terms + 1);

    ms_assert(submit->terms->array_count <= MS_ARRAY_MAX);
    if (terms == NULL) {
        return NULL;
    }
    *terms = (struct ms_request_terms){
        .terms = *submit->terms,
        .size = size,
        .first = requests->seq_last + 1,
        .sent_at = MS_TIME_NEVER,
    };
    terms->terms.unique = copy_text(&end, submit->terms->unique);
    terms->terms.group = copy_text(&end, submit->terms->group);
    terms->terms.key = copy_text(&end, submit->terms->key);
    terms->terms.where = copy_text(&end, submit->terms->where);
    if (terms->terms.array_count > 0 && submit->payload.size > 0) {
        const uint8_t *payload =
            ms_slab_copy(&requests->slab, submit->payload.data, submit->payload.size);

        if (payload == NULL) {
            ms_slab_give(&requests->slab, terms, size);
            return NULL;
        }
        terms->payload = (struct ms_bytes){payload, submit->payload.size};
    }
    return terms;
}

void ms_request_terms_destroy(struct ms_requests *requests, struct ms_request_terms *terms)
{
    if (terms == NULL) {
        return;
    }
    ms_assert(terms->members == 0);
    ms_slab_give(&requests->slab, (uint8_t *)(uintptr_t)terms->payload.data, terms->payload.size);
    ms_slab_give(&requests->slab, terms, terms->size);
}

void ms_request_terms_leave(struct ms_requests *requests, struct ms_request_terms *terms)
{
    if (terms == NULL) {
        return;
    }
    ms_assert(terms->members > 0);
    terms->members--;
    if (terms->members > 0) {
        return;
    }
    if (terms->terms.array_count > 0) {
        ms_map_remove(&requests->arrays, ms_key_of(0, terms->first));
    }
    ms_request_terms_destroy(requests, terms);
}

struct ms_request_terms *ms_requests_array(const struct ms_requests *requests, uint64_t first)
{
    struct ms_request_terms *terms;

    if (ms_map_count(&requests->arrays) == 0) {
        return NULL;
    }
    terms = ms_map_find_pointer(&requests->arrays, ms_key_of(0, first));
    ms_assert(terms == NULL || (terms->first == first && terms->members > 0));
    return terms;
}

struct ms_bytes ms_request_payload(const struct ms_request *request)
{
    ms_assert(request->payload == NULL || !ms_request_is_in_array(request));
    return ms_request_is_in_array(request) ? request->terms->payload
                                           : (struct ms_bytes){request->payload, request->size};
}
