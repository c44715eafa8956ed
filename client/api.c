#include "client/api_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/io/clock.h"
#include "core/text.h"
#include "core/uri.h"

#define MASTERS_DEFAULT  "127.0.0.1:7400"
#define BUILD            "libmuster"
#define FLUSH_TIMEOUT_MS 1000 /* for the goodbye to leave */
#define HEX_DIGITS       32u
#define SEND_ROUNDS      16 /* steps in one turn of the loop to send what was submitted */

_Static_assert((int)MS_CLIENT_OK == MS_E_OK && (int)MS_CLIENT_TIMEOUT == MS_E_TIMEOUT &&
                   (int)MS_CLIENT_CLOSED == MS_E_CLOSED &&
                   (int)MS_CLIENT_UNREACHABLE == MS_E_UNREACHABLE &&
                   (int)MS_CLIENT_DRAINING == MS_E_DRAINING &&
                   (int)MS_CLIENT_UNKNOWN_TYPE == MS_E_UNKNOWN_TYPE &&
                   (int)MS_CLIENT_PAYLOAD_SIZE == MS_E_PAYLOAD_SIZE &&
                   (int)MS_CLIENT_BUSY == MS_E_RETRY_LATER &&
                   (int)MS_CLIENT_BAD_ARGUMENT == MS_E_BAD_ARGUMENT &&
                   (int)MS_CLIENT_NOT_FOUND == MS_E_NOT_FOUND &&
                   (int)MS_CLIENT_CLOSED_ID == MS_E_CLOSED_ID &&
                   (int)MS_CLIENT_NO_MEMORY == MS_E_NO_MEMORY &&
                   (int)MS_CLIENT_CANCELLED == MS_E_CANCELLED &&
                   (int)MS_CLIENT_STORE_FULL == MS_E_STORE_FULL &&
                   (int)MS_CLIENT_NOT_UNIQUE == MS_E_NOT_UNIQUE &&
                   (int)MS_CLIENT_DURABILITY == MS_E_DURABILITY,
               "public numbers are those of the wire");
_Static_assert((int)MS_CLIENT_STATUS_OK == MS_STATUS_OK &&
                   (int)MS_CLIENT_STATUS_RETRY == MS_STATUS_RETRY &&
                   (int)MS_CLIENT_STATUS_FAIL == MS_STATUS_FAIL &&
                   (int)MS_CLIENT_STATUS_CANCELLED == MS_STATUS_CANCELLED &&
                   (int)MS_CLIENT_STATUS_TIMEOUT == MS_STATUS_TIMEOUT &&
                   (int)MS_CLIENT_STATUS_CRASHED == MS_STATUS_CRASHED &&
                   (int)MS_CLIENT_STATUS_EXPIRED == MS_STATUS_EXPIRED &&
                   (int)MS_CLIENT_STATUS_LOST == MS_STATUS_LOST,
               "public statuses are those of the wire");
_Static_assert((int)MS_CLIENT_DATA == MS_STREAM_DATA && (int)MS_CLIENT_STDERR == MS_STREAM_STDERR &&
                   (int)MS_CLIENT_LOG == MS_STREAM_LOG &&
                   (int)MS_CLIENT_PROGRESS == MS_STREAM_PROGRESS,
               "public streams are those of the wire");

const char *ms_client_strerror(int error)
{
    switch (error) {
    case MS_CLIENT_BAD_STATE:
        return "not allowed from a callback, nor after the client was closed";
    case MS_CLIENT_BUSY:
        return "too much is outstanding, try again later";
    case MS_CLIENT_DRAINING:
        return "shutting down: no new work is accepted";
    default:
        return error < 0 ? ms_error_text((enum ms_error)UINT16_MAX)
                         : ms_error_text((enum ms_error)error);
    }
}

const char *ms_client_status_name(int status)
{
    if (status < 0 || status >= MS_STATUS_COUNT) {
        return "unknown";
    }
    return ms_status_name((enum ms_status)status);
}

bool ms_client_copy_struct(void *to, size_t to_size, const void *from)
{
    size_t size;
    const uint8_t *bytes = from;

    if (from == NULL) {
        return false;
    }
    memcpy(&size, from, sizeof size);
    if (size < sizeof size) {
        return false;
    }
    for (size_t i = to_size; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    memset(to, 0, to_size);
    memcpy(to, from, size < to_size ? size : to_size);
    return true;
}

void ms_client_options_default(struct ms_client_options *options, size_t size)
{
    const struct ms_client_options defaults = {
        .masters = MASTERS_DEFAULT,
        .first_seq = 1,
        .window = MS_CLIENT_WINDOW_DEFAULT,
        .queue = 2 * MS_CLIENT_WINDOW_DEFAULT,
        .memory = MS_CLIENT_BYTES_DEFAULT,
    };

    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
    options->size = size;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool ms_client_parse_id(const char *text, struct ms_uuid *uuid_out)
{
    struct ms_uuid uuid = {{0}};

    if (text == NULL || strlen(text) != HEX_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        const int digit = hex_digit(text[i]);

        if (digit < 0) {
            return false;
        }
        uuid.bytes[i / 2] = (uint8_t)(uuid.bytes[i / 2] << 4 | digit);
    }
    if (ms_uuid_is_zero(&uuid)) {
        return false;
    }
    *uuid_out = uuid;
    return true;
}

static bool fail(struct ms_client_error *error, int code, const char *text)
{
    if (error != NULL) {
        error->code = code;
        snprintf(error->text, sizeof error->text, "%s", text);
    }
    return false;
}

/* What the caller left out is filled in, what cannot be is refused. */
static bool check_options(struct ms_client_options *options, struct ms_client_error *error)
{
    options->masters = options->masters != NULL ? options->masters : MASTERS_DEFAULT;
    options->first_seq = options->first_seq != 0 ? options->first_seq : 1;
    options->window = options->window != 0 ? options->window : MS_CLIENT_WINDOW_DEFAULT;
    if (options->queue == 0) {
        options->queue =
            options->window > MS_OUTSTANDING_MAX / 2 ? MS_OUTSTANDING_MAX : 2 * options->window;
    }
    options->memory = options->memory != 0 ? options->memory : MS_CLIENT_BYTES_DEFAULT;
    if (options->window > MS_OUTSTANDING_MAX || options->queue > MS_OUTSTANDING_MAX) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT, "window and queue go up to 1048576");
    }
    if (options->name != NULL && !ms_text_is_name(options->name, strlen(options->name))) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT,
                    "a client's name has 1 to 63 letters, digits, '.', '_' or '-'");
    }
    if (options->first_seq > MS_NUMBER_MAX) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT, "a command's number is 2^64 - 2 at most");
    }
    if (options->floor >= options->first_seq) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT, "floor must be below first_seq");
    }
    if (options->floor > 0 && options->id == NULL) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT, "floor needs the id it belongs to");
    }
    return true;
}

static void print_id(const struct ms_uuid *uuid, char *text_out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        text_out[2 * i] = digits[uuid->bytes[i] >> 4];
        text_out[2 * i + 1] = digits[uuid->bytes[i] & 15];
    }
    text_out[HEX_DIGITS] = '\0';
}

static bool init_engine(struct ms_client *client, const struct ms_client_options *options,
                        struct ms_client_error *error)
{
    struct ms_uri_list list;
    struct ms_complaint complaint;
    char addresses[MS_ADDRESSES_MAX * (MS_ADDRESS_MAX + 1)];
    struct ms_text text;
    struct ms_entropy entropy = {.left = 0};
    struct ms_uuid id = ms_entropy_uuid(&entropy);

    if (!ms_uri_list_parse(options->masters, MS_ADDRESS_CONNECT, &list, &complaint)) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT, complaint.text);
    }
    if (options->id != NULL && !ms_client_parse_id(options->id, &id)) {
        return fail(error, MS_CLIENT_BAD_ARGUMENT, "a client's id has 32 hex digits, not all 0");
    }
    ms_text_init(&text, addresses, sizeof addresses);
    ms_uri_list_print_addresses(&list, &text);
    print_id(&id, client->id);
    if (!ms_client_engine_init(&client->engine, &(struct ms_client_config){
                                                    .addresses = addresses,
                                                    .client = id,
                                                    .is_lasting = options->id != NULL,
                                                    .name = options->name,
                                                    .build = BUILD,
                                                    .seq_first = options->first_seq,
                                                    .floor = options->floor,
                                                    .window = options->window,
                                                    .kept_max = options->queue,
                                                    .bytes_max = (size_t)options->memory,
                                                    .seed = ms_entropy_seed(),
                                                    .calls_before = (uint64_t)ms_clock_wall(),
                                                })) {
        return fail(error, MS_CLIENT_NO_MEMORY, ms_client_strerror(MS_CLIENT_NO_MEMORY));
    }
    return true;
}

/* Runs before the driver writes what gathered in this turn, having the higher priority. */
static void before_sleep_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    struct ms_client *client = watcher->data;

    (void)loop;
    (void)revents;
    if (!client->is_dirty) {
        return;
    }
    client->is_dirty = false;
    for (int i = 0; i < SEND_ROUNDS; i++) {
        ms_client_post(client, MS_EVENT_TICK, 0, NULL);
        if (ms_engine_deadline(&client->engine.base) > client->engine.base.now) {
            return;
        }
    }
}

static void limit_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_client *client = watcher->data;

    (void)loop;
    (void)revents;
    client->is_limit_over = true;
}

static bool init_driver(struct ms_client *client, const struct ms_client_options *options)
{
    client->is_own_loop = options->loop == NULL;
    client->loop = client->is_own_loop ? ev_loop_new(EVFLAG_AUTO) : options->loop;
    if (client->loop == NULL) {
        return false;
    }
    client->driver = ms_driver_create(&(struct ms_driver_options){
        .size = sizeof(struct ms_driver_options),
        .loop = client->loop,
        .engine = &client->engine.base,
        .payload_max = MS_PAYLOAD_MAX_CEILING,
        .peers_max = MS_ADDRESSES_MAX,
        .busy_poll = options->busy_poll_us * MS_USEC,
        .effect = ms_client_effect,
        .context = client,
    });
    if (client->driver == NULL) {
        if (client->is_own_loop) {
            ev_loop_destroy(client->loop);
        }
        return false;
    }
    ev_prepare_init(&client->before_sleep, before_sleep_cb);
    ev_set_priority(&client->before_sleep, EV_MAXPRI);
    client->before_sleep.data = client;
    ev_prepare_start(client->loop, &client->before_sleep);
    ev_unref(client->loop);
    ev_timer_init(&client->limit, limit_cb, 0., 0.);
    client->limit.data = client;
    return true;
}

static bool init_client(struct ms_client *client, const struct ms_client_options *options,
                        struct ms_client_error *error)
{
    ms_list_init(&client->futures);
    client->context = options->context;
    client->on_room = options->on_room;
    client->on_connection = options->on_connection;
    client->on_later = options->on_later;
    if (!init_engine(client, options, error)) {
        return false;
    }
    ms_map_init(&client->futures_by_seq, MS_OUTSTANDING_MAX, ms_entropy_seed());
    /* A ticket lives until its end was delivered, so as many more as a step can deliver. */
    if (!ms_pool_init(&client->tickets, sizeof(struct ms_ticket),
                      options->queue + MS_EFFECTS_MAX)) {
        goto err_after_engine;
    }
    if (!init_driver(client, options)) {
        goto err_after_tickets;
    }
    return true;
err_after_tickets:
    ms_pool_finish(&client->tickets);
err_after_engine:
    ms_client_engine_finish(&client->engine);
    return fail(error, MS_CLIENT_NO_MEMORY, ms_client_strerror(MS_CLIENT_NO_MEMORY));
}

struct ms_client *ms_client_create(const struct ms_client_options *options,
                                   struct ms_client_error *error)
{
    struct ms_client_options known = {.size = sizeof known};

    if (options != NULL && !ms_client_copy_struct(&known, sizeof known, options)) {
        fail(error, MS_CLIENT_BAD_ARGUMENT,
             "options are of a newer library, or their size is wrong");
        return NULL;
    }
    if (!check_options(&known, error)) {
        return NULL;
    }
    struct ms_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        fail(error, MS_CLIENT_NO_MEMORY, ms_client_strerror(MS_CLIENT_NO_MEMORY));
        return NULL;
    }
    if (!init_client(client, &known, error)) {
        free(client);
        return NULL;
    }
    /* The first step makes it connect as soon as the loop runs. */
    ms_client_post(client, MS_EVENT_TICK, 0, NULL);
    return client;
}

static bool is_stopped(const struct ms_client *client, const void *what)
{
    (void)what;
    return client->is_stopped;
}

static bool is_disconnected(const struct ms_client *client, const void *what)
{
    struct ms_driver_stats stats;

    (void)what;
    ms_driver_stats(client->driver, &stats);
    return stats.connections == 0;
}

int ms_client_close(struct ms_client *client, int64_t timeout_ms)
{
    int error = MS_CLIENT_OK;

    if (client->depth > 0) {
        return MS_CLIENT_BAD_STATE;
    }
    if (!client->is_closing) {
        client->is_closing = true;
        ms_client_post(client, MS_EVENT_STOP, 0, NULL);
    }
    if (timeout_ms != 0) {
        error = ms_client_run_until(client, timeout_ms, is_stopped, NULL);
    } else if (!client->is_stopped) {
        error = MS_CLIENT_TIMEOUT;
    }
    if (!client->is_stopped) {
        ms_client_post(client, MS_EVENT_STOP, 0, NULL);
    }
    ms_client_run_until(client, FLUSH_TIMEOUT_MS, is_disconnected, NULL);
    return error;
}

static void free_tickets(struct ms_client *client)
{
    uint32_t cursor = 0;

    for (struct ms_ticket *ticket = ms_pool_next(&client->tickets, &cursor); ticket != NULL;
         ticket = ms_pool_next(&client->tickets, &cursor)) {
        free(ticket->collected);
    }
    ms_pool_finish(&client->tickets);
    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX; i++) {
        free(client->questions[i].cells);
    }
}

void ms_client_destroy(struct ms_client *client)
{
    if (client == NULL) {
        return;
    }
    ms_assert(client->depth == 0); /* not from a callback: the header says so */
    ev_ref(client->loop);
    ev_prepare_stop(client->loop, &client->before_sleep);
    ev_timer_stop(client->loop, &client->limit);
    ms_driver_destroy(client->driver);
    ms_client_end_futures(client);
    free_tickets(client);
    ms_map_finish(&client->futures_by_seq);
    ms_client_engine_finish(&client->engine);
    if (client->is_own_loop) {
        ev_loop_destroy(client->loop);
    }
    free(client);
}

const char *ms_client_id(const struct ms_client *client)
{
    return client->id;
}

bool ms_client_is_connected(const struct ms_client *client)
{
    return ms_upstream_is_up(&client->engine.upstream);
}

int ms_client_last_error(const struct ms_client *client)
{
    return (int)(ms_client_is_connected(client) ? client->engine.later
                                                : client->engine.upstream.last_error);
}

uint32_t ms_client_outstanding(const struct ms_client *client)
{
    return ms_client_engine_outstanding(&client->engine);
}

uint64_t ms_client_floor(const struct ms_client *client)
{
    return ms_requests_floor(&client->engine.requests);
}
