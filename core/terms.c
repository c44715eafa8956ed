#include "core/terms.h"

#include <stddef.h>

const char *ms_unique_name(enum ms_unique unique)
{
    static const char *const names[MS_UNIQUE_COUNT] = {
        [MS_UNIQUE_NONE] = "none",
        [MS_UNIQUE_JOIN] = "join",
        [MS_UNIQUE_REJECT] = "reject",
        [MS_UNIQUE_REPLACE] = "replace",
    };

    return (size_t)unique < MS_UNIQUE_COUNT ? names[unique] : "unknown";
}
