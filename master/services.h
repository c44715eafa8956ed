/* The services of a master (services/ms_service.h): calls of clients find theirs, changes go into the journal and are applied, replies leave
 * when what they say is durable, as acknowledgements do. See docs/services.md and docs/decisions/0018-services.md.
 *
 * A call says what it is for as SERVICE/PARAMETERS or COMPANY//SERVICE/PARAMETERS. */
#ifndef MASTER_SERVICES_H
#define MASTER_SERVICES_H

#include "core/command.h"
#include "core/heap.h"
#include "core/list.h"
#include "core/pool.h"
#include "core/trace.h"
#include "master/service_unit.h"

struct ms_client;
struct ms_inquiry;
struct ms_master;
struct ms_report_page;

/* What is loaded. */
struct ms_service_entry {
    const struct ms_service *service;
    const char *name, *parameters;
};

struct ms_service_list {
    const struct ms_service_entry *items;
    uint32_t count; /* at most MS_SERVICES_MAX */
};

enum ms_call_state {
    MS_CALL_WAITING,  /* for a change, or for its time to be over */
    MS_CALL_ANSWERED, /* the reply waits to be durable */
    MS_CALL_SPENT,    /* it was said in this step */
};

/* A call under way. Pooled. */
struct ms_call {
    struct ms_list link; /* WAITING: on the unit's waiters; SPENT: on spent */
    struct ms_heap_node timer;
    ms_peer peer;
    struct ms_uuid client;
    uint64_t number, floor;
    enum ms_call_state state;
    struct ms_service_unit *unit;
    ms_time until;
    uint64_t seen; /* version that it was asked about last */
    uint8_t
        *bytes;  /* WAITING: what it is for, then its payload; ANSWERED: the reply, or a sentence */
    size_t size; /* of all bytes */
    size_t head; /* WAITING: of what it is for */
    uint16_t error; /* enum ms_error */
    ms_time delay;
};

enum ms_services_phase {
    MS_SERVICES_IDLE, /* it has not begun: nothing is read back, or nothing may be written */
    MS_SERVICES_ON,
};

struct ms_services {
    struct ms_service_unit
        *units[MS_SERVICES_MAX]; /* loaded ones first, in the order of the chain */
    uint32_t count;
    enum ms_services_phase phase;
    bool may_write; /* nobody in S has a program that cannot read SERVICE records */
    uint8_t copies; /* as the services were told */
    struct ms_pool calls;
    struct ms_heap timers; /* of those that are WAITING */
    struct ms_list spent;
    size_t bytes; /* of all calls */
    uint64_t seed;
    const struct ms_trace *trace;
    struct ms_service_buffer written; /* by the plug-in, in this moment */
    struct ms_service_buffer reply;
};

/* list: NULL = none; what it holds is borrowed as long as the master lives. False when memory is out; then finish it. */
bool ms_services_init(struct ms_services *services, const struct ms_service_list *list,
                      const struct ms_trace *trace, uint64_t seed);
void ms_services_finish(struct ms_services *services); /* accepts a zeroed one */

/* A SERVICE or SERVICE_STATE record that is read back. */
enum ms_error ms_services_replay(struct ms_master *master, const struct ms_record *record,
                                 ms_seq seq);

/* CALL of a client. */
void ms_services_call(struct ms_master *master, struct ms_client *client,
                      const struct ms_command *command);

/* The reply of that call has become durable. */
void ms_services_say(struct ms_master *master, ms_handle call);

/* What was said in the step before is given back. */
void ms_services_tidy(struct ms_services *services);

/* Calls whose time is over, or for which something has changed; snapshots; the beginning. */
void ms_services_run(struct ms_master *master, ms_time now);
bool ms_services_are_due(const struct ms_master *master);
ms_time ms_services_deadline(const struct ms_services *services);

/* Whether changes may be written now. */
void ms_services_allow(struct ms_services *services, bool is_on);
/* The journal has records of services, which an older program cannot read. */
bool ms_services_have_records(const struct ms_services *services);

/* A SERVICE or SERVICE_STATE record of the other half (master/reconcile.h): what it has alone is made here, at the end. */
void ms_services_merge(struct ms_master *master, const struct ms_record *record);

/* A change of the unit is made: its record is put, and it is applied. False when it was not: *error_out says why. */
bool ms_services_change(struct ms_master *master, struct ms_service_unit *unit,
                        const struct ms_record *change, enum ms_error *error_out);

/* Bytes of a change: a frame of the log has to hold it. */
size_t ms_services_record_max(const struct ms_master *master);

/* NULL when there is none. */
struct ms_service_unit *ms_services_find(const struct ms_services *services, const char *name,
                                         size_t size);

/* A row for each: QUERY SERVICES. */
void ms_services_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                      struct ms_report_page *page);

#endif
