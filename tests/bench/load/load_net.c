/* Sockets and buffers: one epoll loop, one read and one write per connection and turn. */
#define _GNU_SOURCE
#include "tests/bench/load/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE      (256 * 1024)
#define IDLE_READ_SIZE 512
#define BUFFER_MIN     512
#define EVENTS_MAX     512

static int epoll_fd;
static struct conn **dirty;
static int dirty_count;

static void grow(struct buffer *buffer, size_t size)
{
    if (buffer->read == buffer->write) {
        buffer->read = buffer->write = 0;
    }
    if (buffer->capacity - buffer->write >= size) {
        return;
    }
    if (buffer->read > 0) {
        memmove(buffer->data, buffer->data + buffer->read, buffer->write - buffer->read);
        buffer->write -= buffer->read;
        buffer->read = 0;
    }
    while (buffer->capacity - buffer->write < size) {
        buffer->capacity = buffer->capacity > 0 ? buffer->capacity * 2 : BUFFER_MIN;
    }
    buffer->data = realloc(buffer->data, buffer->capacity);
    if (buffer->data == NULL) {
        die("no memory");
    }
}

char *room(struct conn *conn, size_t size)
{
    grow(&conn->out, size);
    if (!conn->dirty) {
        conn->dirty = 1;
        dirty[dirty_count++] = conn;
    }
    return conn->out.data + conn->out.write;
}

char *stage(struct conn *conn, size_t size)
{
    char *bytes;

    room(conn, 0);
    grow(&conn->staged, size);
    bytes = conn->staged.data + conn->staged.write;
    conn->staged.write += size;
    return bytes;
}

void put_number(struct conn *conn, uint64_t value)
{
    char digits[20];
    int at = (int)sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(conn, digits + at, sizeof digits - (size_t)at);
}

void put_format(struct conn *conn, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(conn, text, (size_t)size);
}

static int new_socket(int flags)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (fd < 0) {
        die("socket: %s", strerror(errno));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        die("connect: %s", strerror(errno));
    }
    return fd;
}

int control_open(void)
{
    return new_socket(0);
}

void control_send(int fd, const void *bytes, size_t size)
{
    if (write(fd, bytes, size) != (ssize_t)size) {
        die("control write");
    }
}

int control_receive(int fd, char *text, int capacity)
{
    ssize_t size = read(fd, text, (size_t)capacity - 1);

    if (size <= 0) {
        die("control read");
    }
    text[size] = 0;
    return (int)size;
}

static void watch(struct conn *conn, int writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = conn};

    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    conn->wants_write = writable;
}

static void flush_one(struct conn *conn)
{
    struct buffer *out = &conn->out;

    if (driver->flush != NULL) {
        driver->flush(conn);
    }
    while (out->read < out->write) {
        ssize_t size = write(conn->fd, out->data + out->read, out->write - out->read);

        if (size < 0 && errno == EAGAIN) {
            if (!conn->wants_write) {
                watch(conn, 1);
            }
            return;
        }
        if (size < 0) {
            die("write (role %d): %s", conn->role, strerror(errno));
        }
        out->read += (size_t)size;
    }
    out->read = out->write = 0;
    if (conn->wants_write) {
        watch(conn, 0);
    }
}

void net_flush(void)
{
    for (int i = 0; i < dirty_count; i++) {
        if (dirty[i]->connected) {
            flush_one(dirty[i]);
        }
        dirty[i]->dirty = 0;
    }
    dirty_count = 0;
}

void net_start(int conns_max)
{
    dirty = calloc((size_t)conns_max + 1, sizeof(struct conn *));
    epoll_fd = epoll_create1(0);
    if (dirty == NULL || epoll_fd < 0) {
        die("cannot start: %s", strerror(errno));
    }
}

void net_open(struct conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = conn};

    conn->fd = new_socket(SOCK_NONBLOCK);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
    conn->wants_write = 1;
    driver->hello(conn);
}

static void read_one(struct conn *conn)
{
    size_t size =
        conn->role == WORKER && (options.idle || options.herd > 0) ? IDLE_READ_SIZE : READ_SIZE;
    ssize_t got;

    grow(&conn->in, size);
    got = read(conn->fd, conn->in.data + conn->in.write, conn->in.capacity - conn->in.write);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        die("the server closed a connection (role %d): %s", conn->role,
            got < 0 ? strerror(errno) : "end of file");
    }
    conn->in.write += (size_t)got;
    driver->input(conn);
}

static void serve(struct conn *conn, uint32_t events)
{
    if ((events & EPOLLOUT) != 0) {
        if (!conn->connected) {
            int error = 0;
            socklen_t size = sizeof error;

            getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0) {
                die("connect: %s", strerror(error));
            }
            conn->connected = 1;
        }
        flush_one(conn);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        read_one(conn);
    }
}

void net_turn(int timeout_ms)
{
    static struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(epoll_fd, events, EVENTS_MAX, options.spin ? 0 : timeout_ms);

    for (int i = 0; i < count; i++) {
        serve(events[i].data.ptr, events[i].events);
    }
    net_flush();
}
