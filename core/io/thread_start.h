/* What threads beside a loop have in common. */
#ifndef CORE_IO_THREAD_START_H
#define CORE_IO_THREAD_START_H

#include <pthread.h>
#include <stdbool.h>

/* A thread that takes no signals: they are the loop's. False: there is none. */
bool ms_thread_start(pthread_t *thread_out, void *(*run)(void *argument), void *argument);

/* A condition whose times are those of CLOCK_MONOTONIC. */
void ms_thread_init_condition(pthread_cond_t *condition);

#endif
