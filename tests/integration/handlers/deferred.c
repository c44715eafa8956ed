/* deferred: gives the payload back, but later: run only hands the job to one of four threads of its own
 * and lets go of the slave's. */
#include "handlers/ms_handler.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 4

struct link {
    struct ms_job *job;
    struct link *next;
};

struct state {
    pthread_mutex_t lock;
    pthread_cond_t is_filled;
    struct link *first;
    int is_over;
    pthread_t threads[THREADS];
};

static struct link *take(struct state *state)
{
    struct link *link;

    pthread_mutex_lock(&state->lock);
    while (state->first == NULL && !state->is_over) {
        pthread_cond_wait(&state->is_filled, &state->lock);
    }
    link = state->first;
    if (link != NULL) {
        state->first = link->next;
    }
    pthread_mutex_unlock(&state->lock);
    return link;
}

static void *work(void *argument)
{
    struct state *state = argument;
    struct link *link;

    while ((link = take(state)) != NULL) {
        struct ms_job *job = link->job;
        int is_written = ms_job_write(job, job->payload, job->payload_size) == 0;

        free(link);
        ms_job_complete(job, is_written ? MS_OK : MS_CANCELLED);
    }
    return NULL;
}

static int init(const struct ms_host *host, const char *arguments, void **state_out)
{
    struct state *state = calloc(1, sizeof *state);

    (void)host;
    (void)arguments;
    if (state == NULL) {
        return -1;
    }
    pthread_mutex_init(&state->lock, NULL);
    pthread_cond_init(&state->is_filled, NULL);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&state->threads[i], NULL, work, state) != 0) {
            abort();
        }
    }
    *state_out = state;
    return 0;
}

static void finish(void *argument)
{
    struct state *state = argument;

    pthread_mutex_lock(&state->lock);
    state->is_over = 1;
    pthread_cond_broadcast(&state->is_filled);
    pthread_mutex_unlock(&state->lock);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(state->threads[i], NULL);
    }
    pthread_cond_destroy(&state->is_filled);
    pthread_mutex_destroy(&state->lock);
    free(state);
}

static int run(struct ms_job *job, void *argument)
{
    struct state *state = argument;
    struct link *link = malloc(sizeof *link);

    if (link == NULL) {
        return MS_RETRY;
    }
    ms_job_defer(job);
    link->job = job;
    pthread_mutex_lock(&state->lock);
    link->next = state->first;
    state->first = link;
    pthread_cond_signal(&state->is_filled);
    pthread_mutex_unlock(&state->lock);
    return MS_DEFERRED;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER, .name = "deferred", .about = "gives the payload back from another thread",
    .init = init,      .finish = finish,   .run = run,
};
