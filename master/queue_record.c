/* What the queue takes from records. */
#include "core/invariant.h"
#include "master/queue.h"
#include "master/rare.h"

/* A wall clock that was set back since makes it wait anew, but never for longer than was meant. */
ms_time ms_queue_due_at(const struct ms_queue *queue, ms_time now, const struct ms_record *record)
{
    const ms_time due = record->until - queue->wall_offset;
    const ms_time most = now + (record->until - record->at);

    if (record->until <= 0 || due <= now || most <= now) {
        return 0;
    }
    return due < most ? due : most;
}

void ms_queue_remember(struct ms_queue *queue, ms_time now, struct ms_work *work,
                       const struct ms_record *record, ms_seq seq)
{
    struct ms_past past = {
        .record = seq,
        .at = now,
        .attempt = record->attempt,
        .code = record->code,
        .signal = record->signal,
        .status = record->status,
        .event = record->event,
        .detail_size = (uint16_t)record->detail.size,
        .detail = (char *)(uintptr_t)record->detail.data, /* it is copied */
    };

    ms_assert(record->detail.size <= MS_DETAIL_MAX);
    ms_assert(record->name.size <= MS_NAME_MAX);
    if (record->name.size > 0) {
        memcpy(past.slave, record->name.data, record->name.size);
    }
    ms_rare_add_past(work, &queue->slab, queue->journal, &past);
}
