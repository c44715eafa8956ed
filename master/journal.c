#include "master/journal.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/dispatch.h"
#include "master/outcomes.h"
#include "master/sessions.h"
#include "master/slaves.h"
#include "master/state.h"

#define BYTES_MIN    (size_t)(16u << 10)
#define ERASURES_MIN (size_t)1024

void ms_journal_init(struct ms_journal *journal, bool is_on)
{
    *journal = (struct ms_journal){.is_on = is_on,
                                   .is_replaying = is_on,
                                   .copies = 1,
                                   .lone_max = MS_LONE_ANSWERS_MIN,
                                   .room = UINT64_MAX,
                                   .known = UINT64_MAX,
                                   .error = MS_E_NO_MEMORY};
    ms_list_init(&journal->floors);
    ms_list_init(&journal->gated);
}

void ms_journal_finish(struct ms_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    ms_answers_finish(&journal->waiting);
    ms_answers_finish(&journal->unflushed);
    ms_answers_finish(&journal->lone);
    ms_answers_finish(&journal->leaving);
    free(journal->bytes);
    free(journal->erasures);
    journal->bytes = NULL;
    journal->erasures = NULL;
}

/* Room for size more bytes of entries; NULL, and the journal has failed, when memory is out. */
static uint8_t *make_room(struct ms_journal *journal, size_t size)
{
    size_t capacity = journal->capacity > 0 ? journal->capacity : BYTES_MIN;
    uint8_t *bytes;

    if (journal->capacity - journal->size >= size) {
        return journal->bytes + journal->size;
    }
    while (capacity - journal->size < size) {
        capacity *= 2;
    }
    bytes = realloc(journal->bytes, capacity);
    if (bytes == NULL) {
        journal->is_failed = true;
        return NULL;
    }
    journal->bytes = bytes;
    journal->capacity = capacity;
    return bytes + journal->size;
}

ms_seq ms_journal_put(struct ms_journal *journal, const struct ms_record *record)
{
    uint8_t *at;

    if (!journal->is_on || journal->is_replaying) {
        return 0;
    }
    at = make_room(journal, ms_record_size_max(record));
    if (at == NULL) {
        return 0;
    }
    journal->last++;
    journal->size += (size_t)(ms_record_draft(at, journal->last, record) - at);
    ms_assert(journal->size <= journal->capacity);
    return journal->last;
}

ms_seq ms_journal_put_for(struct ms_journal *journal, const struct ms_work *work,
                          const struct ms_record *record)
{
    return work->durability == MS_DURABILITY_MEM ? 0 : ms_journal_put(journal, record);
}

void ms_journal_erase(struct ms_journal *journal, ms_seq seq)
{
    uint8_t *at;

    if (seq == 0) {
        return;
    }
    if (journal->is_replaying) {
        ms_journal_erase_closed(journal, seq);
        return;
    }
    ms_assert(journal->is_on && seq <= journal->last);
    at = make_room(journal, MS_RECORD_HEADER_SIZE);
    if (at != NULL) {
        journal->size += (size_t)(ms_record_draft_erase(at, seq) - at);
    }
}

void ms_journal_erase_closed(struct ms_journal *journal, ms_seq seq)
{
    if (seq == 0) {
        return;
    }
    ms_assert(journal->is_on);
    if (journal->erasures_count == journal->erasures_capacity) {
        const size_t capacity =
            journal->erasures_capacity > 0 ? journal->erasures_capacity * 2 : ERASURES_MIN;
        ms_seq *erasures = realloc(journal->erasures, capacity * sizeof *erasures);

        if (erasures == NULL) {
            journal->is_failed = true;
            return;
        }
        journal->erasures = erasures;
        journal->erasures_capacity = capacity;
    }
    journal->erasures[journal->erasures_count++] = seq;
    journal->has_closed = true;
}

/* The command whose attempt may start now that its lease is where it has to be. */
static void start(struct ms_master *master, const struct ms_answer *answer)
{
    const struct ms_token token = {answer->epoch, answer->first};
    struct ms_work *work = ms_queue_find_token(&master->queue, token, master->queue.epoch);

    if (work == NULL || work->holder->session->peer != answer->peer) {
        return;
    }
    if (ms_work_deadline(work) < master->engine.now) {
        ms_dispatch_recall(master, master->engine.now, work); /* it is not begun any more */
        return;
    }
    work->is_leaving = false;
    ms_dispatch_send(master, work);
}

static void say(struct ms_master *master, const struct ms_answer *answer)
{
    const struct ms_connection *connection =
        ms_connections_find(&master->connections, answer->peer);
    struct ms_command command = {
        .kind = answer->kind,
        .flags = answer->flags,
        .durability = answer->durability,
        .error = answer->error,
        .count = answer->count,
    };

    if (answer->kind == MS_KIND_REPORT) {
        ms_inspect_resume(master, answer->first);
        return;
    }
    if (answer->kind == MS_KIND_CALL_REPLY) {
        ms_services_say(master, answer->first);
        return;
    }
    if (connection == NULL) {
        return; /* it asks again on its next connection */
    }
    switch (answer->kind) {
    case MS_KIND_WELCOME:
        ms_sessions_welcome(master, connection->session, answer);
        return;
    case MS_KIND_COMMAND:
        start(master, answer);
        return;
    case MS_KIND_BEAT_ACK:
        command.count = answer->first;
        break;
    case MS_KIND_RESULT_ACK:
        command.token = (struct ms_token){answer->epoch, answer->first};
        break;
    default:
        command.id.seq = answer->first;
        command.id.client = connection->session->uuid;
        if (answer->kind == MS_KIND_SUBMIT_ACK) {
            command.copies = answer->durability == MS_DURABILITY_MEM ? 1 : master->journal.copies;
        }
        break;
    }
    ms_master_send(master, answer->peer, &command);
}

static void wait(struct ms_journal *journal, struct ms_answers *answers,
                 const struct ms_answer *answer, ms_seq seq)
{
    struct ms_answer waiting = *answer;

    waiting.seq = seq;
    if (!ms_answers_push(answers, &waiting)) {
        journal->is_failed = true;
    }
}

/* It was asked for two disks, or to be refused, and one of them is not there. */
static bool is_lone(const struct ms_journal *journal, const struct ms_answer *answer)
{
    return answer->kind == MS_KIND_SUBMIT_ACK && answer->durability == MS_DURABILITY_STRICT &&
           journal->copies < MS_STRICT_COPIES;
}

/* Those whose connections are gone would not be heard: their clients submit again. */
static void drop_unheard(struct ms_master *master)
{
    struct ms_answers *lone = &master->journal.lone;

    for (size_t left = lone->count; left > 0; left--) {
        const struct ms_answer answer = *ms_answers_first(lone);

        ms_answers_pop(lone);
        if (ms_connections_find(&master->connections, answer.peer) != NULL) {
            const bool is_kept = ms_answers_push(lone, &answer); /* where one was */

            ms_assert(is_kept);
        }
    }
}

/* It waits for the other half to be in S. Commands say it once for each connection (ms_submit), so those that are heard
 * are no more than commands. */
static void wait_for_second(struct ms_master *master, const struct ms_answer *answer)
{
    struct ms_journal *journal = &master->journal;

    if (journal->lone.count >= journal->lone_max) {
        drop_unheard(master);
        journal->lone_max = MS_LONE_ANSWERS_MIN + 2 * journal->lone.count;
    }
    wait(journal, &journal->lone, answer, answer->seq);
}

void ms_journal_answer(struct ms_master *master, ms_seq seq, const struct ms_answer *answer)
{
    struct ms_journal *journal = &master->journal;

    if (ms_journal_covers(journal, seq) && is_lone(journal, answer)) {
        wait_for_second(master, answer);
    } else if (ms_journal_covers(journal, seq)) {
        say(master, answer);
    } else {
        wait(journal, &journal->waiting, answer, seq);
    }
}

bool ms_journal_may_leave(const struct ms_journal *journal)
{
    const struct ms_answer *first = ms_answers_first(&journal->leaving);

    return first != NULL && first->seq <= journal->known;
}

void ms_journal_answer_known(struct ms_master *master, ms_seq seq, const struct ms_answer *answer)
{
    struct ms_journal *journal = &master->journal;

    if (seq <= journal->known && journal->leaving.count == 0) {
        say(master, answer);
    } else {
        wait(journal, &journal->leaving, answer, seq);
    }
}

void ms_journal_answer_closed(struct ms_master *master, const struct ms_answer *answer)
{
    struct ms_journal *journal = &master->journal;

    if (journal->has_closed) {
        wait(journal, &journal->unflushed, answer, 0);
    } else {
        say(master, answer);
    }
}

void ms_journal_persisted(struct ms_master *master, const struct ms_event *event)
{
    struct ms_journal *journal = &master->journal;

    if (event->error != MS_E_OK) {
        journal->is_failed = true;
        journal->error = event->error;
        return;
    }
    ms_assert(event->seq <= journal->emitted);
    if (event->seq > journal->persisted) {
        journal->persisted = event->seq;
    }
    journal->copies = event->count > 1 ? (uint8_t)event->count : 1;
    if (journal->copies >= MS_STRICT_COPIES && event->seq > journal->doubled) {
        journal->doubled = event->seq;
    }
    journal->is_committed = true;
    journal->flying_bytes = journal->persisted < journal->emitted ? journal->window_bytes : 0;
    journal->window_bytes = 0;
    ms_list_splice(&master->pumps, &journal->gated);
}

/* COMMANDs of which the other half knows now; true when more are left. */
static bool let_leave(struct ms_master *master)
{
    struct ms_journal *journal = &master->journal;

    while (ms_journal_may_leave(journal)) {
        const struct ms_answer answer = *ms_answers_first(&journal->leaving);

        if (ms_engine_room(&master->engine) == 0) {
            return true;
        }
        ms_answers_pop(&journal->leaving);
        say(master, &answer);
    }
    return false;
}

bool ms_journal_release(struct ms_master *master)
{
    struct ms_journal *journal = &master->journal;
    struct ms_answer *first;

    if (let_leave(master)) {
        return true;
    }
    while ((first = ms_answers_first(&journal->waiting)) != NULL &&
           ms_journal_covers(journal, first->seq)) {
        struct ms_answer answer = *first;

        if (ms_engine_room(&master->engine) == 0 ||
            (answer.kind == MS_KIND_WELCOME && master->welcomes_count == MS_WELCOMES_MAX)) {
            return true;
        }
        ms_answers_pop(&journal->waiting);
        if (is_lone(journal, &answer)) {
            wait_for_second(master, &answer);
        } else {
            say(master, &answer);
        }
    }
    while (journal->copies >= MS_STRICT_COPIES &&
           (first = ms_answers_first(&journal->lone)) != NULL) {
        const struct ms_answer answer = *first;

        if (ms_engine_room(&master->engine) == 0) {
            return true;
        }
        ms_answers_pop(&journal->lone);
        say(master, &answer);
    }
    return false;
}

/* What was closed becomes known, and with it the records of those commands go. */
static void flush(struct ms_master *master)
{
    struct ms_journal *journal = &master->journal;

    ms_floors_flush(master);
    ms_groups_flush(master);
    ms_arrays_flush(master);
    for (size_t i = 0; i < journal->erasures_count; i++) {
        ms_journal_erase(journal, journal->erasures[i]);
    }
    journal->erasures_count = 0;
    journal->has_closed = false;
    if (!ms_answers_move(&journal->waiting, &journal->unflushed, journal->last)) {
        journal->is_failed = true;
    }
}

void ms_journal_flush(struct ms_master *master)
{
    if (master->journal.has_closed && !master->journal.is_replaying) {
        flush(master);
    }
}

void ms_journal_end_step(struct ms_master *master)
{
    struct ms_journal *journal = &master->journal;
    const bool is_idle = journal->persisted == journal->emitted || journal->is_committed;

    if (journal->has_closed && is_idle && !journal->is_replaying) {
        flush(master);
    }
    journal->is_committed = false;
    if (journal->size > 0 && !journal->is_failed) {
        journal->emitted = journal->last;
        journal->window_bytes += journal->size;
        ms_engine_persist(&master->engine, journal->last,
                          (struct ms_bytes){journal->bytes, journal->size});
    }
    ms_silence_look(&journal->silence, master->engine.now, journal->emitted, journal->persisted);
}

bool ms_journal_is_full(const struct ms_master *master, size_t size)
{
    return master->journal.room < master->config.limits.store_reserve + size;
}

bool ms_journal_is_behind(const struct ms_journal *journal)
{
    return journal->window_bytes + journal->flying_bytes > MS_JOURNAL_BEHIND_MAX;
}
