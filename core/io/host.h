/* The inside of a process that runs handlers for a slave with --isolate, one job at a time.
 *
 * It gets COMMAND and REVOKE over the link and answers with OUTPUT and one RESULT for each COMMAND.
 * It says BEAT once, when its handlers are ready. The end of the link is the end of the process. */
#ifndef CORE_IO_HOST_H
#define CORE_IO_HOST_H

#include "core/io/plugin.h"

struct ms_host_settings {
    struct ms_plugins *plugins; /* loaded, not started; borrowed */
    const char *slave;          /* its name, for handlers */
};

/* Serves the link until the slave closes it; returns the exit code of the process. Fails with a line
 * on stderr, the last of which the slave reports. */
int ms_host_serve(const struct ms_host_settings *settings);

#endif
