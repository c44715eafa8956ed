#include "master/spool.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/rare.h"
#include "master/state.h"
#include "master/work.h"

static struct ms_spool *open_spool(struct ms_master *master, struct ms_client *client, uint64_t seq)
{
    struct ms_slab *slab = &master->queue.slab;
    struct ms_spool *spool = ms_slab_take(slab, sizeof *spool);
    struct ms_rare *rare = ms_slab_take(slab, sizeof *rare);

    if (spool == NULL || rare == NULL) {
        ms_slab_give(slab, spool, sizeof *spool);
        ms_slab_give(slab, rare, sizeof *rare);
        return NULL;
    }
    *rare = (struct ms_rare){0};
    *spool = (struct ms_spool){
        .client = client, .rare = rare, .seq = seq, .grown_at = master->engine.now};
    ms_list_init(&spool->of_client);
    ms_list_init(&spool->open);
    ms_list_push_front(&client->spools, &spool->of_client);
    ms_list_push_back(&master->spools, &spool->open);
    client->spools_count++;
    master->spools_count++;
    return spool;
}

static void close_spool(struct ms_master *master, struct ms_spool *spool)
{
    ms_assert(spool->client != NULL && spool->client->spools_count > 0);
    ms_assert(master->spools_count > 0 && master->spools_bytes >= spool->size);
    master->spools_count--;
    master->spools_bytes -= spool->size;
    ms_list_remove(&spool->of_client);
    ms_list_remove(&spool->open);
    spool->client->spools_count--;
    spool->client = NULL;
}

static void free_parts(struct ms_spool *spool, struct ms_slab *slab, struct ms_journal *journal)
{
    while (spool->first != NULL) {
        struct ms_part *part = spool->first;

        spool->first = part->next;
        ms_journal_erase(journal, part->record);
        ms_slab_give(slab, part, sizeof *part + part->size);
    }
    spool->last = NULL;
    spool->size = 0;
    spool->count = 0;
}

void ms_spool_free(struct ms_spool *spool, struct ms_slab *slab, struct ms_journal *journal)
{
    if (spool == NULL) {
        return;
    }
    ms_assert(spool->client == NULL);
    free_parts(spool, slab, journal);
    ms_slab_give(slab, spool->rare, sizeof *spool->rare);
    ms_slab_give(slab, spool, sizeof *spool);
}

void ms_spool_end(struct ms_queue *queue, struct ms_work *work)
{
    const bool has_parts = (work->flags & MS_FLAG_PARTS) != 0 && work->state != MS_LIFE_NONE;

    if (has_parts && ms_work_spool(work) == NULL) {
        ms_assert(queue->incomplete_count > 0);
        queue->incomplete_count--;
    }
    ms_rare_drop_spool(work, &queue->slab, queue->journal);
}

void ms_spool_drop(struct ms_master *master, struct ms_spool *spool)
{
    if (spool == NULL) {
        return;
    }
    close_spool(master, spool);
    ms_spool_free(spool, &master->queue.slab, &master->journal);
}

void ms_spool_drop_all(struct ms_master *master, struct ms_client *client)
{
    struct ms_list *link;

    while ((link = ms_list_first(&client->spools)) != NULL) {
        ms_spool_drop(master, ms_container_of(link, struct ms_spool, of_client));
    }
    ms_assert(client->spools_count == 0);
}

struct ms_spool *ms_spool_find(const struct ms_client *client, uint64_t seq)
{
    const struct ms_list *head = &client->spools;

    for (struct ms_list *link = head->next; link != head; link = link->next) {
        struct ms_spool *spool = ms_container_of(link, struct ms_spool, of_client);

        if (spool->seq == seq) {
            return spool;
        }
    }
    return NULL;
}

/* Said once; the bytes go, and what is on its way will be dropped. */
static void refuse(struct ms_master *master, struct ms_spool *spool, enum ms_error error)
{
    const char *sentence = master->complaint.text[0] != '\0' ? master->complaint.text : NULL;

    ms_assert(spool->refused == MS_E_OK && error != MS_E_OK);
    spool->refused = error;
    master->spools_bytes -= spool->size;
    free_parts(spool, &master->queue.slab, &master->journal);
    ms_clients_refuse(master, spool->client, spool->seq, error, sentence);
}

/* Whether there is room for one more part. */
static enum ms_error examine_room(const struct ms_master *master, size_t size)
{
    const struct ms_queue *queue = &master->queue;

    if (ms_master_is_draining(master)) {
        return MS_E_DRAINING;
    }
    if (ms_slab_used(&queue->slab) + ms_slab_cost(sizeof(struct ms_part) + size) >
        queue->bytes_max) {
        return MS_E_RETRY_LATER;
    }
    if (master->journal.is_on && ms_journal_is_full(master, size)) {
        return MS_E_STORE_FULL;
    }
    return MS_E_OK;
}

static enum ms_error examine(struct ms_master *master, const struct ms_spool *spool,
                             const struct ms_command *part)
{
    const size_t size = part->payload.size;

    if (size == 0 || size > MS_CHUNK_MAX) {
        ms_complain(&master->complaint, "a part of %zu bytes; 1 to %u are allowed", size,
                    MS_CHUNK_MAX);
        return MS_E_BAD_ARGUMENT;
    }
    if (part->index != spool->count) {
        ms_complain(&master->complaint, "part %u came where part %u was missing", part->index,
                    spool->count);
        /* Without a beginning it may be a straggler of one that was given up, and is begun anew. */
        return spool->count > 0 ? MS_E_BAD_ARGUMENT : MS_E_RETRY_LATER;
    }
    if (spool->size + size > MS_SPOOL_BYTES_MAX) {
        ms_complain(&master->complaint, "a payload of more than %llu bytes, even in parts",
                    (unsigned long long)MS_SPOOL_BYTES_MAX);
        return MS_E_PAYLOAD_SIZE;
    }
    return examine_room(master, size);
}

static bool append(struct ms_master *master, struct ms_spool *spool, struct ms_bytes bytes)
{
    struct ms_part *part = ms_slab_take(&master->queue.slab, sizeof *part + bytes.size);

    if (part == NULL) {
        return false;
    }
    *part = (struct ms_part){.size = (uint32_t)bytes.size};
    memcpy(part->data, bytes.data, bytes.size);
    if (spool->last != NULL) {
        spool->last->next = part;
    } else {
        spool->first = part;
    }
    spool->last = part;
    spool->size += bytes.size;
    spool->count++;
    master->spools_bytes += bytes.size;
    return true;
}

/* Its SUBMIT will be answered as one that came again. */
static bool is_known(const struct ms_master *master, const struct ms_client *client, uint64_t seq)
{
    return ms_queue_find(&master->queue, client, seq) != NULL ||
           ms_arrays_find(&client->arrays, seq) != NULL ||
           ms_closed_has(&client->floor->closed, seq);
}

/* A client that left many unfinished ones behind is told for good; those that were refused may be forgotten
 * sooner, and then a straggler of them is refused once more. */
static bool make_place(struct ms_master *master, struct ms_client *client)
{
    struct ms_spool *oldest;

    if (client->spools_count < MS_SPOOLS_MAX) {
        return true;
    }
    oldest = ms_container_of(ms_list_last(&client->spools), struct ms_spool, of_client);
    if (oldest->refused == MS_E_OK) {
        ms_master_refuse(master, client->session->peer, MS_E_TOO_MANY,
                         "too many payloads were begun in parts");
        return false;
    }
    ms_spool_drop(master, oldest);
    return true;
}

static void touch(struct ms_master *master, ms_time now, struct ms_spool *spool)
{
    spool->grown_at = now;
    ms_list_remove(&spool->open);
    ms_list_push_back(&master->spools, &spool->open);
}

static void add(struct ms_master *master, ms_time now, struct ms_spool *spool,
                const struct ms_command *part)
{
    enum ms_error error = examine(master, spool, part);

    if (error == MS_E_OK && !append(master, spool, part->payload)) {
        error = MS_E_RETRY_LATER;
    }
    if (error != MS_E_OK) {
        refuse(master, spool, error);
        return;
    }
    touch(master, now, spool);
    spool->last->record =
        ms_journal_put(&master->journal, &(struct ms_record){
                                             .kind = MS_RECORD_PART,
                                             .at = ms_master_wall(master),
                                             .id = {spool->client->uuid, spool->seq},
                                             .index = part->index,
                                             .payload = part->payload,
                                         });
}

void ms_spool_receive(struct ms_master *master, ms_time now, struct ms_client *client,
                      const struct ms_command *part)
{
    const uint64_t seq = part->id.seq;
    struct ms_spool *spool = ms_spool_find(client, seq);

    ms_assert(part->kind == MS_KIND_PART);
    master->complaint.text[0] = '\0';
    if (is_known(master, client, seq)) {
        return;
    }
    if (spool != NULL && part->index == 0) {
        ms_spool_drop(master, spool);
        spool = NULL;
    }
    if (spool == NULL) {
        if (!make_place(master, client)) {
            return;
        }
        spool = open_spool(master, client, seq);
    }
    if (spool == NULL) {
        ms_clients_refuse(master, client, seq, MS_E_RETRY_LATER, NULL);
    } else if (spool->refused == MS_E_OK) {
        add(master, now, spool, part);
    }
}

enum ms_error ms_spool_examine(struct ms_master *master, const struct ms_client *client,
                               const struct ms_command *submit)
{
    const struct ms_spool *spool = ms_spool_find(client, submit->id.seq);
    const uint64_t size = submit->terms != NULL ? submit->terms->parts_size : 0;

    if (spool == NULL || spool->size != size || size == 0) {
        ms_complain(
            &master->complaint, "parts of %llu bytes came before a submission that speaks of %llu",
            (unsigned long long)(spool != NULL ? spool->size : 0), (unsigned long long)size);
        return MS_E_BAD_ARGUMENT;
    }
    if (submit->payload.size > 0) {
        ms_complain(&master->complaint, "a payload beside the one that came in parts");
        return MS_E_BAD_ARGUMENT;
    }
    ms_assert(spool->refused == MS_E_OK);
    return MS_E_OK;
}

void ms_spool_bind(struct ms_master *master, struct ms_spool *spool, struct ms_work *work)
{
    ms_assert(spool->client == work->client && spool->seq == work->seq);
    close_spool(master, spool);
    if (work->rare == NULL) {
        work->rare = spool->rare;
    } else {
        ms_slab_give(&master->queue.slab, spool->rare, sizeof *spool->rare);
    }
    spool->rare = NULL;
    ms_assert(work->rare->spool == NULL);
    work->rare->spool = spool;
    for (struct ms_part *part = spool->first; part != NULL && !ms_work_is_durable(work);
         part = part->next) {
        ms_journal_erase(&master->journal, part->record);
        part->record = 0;
    }
}

void ms_spool_expire(struct ms_master *master, ms_time now)
{
    while (ms_spool_deadline(master) <= now && ms_engine_room(&master->engine) > 0) {
        struct ms_spool *spool =
            ms_container_of(ms_list_first(&master->spools), struct ms_spool, open);
        const struct ms_session *session = spool->client->session;

        if (spool->refused == MS_E_OK && session != NULL && session->peer != MS_PEER_NONE) {
            ms_complain(&master->complaint, "part %u did not come in time", spool->count);
            refuse(master, spool, MS_E_RETRY_LATER);
            touch(master, now, spool);
        } else {
            ms_spool_drop(master, spool);
        }
    }
}

ms_time ms_spool_deadline(const struct ms_master *master)
{
    struct ms_list *link = ms_list_first(&master->spools);

    return link != NULL ? ms_container_of(link, struct ms_spool, open)->grown_at + MS_SPOOL_KEEP
                        : MS_TIME_NEVER;
}

enum ms_error ms_spool_replay(struct ms_master *master, const struct ms_record *record, ms_seq seq)
{
    struct ms_client *client = ms_clients_recall(master, &record->id.client);
    struct ms_spool *spool = client != NULL ? ms_spool_find(client, record->id.seq) : NULL;

    if (client == NULL) {
        return MS_E_NO_MEMORY;
    }
    if (spool == NULL) {
        spool = open_spool(master, client, record->id.seq);
    }
    if (spool == NULL) {
        return MS_E_NO_MEMORY;
    }
    if (record->index != spool->count || record->payload.size == 0) { /* its like are erased, too */
        ms_journal_erase(&master->journal, seq);
        return MS_E_OK;
    }
    if (!append(master, spool, record->payload)) {
        return MS_E_NO_MEMORY;
    }
    spool->last->record = seq;
    return MS_E_OK;
}

void ms_spool_replayed(struct ms_master *master)
{
    struct ms_list *link;

    ms_assert(master->journal.is_replaying);
    while ((link = ms_list_first(&master->spools)) != NULL) {
        struct ms_spool *spool = ms_container_of(link, struct ms_spool, open);
        struct ms_client *client = spool->client;

        ms_spool_drop(master, spool);
        ms_clients_reap(master, client);
    }
}

uint64_t ms_spool_size(const struct ms_work *work)
{
    const struct ms_spool *spool = ms_work_spool(work);

    ms_assert(spool == NULL || work->size == 0);
    if (ms_work_array(work) != NULL && !ms_work_is_finished(work)) {
        return ms_work_submitted(work).size;
    }
    return spool != NULL ? spool->size : work->size;
}

void ms_spool_finish(struct ms_master *master)
{
    struct ms_list *link;

    while (master->spools.next != NULL && (link = ms_list_first(&master->spools)) != NULL) {
        struct ms_spool *spool = ms_container_of(link, struct ms_spool, open);

        close_spool(master, spool);
        for (struct ms_part *part = spool->first; part != NULL; part = part->next) {
            part->record = 0;
        }
        ms_spool_free(spool, &master->queue.slab, &master->journal);
    }
}
