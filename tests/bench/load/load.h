/* A one-process load generator: producers and workers in one epoll loop over raw sockets, the same
 * for every system. The core owns sockets, buffers, windows, checks and clocks; a driver (one file
 * per system) only speaks that system's protocol.
 *
 * Every run checks that each command reached exactly one worker once, and that each result came
 * once with its number; a run that loses or repeats one dies and yields no figure. */
#ifndef BENCH_LOAD_LOAD_H
#define BENCH_LOAD_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes waiting lie in [read, write). */
struct buffer {
    char *data;
    size_t capacity, read, write;
};

enum role { PRODUCER, REPLIES, WORKER };

struct conn {
    int fd, role, index;
    struct buffer in, out;
    int connected, ready, dirty, wants_write;
    /* for the driver's use */
    int pending;  /* requests of the current batch that are not answered yet */
    int got;      /* commands received in the current batch */
    int sent;     /* completions sent that the server has not confirmed yet */
    int confirms; /* completions that the next answer confirms */
    int sleeping, state, extra;
    uint64_t first, last; /* a run of numbers */
    struct buffer staged; /* what the driver's flush will write in one request */
    char inbox[128];
};

struct driver {
    const char *name;
    int port;
    int has_replies;                  /* a round trip needs a REPLIES connection per producer */
    void (*setup)(void);              /* create queues, over a blocking connection */
    void (*hello)(struct conn *conn); /* first bytes on a new connection */
    void (*start)(struct conn *conn); /* worker or reply reader: ask for the first batch */
    void (*submit)(struct conn *conn, const char *payload);
    void (*input)(struct conn *conn); /* parse conn->in */
    void (*flush)(struct conn *conn); /* before its bytes are written: close open frames */
    void (*beat)(struct conn *conn);  /* about once a second: say that it is alive */
    int (*settled)(void);             /* at the end: has the server processed every completion? */
};

struct options {
    int round_trip; /* 0: background */
    int count;      /* commands */
    int size;       /* payload bytes */
    int workers, producers;
    int depth;   /* submissions without an answer */
    int queue;   /* background: commands not completed */
    int batch;   /* commands a worker asks for at once */
    int latency; /* record latencies */
    int variant; /* driver specific */
    int idle;    /* connect the workers, measure, and leave */
    int waiting; /* background: workers ask for nothing, all commands stay in the queue */
    int mark;    /* round trip: a line of the server's memory after each so many results */
    int herd;    /* idle workers that stay connected while the load runs */
    int wave;    /* connections in their handshake at one time */
    int fork;    /* workers in a process of their own (round trip only) */
    int spin;    /* never sleep in epoll_wait */
    int port, limit_s, server_pid;
};
extern struct options options;
extern const struct driver *driver;

/* load_check.c: what happened, called by drivers */
void mark_ready(struct conn *conn);
void acked(int count);                         /* accepted by the server */
void handle(const char *payload, size_t size); /* a worker has the command */
void completed(int count);                     /* completion processed by the server */
void result(const char *payload, size_t size); /* the producer has the result */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* load_check.c: for the loop */
struct tally {
    int submitted, acked, handled, completed, results, ready;
};
extern struct tally tally;
void check_start(void);
const char *check_next_payload(void);
void check_all_arrived(void);
void check_print_latencies(void);
uint64_t now_ns(void);

/* load_net.c */
char *room(struct conn *conn, size_t size);  /* writable bytes; then conn->out.write += used */
char *stage(struct conn *conn, size_t size); /* that many bytes of conn->staged, taken */
static inline void put(struct conn *conn, const void *bytes, size_t size)
{
    memcpy(room(conn, size), bytes, size);
    conn->out.write += size;
}
#define put_text(conn, text) put((conn), (text), sizeof(text) - 1)
void put_number(struct conn *conn, uint64_t value); /* decimal */
void put_format(struct conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline char *input_at(struct conn *conn)
{
    return conn->in.data + conn->in.read;
}
static inline size_t input_size(struct conn *conn)
{
    return conn->in.write - conn->in.read;
}
static inline uint64_t decimal(const char *text)
{
    uint64_t value = 0;

    while (*text >= '0' && *text <= '9') {
        value = value * 10 + (uint64_t)(*text++ - '0');
    }
    return value;
}

/* a blocking connection for setup and final checks */
int control_open(void);
void control_send(int fd, const void *bytes, size_t size);
int control_receive(int fd, char *text, int capacity); /* one read, zero-terminated */

void net_start(int conns_max);
void net_open(struct conn *conn);
void net_turn(int timeout_ms);
void net_flush(void);

/* load_proc.c: figures of processes */
double process_cpu_s(int pid, double *system_out);
long process_rss_kib(int pid);  /* VmRSS */
long process_anon_kib(int pid); /* of it, what no file stands behind: RssAnon */
int process_threads(int pid);
double own_cpu_s(void);
double machine_steal_s(double *busy_out);

extern const struct driver driver_raw, driver_gearman, driver_redis, driver_nats, driver_jetstream,
    driver_beanstalk, driver_muster;

#endif
