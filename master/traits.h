/* What tells slaves apart beside the types they run: the group they belong to, and their labels. */
#ifndef MASTER_TRAITS_H
#define MASTER_TRAITS_H

#include <stdbool.h>
#include <stdint.h>

/* All pointers are borrowed. */
struct ms_traits {
    const char *group;         /* at most MS_NAME_MAX; "" = of none */
    const char *const *labels; /* each at most MS_NAME_MAX */
    uint32_t labels_count;     /* at most MS_LABELS_MAX */
};

/* The same group and the same labels, in the same order. */
bool ms_traits_equal(const struct ms_traits *a, const struct ms_traits *b);

/* A copy in one block, to be freed; NULL when memory is out. */
struct ms_traits *ms_traits_copy(const struct ms_traits *traits);

#endif
