/* The merge of what is kept beside an outcome: the submission, and output; and an outcome that nobody had yet. */
#include "core/invariant.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/reconcile.h"
#include "master/state.h"
#include "master/targets.h"

/* The pieces of the attempt that the outcome is of; what was here is of another one. Both halves count attempts on their own, and
 * who takes pieces as they come tells attempts apart by their numbers: this one gets a number that none has had here. */
void ms_merge_output(struct ms_master *master, struct ms_work *work,
                     const struct ms_foreign *foreign, struct ms_record *outcome)
{
    const bool may_be_sent = (work->flags & MS_FLAG_STREAM) != 0 || ms_work_is_finished(work);
    const uint32_t attempt = outcome->attempt;

    ms_output_discard(&master->queue, work);
    if (foreign == NULL) {
        return;
    }
    if (may_be_sent && attempt <= work->attempt) {
        outcome->attempt = work->attempt + 1;
    }
    work->attempt = outcome->attempt;
    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        struct ms_record_room room;
        struct ms_record record;

        ms_foreign_read(at, &room, &record);
        const bool is_of_outcome = record.kind == MS_RECORD_PIECE && record.attempt == attempt;
        const struct ms_command piece = {.kind = MS_KIND_OUTPUT,
                                         .stream = record.stream,
                                         .index = record.index,
                                         .payload = record.payload};

        record.attempt = outcome->attempt;
        if (is_of_outcome && ms_output_add(work, &master->queue.slab, &piece) == MS_OUTPUT_KEPT) {
            work->output->last->record = ms_journal_put_for(&master->journal, work, &record);
        }
    }
}

/* Output is read back as that of a submission: of this one, whose key is nobody's any more. */
static void put_submission(struct ms_master *master, struct ms_work *work,
                           const struct ms_foreign *foreign)
{
    struct ms_rare *rare = ms_rare_of(work, &master->queue.slab);

    if (rare == NULL) {
        master->reconcile.phase = MS_RECONCILE_FAILED;
        return;
    }
    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        struct ms_record_room room;
        struct ms_record record;
        struct ms_terms terms = {0};

        ms_foreign_read(at, &room, &record);
        if (record.kind != MS_RECORD_SUBMIT) {
            continue;
        }
        if (record.terms != NULL) {
            terms = *record.terms;
            terms.unique_mode = MS_UNIQUE_NONE;
            terms.unique = (struct ms_bytes){0};
            record.terms = &terms;
        }
        rare->submit_record = ms_journal_put_for(&master->journal, work, &record);
    }
}

/* What is kept beside the lower outcome means, when it is read back, that the key was free from that outcome on: others may
 * have taken it since, and would be taken for those that had joined and have the new outcome. So it goes with it. */
void ms_merge_submission(struct ms_master *master, struct ms_work *work,
                         const struct ms_foreign *foreign, const struct ms_record *outcome)
{
    bool has_output = false;

    if (work->rare != NULL && work->rare->had_claim) {
        ms_rare_drop_records(work, &master->queue.slab, &master->journal);
    }
    for (const struct ms_foreign_entry *at = foreign != NULL ? foreign->row.first : NULL;
         at != NULL; at = at->next) {
        struct ms_record_room room;
        struct ms_record record;

        ms_foreign_read(at, &room, &record);
        has_output |= record.kind == MS_RECORD_PIECE && record.attempt == outcome->attempt;
    }
    if (has_output && foreign != NULL && foreign->array_count == 0 &&
        (work->rare == NULL || work->rare->submit_record == 0)) {
        put_submission(master, work, foreign);
    }
}

bool ms_merge_is_other_output(const struct ms_work *work, const struct ms_foreign *foreign,
                              const struct ms_record *outcome)
{
    const struct ms_bytes detail = ms_work_detail(work);
    bool is_other =
        detail.size != outcome->detail.size ||
        (detail.size > 0 && memcmp(detail.data, outcome->detail.data, detail.size) != 0);
    uint32_t count = 0;

    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        struct ms_record_room room;
        struct ms_record record;

        ms_foreign_read(at, &room, &record);
        if (record.kind == MS_RECORD_PIECE && record.attempt == outcome->attempt) {
            count++;
            is_other |= work->output == NULL || !ms_token_equal(work->output->token, record.token);
        }
    }
    return is_other || count > ms_output_count(work->output);
}

/* Whether the wish of that record, for what waits here under its number, is the one that stands here. */
static bool stands(const struct ms_master *master, const struct ms_record *wish, ms_seq seq)
{
    const struct ms_work *work = ms_clients_find_work(master, &wish->id);
    const struct ms_array *array = ms_clients_find_array(master, &wish->id);

    if (wish->event == MS_OPERATION_CONCURRENCY) {
        return array == NULL || array->concurrency_record == seq;
    }
    if (work == NULL) {
        return array == NULL || ms_array_is_closed(array, wish->id.seq);
    }
    return work->is_archived || ms_work_is_finished(work) ||
           (work->rare != NULL && work->rare->changes[wish->event].record == seq);
}

void ms_merge_note_wishes(struct ms_master *master, const struct ms_foreign *foreign)
{
    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        struct ms_bytes bytes = {at->bytes, at->size};
        struct ms_record_room room;
        struct ms_record record;
        struct ms_entry entry;
        const bool is_entry = ms_record_next(&bytes, &entry);

        ms_assert(is_entry);
        ms_foreign_read(at, &room, &record);
        if (record.kind == MS_RECORD_CHANGE && record.event < MS_OPERATION_COUNT &&
            !stands(master, &record, entry.seq)) {
            master->reconcile.is_new = true;
        }
    }
}

/* What was cancelled there and has not come to its end. */
struct ms_record ms_merge_cancelled(const struct ms_master *master, const struct ms_work *work,
                                    char told[MS_DETAIL_MAX])
{
    return (struct ms_record){
        .kind = MS_RECORD_SETTLE,
        .event = MS_LIFE_CANCEL,
        .status = MS_STATUS_CANCELLED,
        .flags = work->flags,
        .durability = work->durability,
        .attempt = work->attempt,
        .attempts_max = work->attempts_max,
        .failures = work->failures,
        .crashes = work->crashes,
        .at = ms_master_wall(master),
        .until = work->created_at + master->config.wall_offset,
        .type = work->lane->type,
        .id = {.client = work->client->uuid, .seq = work->seq},
        .detail = ms_targets_tell(work, ms_bytes_of("cancelled; no result of it came back"), told),
        .terms = work->rare != NULL && work->rare->group != NULL ? &work->rare->group->terms : NULL,
    };
}
