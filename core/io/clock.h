/* The clock and the kernel's randomness: the two things that pure code gets as arguments. */
#ifndef CORE_IO_CLOCK_H
#define CORE_IO_CLOCK_H

#include "core/types.h"

/* CLOCK_BOOTTIME in microseconds: it goes on while the machine is suspended, as the clocks of the others do, so that no lease or
 * session outlives a sleep unnoticed; to an engine it is a stall, and those age nobody. About 25 ns; a driver reads it once or twice a
 * turn. */
ms_time ms_clock_now(void);

/* What turns a time of ms_clock_now into microseconds since 1970: the one place where the wall clock
 * enters the engines. It changes when somebody sets the clock. */
int64_t ms_clock_wall_offset(void);

/* Seconds since 1970, for display and for stamping files; never for decisions. */
int64_t ms_clock_wall(void);

/* Microseconds of processor time this process has used, all threads. */
ms_time ms_clock_cpu(void);

#define MS_RFC3339_SIZE sizeof "2026-01-01T00:00:00.000Z"

/* The wall clock as RFC 3339 in UTC with milliseconds. */
void ms_clock_print(char text_out[MS_RFC3339_SIZE]);

/* Unpredictable bytes. The kernel is asked for ENTROPY_SIZE at a time, so a value costs no system
 * call. Zeroed = empty. Not thread-safe. */
#define MS_ENTROPY_SIZE 4096

struct ms_entropy {
    uint16_t left;
    uint8_t bytes[MS_ENTROPY_SIZE];
};

void ms_entropy_fill(struct ms_entropy *entropy, void *out,
                     size_t size); /* size <= MS_ENTROPY_SIZE */
struct ms_uuid ms_entropy_uuid(struct ms_entropy *entropy);

/* 64 unpredictable bits straight from the kernel: the seed of an engine's ms_rng. */
uint64_t ms_entropy_seed(void);

#endif
