#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "tests/sim/world.h"

#define CONNECT_TRIES_MAX   3
#define CLOG_FACTOR         50
#define TAIL_CHANCE         20 /* one delivery in so many is far later than the others */
#define TAIL_SHIFT_MAX      8
#define STREAM_CAPACITY_MIN 1024

static struct sim_node *node_of(struct sim_world *world, const struct sim_end *end)
{
    return &world->nodes[end->node];
}

static ms_time delay(struct sim_world *world)
{
    struct ms_rng *rng = &world->rng_net;
    ms_time base = world->config.delay_base;

    if (world->net.clogged_until > world->now) {
        base *= CLOG_FACTOR;
    }
    ms_time result = 1 + (ms_time)ms_rng_below(rng, (uint64_t)base * 2);

    if (ms_rng_chance(rng, 1, TAIL_CHANCE)) {
        const int shift = __builtin_ctzll(ms_rng_next(rng) | (1u << TAIL_SHIFT_MAX));

        result += base << shift;
    }
    return result;
}

/* When the way is free; now if it is. */
static ms_time free_at(const struct sim_world *world, const struct sim_connection *connection,
                       uint32_t from)
{
    const ms_time until =
        world->net.blocked_until[connection->ends[from].node][connection->ends[1 - from].node];

    return until > world->now ? until : world->now;
}

static struct sim_connection *at(struct sim_world *world, uint32_t index)
{
    ms_assert(index < world->net.count);
    return world->net.connections[index];
}

static void free_stream(struct sim_stream *stream)
{
    free(stream->bytes);
    *stream = (struct sim_stream){.is_void = stream->is_void};
}

void sim_net_finish(struct sim_net *net)
{
    for (uint32_t i = 0; i < net->count; i++) {
        free_stream(&net->connections[i]->streams[0]);
        free_stream(&net->connections[i]->streams[1]);
        free(net->connections[i]);
    }
    free(net->connections);
}

static struct sim_connection *add(struct sim_net *net)
{
    if (net->count == net->capacity) {
        net->capacity = net->capacity == 0 ? 64 : net->capacity * 2;
        net->connections = realloc(net->connections, net->capacity * sizeof *net->connections);
        ms_assert(net->connections != NULL);
    }
    struct sim_connection *connection = calloc(1, sizeof *connection);

    ms_assert(connection != NULL);
    connection->index = net->count;
    net->connections[net->count++] = connection;
    return connection;
}

uint32_t sim_net_find(const struct sim_world *world, const char *address)
{
    static const char *const addresses[SIM_MASTERS_MAX] = {SIM_ADDRESS_A, SIM_ADDRESS_B};

    for (uint32_t i = 0; i < world->config.masters; i++) {
        if (strcmp(address, addresses[i]) == 0) {
            return i;
        }
    }
    return SIM_NOBODY;
}

void sim_net_connect(struct sim_world *world, struct sim_node *node, uint32_t tag,
                     const char *address)
{
    struct sim_connection *connection = add(&world->net);
    const uint32_t target = sim_net_find(world, address);

    connection->tag = tag;
    connection->ends[0] = (struct sim_end){.node = node->index, .incarnation = node->incarnation};
    connection->ends[1] = (struct sim_end){.node = target == SIM_NOBODY ? 0 : target};
    sim_trace(world, "%s connects to %s as #%u tag %u", sim_node_name(world, node->index), address,
              connection->index, tag);
    if (target == SIM_NOBODY) {
        connection->tries = CONNECT_TRIES_MAX;
        sim_world_push(world, (struct sim_item){.at = world->now + delay(world),
                                                .kind = SIM_ITEM_ANSWER,
                                                .a = connection->index});
        return;
    }
    sim_world_push(world, (struct sim_item){.at = world->now + delay(world),
                                            .kind = SIM_ITEM_SYN,
                                            .a = connection->index});
}

void sim_net_syn(struct sim_world *world, uint32_t index)
{
    struct sim_connection *connection = at(world, index);
    struct sim_node *node = node_of(world, &connection->ends[1]);
    const bool is_lost =
        free_at(world, connection, 0) > world->now || (!node->is_up && node->host_is_dead);

    if (is_lost && ++connection->tries < CONNECT_TRIES_MAX) {
        sim_world_push(world, (struct sim_item){.at = world->now + world->config.tick,
                                                .kind = SIM_ITEM_SYN,
                                                .a = index});
        return;
    }
    if (!is_lost && node->is_up && node->driver.is_listening) {
        /* The kernel completes the handshake, whether the process ever accepts or not. */
        connection->was_accepted = true;
        connection->ends[1].incarnation = node->incarnation;
        connection->ends[1].is_open = true;
        sim_driver_notice(
            world, node,
            (struct sim_notice){.kind = SIM_NOTICE_OPENED, .connection = index, .end = 1});
    }
    connection->is_refused = !is_lost && !connection->was_accepted;
    sim_world_push(
        world,
        (struct sim_item){.at = world->now + delay(world), .kind = SIM_ITEM_ANSWER, .a = index});
}

void sim_net_answer(struct sim_world *world, uint32_t index)
{
    struct sim_connection *connection = at(world, index);
    struct sim_end *end = &connection->ends[0];
    struct sim_node *node = node_of(world, end);
    const ms_time free_time = free_at(world, connection, 1);

    if (connection->was_accepted && free_time > world->now) {
        sim_world_push(
            world,
            (struct sim_item){.at = free_time + delay(world), .kind = SIM_ITEM_ANSWER, .a = index});
        return;
    }
    if (!node->is_up || node->incarnation != end->incarnation) {
        sim_world_push(
            world,
            (struct sim_item){
                .at = world->now + delay(world), .kind = SIM_ITEM_FIN, .a = index, .b = 1, .c = 1});
        return;
    }
    struct sim_notice notice = {.connection = index, .end = 0, .tag = connection->tag};

    if (connection->was_accepted && !connection->is_reset) {
        notice.kind = SIM_NOTICE_OPENED;
        end->is_open = true;
        world->stats.counts[SIM_STAT_CONNECTIONS]++;
    } else {
        notice.kind = SIM_NOTICE_FAILED;
        notice.end = connection->is_refused;
        world->stats.counts[SIM_STAT_CONNECTS_FAILED]++;
    }
    sim_driver_notice(world, node, notice);
}

static void append(struct sim_stream *stream, const uint8_t *bytes, size_t size)
{
    if (stream->head + stream->size + size > stream->capacity) {
        if (stream->head > 0) {
            memmove(stream->bytes, stream->bytes + stream->head, stream->size);
            stream->head = 0;
        }
        if (stream->size + size > stream->capacity) {
            size_t capacity = stream->capacity == 0 ? STREAM_CAPACITY_MIN : stream->capacity;

            while (capacity < stream->size + size) {
                capacity *= 2;
            }
            stream->bytes = realloc(stream->bytes, capacity);
            ms_assert(stream->bytes != NULL);
            stream->capacity = capacity;
        }
    }
    memcpy(stream->bytes + stream->head + stream->size, bytes, size);
    stream->size += size;
}

/* The pieces in which the bytes arrive, each as late as it likes but in order. */
static void schedule(struct sim_world *world, struct sim_connection *connection, uint32_t end,
                     size_t size)
{
    struct sim_stream *stream = &connection->streams[end];

    while (size > 0) {
        size_t piece = size;

        if (size > 1 && ms_rng_chance(&world->rng_net, world->config.cut_permille, 1000)) {
            piece = 1 + (size_t)ms_rng_below(&world->rng_net, size - 1);
        }
        ms_time arrival = world->now + delay(world);

        if (arrival < stream->last_arrival) {
            arrival = stream->last_arrival;
        }
        stream->last_arrival = arrival;
        sim_world_push(world, (struct sim_item){.at = arrival,
                                                .kind = SIM_ITEM_ARRIVE,
                                                .a = connection->index,
                                                .b = end,
                                                .c = piece});
        size -= piece;
    }
}

size_t sim_net_write(struct sim_world *world, uint32_t index, uint32_t end, struct ms_bytes bytes)
{
    struct sim_connection *connection = at(world, index);
    struct sim_stream *stream = &connection->streams[end];
    size_t size = bytes.size;

    ms_assert(connection->ends[end].is_open);
    if (connection->is_reset) {
        return size;
    }
    const size_t room =
        world->config.window > stream->size ? world->config.window - stream->size : 0;
    if (size > room) {
        size = room;
        connection->ends[end].is_short = true;
        world->stats.counts[SIM_STAT_WRITES_SHORT]++;
    }
    if (size > 0) {
        append(stream, bytes.data, size);
        schedule(world, connection, end, size);
    }
    return size;
}

size_t sim_net_readable(const struct sim_world *world, uint32_t index, uint32_t end)
{
    return world->net.connections[index]->streams[1 - end].arrived;
}

size_t sim_net_read(struct sim_world *world, uint32_t index, uint32_t end, uint8_t *bytes,
                    size_t size)
{
    struct sim_connection *connection = at(world, index);
    struct sim_stream *stream = &connection->streams[1 - end];
    struct sim_end *writer = &connection->ends[1 - end];
    const size_t taken = size < stream->arrived ? size : stream->arrived;

    if (taken == 0) {
        return 0;
    }
    memcpy(bytes, stream->bytes + stream->head, taken);
    stream->head += taken;
    stream->size -= taken;
    stream->arrived -= taken;
    if (writer->is_open && writer->is_short && !stream->is_void) {
        writer->is_short = false;
        sim_world_push(world, (struct sim_item){.at = world->now + delay(world),
                                                .kind = SIM_ITEM_ROOM,
                                                .a = index,
                                                .b = 1 - end});
    }
    return taken;
}

void sim_net_room(struct sim_world *world, uint32_t index, uint32_t end)
{
    struct sim_connection *connection = at(world, index);

    if (connection->ends[end].is_open) {
        sim_driver_notice(
            world, node_of(world, &connection->ends[end]),
            (struct sim_notice){.kind = SIM_NOTICE_WRITABLE, .connection = index, .end = end});
    }
}

static void note_readable(struct sim_world *world, struct sim_connection *connection, uint32_t end)
{
    struct sim_end *reader = &connection->ends[end];

    if (reader->is_open && !reader->is_noted) {
        reader->is_noted = true;
        sim_driver_notice(world, node_of(world, reader),
                          (struct sim_notice){.kind = SIM_NOTICE_READABLE,
                                              .connection = connection->index,
                                              .end = end});
    }
}

void sim_net_arrive(struct sim_world *world, uint32_t index, uint32_t from, size_t size)
{
    struct sim_connection *connection = at(world, index);
    struct sim_stream *stream = &connection->streams[from];
    const uint32_t to = 1 - from;
    const struct sim_node *reader = node_of(world, &connection->ends[to]);
    const ms_time free_time = free_at(world, connection, from);

    if (connection->is_reset || stream->is_void) {
        return;
    }
    if (free_time > world->now) {
        sim_world_push(world, (struct sim_item){.at = free_time + delay(world),
                                                .kind = SIM_ITEM_ARRIVE,
                                                .a = index,
                                                .b = from,
                                                .c = size});
        return;
    }
    if (!reader->is_up && reader->host_is_dead) {
        sim_world_push(world, (struct sim_item){.at = reader->up_again_at + delay(world),
                                                .kind = SIM_ITEM_ARRIVE,
                                                .a = index,
                                                .b = from,
                                                .c = size});
        return;
    }
    if (!connection->ends[to].is_open) {
        /* Nobody owns that socket any more: the kernel answers with a reset. */
        connection->is_reset = true;
        sim_world_push(world, (struct sim_item){.at = world->now + delay(world),
                                                .kind = SIM_ITEM_FIN,
                                                .a = index,
                                                .b = from,
                                                .c = 1});
        return;
    }
    stream->arrived += size;
    note_readable(world, connection, to);
}

void sim_net_fin(struct sim_world *world, uint32_t index, uint32_t to, bool is_reset)
{
    struct sim_connection *connection = at(world, index);
    const uint32_t from = 1 - to;
    const struct sim_stream *stream = &connection->streams[from];
    const ms_time free_time = free_at(world, connection, from);

    if (!connection->ends[to].is_open || (stream->is_void && !connection->is_reset)) {
        return;
    }
    if (!connection->is_reset && free_time > world->now) {
        sim_world_push(world, (struct sim_item){.at = free_time + delay(world),
                                                .kind = SIM_ITEM_FIN,
                                                .a = index,
                                                .b = to,
                                                .c = is_reset});
        return;
    }
    if (!connection->is_reset && !is_reset && stream->arrived < stream->size) {
        sim_world_push(world, (struct sim_item){.at = world->now + delay(world),
                                                .kind = SIM_ITEM_FIN,
                                                .a = index,
                                                .b = to,
                                                .c = is_reset});
        return;
    }
    sim_driver_notice(world, node_of(world, &connection->ends[to]),
                      (struct sim_notice){.kind = is_reset ? SIM_NOTICE_RESET : SIM_NOTICE_CLOSED,
                                          .connection = index,
                                          .end = to});
}

void sim_net_close(struct sim_world *world, uint32_t index, uint32_t end, bool told)
{
    struct sim_connection *connection = at(world, index);
    const bool had_unread = connection->streams[1 - end].arrived > 0;
    ms_time arrival = world->now + delay(world);

    ms_assert(connection->ends[end].is_open);
    connection->ends[end].is_open = false;
    free_stream(&connection->streams[1 - end]);
    if (arrival < connection->streams[end].last_arrival) {
        arrival = connection->streams[end].last_arrival;
    }
    if (told) {
        sim_world_push(
            world,
            (struct sim_item){
                .at = arrival, .kind = SIM_ITEM_FIN, .a = index, .b = 1 - end, .c = had_unread});
    }
}

void sim_net_reset(struct sim_world *world, struct sim_connection *connection)
{
    connection->is_reset = true;
    for (uint32_t from = 0; from < 2; from++) {
        struct sim_stream *stream = &connection->streams[from];

        /* Of what was on its way, any number of bytes still made it. */
        if (!stream->is_void && stream->size > stream->arrived) {
            stream->arrived +=
                (size_t)ms_rng_below(&world->rng_net, stream->size - stream->arrived + 1);
            stream->size = stream->arrived;
            note_readable(world, connection, 1 - from);
        }
        sim_world_push(world, (struct sim_item){.at = world->now + delay(world),
                                                .kind = SIM_ITEM_FIN,
                                                .a = connection->index,
                                                .b = 1 - from,
                                                .c = ms_rng_chance(&world->rng_net, 1, 2)});
    }
}

void sim_net_block(struct sim_world *world, uint32_t from, uint32_t to, ms_time until)
{
    if (world->net.blocked_until[from][to] < until) {
        world->net.blocked_until[from][to] = until;
    }
}

void sim_net_unblock(struct sim_world *world, uint32_t from, uint32_t to)
{
    world->net.blocked_until[from][to] = 0;
}

bool sim_net_is_blocked(const struct sim_world *world, uint32_t from, uint32_t to)
{
    return world->net.blocked_until[from][to] > world->now;
}

struct sim_connection *sim_net_pick(struct sim_world *world)
{
    struct sim_connection *picked = NULL;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < world->net.count; i++) {
        struct sim_connection *connection = world->net.connections[i];

        if (connection->ends[0].is_open && connection->ends[1].is_open && !connection->is_reset &&
            ms_rng_chance(&world->rng_fault, 1, ++seen)) {
            picked = connection;
        }
    }
    return picked;
}

void sim_net_heal(struct sim_world *world)
{
    memset(world->net.blocked_until, 0, sizeof world->net.blocked_until);
    world->net.clogged_until = 0;
}
