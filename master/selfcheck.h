/* Does work wait although a slave that runs it has nothing to do? That must not be: a slave that is free asks for commands, and
 * who has asked is given what waits. When it is so for MS_SELF_CHECKS checks in a row, a slave is stuck, or a program is wrong,
 * and an alarm says which one. */
#ifndef MASTER_SELFCHECK_H
#define MASTER_SELFCHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/limits.h"
#include "core/text.h"
#include "core/types.h"

struct ms_master;

#define MS_SELFCHECK_ALARM "WORK_WAITS"

struct ms_selfcheck {
    ms_time next; /* check */
    uint32_t
        cursor;  /* of the pool of slaves: a check looks at some of them, the next one goes on */
    bool is_met; /* on this way through all slaves there was one */
    bool is_raised;
    char slave[MS_NAME_MAX + 1];
    char type[MS_NAME_MAX + 1];
};

/* To be called with each tick; costs nothing between two checks. */
void ms_selfcheck_run(struct ms_master *master, ms_time now);

/* "none", or "WORK_WAITS: " and a sentence. */
void ms_selfcheck_tell(const struct ms_selfcheck *check, struct ms_text *text);

#endif
