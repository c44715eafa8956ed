/* Points in time and small signed numbers, as people write them. */
#ifndef CLIENT_CLI_TIME_H
#define CLIENT_CLI_TIME_H

#include <stdint.h>

#include "core/text.h"

/* Microseconds since 1970 of the wall clock. */
int64_t ms_cli_wall_now(void);

/* A time of the wall clock as
 *     2026-11-20T18:30[:00][Z]   a blank may stand for the T; Z = UTC, else the local time zone
 *     18:30[:00]                 the next time that it is so late, local
 *     @1800000000                seconds since 1970
 *     +90m                       that long from now
 * in microseconds since 1970. now_us is the present for those that need it. */
bool ms_cli_parse_time(const char *text, int64_t now_us, int64_t *time_out,
                       struct ms_complaint *complaint);

/* A priority, with or without sign. */
bool ms_cli_parse_priority(const char *text, int *priority_out, struct ms_complaint *complaint);

#endif
