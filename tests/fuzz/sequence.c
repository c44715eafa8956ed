/* Any bytes at any time on three connections of a master: through frame and codec into the engine, as the
 * driver does it. The input is a little program: raw bytes, well-formed commands with odd values, time,
 * hang-ups. After every step the master's own invariants are checked. A program whose first byte is 0xd0 has
 * a store: it says when records are durable, and when the master is killed and another reads them back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/master.h"
#include "proto/codec.h"
#include "tests/support/fuzz_store.h"

#define PEERS     3
#define INPUT_MAX (256u << 10)
#define TOKENS    16
#define STEPS_MAX 400
#define DURABLE   0xd0 /* first byte of a program */

struct peer {
    ms_peer name; /* NONE = not connected */
    bool is_greeted;
    uint32_t generation;
    size_t size;
    uint8_t input[INPUT_MAX];
    struct ms_uuid token; /* of its last WELCOME */
};

struct world {
    struct ms_master *master;
    struct ms_engine *engine;
    struct ms_decoder *decoder;
    ms_time now;
    struct peer peers[PEERS];
    struct peer *at;
    struct ms_token tokens[TOKENS]; /* of attempts handed out, for results that fit */
    uint32_t tokens_count;
    ms_epoch epoch; /* of the master */
    bool is_durable, is_ready, is_stopped;
    const uint8_t *data; /* the program */
    size_t size;
};

static struct world world;

static uint8_t next(void)
{
    if (world.size == 0) {
        return 0;
    }
    world.size--;
    return *world.data++;
}

static struct ms_bytes next_bytes(size_t size)
{
    struct ms_bytes bytes = {world.data, size < world.size ? size : world.size};

    world.data += bytes.size;
    world.size -= bytes.size;
    return bytes;
}

static struct peer *find(ms_peer name)
{
    for (size_t i = 0; i < PEERS; i++) {
        if (world.peers[i].name == name) {
            return &world.peers[i];
        }
    }
    return NULL;
}

/* What the master says must be fit for the wire. */
static void check_send(const struct ms_effect *effect)
{
    struct ms_encoder encoder = {0};
    struct ms_bytes output;

    ms_assert(ms_encoder_put(&encoder, effect->epoch, &effect->command) == MS_E_OK);
    output = ms_encoder_flush(&encoder);
    ms_assert(output.size > 0);
    ms_encoder_finish(&encoder);
}

static void carry_out(const struct ms_effect *effect)
{
    struct peer *peer = find(effect->peer);

    if (effect->type == MS_EFFECT_CLOSE && peer != NULL) {
        peer->name = MS_PEER_NONE;
        return;
    }
    if (effect->type == MS_EFFECT_PERSIST) {
        fuzz_store_write(effect->seq, effect->command.payload);
    }
    world.is_ready = world.is_ready || effect->type == MS_EFFECT_READY;
    world.is_stopped = world.is_stopped || effect->type == MS_EFFECT_STOPPED;
    if (effect->type != MS_EFFECT_SEND) {
        return;
    }
    check_send(effect);
    world.epoch = effect->epoch;
    if (peer != NULL && effect->command.kind == MS_KIND_WELCOME) {
        peer->is_greeted = true;
        peer->token = effect->command.body.welcome->token;
    }
    if (effect->command.kind == MS_KIND_COMMAND) {
        world.tokens[world.tokens_count++ % TOKENS] = effect->command.token;
    }
}

static void step(const struct ms_event *event)
{
    struct ms_effect effect;

    ms_engine_step(world.engine, world.now, event);
    while (ms_engine_poll(world.engine, &effect)) {
        carry_out(&effect);
    }
    ms_master_check(world.master);
}

/* What waits is durable now. */
static void persist(void)
{
    ms_seq seq = fuzz_store_commit();

    while (seq != 0 && !world.is_stopped) {
        step(&(struct ms_event){.type = MS_EVENT_PERSISTED, .seq = seq});
        seq = fuzz_store_commit();
    }
}

static void tick(void)
{
    const uint8_t byte = next();

    world.now += byte * 50 * MS_MSEC;
    if (world.is_durable && byte % 4 == 0) {
        persist();
    } else if (world.is_durable && byte % 16 == 1) {
        step(&(struct ms_event){.type = MS_EVENT_ROOM, .count = (uint64_t)byte << 8});
    }
    for (int i = 0; i < 8 && ms_engine_deadline(world.engine) <= world.now; i++) {
        step(&(struct ms_event){.type = MS_EVENT_TICK});
    }
}

static void hang_up(struct peer *peer, enum ms_error error)
{
    struct ms_event event = {.type = MS_EVENT_PEER_CLOSED, .peer = peer->name, .error = error};

    if (peer->name != MS_PEER_NONE) {
        peer->name = MS_PEER_NONE;
        step(&event);
    }
}

static void dial(struct peer *peer)
{
    struct ms_event event = {.type = MS_EVENT_PEER_OPENED};

    if (peer->name != MS_PEER_NONE) {
        return;
    }
    peer->generation++;
    peer->name = (ms_peer)peer->generation << 32 | (ms_peer)(peer - world.peers + 1);
    peer->is_greeted = false;
    peer->size = 0;
    event.peer = peer->name;
    event.nonce.bytes[0] = (uint8_t)peer->generation;
    event.nonce.bytes[1] = (uint8_t)(peer - world.peers + 1);
    step(&event);
}

/* True when the connection is still there. */
static bool handle(struct peer *peer, const struct ms_frame *frame)
{
    struct ms_command command;
    struct ms_event event = {
        .type = MS_EVENT_RECEIVED, .peer = peer->name, .epoch = frame->epoch, .command = &command};
    enum ms_error error = ms_decoder_begin(world.decoder, frame);
    bool has_more = true;

    while (error == MS_E_OK) {
        error = ms_decoder_next(world.decoder, &command, &has_more);
        if (error != MS_E_OK || !has_more) {
            break;
        }
        step(&event);
        if (peer->name != event.peer) {
            return false;
        }
    }
    if (error != MS_E_OK) {
        hang_up(peer, error);
    }
    return error == MS_E_OK;
}

static void parse(struct peer *peer)
{
    size_t at = 0, used = 1, need = 0;

    while (at < peer->size && used > 0) {
        struct ms_frame_limits limits = {.greeted = peer->is_greeted, .payload_max = 4096};
        struct ms_bytes rest = {peer->input + at, peer->size - at};
        struct ms_frame frame;
        enum ms_error error = ms_frame_parse(rest, &limits, &frame, &used, &need);

        if (error != MS_E_OK) {
            hang_up(peer, error);
            return;
        }
        if (used > 0 && !handle(peer, &frame)) {
            return;
        }
        at += used;
    }
    memmove(peer->input, peer->input + at, peer->size - at);
    peer->size -= at;
}

static void feed(struct ms_bytes bytes)
{
    struct peer *peer = world.at;

    dial(peer);
    if (peer->name == MS_PEER_NONE || bytes.size > INPUT_MAX - peer->size) {
        return;
    }
    memcpy(peer->input + peer->size, bytes.data, bytes.size);
    peer->size += bytes.size;
    parse(peer);
}

static void say(ms_epoch epoch, const struct ms_command *command)
{
    struct ms_encoder encoder = {0};

    if (ms_encoder_put(&encoder, epoch, command) == MS_E_OK) {
        feed(ms_encoder_flush(&encoder));
    }
    ms_encoder_finish(&encoder);
}

static ms_epoch next_epoch(void)
{
    uint8_t byte = next();

    return byte < 240 ? world.epoch : byte - 240u;
}

static void say_hello(void)
{
    uint8_t what = next();
    struct ms_hello hello = {.role = (what & 1) != 0 ? MS_ROLE_SLAVE : MS_ROLE_CLIENT,
                             .version_min = 1,
                             .version_max = (what & 2) != 0 ? 9 : 1,
                             .features = MS_FEATURES_ALL};
    struct ms_command command = {.kind = MS_KIND_HELLO, .body.hello = &hello};

    hello.slots = next();
    hello.slots_max = hello.slots;
    if ((what & 16) != 0) {
        hello.weight = next() * 5u;
        hello.labels_count = 1;
        hello.labels[0][0] = (char)('x' + next() % 3);
        hello.group[0] = (char)('a' + next() % 3);
    }
    hello.floor = (what & 4) != 0 ? next() : 0;
    hello.node.bytes[0] = (uint8_t)(1 + next() % 3);
    hello.name[0] = (char)('a' + next() % 3);
    if ((what & 8) != 0) {
        hello.token = world.peers[next() % PEERS].token;
    }
    say(0, &command);
}

/* One that was handed out, or any. */
static struct ms_token next_token(void)
{
    uint8_t byte = next();

    if ((byte & 0x80) == 0 && world.tokens_count > 0) {
        return world.tokens[byte % (world.tokens_count < TOKENS ? world.tokens_count : TOKENS)];
    }
    return (struct ms_token){.epoch = world.epoch, .n = 1u + byte};
}

static void say_announce(void)
{
    struct ms_announced types[4] = {0};
    struct ms_announce announce = {.count = next() % 5, .types = types};
    struct ms_command command = {.kind = MS_KIND_ANNOUNCE, .body.announce = &announce};

    for (uint32_t i = 0; i < announce.count; i++) {
        types[i].type = MS_TYPE_USER_MIN + next() % 4;
        types[i].name[0] = (char)('a' + next() % 4);
    }
    say(next_epoch(), &command);
}

static void say_roll(enum ms_kind kind)
{
    struct ms_token tokens[4];
    struct ms_holding holdings[4] = {0};
    struct ms_tokens body = {.count = next() % 5, .tokens = tokens, .holdings = holdings};
    struct ms_command command = {.kind = (uint8_t)kind, .body.tokens = &body};

    for (uint32_t i = 0; i < body.count; i++) {
        tokens[i] = next_token();
    }
    const uint8_t shape = next();
    body.last = shape % 2 != 0;
    for (uint32_t i = 0; i < body.count && (shape & 2) != 0; i++) {
        holdings[i].id.client.bytes[0] = (uint8_t)(1 + next() % 3);
        holdings[i].id.seq = next();
        holdings[i].type = MS_TYPE_USER_MIN + next() % 4;
        holdings[i].attempt = 1u + next() % 3;
    }
    say(next_epoch(), &command);
}

static void make_order(struct ms_query *query)
{
    static const char *const filters[] = {"name=*", "name=a", "cordoned=yes", "held>0 label=x*"};
    const char *filter = filters[next() % 4];

    memset(query->where, 0, sizeof query->where);
    memcpy(query->where, filter, strlen(filter));
    query->order = (enum ms_slave_order)(next() % MS_SLAVE_ORDER_COUNT);
}

static void say_query(void)
{
    static const char *const filters[] = {"", "state == 'ready'", "type == 'a' and", "g"};
    struct ms_query query = {.what = (enum ms_query_what)(1 + next() % (MS_QUERY_COUNT - 1))};
    struct ms_command command = {.kind = MS_KIND_QUERY, .body.query = &query};

    query.limit = next() % 8;
    command.count = next();
    query.id.seq = next();
    query.id.client.bytes[0] = (uint8_t)(1 + next() % 3);
    if (next() % 2 != 0) {
        memcpy(query.state, "leased", sizeof "leased");
    }
    if (query.what > MS_QUERY_SHOW) {
        const char *filter = filters[next() % 4];
        memcpy(query.where, filter, strlen(filter));
        query.operation = (enum ms_operation)(next() % MS_OPERATION_COUNT);
        query.is_dry = next() % 2 != 0;
        query.is_following = next() % 2 != 0;
        query.from = next();
        query.value = (int64_t)next() - 20;
    }
    if (query.what == MS_QUERY_COMMAND_SLAVES) {
        make_order(&query);
    }
    say(next_epoch(), &command);
}

/* Of a submission: what most have none of. */
static void next_terms(struct ms_terms *terms)
{
    static const char *const names[] = {"", "g", "h"};

    terms->priority = (int8_t)(next() % MS_PRIORITY_COUNT + MS_PRIORITY_MIN);
    terms->unique_mode = next() % MS_UNIQUE_COUNT;
    terms->unique = next_bytes(next() % 3);
    terms->group = ms_bytes_of(names[next() % 3]);
    terms->run_at = next() * 50 * MS_MSEC;
    terms->deadline = next() * 50 * MS_MSEC;
    terms->array_count = next() % 20;
    terms->array_concurrency = next() % 4;
    terms->parts_size = next();
    terms->key = next_bytes(next() % 3);
    terms->on = next() % 3;
}

/* The encoder's own rules. */
static void make_fit(struct ms_command *command, ms_epoch epoch)
{
    if (command->kind == MS_KIND_COMMAND) {
        command->token.epoch = epoch;
        command->id.client.bytes[0] = 1;
        command->index = command->count > 0 ? command->index % (uint32_t)command->count : 0;
    } else if (command->kind == MS_KIND_PART && command->index % 2 == 0) {
        command->token.epoch = epoch;
        command->id.seq = 0;
    } else if (command->kind == MS_KIND_PART) {
        command->token = (struct ms_token){0};
    }
}

/* Any kind without a body, its fields from the program. */
static void say_plain(enum ms_kind kind)
{
    static uint8_t payload[5000];
    struct ms_load load = {.cpu = MS_PERMILLE_UNKNOWN};
    struct ms_command command = {.kind = (uint8_t)kind};
    struct ms_terms terms = {0};
    uint8_t shape = next();
    ms_epoch epoch;

    command.id.seq = 1u + next();
    command.type = MS_TYPE_USER_MIN + next() % 4;
    command.token = next_token();
    command.count = next();
    command.attempt = 1u + next() % 3;
    command.attempts_max = next() % 4;
    command.status = next() % MS_STATUS_COUNT;
    command.stream = next() % MS_STREAM_COUNT;
    command.flags = next();
    command.durability = next() % MS_DURABILITY_COUNT;
    command.error = kind == MS_KIND_SUBMIT_NAK ? MS_E_RETRY_LATER : 0;
    command.index = next() % 4;
    command.payload = (struct ms_bytes){payload, (shape & 1) != 0 ? next() * 19u : next() % 8u};
    command.detail = (struct ms_bytes){(const uint8_t *)"detail", (shape & 2) != 0 ? 6 : 0};
    command.delay = (shape & 4) != 0 ? next() * MS_MSEC : 0;
    command.timeout = (shape & 8) != 0 ? next() * MS_MSEC : 0;
    epoch = (shape & 16) != 0 ? next_epoch() : world.epoch;
    if (kind == MS_KIND_SUBMIT && (shape & 32) != 0) {
        next_terms(&terms);
        command.terms = &terms;
    } else if (kind == MS_KIND_BEAT && (shape & 32) != 0) {
        load.memory = next();
        load.running = next();
        load.slots = next();
        command.body.load = &load;
    }
    make_fit(&command, epoch);
    say(epoch, &command);
}

static void say_command(void)
{
    enum ms_kind kind = (enum ms_kind)(next() % MS_KIND_COUNT);

    if (strcmp(ms_kind_name(kind), "unknown") == 0 || kind == MS_KIND_NONE) {
        kind = MS_KIND_SUBMIT;
    }
    switch (kind) {
    case MS_KIND_HELLO:
        say_hello();
        break;
    case MS_KIND_ANNOUNCE:
        say_announce();
        break;
    case MS_KIND_ROLL:
    case MS_KIND_VERDICT:
        say_roll(kind);
        break;
    case MS_KIND_QUERY:
        say_query();
        break;
    case MS_KIND_WELCOME:
    case MS_KIND_REPORT:
        break; /* the raw bytes get there */
    default:
        say_plain(kind);
        break;
    }
}

static void replay(void *context, struct ms_bytes entry)
{
    const struct ms_command command = {.payload = entry};

    (void)context;
    step(&(struct ms_event){.type = MS_EVENT_REPLAYED, .command = &command});
    ms_assert(!world.is_stopped); /* it is what a master wrote */
}

static void begin(void)
{
    const struct ms_master_config config = {
        .epoch = 1,
        .is_durable = world.is_durable,
        .wall_offset = INT64_C(1700000000000000),
        .payload_max = 4096,
        .crashes_max = 1,
        .limits = {.sessions_max = 8,
                   .commands_max = 64,
                   .bytes_max = 256 << 10,
                   .store_reserve = 4096},
        .name = "fuzz",
        .build = "0",
    };

    for (size_t i = 0; i < PEERS; i++) {
        world.peers[i].name = MS_PEER_NONE;
    }
    world.is_ready = world.is_stopped = false;
    world.master = ms_master_create(&config);
    ms_assert(world.master != NULL);
    world.engine = ms_master_engine(world.master);
    if (world.is_durable) {
        step(&(struct ms_event){.type = MS_EVENT_ROOM, .count = 1 << 20});
        fuzz_store_each(replay, NULL);
        step(&(struct ms_event){.type = MS_EVENT_REPLAYED});
        persist();
        ms_assert(world.is_ready);
    }
}

/* The process is killed: what was not durable is lost, and so are all connections. */
static void kill_master(void)
{
    fuzz_store_lose();
    ms_master_destroy(world.master);
    begin();
}

static void end_connection(void)
{
    if (world.is_durable && next() % 4 == 0) {
        kill_master();
    } else {
        hang_up(world.at, MS_E_CLOSED);
    }
}

static void run(void)
{
    for (int i = 0; i < STEPS_MAX && world.size > 0 && !world.is_stopped; i++) {
        switch (next() % 8) {
        case 0:
            feed(next_bytes(next()));
            break;
        case 1:
            tick();
            break;
        case 2:
            world.at = &world.peers[next() % PEERS];
            break;
        case 3:
            end_connection();
            break;
        case 4:
            say_hello();
            break;
        default:
            say_command();
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (world.decoder == NULL) {
        world.decoder = ms_decoder_create();
        ms_assert(world.decoder != NULL);
    }
    for (size_t i = 0; i < PEERS; i++) {
        world.peers[i].generation = 0;
        world.peers[i].token = (struct ms_uuid){0};
    }
    world.at = &world.peers[0];
    world.now = 0;
    world.epoch = 1;
    world.tokens_count = 0;
    world.data = data;
    world.size = size;
    world.is_durable = size > 0 && data[0] == DURABLE;
    if (world.is_durable) {
        (void)next();
    }
    begin();
    run();
    ms_master_destroy(world.master);
    fuzz_store_clear();
    return 0;
}
