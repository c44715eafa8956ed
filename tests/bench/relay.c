/* relay PORT SIZE [spin]: two hops without logic, as the mark of what the machine allows.
 *
 * A producer's bytes go on to the workers in turn, workers' bytes back to the producer, in chunks as
 * they were read, cut at messages of SIZE bytes. A connection's first byte says what it is: 'P' or 'W'. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK     (256 * 1024)
#define PEERS_MAX 64
#define LIFE_S    600
#define BACKLOG   64

struct peer {
    int fd, role;
    char *in;
    size_t in_size;
    char *out;
    size_t read, write, capacity;
};

static struct peer peers[PEERS_MAX], *workers[PEERS_MAX], *producer;
static int peers_count, workers_count, next_worker;
static size_t message_size;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void forget_all(void)
{
    peers_count = workers_count = next_worker = 0;
    producer = NULL;
}

/* Writes now, keeps the rest. */
static void send_to(struct peer *peer, const char *data, size_t size)
{
    if (peer->read == peer->write) {
        ssize_t sent = write(peer->fd, data, size);

        if (sent < 0 && errno != EAGAIN) {
            return; /* it is going away; its read will say so */
        }
        sent = sent < 0 ? 0 : sent;
        data += sent;
        size -= (size_t)sent;
        peer->read = peer->write = 0;
    }
    if (size == 0) {
        return;
    }
    if (peer->capacity < peer->write + size) {
        peer->capacity = (peer->write + size) * 2;
        peer->out = realloc(peer->out, peer->capacity);
        if (peer->out == NULL) {
            die("memory");
        }
    }
    memcpy(peer->out + peer->write, data, size);
    peer->write += size;
}

static void drain(struct peer *peer)
{
    if (peer->read < peer->write) {
        ssize_t sent = write(peer->fd, peer->out + peer->read, peer->write - peer->read);

        peer->read += sent > 0 ? (size_t)sent : 0;
    }
}

static void add(int epoll_fd, int fd)
{
    int one = 1;
    struct peer *peer;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};

    if (peers_count == PEERS_MAX) {
        forget_all();
    }
    peer = &peers[peers_count++];
    *peer = (struct peer){.fd = fd, .in = malloc(CHUNK)};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    event.data.ptr = peer;
    if (peer->in == NULL || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("new connection");
    }
}

static void pass_on(struct peer *peer)
{
    size_t skip = 0, whole;

    if (peer->role == 0) {
        peer->role = peer->in[0];
        skip = 1;
        if (peer->role == 'W') {
            workers[workers_count++] = peer;
        } else {
            producer = peer;
        }
    }
    whole = (peer->in_size - skip) / message_size * message_size;
    if (whole > 0 && peer->role == 'W' && producer != NULL) {
        send_to(producer, peer->in + skip, whole);
    } else if (whole > 0 && peer->role != 'W' && workers_count > 0) {
        send_to(workers[next_worker], peer->in + skip, whole);
        next_worker = (next_worker + 1) % workers_count;
    }
    peer->in_size -= skip + whole;
    memmove(peer->in, peer->in + skip + whole, peer->in_size);
}

/* Edge triggered: until it would block or a short read. */
static void read_all(struct peer *peer)
{
    for (;;) {
        size_t want = CHUNK - peer->in_size;
        ssize_t got = read(peer->fd, peer->in + peer->in_size, want);

        if (got < 0) {
            return;
        }
        if (got == 0) {
            close(peer->fd);
            if (peer == producer) {
                forget_all();
            }
            return;
        }
        peer->in_size += (size_t)got;
        pass_on(peer);
        if ((size_t)got < want) {
            return;
        }
    }
}

static int listen_on(int port)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0) {
        die("listen");
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[PEERS_MAX], event = {.events = EPOLLIN};
    int listener, epoll_fd, timeout = argc == 4 && strcmp(argv[3], "spin") == 0 ? 0 : -1;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "use: relay PORT SIZE [spin]\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    alarm(LIFE_S);
    message_size = (size_t)strtoul(argv[2], NULL, 10);
    listener = listen_on((int)strtol(argv[1], NULL, 10));
    epoll_fd = epoll_create1(0);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, PEERS_MAX, timeout);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                add(epoll_fd, accept(listener, NULL, NULL));
            } else {
                drain(events[i].data.ptr);
                read_all(events[i].data.ptr);
            }
        }
    }
}
