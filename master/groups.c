#include "master/groups.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/journal.h"
#include "master/state.h"

#define COUNTS_SIZE                                                                                \
    ((MS_GROUP_COUNTS - 1) * sizeof(uint64_t)) /* of a record: all but the open ones */

bool ms_groups_init(struct ms_groups *groups, struct ms_slab *slab, struct ms_journal *journal,
                    uint64_t seed)
{
    groups->slab = slab;
    groups->journal = journal;
    ms_list_init(&groups->changed);
    ms_list_init(&groups->idle);
    ms_map_init(&groups->by_name, MS_GROUPS_MAX, seed);
    return ms_pool_init(&groups->pool, sizeof(struct ms_group), MS_GROUPS_MAX);
}

static void drop_ends(struct ms_groups *groups, struct ms_group *group)
{
    ms_slab_give(groups->slab, group->ends, MS_GROUP_ENDS * sizeof *group->ends);
    group->ends = NULL;
}

void ms_groups_finish(struct ms_groups *groups)
{
    uint32_t cursor = 0;
    struct ms_group *group;

    ms_assert(groups != NULL);
    while (groups->pool.chunks != NULL && (group = ms_pool_next(&groups->pool, &cursor)) != NULL) {
        drop_ends(groups, group);
    }
    ms_map_finish(&groups->by_name);
    ms_pool_finish(&groups->pool);
}

/* Two FNV-1a sums over the name, from different bases. Names that meet in one key stand in a chain. */
static struct ms_key key_of(struct ms_bytes name)
{
    struct ms_key key = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9ae16a3b2f90404f)};

    for (size_t i = 0; i < name.size; i++) {
        key.a = (key.a ^ name.data[i]) * UINT64_C(0x100000001b3);
        key.b = (key.b ^ (name.data[i] + 1u)) * UINT64_C(0x100000001b3);
    }
    return key;
}

static bool is_named(const struct ms_group *group, struct ms_bytes name)
{
    return group->terms.group.size == name.size &&
           memcmp(group->terms.group.data, name.data, name.size) == 0;
}

struct ms_group *ms_groups_find(const struct ms_groups *groups, struct ms_bytes name)
{
    struct ms_group *group = ms_map_find_pointer(&groups->by_name, key_of(name));

    ms_assert(name.size > 0);
    while (group != NULL && !is_named(group, name)) {
        group = group->next;
    }
    return group;
}

/* Takes it out of its chain. */
static void unchain(struct ms_groups *groups, struct ms_group *group)
{
    const struct ms_key key = key_of(group->terms.group);
    struct ms_group *first = ms_map_find_pointer(&groups->by_name, key);

    if (first == group && group->next == NULL) {
        ms_map_remove(&groups->by_name, key);
    } else if (first == group) {
        const bool is_put = ms_map_put_pointer(&groups->by_name, key, group->next);

        ms_assert(is_put); /* it replaces a value */
    } else {
        while (first->next != group) {
            first = first->next;
        }
        first->next = group->next;
    }
}

static void forget(struct ms_groups *groups, struct ms_group *group)
{
    ms_assert(group->live == 0 && ms_list_is_empty(&group->followers));
    unchain(groups, group);
    drop_ends(groups, group);
    ms_list_remove(&group->changed);
    ms_list_remove(&group->idle);
    ms_journal_erase(groups->journal, group->record);
    ms_pool_give(&groups->pool, group);
}

static struct ms_group *longest_idle(const struct ms_groups *groups)
{
    struct ms_list *link = ms_list_first(&groups->idle);

    return link == NULL ? NULL : ms_container_of(link, struct ms_group, idle);
}

static void become_idle(struct ms_groups *groups, struct ms_group *group, ms_time since)
{
    ms_assert(group->live == 0 && group->counts[MS_GROUP_OPEN] == 0);
    group->idle_since = since;
    ms_list_push_back(&groups->idle, &group->idle);
}

struct ms_group *ms_groups_open(struct ms_groups *groups, ms_time now, struct ms_bytes name)
{
    struct ms_group *group = ms_groups_find(groups, name);
    struct ms_group *first;

    ms_assert(name.size <= MS_NAME_MAX);
    if (group != NULL) {
        return group;
    }
    if (ms_pool_free(&groups->pool) == 0 && longest_idle(groups) != NULL) {
        forget(groups, longest_idle(groups));
    }
    group = ms_pool_take(&groups->pool);
    if (group == NULL) {
        return NULL;
    }
    first = ms_map_find_pointer(&groups->by_name, key_of(name));
    if (first == NULL && !ms_map_put_pointer(&groups->by_name, key_of(name), group)) {
        ms_pool_give(&groups->pool, group);
        return NULL;
    }
    if (first != NULL) {
        group->next = first->next;
        first->next = group;
    }
    memcpy(group->name, name.data, name.size);
    group->terms.group = ms_bytes_of(group->name);
    ms_list_init(&group->changed);
    ms_list_init(&group->idle);
    ms_list_init(&group->followers);
    become_idle(groups, group, now);
    return group;
}

/* There is something to tell; those that are about to tell already will tell it too. */
static void wake(struct ms_groups *groups, struct ms_group *group)
{
    ms_list_splice(groups->due, &group->followers);
}

void ms_groups_add(struct ms_groups *groups, struct ms_group *group, uint64_t count)
{
    ms_list_remove(&group->idle);
    group->live += count;
    group->counts[MS_GROUP_OPEN] += count;
    ms_assert(group->live >= group->counts[MS_GROUP_OPEN]);
    wake(groups, group);
}

static void leave(struct ms_groups *groups, ms_time now, struct ms_group *group, uint64_t count)
{
    ms_assert(group->live >= count);
    group->live -= count;
    if (group->live == 0 && !ms_list_is_linked(&group->idle)) {
        become_idle(groups, group, now);
    }
}

void ms_groups_drop(struct ms_groups *groups, ms_time now, struct ms_group *group, uint64_t count)
{
    ms_assert(group->counts[MS_GROUP_OPEN] >= count);
    group->counts[MS_GROUP_OPEN] -= count;
    leave(groups, now, group, count);
    wake(groups, group);
}

static enum ms_group_count count_of(enum ms_life_state state)
{
    switch (state) {
    case MS_LIFE_DONE:
        return MS_GROUP_DONE;
    case MS_LIFE_BURIED:
        return MS_GROUP_BURIED;
    case MS_LIFE_CANCELLED:
        return MS_GROUP_CANCELLED;
    default:
        ms_assert(state != MS_LIFE_NONE && state != MS_LIFE_CLOSED);
        return MS_GROUP_OPEN;
    }
}

static void closed(struct ms_groups *groups, ms_time now, const struct ms_work *work,
                   struct ms_group *group, enum ms_group_count as)
{
    ms_assert(as != MS_GROUP_OPEN);
    if (ms_work_is_durable(work)) {
        group->closed[as]++;
        if (!ms_list_is_linked(&group->changed)) {
            ms_list_push_back(&groups->changed, &group->changed);
        }
    }
    leave(groups, now, group, 1);
}

void ms_groups_moved(struct ms_groups *groups, ms_time now, const struct ms_work *work,
                     struct ms_group *group, enum ms_life_state from)
{
    enum ms_group_count was, is;

    if (from == MS_LIFE_NONE) {
        ms_groups_add(groups, group, 1);
        return;
    }
    was = count_of(from);
    if (work->state == MS_LIFE_CLOSED) {
        closed(groups, now, work, group, was);
        return;
    }
    is = count_of(work->state);
    if (is == was) {
        return;
    }
    ms_assert(group->counts[was] > 0);
    group->counts[was]--;
    group->counts[is]++;
    if (is != MS_GROUP_OPEN) {
        if (group->ends != NULL) {
            group->ends[group->ends_count % MS_GROUP_ENDS] =
                (struct ms_group_end){{work->client->uuid, work->seq}, work->status};
        }
        group->ends_count++;
    }
    wake(groups, group);
}

static uint8_t *put_count(uint8_t *at, uint64_t count)
{
    for (size_t i = 0; i < sizeof count; i++) {
        *at++ = (uint8_t)(count >> i * 8);
    }
    return at;
}

static uint64_t get_count(const uint8_t *at)
{
    uint64_t count = 0;

    for (size_t i = sizeof count; i > 0; i--) {
        count = count << 8 | at[i - 1];
    }
    return count;
}

static void write(struct ms_master *master, struct ms_group *group)
{
    const bool is_idle = ms_list_is_linked(&group->idle);
    const int64_t since = is_idle ? group->idle_since + master->config.wall_offset : 0;
    const ms_seq former = group->record;
    uint8_t counts[COUNTS_SIZE];
    uint8_t *at = counts;

    for (size_t i = MS_GROUP_DONE; i < MS_GROUP_COUNTS; i++) {
        at = put_count(at, group->closed[i]);
        group->written[i] = group->closed[i];
    }
    ms_assert(at == counts + sizeof counts);
    group->record =
        ms_journal_put(&master->journal, &(struct ms_record){
                                             .kind = MS_RECORD_GROUP,
                                             .at = is_idle ? since : ms_master_wall(master),
                                             .name = group->terms.group,
                                             .payload = {counts, sizeof counts},
                                         });
    ms_journal_erase(&master->journal, former);
}

void ms_groups_flush(struct ms_master *master)
{
    struct ms_list *link;

    ms_assert(!master->journal.is_replaying);
    while ((link = ms_list_pop_front(&master->groups.changed)) != NULL) {
        write(master, ms_container_of(link, struct ms_group, changed));
    }
}

void ms_groups_expire(struct ms_master *master, ms_time now)
{
    struct ms_group *group;
    uint32_t burst = MS_SWEEP_BURST;

    while (burst-- > 0 && (group = longest_idle(&master->groups)) != NULL &&
           now - group->idle_since >= MS_GROUP_KEEP) {
        forget(&master->groups, group);
    }
}

ms_time ms_groups_deadline(const struct ms_groups *groups)
{
    const struct ms_group *group = longest_idle(groups);

    return group == NULL ? MS_TIME_NEVER : group->idle_since + MS_GROUP_KEEP;
}

enum ms_error ms_groups_replay(struct ms_master *master, ms_time now,
                               const struct ms_record *record, ms_seq seq)
{
    struct ms_groups *groups = &master->groups;
    const ms_time at = record->at - master->config.wall_offset;
    struct ms_group *group;

    if (record->name.size == 0 || record->payload.size != COUNTS_SIZE) {
        ms_complain(&master->complaint, "record %llu (GROUP): it is not whole",
                    (unsigned long long)seq);
        return MS_E_STORE_CORRUPT;
    }
    group = ms_groups_open(groups, now, record->name);
    if (group == NULL) {
        return MS_E_NO_MEMORY;
    }
    for (size_t i = MS_GROUP_DONE; i < MS_GROUP_COUNTS; i++) {
        const uint64_t count = get_count(record->payload.data + (i - 1) * sizeof count);

        group->closed[i] += count - group->written[i];
        group->counts[i] += count - group->written[i];
        group->written[i] = count;
    }
    ms_journal_erase(&master->journal, group->record);
    group->record = seq;
    if (ms_list_is_linked(&group->idle)) {
        group->idle_since = at < now ? at : now;
    }
    return MS_E_OK;
}

void ms_groups_check(const struct ms_groups *groups)
{
    const struct ms_group *group;
    uint32_t cursor = 0;
    uint32_t idle = 0;

    while ((group = ms_pool_next(&groups->pool, &cursor)) != NULL) {
        ms_assert(ms_groups_find(groups, group->terms.group) == group);
        ms_assert(group->counts[MS_GROUP_OPEN] <= group->live);
        ms_assert(ms_list_is_linked(&group->idle) == (group->live == 0));
        ms_assert(ms_list_is_empty(&group->followers) || group->counts[MS_GROUP_OPEN] > 0);
        ms_assert((group->ends != NULL) <= (group->followers_count > 0));
        for (size_t i = MS_GROUP_DONE; i < MS_GROUP_COUNTS; i++) {
            ms_assert(group->closed[i] <= group->counts[i]);
        }
        idle += group->live == 0;
    }
    ms_list_for_each(link, &groups->idle)
    {
        ms_assert(idle-- > 0);
    }
    ms_assert(idle == 0);
}
