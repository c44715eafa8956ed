/* The journal as it is written: the records of a command tell one story. */
#include "core/invariant.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_broadcasts.h"
#include "tests/sim/observer_unique.h"

typedef unsigned long long number;

static void fail_chain(struct sim_world *world, const struct sim_record *record,
                       const struct ms_record *entry, enum sim_chain chain)
{
    static const char *const words[] = {"unknown", "open", "settled", "closed"};

    sim_fail(world, "journal", "%s of seq %llu, which is %s",
             ms_record_kind_name((enum ms_record_kind)entry->kind), (number)record->id.seq,
             words[chain]);
}

/* As it was submitted; what came in parts has records of its own, and its content is seen where it runs. */
static bool is_payload(const struct sim_record *record, const struct ms_record *entry)
{
    if ((entry->flags & MS_FLAG_PARTS) != 0) {
        return entry->payload.size == 0 && entry->terms != NULL &&
               entry->terms->parts_size == record->payload_size;
    }
    return entry->payload.size == record->payload_size &&
           sim_hash(0, entry->payload.data, entry->payload.size) == record->payload_hash;
}

/* It is merged: the other half has it, or had. */
static bool is_of_other(struct sim_world *world, const struct sim_node *node,
                        const struct sim_record *record)
{
    return sim_view(world, node)->is_merging &&
           (record->chain[1 - node->index] != SIM_CHAIN_NONE ||
            sim_ledger_find(&world->nodes[1 - node->index].disk->ledger, &record->id) != NULL);
}

static void check_submit(struct sim_world *world, const struct sim_node *node,
                         const struct sim_record *record, const struct ms_record *entry)
{
    if (entry->type != record->type || entry->attempts_max != record->attempts_max ||
        !is_payload(record, entry)) {
        sim_fail(world, "journal", "seq %llu is not written as it was submitted",
                 (number)record->id.seq);
    }
    if (!sim_is_durable(world, record)) {
        sim_fail(world, "journal", "seq %llu is written, although nobody asked for it",
                 (number)record->id.seq);
    }
    /* What the other half has acknowledged is merged, room or not; what comes at the same time is not. */
    if (sim_view(world, node)->room < SIM_STORE_RESERVE && !is_of_other(world, node, record)) {
        sim_fail(world, "limits", "seq %llu is accepted into the reserve of a full disk",
                 (number)record->id.seq);
    }
}

/* What is written is what the other half's disk has, which this one did not know: it was merged. NULL when it was not. */
static const struct sim_life *merged_life(struct sim_world *world, const struct sim_node *node,
                                          const struct sim_record *record,
                                          const struct ms_record *entry)
{
    const struct sim_node *other = &world->nodes[1 - node->index];
    const struct sim_life *life = sim_view(world, node)->is_merging
                                      ? sim_ledger_find(&other->disk->ledger, &record->id)
                                      : NULL;

    return life != NULL && sim_life_has(life, entry) ? life : NULL;
}

/* An outcome, which may be the other half's, and the number that its attempt had there. */
static void note_end(struct sim_world *world, const struct sim_node *node,
                     struct sim_record *record, const struct ms_record *entry)
{
    const struct sim_life *life = merged_life(world, node, record, entry);

    record->is_end_merged = life != NULL;
    if (life != NULL) {
        record->merged_number = life->attempt;
    }
}

/* States only rise, but for a kick. */
static void check_chain(struct sim_world *world, const struct sim_node *node,
                        struct sim_record *record, const struct ms_record *entry)
{
    uint8_t *chain = &record->chain[node->index];
    uint32_t *failures = &record->failures[node->index];
    enum sim_chain from = SIM_CHAIN_OPEN, to = SIM_CHAIN_OPEN;

    switch (entry->kind) {
    case MS_RECORD_PART:
        from = SIM_CHAIN_NONE;
        to = SIM_CHAIN_NONE;
        break;
    case MS_RECORD_SUBMIT:
        from = SIM_CHAIN_NONE;
        check_submit(world, node, record, entry);
        break;
    case MS_RECORD_SETTLE:
        to = SIM_CHAIN_SETTLED;
        note_end(world, node, record, entry);
        break;
    case MS_RECORD_CLOSE:
        from = SIM_CHAIN_SETTLED;
        to = SIM_CHAIN_CLOSED;
        break;
    case MS_RECORD_CHANGE:
        from = (enum sim_chain) * chain;
        to = entry->event == MS_OPERATION_KICK ? SIM_CHAIN_OPEN : from;
        break;
    default:
        break;
    }
    if ((enum sim_chain) * chain != from && merged_life(world, node, record, entry) != NULL) {
        world->stats.counts[SIM_STAT_MERGED_OUTCOMES] += to == SIM_CHAIN_SETTLED;
        to = to == SIM_CHAIN_OPEN ? (enum sim_chain) * chain : to;
    } else if ((enum sim_chain) * chain != from) {
        fail_chain(world, record, entry, (enum sim_chain) * chain);
    }
    *chain = (uint8_t)to;
    if (entry->kind == MS_RECORD_RETRY) {
        if (entry->failures < *failures) {
            sim_fail(world, "journal", "seq %llu had failed %u times, and now %u times",
                     (number)record->id.seq, *failures, entry->failures);
        }
        *failures = entry->failures;
    }
}

static void see_entry(struct sim_world *world, const struct sim_node *node,
                      const struct ms_entry *entry)
{
    struct sim_view *view = sim_view(world, node);
    struct ms_record_room room;
    struct ms_record record;
    const enum ms_error error = ms_record_read(entry, &room, &record);

    if (error != MS_E_OK) {
        sim_fail(world, "journal", "record %llu cannot be read: %s", (number)entry->seq,
                 ms_error_name(error));
    }
    if (entry->seq <= view->journal_last) {
        sim_fail(world, "journal", "record %llu follows record %llu", (number)entry->seq,
                 (number)view->journal_last);
    }
    view->journal_last = entry->seq;
    sim_trace(world, "      %llu %s seq %llu", (number)entry->seq,
              ms_record_kind_name((enum ms_record_kind)entry->kind), (number)record.id.seq);
    if (record.kind == MS_RECORD_PROVIDER) {
        sim_provider_wrote(world, node, &record);
    }
    if (sim_record_names(&record)) {
        struct sim_record *of = sim_record_find(world, &record.id);
        if (of == NULL) {
            sim_fail(world, "journal", "%s of a command that nobody submitted: seq %llu",
                     ms_record_kind_name((enum ms_record_kind)record.kind), (number)record.id.seq);
        }
        const bool is_array = record.kind == MS_RECORD_SUBMIT && of->array_count > 0;

        if (!view->is_over) {
            sim_operate_entry(world, node, of, &record);
        }
        if (record.kind == MS_RECORD_LEASE && !view->is_over && !view->is_merging) {
            sim_priority_leased(world, node, of, &record);
        }
        sim_broadcast_entry(world, node, of, &record);
        for (uint32_t i = 0; i < (is_array ? record.terms->array_count : 1); i++) {
            check_chain(world, node, of + i, &record);
        }
    }
    if (world->config.masters > 1) {
        sim_pair_wrote(world, node, entry);
    }
}

void sim_journal_persist(struct sim_world *world, struct sim_node *node,
                         const struct ms_effect *effect)
{
    struct ms_bytes left = effect->command.payload;
    struct ms_entry entry;

    if (node->disk == NULL) {
        sim_fail(world, "contract", "a master without a store writes records");
    }
    if (left.size == 0) {
        sim_fail(world, "contract", "nothing is to be persisted");
    }
    while (ms_record_next(&left, &entry)) {
        if (entry.kind == MS_RECORD_ERASE) {
            sim_trace(world, "      %llu erased", (number)entry.seq);
        } else {
            see_entry(world, node, &entry);
        }
    }
    if (left.size > 0) {
        sim_fail(world, "journal", "%zu bytes are no entry", left.size);
    }
    if (effect->seq < sim_view(world, node)->journal_last) {
        sim_fail(world, "journal", "records up to %llu are handed over as up to %llu",
                 (number)sim_view(world, node)->journal_last, (number)effect->seq);
    }
}
