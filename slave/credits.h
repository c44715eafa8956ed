/* How many commands the master may send: pull and push in one.
 *
 * Every command in hand was paid for with a granted credit, so at any time
 *     granted + held <= slots + prefetch
 * where granted is what the master may still send and held is what came and has not ended. */
#ifndef SLAVE_CREDITS_H
#define SLAVE_CREDITS_H

#include <stdbool.h>
#include <stdint.h>

/* When a freed slot is granted again. */
enum ms_credit_mode {
    MS_CREDIT_PUSH, /* with the result that freed it: a standing grant */
    MS_CREDIT_PULL, /* by a PULL of its own */
    MS_CREDIT_MODES,
};

struct ms_credits {
    enum ms_credit_mode mode;
    uint32_t target;  /* slots + prefetch */
    uint32_t granted; /* the master may still send this many */
    uint32_t
        voided; /* and these, which it does not know to be void: what comes for one is handed back */
};

/* slots: 1 .. MS_SLOTS_MAX; prefetch: 0 .. MS_PREFETCH_MAX. */
void ms_credits_init(struct ms_credits *credits, enum ms_credit_mode mode, uint32_t slots,
                     uint32_t prefetch);

/* There are so many slots from now on, with held commands in hand. Grants that there is no room for are void, until
 * there is room again: a command that comes for one of them was not granted. */
void ms_credits_resize(struct ms_credits *credits, uint32_t slots, uint32_t prefetch,
                       uint32_t held);

/* Grants that were void count again, as far as there is room for so many more commands: nothing need be told to the
 * master. Before anything new is granted. */
void ms_credits_restore(struct ms_credits *credits, uint32_t held, uint32_t room);

/* What may be granted now, with held commands in hand and room for so many more of them. */
uint32_t ms_credits_due(const struct ms_credits *credits, uint32_t held, uint32_t room);

/* The master was told that it may send count more. */
void ms_credits_grant(struct ms_credits *credits, uint32_t count);

/* A command came. False when it had not been granted. */
bool ms_credits_spend(struct ms_credits *credits);

/* The connection is gone, or no more work is wanted: grants are void. */
void ms_credits_void(struct ms_credits *credits);

#endif
