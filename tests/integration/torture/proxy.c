/* A proxy of TCP connections that can be a bad network, and a witness of what masters say.
 *
 * fault_proxy FRAMES
 *
 * Orders come on standard input, one line each, and each is answered by one line, in order:
 *
 *     link NAME HOST:PORT WATCH     a new link to there; answered by its port, on all of our addresses
 *     set NAME THERE BACK DELAY_MS  THERE, BACK: pass or hold what goes to the target, and from it
 *     reset NAME                    breaks all its connections
 *
 * A direction on hold loses nothing and lets nothing through, not even the end of a connection, and no new connection
 * comes about: what TCP makes of a black hole. It goes on being read, up to HELD_MAX, so that its writer does not feel
 * it. With WATCH = 1 what comes back from the target is read as frames, and a line goes into the file FRAMES for each that
 * only a serving master sends, when it arrives here: NS NAME KIND EPOCH. Standard input at its end ends the proxy. */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX   64
#define NAME_SIZE   32
#define LINE_SIZE   256
#define WORDS_MAX   6
#define CHUNK_SIZE  ((size_t)64 << 10)
#define HELD_MAX    ((size_t)32 << 20)
#define BACKLOG     64
#define HEADER_SIZE 20
#define KIND_AT     3
#define LENGTH_AT   8
#define EPOCH_AT    12
#define FLUSH_S     0.2
#define NS_PER_S    1000000000ll

struct chunk {
    struct chunk *next;
    ev_tstamp due;
    size_t size, sent;
    unsigned char data[];
};

/* Reads frames out of a stream that it sees in pieces. */
struct observer {
    unsigned char header[HEADER_SIZE];
    size_t have;
    uint64_t skip; /* bytes of body to come */
};

enum way { THERE, BACK, WAYS };

/* One direction of a connection. */
struct lane {
    ev_io reader, writer;
    ev_timer timer;
    struct chunk *first, **last;
    struct pipe *pipe;
    size_t held;
    enum way way;
    bool is_at_end; /* nothing more will be read */
    bool is_over;   /* and that was passed on */
};

/* One connection: from who dialled us (side 0) to the target (side 1). */
struct pipe {
    struct pipe *next, **back;
    struct link *link;
    int sockets[2];
    bool is_connecting, is_connected, is_broken;
    struct lane lanes[WAYS];
    struct observer observer;
};

struct link {
    char name[NAME_SIZE];
    struct sockaddr_in target;
    ev_io listener;
    struct pipe *pipes;
    ev_tstamp delay;
    bool is_held[WAYS], is_watched;
};

static struct {
    struct ev_loop *loop;
    struct link links[LINKS_MAX];
    size_t count;
    FILE *frames;
    char line[LINE_SIZE];
    size_t line_size;
} self;

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "fault_proxy: %s: %s\n", what, strerror(errno));
    exit(EX_SOFTWARE);
}

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * NS_PER_S + (long long)now.tv_nsec;
}

/* --- what masters say ------------------------------------------------------------------------------------ */

/* WELCOME, COMMAND, RESULT_ACK, SUBMIT_ACK, OUTCOME, CANCEL_ACK: an act in an epoch. The numbers are written
 * out, so that a mistake in the programs' own table is not made twice. */
static bool is_act(unsigned kind)
{
    return kind == 2 || kind == 18 || kind == 21 || kind == 33 || kind == 35 || kind == 39;
}

static uint64_t number_at(const unsigned char *data, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++) {
        number = number << 8 | data[i];
    }
    return number;
}

/* A whole header; what follows is its body. */
static void observe_header(struct pipe *pipe)
{
    struct observer *observer = &pipe->observer;
    const unsigned kind = observer->header[KIND_AT];

    observer->have = 0;
    observer->skip = number_at(observer->header + LENGTH_AT, 4);
    if (is_act(kind)) {
        fprintf(self.frames, "%lld %s %u %" PRIu64 "\n", now_ns(), pipe->link->name, kind,
                number_at(observer->header + EPOCH_AT, 8));
    }
}

static void observe(struct pipe *pipe, const unsigned char *data, size_t size)
{
    struct observer *observer = &pipe->observer;

    while (size > 0) {
        const uint64_t wanted = observer->skip > 0 ? observer->skip : HEADER_SIZE - observer->have;
        const size_t used = wanted < size ? (size_t)wanted : size;

        if (observer->skip > 0) {
            observer->skip -= used;
        } else {
            memcpy(observer->header + observer->have, data, used);
            observer->have += used;
        }
        if (observer->have == HEADER_SIZE) {
            observe_header(pipe);
        }
        data += used;
        size -= used;
    }
}

/* --- pipes ----------------------------------------------------------------------------------------------- */

static bool is_held(const struct pipe *pipe, enum way way)
{
    return pipe->link->is_held[way];
}

static void drop_chunk(struct lane *lane)
{
    struct chunk *chunk = lane->first;

    lane->first = chunk->next;
    if (lane->first == NULL) {
        lane->last = &lane->first;
    }
    lane->held -= chunk->size;
    free(chunk);
}

/* Both sides are told by a reset, or by an end that they know of already. */
static void end_pipe(struct pipe *pipe, bool is_reset)
{
    const struct linger linger = {.l_onoff = 1};

    for (int way = 0; way < WAYS; way++) {
        struct lane *lane = &pipe->lanes[way];

        ev_io_stop(self.loop, &lane->reader);
        ev_io_stop(self.loop, &lane->writer);
        ev_timer_stop(self.loop, &lane->timer);
        while (lane->first != NULL) {
            drop_chunk(lane);
        }
    }
    for (int side = 0; side < WAYS; side++) {
        if (pipe->sockets[side] >= 0) {
            if (is_reset) {
                setsockopt(pipe->sockets[side], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
            }
            close(pipe->sockets[side]);
        }
    }
    *pipe->back = pipe->next;
    if (pipe->next != NULL) {
        pipe->next->back = pipe->back;
    }
    free(pipe);
}

/* Writes what is due; false when it cannot go on. */
static bool write_due(struct lane *lane)
{
    const int to = lane->pipe->sockets[lane->way == THERE];
    const ev_tstamp now = ev_now(self.loop);

    while (lane->first != NULL) {
        struct chunk *chunk = lane->first;

        if (chunk->due > now) {
            ev_timer_stop(self.loop, &lane->timer);
            ev_timer_set(&lane->timer, chunk->due - now, 0);
            ev_timer_start(self.loop, &lane->timer);
            return true;
        }
        const ssize_t size =
            send(to, chunk->data + chunk->sent, chunk->size - chunk->sent, MSG_NOSIGNAL);

        if (size < 0) {
            if (errno == EAGAIN) {
                ev_io_start(self.loop, &lane->writer);
            }
            return errno == EAGAIN;
        }
        chunk->sent += (size_t)size;
        if (chunk->sent == chunk->size) {
            drop_chunk(lane);
        }
    }
    return true;
}

/* Moves what may move; the pipe may be gone afterwards. */
static void pump(struct lane *lane)
{
    struct pipe *pipe = lane->pipe;

    if (!pipe->is_connected) {
        return;
    }
    ev_io_stop(self.loop, &lane->writer);
    if (is_held(pipe, lane->way)) {
        return;
    }
    if (!write_due(lane)) {
        pipe->is_broken =
            true; /* the other end of this lane is told as soon as its own lane may move */
        lane->is_at_end = true;
        while (lane->first != NULL) {
            drop_chunk(lane);
        }
    }
    if (!lane->is_at_end || lane->first != NULL) {
        if (lane->held < HELD_MAX && !lane->is_at_end) {
            ev_io_start(self.loop, &lane->reader);
        }
        return;
    }
    if (pipe->is_broken) {
        if (!is_held(pipe, THERE) && !is_held(pipe, BACK)) {
            end_pipe(pipe, true);
        }
        return;
    }
    if (!lane->is_over) {
        lane->is_over = true;
        shutdown(pipe->sockets[lane->way == THERE], SHUT_WR);
    }
    if (pipe->lanes[THERE].is_over && pipe->lanes[BACK].is_over) {
        end_pipe(pipe, false);
    }
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct lane *lane = watcher->data;
    struct pipe *pipe = lane->pipe;
    struct chunk *chunk = malloc(sizeof *chunk + CHUNK_SIZE);

    (void)events;
    if (chunk == NULL) {
        die("memory");
    }
    const ssize_t size = recv(watcher->fd, chunk->data, CHUNK_SIZE, 0);

    if (size < 0 && errno == EAGAIN) {
        free(chunk);
        return;
    }
    if (size <= 0) {
        free(chunk);
        lane->is_at_end = true;
        pipe->is_broken |= size < 0;
        ev_io_stop(loop, watcher);
    } else {
        struct chunk *smaller = realloc(chunk, sizeof *chunk + (size_t)size);

        chunk = smaller != NULL ? smaller : chunk;
        chunk->next = NULL;
        chunk->due = ev_now(loop) + pipe->link->delay;
        chunk->size = (size_t)size;
        chunk->sent = 0;
        *lane->last = chunk;
        lane->last = &chunk->next;
        lane->held += chunk->size;
        if (pipe->link->is_watched && lane->way == BACK) {
            observe(pipe, chunk->data, chunk->size);
        }
        if (lane->held >= HELD_MAX) {
            ev_io_stop(loop, watcher);
        }
    }
    pump(lane);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    pump(watcher->data);
}

static void on_due(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    pump(watcher->data);
}

/* --- connections ----------------------------------------------------------------------------------------- */

static void on_connected(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct lane *lane = watcher->data;
    struct pipe *pipe = lane->pipe;
    int error = 0;
    socklen_t size = sizeof error;

    (void)events;
    ev_io_stop(loop, watcher);
    getsockopt(pipe->sockets[1], SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        end_pipe(pipe, true);
        return;
    }
    pipe->is_connected = true;
    ev_set_cb(watcher, on_writable);
    for (int way = 0; way < WAYS; way++) {
        ev_io_start(loop, &pipe->lanes[way].reader);
    }
}

/* Dials the target, unless the link is on hold: then nobody can come through. */
static void dial(struct pipe *pipe)
{
    const int one = 1;

    if (pipe->is_connecting || is_held(pipe, THERE) || is_held(pipe, BACK)) {
        return;
    }
    pipe->is_connecting = true;
    pipe->sockets[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (pipe->sockets[1] < 0) {
        die("socket");
    }
    setsockopt(pipe->sockets[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int way = 0; way < WAYS; way++) {
        struct lane *lane = &pipe->lanes[way];

        ev_io_set(&lane->reader, pipe->sockets[way], EV_READ);
        ev_io_set(&lane->writer, pipe->sockets[1 - way], EV_WRITE);
    }
    const int error = connect(pipe->sockets[1], (const struct sockaddr *)&pipe->link->target,
                              sizeof pipe->link->target);

    if (error < 0 && errno != EINPROGRESS) {
        end_pipe(pipe, true);
        return;
    }
    ev_set_cb(&pipe->lanes[THERE].writer, on_connected);
    ev_io_start(self.loop, &pipe->lanes[THERE].writer);
}

static void on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct link *link = watcher->data;
    const int one = 1;
    const int socket = accept4(watcher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)loop;
    (void)events;
    if (socket < 0) {
        return;
    }
    struct pipe *pipe = calloc(1, sizeof *pipe);

    if (pipe == NULL) {
        die("memory");
    }
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *pipe = (struct pipe){
        .next = link->pipes, .back = &link->pipes, .link = link, .sockets = {socket, -1}};
    if (pipe->next != NULL) {
        pipe->next->back = &pipe->next;
    }
    link->pipes = pipe;
    for (int way = 0; way < WAYS; way++) {
        struct lane *lane = &pipe->lanes[way];

        lane->pipe = pipe;
        lane->way = (enum way)way;
        lane->last = &lane->first;
        ev_init(&lane->reader, on_readable);
        ev_init(&lane->writer, on_writable);
        ev_init(&lane->timer, on_due);
        lane->reader.data = lane->writer.data = lane->timer.data = lane;
    }
    dial(pipe);
}

/* --- orders ---------------------------------------------------------------------------------------------- */

static struct link *find(const char *name)
{
    for (size_t i = 0; i < self.count; i++) {
        if (strcmp(self.links[i].name, name) == 0) {
            return &self.links[i];
        }
    }
    errno = ENOENT;
    die(name);
}

static unsigned make_link(char **words)
{
    struct link *link = &self.links[self.count++];
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_ANY)}};
    socklen_t size = sizeof here;
    char *colon = strchr(words[2], ':');

    if (self.count > LINKS_MAX || colon == NULL) {
        errno = EINVAL;
        die("link");
    }
    *colon = '\0';
    *link = (struct link){.is_watched = words[3][0] == '1'};
    snprintf(link->name, sizeof link->name, "%s", words[1]);
    link->target = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    if (inet_pton(AF_INET, words[2], &link->target.sin_addr) != 1) {
        die(words[2]);
    }
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (const struct sockaddr *)&here, sizeof here) < 0 ||
        listen(listener, BACKLOG) < 0 ||
        getsockname(listener, (struct sockaddr *)&here, &size) < 0) {
        die("listen");
    }
    ev_io_init(&link->listener, on_accept, listener, EV_READ);
    link->listener.data = link;
    ev_io_start(self.loop, &link->listener);
    return ntohs(here.sin_port);
}

static void set_link(char **words)
{
    struct link *link = find(words[1]);

    for (int way = 0; way < WAYS; way++) {
        link->is_held[way] = strcmp(words[2 + way], "hold") == 0;
    }
    link->delay = (ev_tstamp)strtoul(words[4], NULL, 10) / 1000;
    for (struct pipe *pipe = link->pipes, *next; pipe != NULL; pipe = next) {
        next = pipe->next;
        if (!pipe->is_connecting) {
            dial(pipe);
            continue;
        }
        /* A pipe that ends in the first is not there for the second. */
        struct pipe **place = pipe->back;

        pump(&pipe->lanes[THERE]);
        if (*place == pipe) {
            pump(&pipe->lanes[BACK]);
        }
    }
}

static void reset_link(char **words)
{
    struct link *link = find(words[1]);

    while (link->pipes != NULL) {
        end_pipe(link->pipes, true);
    }
}

static void obey(char *line)
{
    char *words[WORDS_MAX] = {NULL};
    size_t count = 0;

    while (count < WORDS_MAX && line != NULL && *line != '\0') {
        words[count++] = line;
        line = strchr(line, ' ');
        if (line != NULL) {
            *line++ = '\0';
        }
    }
    if (count == 4 && strcmp(words[0], "link") == 0) {
        printf("%u\n", make_link(words));
    } else if (count == 5 && strcmp(words[0], "set") == 0) {
        set_link(words);
        printf("ok\n");
    } else if (count == 2 && strcmp(words[0], "reset") == 0) {
        reset_link(words);
        printf("ok\n");
    } else {
        printf("what?\n");
    }
    fflush(stdout);
}

static void on_order(struct ev_loop *loop, ev_io *watcher, int events)
{
    char input[LINE_SIZE];
    const ssize_t size = read(watcher->fd, input, sizeof input);

    (void)events;
    if (size <= 0) {
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    for (ssize_t i = 0; i < size; i++) {
        if (input[i] != '\n' && self.line_size < LINE_SIZE - 1) {
            self.line[self.line_size++] = input[i];
        } else {
            self.line[self.line_size] = '\0';
            self.line_size = 0;
            obey(self.line);
        }
    }
}

static void on_flush(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
    fflush(self.frames);
}

int main(int argc, char **argv)
{
    ev_io orders;
    ev_timer flush;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FRAMES\n", argv[0]);
        return EX_USAGE;
    }
    self.frames = fopen(argv[1], "we");
    self.loop = ev_default_loop(0);
    if (self.frames == NULL || self.loop == NULL) {
        die(argv[1]);
    }
    ev_io_init(&orders, on_order, STDIN_FILENO, EV_READ);
    ev_io_start(self.loop, &orders);
    ev_timer_init(&flush, on_flush, FLUSH_S, FLUSH_S);
    ev_timer_start(self.loop, &flush);
    ev_run(self.loop, 0);
    fclose(self.frames);
    return EX_OK;
}
