/* The processes that muster-slave --isolate runs its handlers in: this program again, by a command
 * line that is nobody's but its own. */
#ifndef SLAVE_MAIN_HOST_H
#define SLAVE_MAIN_HOST_H

#include "core/io/plugin.h"

/* True for the command line that slave_host_argv makes. */
bool slave_host_is_meant(int argc, char **argv);

/* Loads the handlers it names and serves them until the slave closes the link. Returns the exit code. */
int slave_host_main(int argc, char **argv);

/* The command line for a process with these handlers; one block of memory, to be freed. NULL: no
 * memory. */
char **slave_host_argv(const char *slave, const struct ms_plugins *plugins);

#endif
