/* What is told of groups to those who ask, and to those who follow. */
#include "core/invariant.h"
#include "master/page.h"
#include "master/state.h"

static struct ms_group *find(const struct ms_master *master, const struct ms_inquiry *inquiry)
{
    const struct ms_bytes name = ms_bytes_of(inquiry->query.where);

    return name.size == 0 ? NULL : ms_groups_find(&master->groups, name);
}

static void tell_end(struct ms_report_page *page, const struct ms_group_end *end)
{
    char id[MS_PAGE_ID_SIZE] = "";
    struct ms_text text;

    ms_text_init(&text, id, sizeof id);
    if (end != NULL) {
        ms_page_print_uuid(&text, &end->id.client);
        ms_text_add(&text, ":%llu", (unsigned long long)end->id.seq);
    }
    ms_assert(!ms_text_is_cut(&text));
    ms_page_text(page, "ended", id);
    ms_page_text(page, "ended_status", end != NULL ? ms_status_name(end->status) : "");
}

/* missed: members that ended so long ago that they are not known any more. */
static void add_row(struct ms_report_page *page, const struct ms_group *group,
                    const struct ms_group_end *end, uint64_t missed)
{
    const uint64_t *counts = group->counts;

    ms_assert(ms_page_has_room(page));
    ms_page_text(page, "group", group->name);
    ms_page_number(page, "open", counts[MS_GROUP_OPEN]);
    ms_page_number(page, "done", counts[MS_GROUP_DONE]);
    ms_page_number(page, "buried", counts[MS_GROUP_BURIED]);
    ms_page_number(page, "cancelled", counts[MS_GROUP_CANCELLED]);
    ms_page_number(page, "total",
                   counts[MS_GROUP_OPEN] + counts[MS_GROUP_DONE] + counts[MS_GROUP_BURIED] +
                       counts[MS_GROUP_CANCELLED]);
    tell_end(page, end);
    ms_page_number(page, "missed", missed);
    ms_page_end_row(page);
}

/* From now on it is remembered who ended; without memory the counts alone are told. */
static void follow(struct ms_master *master, struct ms_inquiry *inquiry, struct ms_group *group)
{
    if (group->followers_count == 0) {
        ms_assert(group->ends == NULL);
        group->ends = ms_slab_take(master->groups.slab, MS_GROUP_ENDS * sizeof *group->ends);
    }
    group->followers_count++;
    inquiry->is_following = true;
    inquiry->ends_seen = group->ends_count;
}

static void tell_ends(struct ms_report_page *page, struct ms_inquiry *inquiry,
                      const struct ms_group *group)
{
    const uint64_t kept = group->ends != NULL ? MS_GROUP_ENDS : 0;
    const uint64_t first = group->ends_count - inquiry->ends_seen > kept ? group->ends_count - kept
                                                                         : inquiry->ends_seen;
    uint64_t missed = first - inquiry->ends_seen;

    inquiry->ends_seen = first;
    if (first == group->ends_count) {
        add_row(page, group, NULL, missed);
    }
    while (inquiry->ends_seen < group->ends_count && ms_page_has_room(page)) {
        add_row(page, group, &group->ends[inquiry->ends_seen % MS_GROUP_ENDS], missed);
        inquiry->ends_seen++;
        missed = 0;
    }
}

void ms_groups_tell(struct ms_master *master, struct ms_inquiry *inquiry,
                    struct ms_report_page *page)
{
    struct ms_group *group = find(master, inquiry);
    const bool has_open = group != NULL && group->counts[MS_GROUP_OPEN] > 0;

    ms_assert(page->report.cells_count == 0);
    if (group == NULL) {
        page->report.error = MS_E_NOT_FOUND;
        page->report.last = true;
        return;
    }
    if (!inquiry->is_following) {
        if (inquiry->query.is_following && has_open) {
            follow(master, inquiry, group);
        }
        add_row(page, group, NULL, 0);
    } else {
        tell_ends(page, inquiry, group);
    }
    page->report.last =
        !inquiry->is_following || (!has_open && inquiry->ends_seen == group->ends_count);
    if (!page->report.last && inquiry->ends_seen == group->ends_count) {
        ms_list_push_back(&group->followers, &inquiry->link);
    }
}

void ms_groups_leave(struct ms_master *master, const struct ms_inquiry *inquiry)
{
    struct ms_group *group = inquiry->is_following ? find(master, inquiry) : NULL;

    if (group == NULL || group->followers_count == 0) {
        return; /* it was forgotten meanwhile, and came up anew */
    }
    if (--group->followers_count == 0) {
        ms_slab_give(master->groups.slab, group->ends, MS_GROUP_ENDS * sizeof *group->ends);
        group->ends = NULL;
    }
}
