#include "master/fleet.h"

#include "core/invariant.h"
#include "core/trace.h"
#include "master/inspect.h"
#include "master/page.h"
#include "master/recovery.h"
#include "master/slaves.h"
#include "master/state.h"

#define LIST_SIZE        256 /* of the types of one slave, and of its labels; cut beyond */
#define NUMBER_SIZE      24  /* as text */
#define REFUSAL_SIZE     160
#define EFFECTS_OF_ORDER 2 /* an ADJUST, and what is left over */

static_assert(3 * (MS_NAME_MAX + 1) + MS_PAGE_ID_SIZE + 2 * LIST_SIZE + 6 * NUMBER_SIZE + 48 <=
                  MS_PAGE_ROW_TEXT,
              "a row holds three names, an id, types, labels, numbers and short words");

bool ms_fleet_is_meant(const struct ms_filter *filter, const struct ms_session *session)
{
    const struct ms_slave *slave = ms_slave_of(session);

    return ms_filter_matches_slave(filter,
                                   &(struct ms_filter_slave){
                                       .name = session->name,
                                       .state = ms_session_state_name(session->state),
                                       .group = slave->group,
                                       .build = slave->tags != NULL ? slave->tags->build : "",
                                       .labels = slave->labels.words,
                                       .labels_count = slave->labels.count,
                                       .slots = slave->slots,
                                       .held = session->held,
                                       .is_connected = session->peer != MS_PEER_NONE,
                                       .is_draining = slave->is_draining,
                                       .is_cordoned = slave->is_cordoned,
                                   });
}

/* ---- a row ---- */

/* The next word of a list; false when it has no room any more. */
static bool add_word(struct ms_text *text, const char *word)
{
    if (text->length + strlen(word) + sizeof ", ..." > text->size) {
        ms_text_add(text, ", ...");
        return false;
    }
    ms_text_add(text, "%s%s", text->length > 0 ? "," : "", word);
    return true;
}

static void add_types(const struct ms_profile *profile, struct ms_report_page *page)
{
    char words[LIST_SIZE];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    for (uint32_t i = 0; profile != NULL && i < profile->members_count; i++) {
        if (!add_word(&text, profile->members[i].lane->name)) {
            break;
        }
    }
    ms_assert(!ms_text_is_cut(&text));
    ms_page_text(page, "types", words);
}

static void add_labels(const struct ms_labels *labels, struct ms_report_page *page)
{
    char words[LIST_SIZE];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    for (uint32_t i = 0; i < labels->count && add_word(&text, labels->words[i]); i++) {
    }
    ms_assert(!ms_text_is_cut(&text));
    ms_page_text(page, "labels", words);
}

/* With one digit behind the point; empty when it is not known. */
static void add_tenths(struct ms_report_page *page, const char *name, uint64_t tenths,
                       bool is_known)
{
    char words[NUMBER_SIZE] = "";
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    if (is_known) {
        ms_text_add(&text, "%llu.%llu", (unsigned long long)(tenths / 10),
                    (unsigned long long)(tenths % 10));
    }
    ms_page_text(page, name, words);
}

static void add_known(struct ms_report_page *page, const char *name, uint64_t number, bool is_known)
{
    char words[NUMBER_SIZE] = "";
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    if (is_known) {
        ms_text_add(&text, "%llu", (unsigned long long)number);
    }
    ms_page_text(page, name, words);
}

/* Whether it is given new commands, in a word. */
static const char *intake(const struct ms_slave *slave)
{
    return slave->is_draining ? "draining" : slave->is_cordoned ? "cordoned" : "open";
}

static uint64_t since(ms_time now, ms_time then)
{
    return now > then ? (uint64_t)((now - then) / MS_MSEC) : 0;
}

/* What people look for first. */
static void add_first(const struct ms_session *session, ms_time now, struct ms_report_page *page)
{
    const struct ms_slave *slave = ms_slave_of(session);
    const struct ms_load *load = &slave->load;

    ms_page_text(page, "name", session->name);
    ms_page_text(page, "group", slave->group);
    ms_page_text(page, "state", ms_session_state_name(session->state));
    ms_page_text(page, "intake", intake(slave));
    ms_page_number(page, "slots", slave->slots);
    ms_page_number(page, "free", slave->slots > session->held ? slave->slots - session->held : 0);
    ms_page_number(page, "held", session->held);
    add_tenths(page, "cpu_percent", load->cpu,
               slave->load_at > 0 && load->cpu != MS_PERMILLE_UNKNOWN);
    add_tenths(page, "rate_per_s", ms_tempo_milli(&slave->tempo, now) / 100, true);
    add_labels(&slave->labels, page);
    add_types(slave->profile, page);
}

void ms_fleet_row(const struct ms_session *session, ms_time now, struct ms_report_page *page)
{
    const struct ms_slave *slave = ms_slave_of(session);
    const struct ms_load *load = &slave->load;
    const bool is_told = slave->load_at > 0;
    char uuid_text[MS_PAGE_ID_SIZE];
    struct ms_text uuid;

    ms_text_init(&uuid, uuid_text, sizeof uuid_text);
    ms_page_print_uuid(&uuid, &session->uuid);
    add_first(session, now, page);
    add_tenths(page, "memory_percent", load->memory,
               is_told && load->memory != MS_PERMILLE_UNKNOWN);
    add_known(page, "running", load->running, is_told);
    add_known(page, "queued", load->queued, is_told);
    add_known(page, "load_age_ms", since(now, slave->load_at), is_told);
    ms_page_number(page, "weight", slave->weight);
    ms_page_text(page, "build", slave->tags != NULL ? slave->tags->build : "");
    ms_page_number(page, "session", slave->number);
    ms_page_text(page, "uuid", uuid_text);
    ms_page_text(page, "connected", session->peer != MS_PEER_NONE ? "yes" : "no");
    ms_page_text(page, "draining", slave->is_draining ? "yes" : "no");
    ms_page_text(page, "cordoned", slave->is_cordoned ? "yes" : "no");
    ms_page_number(page, "slots_max", slave->slots_max);
    ms_page_number(page, "credit", session->credit);
    ms_page_number(page, "last_heard_ms", since(now, session->heard_at));
    ms_page_number(page, "done_total", slave->done_total);
    ms_page_number(page, "failed_total", slave->failed_total);
    ms_page_end_row(page);
}

/* ---- orders ---- */

enum ms_error ms_fleet_examine(const struct ms_query *query)
{
    const int64_t value = query->value;
    bool is_good = query->order > MS_SLAVE_ORDER_NONE && query->order < MS_SLAVE_ORDER_COUNT &&
                   query->where[0] != '\0';

    if (query->order == MS_SLAVE_ORDER_SLOTS) {
        is_good = is_good && value >= 1 && value <= MS_SLOTS_MAX;
    } else if (query->order == MS_SLAVE_ORDER_LOG_LEVEL) {
        is_good = is_good && value >= MS_LEVEL_ERROR && value <= MS_LEVEL_DEBUG;
    }
    return is_good ? MS_E_OK : MS_E_BAD_ARGUMENT;
}

/* Those that are gone without a word leave their cordons behind; one that makes room for a slave that is here. */
static void forget_gone(struct ms_master *master)
{
    struct ms_cordons *cordons = &master->cordons;

    for (uint32_t i = 0; i < cordons->count && cordons->count == MS_CORDONS_MAX; i++) {
        const struct ms_uuid node = cordons->nodes[i];

        if (ms_session_manager_find_uuid(&master->sessions, MS_ROLE_SLAVE, &node) == NULL) {
            ms_cordons_remove(cordons, &node);
        }
    }
}

static bool cordon(struct ms_master *master, struct ms_slave *slave)
{
    forget_gone(master);
    if (!ms_cordons_add(&master->cordons, &slave->session->uuid)) {
        return false;
    }
    ms_slaves_cordon(master, slave);
    return true;
}

static void adjust(struct ms_master *master, const struct ms_slave *slave,
                   const struct ms_query *query)
{
    const bool is_slots = query->order == MS_SLAVE_ORDER_SLOTS;

    ms_master_send(master, slave->session->peer,
                   &(struct ms_command){.kind = MS_KIND_ADJUST,
                                        .count = is_slots ? (uint64_t)query->value : 0,
                                        .index = is_slots ? 0 : (uint32_t)query->value + 1});
}

/* Why a slave cannot be told otherwise: an empty text when it can. */
static void refuse_adjust(const struct ms_slave *slave, const struct ms_query *query,
                          struct ms_text *refusal)
{
    const bool is_known = (slave->features & MS_FEATURE_ADJUST) != 0;

    if (slave->session->peer == MS_PEER_NONE || !slave->is_welcome) {
        ms_text_add(refusal, "it is not connected");
    } else if (!is_known) {
        ms_text_add(refusal, "its program, %s, does not know this order",
                    slave->tags != NULL && slave->tags->build[0] != '\0' ? slave->tags->build
                                                                         : "of another make");
    } else if (query->order == MS_SLAVE_ORDER_SLOTS && query->value > slave->slots_max) {
        ms_text_add(refusal, "it can have 1 to %u slots", slave->slots_max);
    }
}

/* Does it to one slave, unless it is dry; false when it was refused. */
static bool carry_out(struct ms_master *master, struct ms_slave *slave,
                      const struct ms_query *query, struct ms_text *refusal)
{
    const bool is_adjust =
        query->order == MS_SLAVE_ORDER_SLOTS || query->order == MS_SLAVE_ORDER_LOG_LEVEL;

    if (is_adjust) {
        refuse_adjust(slave, query, refusal);
    }
    if (query->is_dry || refusal->length > 0) {
        return refusal->length == 0;
    }
    if (is_adjust) {
        adjust(master, slave, query);
    } else if (query->order == MS_SLAVE_ORDER_UNCORDON) {
        ms_cordons_remove(&master->cordons, &slave->session->uuid);
        ms_slaves_uncordon(master, slave);
    } else if (!cordon(master, slave)) {
        ms_text_add(refusal, "%u slaves are cordoned already", master->cordons.count);
        return false;
    }
    ms_trace(&master->engine.trace, MS_LEVEL_INFO, "ordered", "slave=\"%s\" order=%s value=%lld",
             slave->session->name, ms_slave_order_name(query->order), (long long)query->value);
    return true;
}

static void visit(struct ms_master *master, struct ms_inquiry *inquiry, struct ms_slave *slave,
                  struct ms_report_page *page)
{
    char words[REFUSAL_SIZE] = "";
    struct ms_text refusal;

    ms_text_init(&refusal, words, sizeof words);
    const bool is_done = carry_out(master, slave, &inquiry->query, &refusal);

    inquiry->matched++;
    inquiry->changed += is_done;
    ms_page_text(page, "name", slave->session->name);
    ms_page_number(page, "session", slave->number);
    ms_page_text(page, "order", ms_slave_order_name(inquiry->query.order));
    ms_page_text(page, "intake", intake(slave));
    ms_page_number(page, "slots", slave->slots);
    ms_page_number(page, "held", slave->session->held);
    ms_page_number(page, "refused", is_done ? 0 : 1);
    ms_page_text(page, "refusal", words);
    ms_page_end_row(page);
}

/* True when all were visited. */
static bool walk(struct ms_master *master, struct ms_inquiry *inquiry, struct ms_report_page *page)
{
    const struct ms_pool *pool = &master->sessions.pool;

    if (inquiry->end == 0) {
        inquiry->end = pool->touched; /* who comes later is not meant */
    }
    for (uint32_t visits = 0; visits < MS_PAGE_VISITS; visits++) {
        const struct ms_session *session;

        if (inquiry->cursor >= inquiry->end) {
            return true;
        }
        if (!ms_page_has_room(page) || ms_engine_room(&master->engine) <= EFFECTS_OF_ORDER) {
            return false;
        }
        session = ms_pool_at(pool, inquiry->cursor++);
        if (session != NULL && session->role == MS_ROLE_SLAVE && session->user != NULL &&
            !ms_slave_of(session)->is_ending && ms_fleet_is_meant(&inquiry->filter, session)) {
            visit(master, inquiry, ms_slave_of(session), page);
        }
    }
    return false;
}

void ms_fleet_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                   struct ms_report_page *page)
{
    (void)now;
    if (inquiry->is_over) {
        page->report.last = true;
        page->report.error = inquiry->matched > 0 ? MS_E_OK : MS_E_NOT_FOUND;
        return;
    }
    inquiry->is_over = walk(master, inquiry, page);
    ms_recovery_keep_cordons(master);
    inquiry->waits_for = inquiry->is_over && !inquiry->query.is_dry ? MS_INQUIRY_ALL : 0;
}
