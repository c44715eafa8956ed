/* What slaves say of themselves for others to choose by: group, labels, build. Slaves that say the same share one
 * copy of it, so a crowd of them costs as much as one. */
#ifndef MASTER_TAGS_H
#define MASTER_TAGS_H

#include "core/body.h"
#include "core/list.h"
#include "core/map.h"

/* Pure data; borrowed from the set of a slave for as long as that has it. */
struct ms_labels {
    uint32_t count;           /* at most MS_LABELS_MAX */
    const char *const *words; /* "gpu" or "zone=b"; none twice, in rising order of their bytes */
};

/* One such set; never changed. Two slaves say the same if, and only if, they have the same one. */
struct ms_tags {
    struct ms_list link; /* on tagging->all */
    struct ms_key key;
    uint32_t users_count; /* slaves that have it */
    size_t size;          /* bytes */
    const char *group;    /* never NULL */
    const char *build;    /* never NULL */
    struct ms_labels labels;
};

struct ms_tagging {
    struct ms_map sets; /* key -> struct ms_tags */
    struct ms_list all;
    size_t bytes; /* of all of them */
};

void ms_tagging_init(struct ms_tagging *tagging, uint64_t seed);
void ms_tagging_finish(struct ms_tagging *tagging); /* frees all sets; accepts a zeroed one */

/* The set of a slave that says this, which has it from now on. NULL when there are MS_TAGS_BYTES_MAX of them, or
 * memory is out. */
const struct ms_tags *ms_tagging_take(struct ms_tagging *tagging, const struct ms_hello *hello);

/* The slave does not have it any more; NULL is ignored. */
void ms_tagging_give(struct ms_tagging *tagging, const struct ms_tags *tags);

/* Whether a slave with these labels has that one. */
bool ms_labels_have(const struct ms_labels *labels, const char *word);

#endif
