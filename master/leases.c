#include "master/leases.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/work.h"

#define SLOTS_MIN 1024

bool ms_leases_init(struct ms_leases *leases)
{
    ms_assert(leases != NULL);
    *leases = (struct ms_leases){.mask = SLOTS_MIN - 1};
    leases->slots = calloc(SLOTS_MIN, sizeof(struct ms_work *));
    return leases->slots != NULL;
}

void ms_leases_finish(struct ms_leases *leases)
{
    if (leases == NULL) {
        return;
    }
    free(leases->slots);
    *leases = (struct ms_leases){0};
}

/* Distinct places stay distinct under a longer mask, so growing cannot collide. */
static bool grow(struct ms_leases *leases)
{
    const size_t size = (leases->mask + 1) * 2;
    struct ms_work **slots = calloc(size, sizeof(struct ms_work *));

    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i <= leases->mask; i++) {
        struct ms_work *work = leases->slots[i];

        if (work != NULL) {
            ms_assert(slots[work->token & (size - 1)] == NULL);
            slots[work->token & (size - 1)] = work;
        }
    }
    free(leases->slots);
    leases->slots = slots;
    leases->mask = size - 1;
    return true;
}

bool ms_leases_add(struct ms_leases *leases, struct ms_work *work)
{
    ms_assert(work->token == 0);
    ms_assert(leases->slots != NULL);
    if (leases->count * 2 > leases->mask && !grow(leases)) {
        return false;
    }
    do {
        leases->last++;
    } while (leases->slots[leases->last & leases->mask] != NULL);
    work->token = leases->last;
    leases->slots[work->token & leases->mask] = work;
    leases->count++;
    return true;
}

struct ms_work *ms_leases_find(const struct ms_leases *leases, uint64_t token)
{
    struct ms_work *work;

    if (leases->slots == NULL) {
        return NULL;
    }
    work = leases->slots[token & leases->mask];
    ms_assert(work == NULL || work->token != 0);
    return work != NULL && work->token == token ? work : NULL;
}

void ms_leases_remove(struct ms_leases *leases, struct ms_work *work)
{
    ms_assert(work->token != 0);
    ms_assert(leases->slots[work->token & leases->mask] == work);
    leases->slots[work->token & leases->mask] = NULL;
    leases->count--;
    work->token = 0;
}
