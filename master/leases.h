/* Who is meant by a token: a ring of the attempts under way. */
#ifndef MASTER_LEASES_H
#define MASTER_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ms_work;

/* Tokens are handed out rising, so the low bits place them; a number whose place is taken by a long
 * attempt is skipped. A zeroed ring may be searched and finished. */
struct ms_leases {
    struct ms_work **slots;
    size_t mask;
    size_t count;
    uint64_t last; /* highest token handed out */
};

/* False when memory is out. */
bool ms_leases_init(struct ms_leases *leases);
void ms_leases_finish(struct ms_leases *leases);

/* Gives the work its next token, > 0; false when memory is out. */
bool ms_leases_add(struct ms_leases *leases, struct ms_work *work);

/* NULL when no attempt under way has that token. */
struct ms_work *ms_leases_find(const struct ms_leases *leases, uint64_t token);

/* Voids the token; the work must hold one. */
void ms_leases_remove(struct ms_leases *leases, struct ms_work *work);

#endif
