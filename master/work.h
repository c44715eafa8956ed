/* One live command as the master keeps it. */
#ifndef MASTER_WORK_H
#define MASTER_WORK_H

#include <assert.h>

#include "core/command.h"
#include "core/heap.h"
#include "core/list.h"
#include "master/life.h"

struct ms_client;
struct ms_lane;
struct ms_output;
struct ms_slave;

/* Pooled. link is on exactly one list: its lane's ready list, its holder's held or kept list, or one of its
 * client's outcome lists; DELAYED it is in the heap instead. The block holds the payload until the end
 * of the last attempt, then the result followed by the detail. */
struct ms_work {
    struct ms_list link;
    uint64_t seq; /* with the client: the id */
    struct ms_client *client;
    struct ms_lane *lane;
    struct ms_slave *holder; /* LEASED: who has it; else NULL */
    uint64_t token;          /* LEASED: of the attempt; else 0 */
    uint8_t *block;
    uint32_t block_size; /* as it was taken from the slab */
    uint32_t size;       /* bytes of payload or result */
    struct ms_heap_node timer;
    uint32_t attempt;     /* number of the latest attempt; 0 = never handed out */
    uint16_t detail_size; /* bytes of detail behind the result */
    uint16_t attempts_max;
    uint16_t failures; /* attempts that count against attempts_max */
    uint16_t crashes;  /* sessions and processes it took down, or seemed to */
    uint8_t state;     /* enum ms_life_state */
    uint8_t status;    /* enum ms_status, of the last attempt and of the outcome */
    uint8_t flags;     /* enum ms_command_flags, of the submission */
    bool is_cancel_asked;
    bool has_usage;
    int32_t code;
    uint32_t signal;
    uint32_t sent_on; /* finished: client->connection on which the outcome was sent; else 0 */
    ms_time timeout;
    ms_time created_at;
    ms_time changed_at;       /* of the last step along the table */
    struct ms_output *output; /* pieces of the latest attempt, or NULL */
    struct ms_usage usage;
};

static_assert(sizeof(struct ms_work) <= 200, "a million commands stay small");

static inline bool ms_work_is_finished(const struct ms_work *work)
{
    return work->state >= MS_LIFE_DONE;
}

static inline struct ms_work *ms_work_of(struct ms_list *link)
{
    return ms_container_of(link, struct ms_work, link);
}

#endif
