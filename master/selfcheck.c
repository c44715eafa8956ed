#include "master/selfcheck.h"

#include "core/invariant.h"
#include "master/gates.h"
#include "master/slaves.h"
#include "master/state.h"

/* It was heard of since the last tick but one, would take a command, and has none. */
static bool is_idle(const struct ms_slave *slave)
{
    const struct ms_session *session = slave->session;

    return session->state <= MS_SESSION_WAITING_0 && session->peer != MS_PEER_NONE &&
           session->held == 0 && slave->profile != NULL && slave->is_rolled &&
           slave->is_announced && !slave->is_draining && !slave->is_cordoned && !slave->is_ending;
}

/* What waits, of that which it runs; NULL = nothing. */
static const struct ms_lane *find_waiting(const struct ms_profile *profile)
{
    for (uint32_t i = 0; i < profile->members_count; i++) {
        if (profile->members[i].lane->ready_count > 0 && !ms_gates_bar(&profile->members[i])) {
            return profile->members[i].lane;
        }
    }
    return NULL;
}

static void raise_alarm(struct ms_master *master, const struct ms_slave *slave,
                        const struct ms_lane *lane)
{
    struct ms_selfcheck *check = &master->selfcheck;

    check->is_met = true;
    ms_text_copy_name(check->slave, slave->session->name);
    ms_text_copy_name(check->type, lane->name);
    if (!check->is_raised) {
        check->is_raised = true;
        ms_trace(&master->engine.trace, MS_LEVEL_WARN, "work waits while a slave idles",
                 "type=%s slave=\"%s\" ready=%u credit=%u", lane->name, slave->session->name,
                 lane->ready_count, slave->session->credit);
    }
}

static void look_at(struct ms_master *master, struct ms_slave *slave)
{
    const struct ms_lane *lane = is_idle(slave) ? find_waiting(slave->profile) : NULL;

    if (lane == NULL || slave->dispatched_total != slave->checked_total) {
        slave->checked_total = slave->dispatched_total;
        slave->idle_checks = 0;
        return;
    }
    if (slave->idle_checks < MS_SELF_CHECKS) {
        slave->idle_checks++;
    }
    if (slave->idle_checks == MS_SELF_CHECKS) {
        raise_alarm(master, slave, lane);
    }
}

void ms_selfcheck_run(struct ms_master *master, ms_time now)
{
    struct ms_selfcheck *check = &master->selfcheck;

    if (now < check->next) {
        return;
    }
    check->next = now + MS_SELF_CHECK_PERIOD;
    if (ms_master_is_draining(master)) {
        return;
    }
    for (uint32_t i = 0; i < MS_SELF_CHECK_VISITS; i++) {
        struct ms_slave *slave = ms_pool_next(&master->slaves, &check->cursor);

        if (slave == NULL) {
            check->cursor = 0;
            check->is_raised = check->is_met;
            check->is_met = false;
            return;
        }
        look_at(master, slave);
    }
}

void ms_selfcheck_tell(const struct ms_selfcheck *check, struct ms_text *text)
{
    if (!check->is_raised) {
        ms_text_add(text, "none");
        return;
    }
    ms_text_add(text,
                MS_SELFCHECK_ALARM
                ": commands of %s wait, and slave %s, which runs them, has had nothing "
                "to do for %u checks: see its log, and start it again",
                check->type, check->slave, MS_SELF_CHECKS);
}
