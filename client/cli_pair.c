#include "client/cli_pair.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/io/driver.h"
#include "core/uri.h"

#define NAME  "muster"
#define BUILD "muster " MS_VERSION

/* One master being asked. */
struct asking {
    struct ms_cli_master *master;
    struct ev_loop *loop;
    size_t *open; /* askings that are not over */
    struct ms_operator asker;
    struct ms_driver *driver;
    bool is_order, has_ended;
};

int ms_cli_pair_init(struct ms_cli_pair *pair, const struct ms_cli *cli, const char *masters)
{
    struct ms_complaint complaint;
    struct ms_uri_list list;
    struct ms_text text;

    *pair = (struct ms_cli_pair){.cli = cli};
    if (!ms_uri_list_parse(masters, MS_ADDRESS_CONNECT, &list, &complaint)) {
        return ms_cli_usage_error(cli, complaint.text);
    }
    for (size_t i = 0; i < list.count; i++) {
        struct ms_cli_master *master = &pair->masters[pair->count++];

        ms_text_init(&text, master->address, sizeof master->address);
        ms_address_print(&list.items[i].address, &text);
    }
    pair->loop = ev_loop_new(EVFLAG_AUTO);
    if (pair->loop == NULL) {
        ms_cli_say(cli, "no event loop");
        return EX_OSERR;
    }
    return EX_OK;
}

void ms_cli_pair_finish(struct ms_cli_pair *pair)
{
    for (size_t i = 0; i < pair->count; i++) {
        json_decref(pair->masters[i].row);
    }
    if (pair->loop != NULL) {
        ev_loop_destroy(pair->loop);
    }
}

/* ---- answers ---- */

static void keep_detail(struct ms_cli_master *master, struct ms_bytes detail)
{
    const size_t size = detail.size < MS_DETAIL_MAX ? detail.size : MS_DETAIL_MAX;

    if (size > 0) {
        memcpy(master->detail, detail.data, size);
    }
    master->detail[size] = '\0';
}

/* A cell may come several times in a row: the list that holds them all has a name of its own. */
static void keep_listed(json_t *row, const char *name, const char *text)
{
    json_t *list = json_object_get(row, name);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(row, name, list);
    }
    if (text != NULL && strcmp(text, "none") != 0) {
        json_array_append_new(list, json_string(text));
    }
}

/* True when that was all of it. The most urgent alarm is told as "alarm", too. */
static bool is_listed(json_t *row, const struct ms_cell *cell)
{
    if (strncmp(cell->name, "alarm", strlen("alarm")) == 0) {
        keep_listed(row, "alarms", cell->text);
        return strcmp(cell->name, "alarm") != 0;
    }
    if (strcmp(cell->name, "witness_here") == 0 || strcmp(cell->name, "witness_lost") == 0) {
        keep_listed(row, cell->name, cell->text);
        return true;
    }
    return false;
}

static void keep_report(struct ms_cli_master *master, const struct ms_report *report)
{
    master->order_error = report->error;
    json_decref(master->row);
    master->row = report->cells_count > 0 ? json_object() : NULL;
    for (uint32_t i = 0; i < report->columns_count && i < report->cells_count; i++) {
        const struct ms_cell *cell = &report->cells[i];

        if (is_listed(master->row, cell)) {
            continue;
        }
        json_object_set_new(master->row, cell->name,
                            cell->is_number ? json_integer((json_int_t)cell->number)
                                            : json_string(cell->text != NULL ? cell->text : ""));
    }
}

/* "[::]:7405" is every address of that machine, so also that by which we know it. */
static bool is_everywhere(const char *host)
{
    return strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0;
}

/* A master whose pair has listeners of its own says where it takes orders. */
static void keep_orders_at(struct ms_cli_master *master)
{
    struct ms_complaint complaint;
    struct ms_address there, here;
    struct ms_text text;

    master->orders_at[0] = '\0';
    if (!ms_address_parse(ms_cli_master_text(master, "orders_at"), MS_ADDRESS_LISTEN, &there,
                          &complaint)) {
        return;
    }
    if (there.kind == MS_ADDRESS_TCP && is_everywhere(there.host) &&
        ms_address_parse(master->address, MS_ADDRESS_CONNECT, &here, &complaint) &&
        here.kind == MS_ADDRESS_TCP) {
        memcpy(there.host, here.host, sizeof there.host);
    }
    ms_text_init(&text, master->orders_at, sizeof master->orders_at);
    ms_address_print(&there, &text);
}

static void hear(struct asking *asking, const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_REPORT:
        keep_report(asking->master, command->body.report);
        keep_orders_at(asking->master);
        break;
    case MS_KIND_ORDER_ACK:
        asking->master->order_error = (enum ms_error)command->error;
        keep_detail(asking->master, command->detail);
        break;
    default: /* ERROR */
        keep_detail(asking->master, command->detail);
        break;
    }
}

/* A master that is none of a pair takes slaves and clients only. */
static bool is_of_single(enum ms_error error)
{
    return error == MS_E_ROLE || error == MS_E_ORDER || error == MS_E_FRAME_KIND;
}

static void ended(struct asking *asking, enum ms_error error)
{
    struct ms_cli_master *master = asking->master;

    asking->has_ended = true;
    master->error = error;
    if (is_of_single(error) && asking->asker.master.version_max == 0) {
        master->is_single = true;
        snprintf(master->detail, sizeof master->detail,
                 "it is a single master and has no peer (muster-master --peer makes a pair)");
    } else if (error != MS_E_OK && asking->is_order && master->orders_at[0] != '\0') {
        snprintf(master->detail, sizeof master->detail,
                 "orders are taken at %s only (--peer-listen): %s", master->orders_at,
                 ms_error_text(error));
    } else if (error != MS_E_OK && master->detail[0] == '\0') {
        snprintf(master->detail, sizeof master->detail, "%s", ms_error_text(error));
    }
    if (--*asking->open == 0) {
        ev_break(asking->loop, EVBREAK_ALL);
    }
}

static void effect_cb(void *context, const struct ms_effect *effect)
{
    struct asking *asking = context;

    if (effect->type == MS_EFFECT_DELIVER) {
        hear(asking, &effect->command);
    } else if (effect->type == MS_EFFECT_STOPPED) {
        ended(asking, effect->error);
    }
}

/* ---- questions ---- */

static void forget(struct ms_cli_master *master, bool is_order)
{
    master->error = MS_E_OK;
    master->order_error = MS_E_OK;
    master->is_single = false;
    master->detail[0] = '\0';
    if (!is_order) {
        json_decref(master->row);
        master->row = NULL;
    }
}

static bool start(struct ms_cli_pair *pair, struct asking *asking, enum ms_order order,
                  ms_time timeout)
{
    const bool is_elsewhere = order != MS_ORDER_STATUS && asking->master->orders_at[0] != '\0';
    const struct ms_operator_config config = {.address = is_elsewhere ? asking->master->orders_at
                                                                      : asking->master->address,
                                              .order = order,
                                              .timeout = timeout,
                                              .name = NAME,
                                              .build = BUILD};

    asking->is_order = order != MS_ORDER_STATUS;
    forget(asking->master, asking->is_order);
    if (!ms_operator_init(&asking->asker, &config)) {
        return false;
    }
    asking->driver = ms_driver_create(&(struct ms_driver_options){
        .size = sizeof(struct ms_driver_options),
        .loop = pair->loop,
        .engine = &asking->asker.base,
        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
        .peers_max = 1,
        .effect = effect_cb,
        .context = asking,
    });
    return asking->driver != NULL;
}

void ms_cli_pair_order(struct ms_cli_pair *pair, struct ms_cli_master *only, enum ms_order order,
                       ms_time timeout)
{
    struct asking askings[MS_ADDRESSES_MAX] = {{.master = NULL}};
    size_t open = 0;

    for (size_t i = 0; i < pair->count; i++) {
        struct asking *asking = &askings[i];

        if (only != NULL && only != &pair->masters[i]) {
            continue;
        }
        asking->master = &pair->masters[i];
        asking->loop = pair->loop;
        asking->open = &open;
        if (start(pair, asking, order, timeout)) {
            open++;
        } else {
            asking->master->error = MS_E_NO_MEMORY;
            keep_detail(asking->master, ms_bytes_of(ms_error_text(MS_E_NO_MEMORY)));
        }
    }
    for (size_t i = 0; i < pair->count; i++) {
        if (askings[i].driver != NULL) {
            ms_driver_post(askings[i].driver, &(struct ms_event){.type = MS_EVENT_TICK});
        }
    }
    while (open > 0) {
        ev_run(pair->loop, 0);
    }
    for (size_t i = 0; i < pair->count; i++) {
        if (askings[i].master != NULL) {
            ms_driver_destroy(askings[i].driver);
            ms_operator_finish(&askings[i].asker);
        }
    }
}

void ms_cli_pair_ask(struct ms_cli_pair *pair, ms_time timeout)
{
    ms_cli_pair_order(pair, NULL, MS_ORDER_STATUS, timeout);
}

static void pause_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    (void)watcher;
    (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

void ms_cli_pair_pause(struct ms_cli_pair *pair, ms_time span)
{
    ev_timer timer;

    ev_timer_init(&timer, pause_cb, (double)span / MS_SEC, 0.0);
    ev_timer_start(pair->loop, &timer);
    ev_run(pair->loop, 0);
    ev_timer_stop(pair->loop, &timer);
}

/* ---- what they said ---- */

const char *ms_cli_master_text(const struct ms_cli_master *master, const char *name)
{
    const char *text = json_string_value(json_object_get(master->row, name));

    return text != NULL ? text : "";
}

uint64_t ms_cli_master_number(const struct ms_cli_master *master, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(master->row, name));
}

bool ms_cli_master_serves(const struct ms_cli_master *master)
{
    const char *state = ms_cli_master_text(master, "state");

    return master->is_single || (strcmp(ms_cli_master_text(master, "role"), "active") == 0 &&
                                 (strcmp(state, "PAIR") == 0 || strcmp(state, "SOLO") == 0));
}

size_t ms_cli_pair_serving(struct ms_cli_pair *pair, struct ms_cli_master **first_out)
{
    size_t count = 0;

    *first_out = NULL;
    for (size_t i = pair->count; i > 0; i--) {
        if (ms_cli_master_serves(&pair->masters[i - 1])) {
            *first_out = &pair->masters[i - 1];
            count++;
        }
    }
    return count;
}

bool ms_cli_pair_say_absent(const struct ms_cli_pair *pair)
{
    bool is_any = false;

    for (size_t i = 0; i < pair->count; i++) {
        const struct ms_cli_master *master = &pair->masters[i];

        if (master->error != MS_E_OK) {
            is_any = true;
            ms_cli_say(pair->cli, "%s: %s", master->address, master->detail);
        }
    }
    return is_any;
}
