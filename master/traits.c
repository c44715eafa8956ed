#include "master/traits.h"

#include <stdlib.h>
#include <string.h>

bool ms_traits_equal(const struct ms_traits *a, const struct ms_traits *b)
{
    if (a->labels_count != b->labels_count || strcmp(a->group, b->group) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < a->labels_count; i++) {
        if (strcmp(a->labels[i], b->labels[i]) != 0) {
            return false;
        }
    }
    return true;
}

static char *add_text(char *at, const char *text, const char **place_out)
{
    const size_t size = strlen(text) + 1;

    memcpy(at, text, size);
    *place_out = at;
    return at + size;
}

struct ms_traits *ms_traits_copy(const struct ms_traits *traits)
{
    const size_t table = traits->labels_count * sizeof(const char *);
    size_t size = sizeof *traits + table + strlen(traits->group) + 1;
    struct ms_traits *copy;

    for (uint32_t i = 0; i < traits->labels_count; i++) {
        size += strlen(traits->labels[i]) + 1;
    }
    copy = malloc(size);
    if (copy == NULL) {
        return NULL;
    }
    const char **labels = (const char **)(void *)(copy + 1);
    char *at = (char *)(copy + 1) + table;

    *copy = (struct ms_traits){.labels = labels, .labels_count = traits->labels_count};
    at = add_text(at, traits->group, &copy->group);
    for (uint32_t i = 0; i < traits->labels_count; i++) {
        at = add_text(at, traits->labels[i], &labels[i]);
    }
    return copy;
}
