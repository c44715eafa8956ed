/* Events that wait for their step, with a deep copy of their command: what is posted while the engine
 * is being stepped, in order. */
#ifndef CORE_IO_MAILBOX_H
#define CORE_IO_MAILBOX_H

#include "core/engine.h"
#include "core/list.h"

struct ms_mailbox {
    struct ms_list letters;
};

struct ms_letter {
    struct ms_list link;
    struct ms_event event;
    struct ms_command command; /* event.command points here, or is NULL */
};

void ms_mailbox_init(struct ms_mailbox *mailbox);
void ms_mailbox_finish(struct ms_mailbox *mailbox);

/* Copies the event, its command, payload, detail, usage, terms and body (all but REPORT's, which no owner
 * posts). The process ends when memory is out: an event lost would be work lost. */
void ms_mailbox_post(struct ms_mailbox *mailbox, const struct ms_event *event);

/* The oldest, or NULL; the caller frees it with free(). */
struct ms_letter *ms_mailbox_take(struct ms_mailbox *mailbox);

static inline bool ms_mailbox_is_empty(const struct ms_mailbox *mailbox)
{
    return ms_list_is_empty(&mailbox->letters);
}

#endif
