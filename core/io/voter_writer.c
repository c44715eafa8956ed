#include "core/io/voter_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "core/invariant.h"
#include "core/io/thread_start.h"
#include "core/io/voter_slots.h"

enum work {
    IDLE,
    ASKED, /* the record is the thread's, and the file */
    DONE,  /* nobody has been told yet */
};

/* The thread may be stuck in a write when the loop goes away: then it frees all of this. */
struct ms_voter_writer {
    struct ev_loop *loop;
    ev_async wake; /* touched by the thread only under the lock and while not closed */
    ms_voter_written_fn written;
    void *context;
    pthread_t thread;
    struct ms_voter_file file; /* the thread's, until it has ended */
    pthread_mutex_t lock;      /* of everything below */
    pthread_cond_t changed;
    enum work work;
    bool is_closed;
    bool is_abandoned;
    uint8_t record[MS_VOTER_RECORD_MAX];
    size_t size;
    enum ms_error error;
    struct ms_complaint complaint;
};

static void dispose(struct ms_voter_writer *writer)
{
    ms_voter_file_close(&writer->file);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

/* The lock is held, and given back meanwhile: what was asked for belongs to the thread alone. */
static void carry_out(struct ms_voter_writer *writer)
{
    enum ms_error error;

    pthread_mutex_unlock(&writer->lock);
    error = ms_voter_file_write(&writer->file, (struct ms_bytes){writer->record, writer->size},
                                &writer->complaint);
    pthread_mutex_lock(&writer->lock);
    writer->error = error;
    writer->work = DONE;
    pthread_cond_signal(&writer->changed);
    if (!writer->is_closed) {
        ev_async_send(writer->loop, &writer->wake);
    }
}

static void *run(void *argument)
{
    struct ms_voter_writer *writer = argument;
    bool is_abandoned;

    pthread_mutex_lock(&writer->lock);
    while (writer->work == ASKED || !writer->is_closed) {
        if (writer->work == ASKED) {
            carry_out(writer);
        } else {
            pthread_cond_wait(&writer->changed, &writer->lock);
        }
    }
    is_abandoned = writer->is_abandoned;
    pthread_mutex_unlock(&writer->lock);
    if (is_abandoned) {
        dispose(writer);
    }
    return NULL;
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    struct ms_voter_writer *writer = wake->data;
    bool is_done;

    (void)loop, (void)revents;
    pthread_mutex_lock(&writer->lock);
    is_done = writer->work == DONE;
    if (is_done) {
        writer->work = IDLE;
    }
    pthread_mutex_unlock(&writer->lock);
    if (is_done) { /* and nobody else touches what it says before the next write */
        writer->written(writer->context, writer->error,
                        writer->error != MS_E_OK ? writer->complaint.text : NULL);
    }
}

struct ms_voter_writer *ms_voter_writer_create(struct ev_loop *loop, struct ms_voter_file *file,
                                               ms_voter_written_fn written, void *context)
{
    struct ms_voter_writer *writer = calloc(1, sizeof *writer);

    ms_assert(file->directory >= 0);
    if (writer == NULL) {
        return NULL;
    }
    writer->loop = loop;
    writer->written = written;
    writer->context = context;
    writer->file = *file;
    writer->file.name = writer->file.path + (file->name - file->path);
    pthread_mutex_init(&writer->lock, NULL);
    ms_thread_init_condition(&writer->changed);
    if (!ms_thread_start(&writer->thread, run, writer)) {
        writer->file.directory = writer->file.blocks = -1;
        dispose(writer);
        return NULL;
    }
    file->directory = file->blocks = -1;
    ev_async_init(&writer->wake, on_wake);
    writer->wake.data = writer;
    ev_async_start(loop, &writer->wake);
    ev_unref(loop);
    return writer;
}

void ms_voter_writer_write(struct ms_voter_writer *writer, struct ms_bytes bytes)
{
    ms_assert(bytes.size > 0 && bytes.size <= sizeof writer->record);
    pthread_mutex_lock(&writer->lock);
    ms_assert(writer->work == IDLE);
    memcpy(writer->record, bytes.data, bytes.size);
    writer->size = bytes.size;
    writer->work = ASKED;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

/* The lock is held. False: the thread is still in a write. */
static bool wait_for_end(struct ms_voter_writer *writer)
{
    struct timespec limit;
    int code = 0;

    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += MS_VOTER_CLOSE_TIMEOUT / MS_SEC;
    while (writer->work == ASKED && code == 0) {
        code = pthread_cond_timedwait(&writer->changed, &writer->lock, &limit);
    }
    return writer->work != ASKED;
}

void ms_voter_writer_destroy(struct ms_voter_writer *writer)
{
    bool is_over;

    if (writer == NULL) {
        return;
    }
    ev_ref(writer->loop);
    ev_async_stop(writer->loop, &writer->wake);
    pthread_mutex_lock(&writer->lock);
    writer->is_closed = true;
    pthread_cond_signal(&writer->changed);
    is_over = wait_for_end(writer);
    writer->is_abandoned = !is_over;
    if (!is_over) {
        pthread_detach(writer->thread);
    }
    pthread_mutex_unlock(&writer->lock);
    if (is_over) {
        pthread_join(writer->thread, NULL);
        dispose(writer);
    }
}
