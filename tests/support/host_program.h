/* What a test program becomes when it is started again as a process for handlers. */
#ifndef TESTS_SUPPORT_HOST_PROGRAM_H
#define TESTS_SUPPORT_HOST_PROGRAM_H

#include <stdbool.h>

#include "core/types.h"

/* Handlers of the program, by type:
 *     ECHO      gives the payload back
 *     CRASH     prints the payload and a newline on stderr, then aborts
 *     EXIT      ends the process with status 3
 *     DEAF      runs for ever, whatever it is asked
 *     POLITE    writes "!", and waits to be cancelled
 *     DEFERRED  completes from another thread, with the payload
 *     FLOOD     writes 1 MiB in pieces
 *     WILD      writes garbage on the link */
enum host_program_type {
    HOST_PROGRAM_ECHO = 2001,
    HOST_PROGRAM_CRASH,
    HOST_PROGRAM_EXIT,
    HOST_PROGRAM_DEAF,
    HOST_PROGRAM_POLITE,
    HOST_PROGRAM_DEFERRED,
    HOST_PROGRAM_FLOOD,
    HOST_PROGRAM_WILD,
};

#define HOST_PROGRAM_FLOOD_SIZE (1u << 20)

/* Command lines: one that serves, one whose init fails, one that prints "a\nb\n" and stops itself
 * with status 5. */
extern char *const host_program_argv[];
extern char *const host_program_bad_init_argv[];
extern char *const host_program_print_argv[];

/* For the head of main: false when this is the test itself. */
bool host_program_run(int argc, char **argv, int *exit_code_out);

#endif
