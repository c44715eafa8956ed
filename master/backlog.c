#include "master/backlog.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"

#define BATCHES_MIN (size_t)256

struct ms_batch_block {
    struct ms_batch_block *next; /* when it was dropped */
    size_t capacity;
    uint8_t bytes[];
};

void ms_backlog_free(struct ms_backlog *backlog)
{
    while (backlog->dropped != NULL) {
        struct ms_batch_block *block = backlog->dropped;

        backlog->dropped = block->next;
        free(block);
    }
}

static void drop_all(struct ms_backlog *backlog)
{
    while (backlog->base.number < backlog->tip.number) {
        ms_backlog_drop(backlog);
    }
}

void ms_backlog_begin(struct ms_backlog *backlog, ms_epoch reign, ms_seq last)
{
    drop_all(backlog);
    backlog->base = (struct ms_place){
        .seq = last,
        .digest = ms_record_digest(reign * 2 + last, (struct ms_bytes){0}),
    };
    backlog->tip = backlog->base;
}

void ms_backlog_finish(struct ms_backlog *backlog)
{
    drop_all(backlog);
    ms_backlog_free(backlog);
    free(backlog->batches);
    *backlog = (struct ms_backlog){0};
}

static bool grow(struct ms_backlog *backlog)
{
    const uint64_t count = backlog->tip.number - backlog->base.number;
    const size_t size = backlog->batches == NULL ? BATCHES_MIN : (backlog->mask + 1) * 2;
    struct ms_batch *batches;

    if (backlog->batches != NULL && count <= backlog->mask) {
        return true;
    }
    batches = calloc(size, sizeof *batches);
    if (batches == NULL) {
        return false;
    }
    for (uint64_t i = backlog->base.number + 1; i <= backlog->tip.number; i++) {
        batches[i & (size - 1)] = backlog->batches[i & backlog->mask];
    }
    free(backlog->batches);
    backlog->batches = batches;
    backlog->mask = size - 1;
    return true;
}

static struct ms_batch_block *resize(struct ms_batch_block *block, size_t capacity)
{
    struct ms_batch_block *resized = realloc(block, sizeof *block + capacity);

    if (resized != NULL) {
        resized->capacity = capacity;
    }
    return resized;
}

/* The tip is behind these entries too; open: the digest of what it has before them. */
static void advance(struct ms_backlog *backlog, uint64_t open, ms_seq seq, struct ms_bytes entries)
{
    struct ms_place *tip = &backlog->tip;

    ms_assert(seq >= tip->seq);
    ms_assert(entries.size > 0);
    tip->bytes += entries.size;
    tip->seq = seq;
    backlog->open_digest = ms_record_digest_add(open, entries);
    tip->digest = ms_record_digest_end(backlog->open_digest);
}

bool ms_backlog_append(struct ms_backlog *backlog, ms_seq seq, struct ms_bytes entries)
{
    struct ms_place *tip = &backlog->tip;
    struct ms_batch_block *block = grow(backlog) ? resize(NULL, entries.size) : NULL;

    if (block == NULL) {
        drop_all(backlog);
    }
    tip->number++;
    advance(backlog, tip->digest, seq, entries);
    if (block == NULL) {
        backlog->base = *tip;
        return false;
    }
    memcpy(block->bytes, entries.data, entries.size);
    backlog->batches[tip->number & backlog->mask] =
        (struct ms_batch){*tip, block, {block->bytes, entries.size}};
    return true;
}

bool ms_backlog_extend(struct ms_backlog *backlog, ms_seq seq, struct ms_bytes entries)
{
    struct ms_place *tip = &backlog->tip;
    struct ms_batch *batch = &backlog->batches[tip->number & backlog->mask];
    const size_t size = batch->entries.size;
    struct ms_batch_block *block = batch->block;

    ms_assert(tip->number > backlog->base.number);
    advance(backlog, backlog->open_digest, seq, entries);
    if (block->capacity - size < entries.size) {
        block = resize(block, 2 * (size + entries.size));
    }
    if (block == NULL) {
        drop_all(backlog);
        backlog->base = *tip;
        return false;
    }
    memcpy(block->bytes + size, entries.data, entries.size);
    *batch = (struct ms_batch){*tip, block, {block->bytes, size + entries.size}};
    return true;
}

void ms_backlog_drop(struct ms_backlog *backlog)
{
    const struct ms_batch *batch = ms_backlog_at(backlog, backlog->base.number + 1);

    batch->block->next = backlog->dropped;
    backlog->dropped = batch->block;
    backlog->base = batch->place;
}

const struct ms_batch *ms_backlog_at(const struct ms_backlog *backlog, uint64_t number)
{
    ms_assert(number > backlog->base.number && number <= backlog->tip.number);
    return &backlog->batches[number & backlog->mask];
}

const struct ms_place *ms_backlog_place(const struct ms_backlog *backlog, uint64_t number)
{
    return number == backlog->base.number ? &backlog->base : &ms_backlog_at(backlog, number)->place;
}

const struct ms_place *ms_backlog_find(const struct ms_backlog *backlog, uint64_t number,
                                       ms_seq seq)
{
    uint64_t low = backlog->base.number, high = number;

    ms_assert(ms_backlog_has(backlog, number));
    while (low < high) {
        const uint64_t middle = high - (high - low) / 2;

        if (ms_backlog_place(backlog, middle)->seq <= seq) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return ms_backlog_place(backlog, low);
}
