/* How busy this machine is, as its kernel says in /proc. */
#ifndef CORE_IO_LOAD_H
#define CORE_IO_LOAD_H

#include "core/body.h"

struct ms_load_meter {
    const char *directory;
    uint64_t busy, total; /* ticks of all processors, when it was read last */
};

/* directory: borrowed; NULL = /proc. Reads it once. */
void ms_load_meter_init(struct ms_load_meter *meter, const char *directory);

/* Fills in cpu, of the time since it was read last, and memory; what cannot be told is MS_PERMILLE_UNKNOWN. The
 * rest is not touched. */
void ms_load_meter_read(struct ms_load_meter *meter, struct ms_load *load_out);

#endif
