#include "core/io/mailbox.h"

#include <stdalign.h>
#include <stdlib.h>

#include "core/invariant.h"

void ms_mailbox_init(struct ms_mailbox *mailbox)
{
    ms_list_init(&mailbox->letters);
}

void ms_mailbox_finish(struct ms_mailbox *mailbox)
{
    struct ms_letter *letter;

    while ((letter = ms_mailbox_take(mailbox)) != NULL) {
        free(letter);
    }
}

/* Size of the flat part of a body; 0 = the kind has none. */
static size_t body_size(enum ms_kind kind)
{
    switch (kind) {
    case MS_KIND_HELLO:
        return sizeof(struct ms_hello);
    case MS_KIND_WELCOME:
        return sizeof(struct ms_welcome);
    case MS_KIND_ANNOUNCE:
        return sizeof(struct ms_announce);
    case MS_KIND_ROLL:
    case MS_KIND_VERDICT:
        return sizeof(struct ms_tokens);
    case MS_KIND_QUERY:
        return sizeof(struct ms_query);
    default:
        return 0;
    }
}

/* The lists that a body points to. */
struct lists {
    struct ms_bytes items;    /* types of ANNOUNCE, tokens of ROLL and VERDICT */
    struct ms_bytes holdings; /* of ROLL */
};

static struct lists body_lists(const struct ms_command *command)
{
    struct lists lists = {0};

    if (command->kind == MS_KIND_ANNOUNCE) {
        lists.items.data = (const uint8_t *)command->body.announce->types;
        lists.items.size = command->body.announce->count * sizeof *command->body.announce->types;
    } else if (command->kind == MS_KIND_ROLL || command->kind == MS_KIND_VERDICT) {
        const struct ms_tokens *tokens = command->body.tokens;
        lists.items.data = (const uint8_t *)tokens->tokens;
        lists.items.size = tokens->count * sizeof *tokens->tokens;
        if (tokens->holdings != NULL) {
            lists.holdings.data = (const uint8_t *)tokens->holdings;
            lists.holdings.size = tokens->count * sizeof *tokens->holdings;
        }
    }
    return lists;
}

static size_t aligned(size_t size)
{
    return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* Where the next piece of a letter goes. */
static void *place(uint8_t **end, const void *from, size_t size)
{
    void *to = *end;

    if (size > 0) {
        memcpy(to, from, size);
    }
    *end += aligned(size);
    return to;
}

static void copy_body(struct ms_command *to, const struct ms_command *from, uint8_t **end)
{
    const struct lists lists = body_lists(from);
    void *body = place(end, from->body.any, body_size(from->kind));
    void *items = place(end, lists.items.data, lists.items.size);
    void *holdings = place(end, lists.holdings.data, lists.holdings.size);

    to->body.any = body;
    if (from->kind == MS_KIND_ANNOUNCE) {
        ((struct ms_announce *)body)->types = items;
    } else if (lists.items.size > 0) {
        ((struct ms_tokens *)body)->tokens = items;
        ((struct ms_tokens *)body)->holdings = lists.holdings.size > 0 ? holdings : NULL;
    }
}

static size_t terms_size(const struct ms_terms *terms)
{
    return aligned(sizeof *terms) + aligned(terms->unique.size) + aligned(terms->group.size) +
           aligned(terms->key.size) + aligned(terms->where.size);
}

static const struct ms_terms *copy_terms(const struct ms_terms *from, uint8_t **end)
{
    struct ms_terms *terms = place(end, from, sizeof *from);

    terms->unique.data = place(end, from->unique.data, from->unique.size);
    terms->group.data = place(end, from->group.data, from->group.size);
    terms->key.data = place(end, from->key.data, from->key.size);
    terms->where.data = place(end, from->where.data, from->where.size);
    return terms;
}

static size_t letter_size(const struct ms_command *command)
{
    size_t size = aligned(sizeof(struct ms_letter));

    if (command == NULL) {
        return size;
    }
    size += aligned(command->payload.size) + aligned(command->detail.size);
    if (command->usage != NULL) {
        size += aligned(sizeof *command->usage);
    }
    if (command->terms != NULL) {
        size += terms_size(command->terms);
    }
    if (command->body.any != NULL) {
        const struct lists lists = body_lists(command);
        ms_assert(body_size(command->kind) > 0);
        size += aligned(body_size(command->kind)) + aligned(lists.items.size) +
                aligned(lists.holdings.size);
    }
    return size;
}

static void copy_command(struct ms_letter *letter, const struct ms_command *from)
{
    uint8_t *end = (uint8_t *)letter + aligned(sizeof *letter);
    struct ms_command *to = &letter->command;

    *to = *from;
    to->payload.data = place(&end, from->payload.data, from->payload.size);
    to->detail.data = place(&end, from->detail.data, from->detail.size);
    if (from->usage != NULL) {
        to->usage = place(&end, from->usage, sizeof *from->usage);
    }
    if (from->terms != NULL) {
        to->terms = copy_terms(from->terms, &end);
    }
    if (from->body.any != NULL) {
        copy_body(to, from, &end);
    }
    letter->event.command = to;
}

void ms_mailbox_post(struct ms_mailbox *mailbox, const struct ms_event *event)
{
    struct ms_letter *letter = malloc(letter_size(event->command));

    ms_assert(letter != NULL);
    letter->event = *event;
    if (event->command != NULL) {
        copy_command(letter, event->command);
    }
    ms_list_init(&letter->link);
    ms_list_push_back(&mailbox->letters, &letter->link);
}

struct ms_letter *ms_mailbox_take(struct ms_mailbox *mailbox)
{
    struct ms_list *link = ms_list_pop_front(&mailbox->letters);

    return link == NULL ? NULL : ms_container_of(link, struct ms_letter, link);
}
