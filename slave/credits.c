#include "slave/credits.h"

#include "core/invariant.h"
#include "core/limits.h"

void ms_credits_init(struct ms_credits *credits, enum ms_credit_mode mode, uint32_t slots,
                     uint32_t prefetch)
{
    ms_assert(mode < MS_CREDIT_MODES);
    ms_assert(slots >= 1 && slots <= MS_SLOTS_MAX);
    ms_assert(prefetch <= MS_PREFETCH_MAX);
    *credits = (struct ms_credits){.mode = mode, .target = slots + prefetch};
}

void ms_credits_resize(struct ms_credits *credits, uint32_t slots, uint32_t prefetch, uint32_t held)
{
    ms_assert(slots >= 1 && slots <= MS_SLOTS_MAX);
    credits->target = slots + prefetch;
    const uint32_t free = held < credits->target ? credits->target - held : 0;

    if (credits->granted > free) {
        credits->voided += credits->granted - free;
        credits->granted = free;
    }
}

void ms_credits_restore(struct ms_credits *credits, uint32_t held, uint32_t room)
{
    uint32_t count;

    if (credits->voided == 0) {
        return;
    }
    count = ms_credits_due(credits, held, room);
    count = count < credits->voided ? count : credits->voided;
    credits->granted += count;
    credits->voided -= count;
}

uint32_t ms_credits_due(const struct ms_credits *credits, uint32_t held, uint32_t room)
{
    ms_assert(credits->granted <= credits->target);
    /* Attempts that were dropped but still run hold slots without having been paid for in this
     * session, so held alone may be all there is. */
    if (credits->granted + held >= credits->target || credits->granted >= room) {
        return 0;
    }
    const uint32_t wanted = credits->target - credits->granted - held;
    const uint32_t possible = room - credits->granted;

    return wanted < possible ? wanted : possible;
}

void ms_credits_grant(struct ms_credits *credits, uint32_t count)
{
    ms_assert(count <= credits->target - credits->granted);
    credits->granted += count;
}

bool ms_credits_spend(struct ms_credits *credits)
{
    ms_assert(credits->granted <= credits->target);
    if (credits->granted == 0) {
        credits->voided -= credits->voided > 0;
        return false;
    }
    credits->granted--;
    return true;
}

void ms_credits_void(struct ms_credits *credits)
{
    ms_assert(credits->granted <= credits->target);
    credits->granted = 0;
    credits->voided = 0;
}
