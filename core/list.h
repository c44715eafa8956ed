/* Intrusive doubly linked list: the links live in the elements, so nothing is ever allocated. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/invariant.h"

/* Head of a list, or the link inside an element. A list head and an unlinked element both point
 * at themselves after ms_list_init; every head and every element must be initialised first. */
struct ms_list {
    struct ms_list *next;
    struct ms_list *prev;
};

/* The element of the given type whose member is at pointer. */
#define ms_container_of(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Visits links in order; link itself may be removed inside the loop, other links may not. */
#define ms_list_for_each(link, list)                                                               \
    for (struct ms_list *link = (list)->next, *link##_next = link->next; link != (list);           \
         link = link##_next, link##_next = link->next)

static inline void ms_list_init(struct ms_list *list)
{
    list->next = list;
    list->prev = list;
}

/* True for a list without elements and for an element that is on no list. */
static inline bool ms_list_is_empty(const struct ms_list *list)
{
    ms_assert(list->next != NULL);
    return list->next == list;
}

static inline bool ms_list_is_linked(const struct ms_list *link)
{
    return !ms_list_is_empty(link);
}

static inline void ms_list_push_back(struct ms_list *list, struct ms_list *link)
{
    ms_assert(ms_list_is_empty(link));
    link->next = list;
    link->prev = list->prev;
    list->prev->next = link;
    list->prev = link;
}

static inline void ms_list_push_front(struct ms_list *list, struct ms_list *link)
{
    ms_assert(ms_list_is_empty(link));
    link->prev = list;
    link->next = list->next;
    list->next->prev = link;
    list->next = link;
}

/* Takes the element off whatever list it is on; harmless when it is on none. */
static inline void ms_list_remove(struct ms_list *link)
{
    ms_assert(link->next->prev == link && link->prev->next == link);
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ms_list_init(link);
}

/* The first link, or NULL when the list is empty. */
static inline struct ms_list *ms_list_first(const struct ms_list *list)
{
    return ms_list_is_empty(list) ? NULL : list->next;
}

static inline struct ms_list *ms_list_last(const struct ms_list *list)
{
    return ms_list_is_empty(list) ? NULL : list->prev;
}

/* The link after this one, or NULL when it is the last of the list. */
static inline struct ms_list *ms_list_next(const struct ms_list *list, const struct ms_list *link)
{
    ms_assert(link != list);
    return link->next == list ? NULL : link->next;
}

/* Takes the first link off the list; NULL when the list is empty. */
static inline struct ms_list *ms_list_pop_front(struct ms_list *list)
{
    struct ms_list *link = ms_list_first(list);

    if (link != NULL) {
        ms_list_remove(link);
    }
    return link;
}

/* Moves everything from source to the end of list, in order; source is empty afterwards. */
static inline void ms_list_splice(struct ms_list *list, struct ms_list *source)
{
    ms_assert(list != source);
    if (ms_list_is_empty(source)) {
        return;
    }
    source->next->prev = list->prev;
    list->prev->next = source->next;
    source->prev->next = list;
    list->prev = source->prev;
    ms_list_init(source);
}

/* Moves the first element to the end: the turn of a round robin. */
static inline void ms_list_rotate(struct ms_list *list)
{
    struct ms_list *link = ms_list_pop_front(list);

    if (link != NULL) {
        ms_list_push_back(list, link);
    }
}

#endif
