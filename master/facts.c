#include "master/facts.h"

#include "core/invariant.h"
#include "master/arrays.h"
#include "master/clients.h"
#include "master/groups.h"
#include "master/lanes.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/unique.h"
#include "master/work.h"

const char *ms_facts_status(const struct ms_work *work)
{
    const bool has_ended = work->failures > 0 || work->crashes > 0 || ms_work_is_finished(work);

    ms_assert(work->status < MS_STATUS_COUNT);
    return has_ended ? ms_status_name((enum ms_status)work->status) : "";
}

/* Times that were read back are of the wall clock, which may have been set back since. */
static ms_time since(ms_time now, ms_time then)
{
    return now > then ? now - then : 0;
}

void ms_facts_of(const struct ms_work *work, ms_time now, struct ms_filter_facts *facts_out)
{
    const struct ms_session *session = work->client->session;

    ms_assert(work->state < MS_LIFE_CLOSED);
    *facts_out = (struct ms_filter_facts){
        .state = ms_life_state_name((enum ms_life_state)work->state),
        .status = ms_facts_status(work),
        .type = work->lane->name,
        .client = session != NULL ? session->name : NULL,
        .slave = work->holder != NULL ? work->holder->session->name : NULL,
        .group = work->rare != NULL && work->rare->group != NULL
                     ? ms_bytes_of(work->rare->group->name)
                     : (struct ms_bytes){0},
        .unique = ms_unique_key(work),
        .key = ms_work_key(work),
        .client_uuid = &work->client->uuid,
        .type_number = work->lane->type,
        .seq = work->seq,
        .size = work->rare != NULL && work->rare->has_payload ? work->rare->payload_size
                                                              : ms_spool_size(work),
        .age = since(now, work->created_at),
        .waiting = since(now, work->changed_at),
        .has_deadline = ms_work_deadline(work) != MS_TIME_NEVER,
        .deadline = since(ms_work_deadline(work), now),
        .attempts = work->attempt,
        .failures = work->failures,
        .crashes = work->crashes,
        .priority = work->priority,
    };
}
