#include "tests/sim/driver.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "proto/frame.h"
#include "proto/record.h"
#include "tests/sim/disk.h"
#include "tests/sim/observer.h"
#include "tests/sim/older.h"
#include "tests/sim/world.h"

#define READ_SIZE (64u << 10)

void sim_driver_init(struct sim_driver *driver, bool is_server)
{
    *driver = (struct sim_driver){.is_server = is_server, .decoder = ms_decoder_create()};
    ms_assert(driver->decoder != NULL);
}

void sim_driver_finish(struct sim_world *world, struct sim_node *node, bool told)
{
    struct sim_driver *driver = &node->driver;

    for (uint32_t i = 0; i < world->net.count; i++) {
        struct sim_connection *connection = world->net.connections[i];

        for (uint32_t end = 0; end < 2; end++) {
            if (connection->ends[end].is_open && connection->ends[end].node == node->index) {
                sim_net_close(world, i, end, told);
            }
        }
    }
    for (uint32_t i = 0; i < driver->peers_count; i++) {
        ms_encoder_finish(&driver->peers[i]->encoder);
        free(driver->peers[i]->input);
        free(driver->peers[i]);
    }
    free(driver->peers);
    for (size_t i = 0; i < driver->notices_count; i++) {
        sim_posted_free(driver->notices[driver->notices_head + i].posted);
    }
    free(driver->notices);
    ms_decoder_destroy(driver->decoder);
    *driver = (struct sim_driver){.is_server = driver->is_server};
}

/* --- peers --- */

static struct sim_peer *find(struct sim_driver *driver, ms_peer name)
{
    const uint32_t slot = ms_peer_slot(name);

    if (slot == 0 || slot > driver->peers_count || driver->peers[slot - 1]->name != name) {
        return NULL;
    }
    return driver->peers[slot - 1];
}

static struct sim_peer *of_notice(struct sim_world *world, struct sim_node *node,
                                  const struct sim_notice *notice)
{
    const struct sim_end *end = &world->net.connections[notice->connection]->ends[notice->end];

    if (!end->is_open || end->node != node->index || end->incarnation != node->incarnation ||
        end->peer == 0) {
        return NULL;
    }
    return node->driver.peers[end->peer - 1];
}

static struct sim_peer *take(struct sim_driver *driver)
{
    for (uint32_t i = 0; i < driver->peers_count; i++) {
        if (driver->peers[i]->name == MS_PEER_NONE) {
            return driver->peers[i];
        }
    }
    driver->peers = realloc(driver->peers, (driver->peers_count + 1) * sizeof *driver->peers);
    ms_assert(driver->peers != NULL);
    driver->peers[driver->peers_count] = calloc(1, sizeof *driver->peers[0]);
    ms_assert(driver->peers[driver->peers_count] != NULL);
    return driver->peers[driver->peers_count++];
}

static uint32_t slot_of(const struct sim_driver *driver, const struct sim_peer *peer)
{
    uint32_t i = 0;

    while (driver->peers[i] != peer) {
        i++;
    }
    return i + 1;
}

static void release(struct sim_world *world, struct sim_peer *peer)
{
    struct sim_end *end = &world->net.connections[peer->connection]->ends[peer->end];

    sim_net_close(world, peer->connection, peer->end, true);
    end->peer = 0;
    ms_encoder_finish(&peer->encoder);
    free(peer->input);
    *peer = (struct sim_peer){.generation = peer->generation};
}

size_t sim_driver_pending(const struct sim_driver *driver)
{
    size_t pending = 0;

    for (uint32_t i = 0; i < driver->peers_count; i++) {
        pending += ms_encoder_pending(&driver->peers[i]->encoder);
    }
    return pending;
}

/* --- peers that are held --- */

static bool is_held(const struct sim_node *node, const struct sim_peer *peer)
{
    return node->driver.is_holding && peer->has_spoken && !peer->is_marked && !peer->is_closing;
}

/* Those that were held are read again, and what became of them is told. */
static void resume(struct sim_world *world, struct sim_node *node)
{
    for (uint32_t i = 0; i < node->driver.peers_count; i++) {
        struct sim_peer *peer = node->driver.peers[i];
        struct sim_notice notice = {.kind = SIM_NOTICE_READABLE};

        if (peer->name == MS_PEER_NONE || !is_held(node, peer)) {
            continue;
        }
        notice.connection = peer->connection;
        notice.end = peer->end;
        sim_driver_notice(world, node, notice);
        if (peer->held != SIM_NOTICE_OPENED) {
            notice.kind = peer->held;
            peer->held = SIM_NOTICE_OPENED;
            sim_driver_notice(world, node, notice);
        }
    }
    node->driver.is_holding = false;
}

/* --- steps --- */

static void send(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    struct sim_peer *peer = find(&node->driver, effect->peer);

    if (peer == NULL || peer->is_closing) {
        sim_fail(world, "contract", "%s sends %s to a peer that it closed or knows to be closed",
                 sim_node_name(world, node->index),
                 ms_kind_name((enum ms_kind)effect->command.kind));
    }
    if (effect->command.kind == MS_KIND_WELCOME ||
        (effect->command.kind == MS_KIND_PEER_HELLO && node->driver.is_server)) {
        peer->is_greeted = true;
    }
    struct sim_older_room room;
    const enum ms_error error = ms_encoder_put(&peer->encoder, effect->epoch,
                                               sim_older_see(node, true, &effect->command, &room));

    if (error != MS_E_OK) {
        sim_fail(world, "codec", "%s cannot encode %s: %s", sim_node_name(world, node->index),
                 ms_kind_name((enum ms_kind)effect->command.kind), ms_error_text(error));
    }
}

static void carry_out(struct sim_world *world, struct sim_node *node,
                      const struct ms_effect *effect)
{
    struct sim_peer *peer;

    if (effect->peer == SIM_OPERATOR_PEER) {
        return; /* he does not wait for it */
    }
    sim_observe_effect(world, node, effect);
    switch (effect->type) {
    case MS_EFFECT_CONNECT:
        sim_net_connect(world, node, effect->tag, effect->text);
        break;
    case MS_EFFECT_CLOSE:
        peer = find(&node->driver, effect->peer);
        if (peer == NULL || peer->is_closing) {
            sim_fail(world, "contract", "%s closes a peer twice",
                     sim_node_name(world, node->index));
        }
        peer->is_closing = true;
        break;
    case MS_EFFECT_SEND:
        send(world, node, effect);
        break;
    case MS_EFFECT_MARK:
        peer = find(&node->driver, effect->peer);
        if (peer == NULL || peer->is_closing) {
            sim_fail(world, "contract", "%s marks a peer that it closed",
                     sim_node_name(world, node->index));
        }
        peer->is_marked = true;
        node->driver.has_marked = true;
        break;
    case MS_EFFECT_KEEP: /* engines end silent connections, not this driver */
        peer = find(&node->driver, effect->peer);
        if (peer == NULL || peer->is_closing) {
            sim_fail(world, "contract", "%s keeps a peer that it closed",
                     sim_node_name(world, node->index));
        }
        break;
    case MS_EFFECT_PAUSE:
        node->driver.is_holding = true;
        break;
    case MS_EFFECT_RESUME:
        resume(world, node);
        break;
    default:
        node->ops->effect(world, node, effect);
    }
}

static void step(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    struct ms_effect effect;

    world->steps++;
    world->stats.counts[SIM_STAT_STEPS]++;
    sim_observe_event(world, node, event);
    ms_engine_step(node->engine, node->driver.clock, event);
    sim_observe_engine(world, node);
    while (!node->is_doomed && ms_engine_poll(node->engine, &effect)) {
        if (effect.type == MS_EFFECT_PERSIST) {
            const struct ms_bytes entries = effect.command.payload;

            ms_record_seal((uint8_t *)(uintptr_t)entries.data, entries.size);
        }
        carry_out(world, node, &effect);
        if (node->crash_in > 0 && --node->crash_in == 0) {
            world->stats.counts[SIM_STAT_CRASHES_AT_EFFECT]++;
            node->is_doomed = true;
        }
    }
    if (!node->is_doomed) {
        sim_observe_step(world, node);
    }
}

void sim_driver_step(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    step(world, node, event);
}

static void fail_peer(struct sim_world *world, struct sim_node *node, struct sim_peer *peer,
                      enum ms_error error)
{
    const struct ms_event event = {
        .type = MS_EVENT_PEER_CLOSED, .peer = peer->name, .error = error};
    const bool is_news = !peer->is_closing;

    release(world, peer);
    if (is_news) {
        step(world, node, &event);
    }
}

/* --- input --- */

/* True when a frame was taken off the input. */
static bool parse(struct sim_world *world, struct sim_node *node, struct sim_peer *peer, size_t *at,
                  struct ms_frame *frame_out)
{
    const struct ms_frame_limits limits = {.greeted = peer->is_greeted,
                                           .payload_max = world->config.payload_limit};
    size_t used = 0, need = 0;
    const enum ms_error error =
        ms_frame_parse((struct ms_bytes){peer->input + *at, peer->input_size - *at}, &limits,
                       frame_out, &used, &need);

    if (error != MS_E_OK) {
        sim_fail(world, "codec", "%s refuses a frame of one of ours: %s",
                 sim_node_name(world, node->index), ms_error_text(error));
    }
    if (used == 0 && peer->input_size > *at) {
        world->stats.counts[SIM_STAT_FRAMES_CUT]++;
        if (need <= peer->input_size - *at) {
            sim_fail(world, "codec", "a frame needs %zu bytes and has %zu", need,
                     peer->input_size - *at);
        }
    }
    *at += used;
    return used > 0;
}

/* Steps every command of the frame, as long as the peer stays. False when it is held before the end. */
static bool take_frame(struct sim_world *world, struct sim_node *node, ms_peer name,
                       const struct ms_frame *frame)
{
    struct ms_decoder *decoder = node->driver.decoder;
    struct sim_peer *peer = find(&node->driver, name);
    uint32_t taken = 0;
    const uint32_t before = peer->taken;
    struct sim_older_room room;
    struct ms_command command;
    bool more = true;
    enum ms_error error = ms_decoder_begin(decoder, frame);

    while (error == MS_E_OK && more) {
        error = ms_decoder_next(decoder, &command, &more);
        if (error != MS_E_OK || !more) {
            break;
        }
        peer = find(&node->driver, name);
        if (node->is_doomed || peer == NULL || peer->is_closing) {
            return true;
        }
        if (taken++ < before) {
            continue;
        }
        if (is_held(node, peer)) {
            return false;
        }
        peer->taken = taken;
        peer->has_spoken = true;
        if (command.kind == MS_KIND_WELCOME ||
            (command.kind == MS_KIND_PEER_HELLO && !node->driver.is_server)) {
            peer->is_greeted = true;
        }
        step(world, node,
             &(struct ms_event){.type = MS_EVENT_RECEIVED,
                                .peer = name,
                                .epoch = frame->epoch,
                                .command = sim_older_see(node, false, &command, &room)});
    }
    if (error != MS_E_OK) {
        sim_fail(world, "codec", "%s cannot decode %s: %s", sim_node_name(world, node->index),
                 ms_kind_name(frame->kind), ms_error_text(error));
    }
    peer = find(&node->driver, name);
    if (peer != NULL) {
        peer->taken = 0;
    }
    return true;
}

static void take_input(struct sim_world *world, struct sim_node *node, ms_peer name)
{
    struct sim_peer *peer = find(&node->driver, name);
    struct ms_frame frame;
    size_t at = 0, next = 0;

    while (peer != NULL && !peer->is_closing && !node->is_doomed && !is_held(node, peer) &&
           parse(world, node, peer, &next, &frame) && take_frame(world, node, name, &frame)) {
        at = next;
        peer = find(&node->driver, name);
    }
    if (peer != NULL && at > 0) {
        memmove(peer->input, peer->input + at, peer->input_size - at);
        peer->input_size -= at;
    }
}

static void read_peer(struct sim_world *world, struct sim_peer *peer)
{
    size_t size = sim_net_readable(world, peer->connection, peer->end);

    if (size > READ_SIZE) {
        size = READ_SIZE;
    }
    if (peer->input_size + size > peer->input_capacity) {
        peer->input_capacity = (peer->input_size + size) * 2;
        peer->input = realloc(peer->input, peer->input_capacity);
        ms_assert(peer->input != NULL);
    }
    peer->input_size +=
        sim_net_read(world, peer->connection, peer->end, peer->input + peer->input_size, size);
}

/* The rest of a command is still on its way. */
static void tell_arriving(struct sim_world *world, struct sim_node *node,
                          const struct sim_notice *notice)
{
    const struct sim_peer *peer = node->is_doomed ? NULL : of_notice(world, node, notice);

    if (peer != NULL && peer->is_marked && !peer->is_closing && peer->input_size > 0) {
        step(world, node, &(struct ms_event){.type = MS_EVENT_ARRIVING, .peer = peer->name});
    }
}

static void readable(struct sim_world *world, struct sim_node *node,
                     const struct sim_notice *notice)
{
    struct sim_peer *peer = of_notice(world, node, notice);

    if (peer == NULL) {
        return;
    }
    struct sim_end *end = &world->net.connections[notice->connection]->ends[notice->end];

    end->is_noted = false;
    if (peer->is_paused || is_held(node, peer)) {
        return;
    }
    if (peer->is_closing) {
        /* The engine is not interested any more, but the window must not fill up. */
        peer->input_size = 0;
    }
    read_peer(world, peer);
    if (sim_net_readable(world, notice->connection, notice->end) > 0) {
        end->is_noted = true;
        sim_driver_notice(world, node, *notice);
    }
    take_input(world, node, peer->name);
    tell_arriving(world, node, notice);
}

/* --- output --- */

static void pause_or_resume(struct sim_world *world, struct sim_node *node, struct sim_peer *peer)
{
    const size_t pending = ms_encoder_pending(&peer->encoder);
    const struct sim_notice notice = {
        .kind = SIM_NOTICE_READABLE, .connection = peer->connection, .end = peer->end};

    if (!peer->is_paused && pending > world->config.output_soft) {
        peer->is_paused = true;
        world->stats.counts[SIM_STAT_INPUT_PAUSED]++;
    } else if (peer->is_paused && pending <= world->config.output_soft / 2) {
        peer->is_paused = false;
        sim_driver_notice(world, node, notice);
    }
}

static void flush_peer(struct sim_world *world, struct sim_node *node, struct sim_peer *peer)
{
    if (ms_encoder_pending(&peer->encoder) > 0) {
        const struct ms_bytes bytes = ms_encoder_flush(&peer->encoder);

        ms_encoder_consume(&peer->encoder,
                           sim_net_write(world, peer->connection, peer->end, bytes));
    }
    if (node->driver.is_server) {
        pause_or_resume(world, node, peer);
    }
    if (peer->is_closing && ms_encoder_pending(&peer->encoder) == 0) {
        release(world, peer);
    }
}

static void flush(struct sim_world *world, struct sim_node *node)
{
    for (uint32_t i = 0; i < node->driver.peers_count; i++) {
        struct sim_peer *peer = node->driver.peers[i];

        if (peer->name == MS_PEER_NONE) {
            continue;
        }
        if (node->is_doomed && ms_rng_chance(&world->rng_fault, 1, 2)) {
            continue; /* it died before it came to this one */
        }
        flush_peer(world, node, peer);
    }
}

/* --- turns --- */

static void opened(struct sim_world *world, struct sim_node *node, const struct sim_notice *notice)
{
    struct sim_end *end = &world->net.connections[notice->connection]->ends[notice->end];

    if (!end->is_open || end->node != node->index || end->incarnation != node->incarnation) {
        return;
    }
    struct sim_peer *peer = take(&node->driver);
    struct ms_event event = {.type = MS_EVENT_PEER_OPENED, .tag = notice->tag};

    end->peer = slot_of(&node->driver, peer);
    peer->generation++;
    peer->name = (ms_peer)peer->generation << 32 | end->peer;
    peer->connection = notice->connection;
    peer->end = notice->end;
    event.peer = peer->name;
    ms_rng_fill(&world->rng_net, &event.nonce, sizeof event.nonce);
    step(world, node, &event);
}

static void closed(struct sim_world *world, struct sim_node *node, const struct sim_notice *notice)
{
    struct sim_peer *peer = of_notice(world, node, notice);

    if (peer == NULL) {
        return;
    }
    const ms_peer name = peer->name;

    if (is_held(node, peer)) {
        peer->held = notice->kind;
        return;
    }
    while (notice->kind == SIM_NOTICE_CLOSED && peer != NULL && !peer->is_closing &&
           !node->is_doomed && sim_net_readable(world, notice->connection, notice->end) > 0) {
        read_peer(world, peer);
        take_input(world, node, name);
        peer = find(&node->driver, name);
    }
    if (peer != NULL && !node->is_doomed) {
        fail_peer(world, node, peer, notice->kind == SIM_NOTICE_CLOSED ? MS_E_CLOSED : MS_E_IO);
    }
}

static void handle(struct sim_world *world, struct sim_node *node, const struct sim_notice *notice)
{
    switch (notice->kind) {
    case SIM_NOTICE_OPENED:
        opened(world, node, notice);
        break;
    case SIM_NOTICE_FAILED:
        step(world, node,
             &(struct ms_event){.type = MS_EVENT_PEER_CLOSED,
                                .tag = notice->tag,
                                .error = MS_E_UNREACHABLE,
                                .count = notice->end});
        break;
    case SIM_NOTICE_READABLE:
        readable(world, node, notice);
        break;
    case SIM_NOTICE_WRITABLE:
        break; /* the flush at the end of the turn does it */
    case SIM_NOTICE_CLOSED:
    case SIM_NOTICE_RESET:
        closed(world, node, notice);
        break;
    case SIM_NOTICE_POSTED:
        step(world, node, &notice->posted->event);
        break;
    }
}

/* The first of so many notices that is of a marked peer becomes the first of all; false when there is none. */
static bool bring_marked(struct sim_world *world, struct sim_node *node, size_t count)
{
    struct sim_driver *driver = &node->driver;
    struct sim_notice *first = driver->notices + driver->notices_head;

    for (size_t i = 0; i < count && driver->has_marked; i++) {
        const bool is_of_peer =
            first[i].kind >= SIM_NOTICE_READABLE && first[i].kind <= SIM_NOTICE_RESET;
        const struct sim_peer *peer = is_of_peer ? of_notice(world, node, &first[i]) : NULL;

        if (peer != NULL && peer->is_marked) {
            const struct sim_notice notice = first[i];

            memmove(first + 1, first, i * sizeof *first);
            *first = notice;
            return true;
        }
    }
    return false;
}

static void tick(struct sim_world *world, struct sim_node *node)
{
    if (!node->is_doomed && ms_engine_deadline(node->engine) <= node->driver.clock) {
        step(world, node, &(struct ms_event){.type = MS_EVENT_TICK});
    }
}

void sim_driver_turn(struct sim_world *world, struct sim_node *node)
{
    struct sim_driver *driver = &node->driver;
    size_t left = driver->notices_count;
    bool is_ticked = false;

    driver->clock = sim_node_clock(world, node);
    while (left > 0 && !node->is_doomed) {
        const bool is_marked = bring_marked(world, node, left--);
        const struct sim_notice notice = driver->notices[driver->notices_head++];

        driver->notices_count--;
        /* Half a pair knows that its time is over before it hears those for whom it would go on. */
        if (!is_marked && !is_ticked && driver->has_marked) {
            is_ticked = true;
            tick(world, node);
        }
        if (node->is_doomed) {
            sim_posted_free(notice.posted);
            break;
        }
        handle(world, node, &notice);
        sim_posted_free(notice.posted);
    }
    tick(world, node);
    if (node->disk != NULL) {
        sim_disk_flush(world, node);
    }
    flush(world, node);
}
