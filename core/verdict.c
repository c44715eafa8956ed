#include "core/verdict.h"

#include "core/invariant.h"

bool ms_verdict(enum ms_must must, uint32_t slaves, uint32_t succeeded)
{
    ms_assert(slaves > 0 && succeeded <= slaves);
    switch (must) {
    case MS_MUST_ALL:
        return succeeded == slaves;
    case MS_MUST_ANY:
        return succeeded > 0;
    case MS_MUST_QUORUM:
        return succeeded > slaves / 2;
    case MS_MUST_COUNT:
        break;
    }
    ms_unreachable();
}

const char *ms_must_name(enum ms_must must)
{
    static const char *const names[MS_MUST_COUNT] = {"all", "any", "quorum"};

    ms_assert(must < MS_MUST_COUNT);
    return names[must];
}
