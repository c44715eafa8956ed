/* The plug-in ABI of muster's services: a server type that lives in the master, or in the pair of masters, with a state
 * that both halves have. For C11 and C++11. docs/services.md is the guide.
 *
 * A plug-in is a shared object that exports `ms_service_v1`. It needs no library of muster, and runs in the master's process, on its only
 * thread: nothing in it may block, open a file, ask for the time or draw a random number. The state is changed by `apply` alone, which
 * has to come to the same from the same records on every machine; time is an argument.
 *
 * Versions: structs begin with abi and size and only grow at their end; a host refuses another abi. */
#ifndef SERVICES_MS_SERVICE_H
#define SERVICES_MS_SERVICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MS_SERVICE_ABI 1u

#ifdef __cplusplus
extern "C" {
#endif

/* What handle, apply and merge return. */
enum ms_service_verdict {
    MS_SERVICE_REPLY =
        0, /* what was written is the reply; merge: nothing of the change is missing */
    MS_SERVICE_PROPOSE =
        1, /* handle, merge: what was written is a change, to be made and then applied */
    MS_SERVICE_WAIT =
        2, /* handle: ask again after the next change, or when the call's time is over */
    /* What was written is a sentence that says why not. */
    MS_SERVICE_BAD_ARGUMENT = 3,
    MS_SERVICE_NOT_FOUND = 4,
    MS_SERVICE_CONFLICT = 5, /* it is not as the caller thought */
    MS_SERVICE_FULL = 6      /* the state would become too large */
};

/* Where functions write what they have to say; of the host. Use ms_service_write and ms_service_say. */
struct ms_service_writer {
    uint32_t abi, size;
    /* 0 = taken; -1: it would be more than the host takes of that kind, or memory is out. Then all of it is void, and whoever waits
     * is told so. */
    int (*write)(struct ms_service_writer *writer, const void *data, size_t size);
};

/* The URL of a call: COMPANY:...//SERVICE/PARAMETERS. What it does not have is "". */
struct ms_service_url {
    uint32_t abi, size;
    const char *company, *service, *parameters;
};

/* One call. Everything is borrowed for the function. */
struct ms_service_call {
    uint32_t abi, size;
    const struct ms_service_url *url;
    const void *payload;
    size_t payload_size;
    const uint8_t *client; /* 16 bytes that name who calls, */
    uint64_t number;       /* and which of his calls it is: the same when it comes again */
    int64_t wall_us;       /* since 1970 */
    int is_last;           /* its time is over, or it wants none: WAIT is TIMEOUT now */
};

/* One change, as the journal has it. */
struct ms_service_change {
    uint32_t abi, size;
    const void *data; /* what handle wrote */
    size_t data_size;
    const uint8_t *client; /* of the call; of a change of the service's own all zero */
    uint64_t number;
    uint64_t version; /* changes of this service so far, this one with them: from 1 */
    int64_t wall_us;  /* when it was made: not when it is applied */
};

/* Of this service in this master. */
struct ms_service_host {
    uint32_t abi, size;
    const char *name; /* of its description file: kv.service is kv */
    void *context;
    void (*log)(const struct ms_service_host *host, const char *text); /* a line for people */
};

/* What a plug-in exports: const, for ever valid. Begin it with MS_SERVICE_HEADER. All functions but create and apply may be NULL. */
struct ms_service {
    uint32_t abi;      /* MS_SERVICE_ABI */
    uint32_t size;     /* sizeof(struct ms_service) */
    const char *type;  /* 1 .. 63 of letters, digits, '.', '_', '-' */
    const char *about; /* one line for people */

    /* The chain: is that URL for the service of this name? 0 = no, and the next one is asked. NULL: its service is the name. */
    int (*claims)(const char *name, const struct ms_service_url *url);

    /* The factory: an empty state. It is made anew for each time that this half is active, from the journal. NULL = no memory. host lives
     * as long as the state does. */
    void *(*create)(const struct ms_service_host *host);
    void (*destroy)(void *state);

    /* A call: REPLY with what is known, PROPOSE a change, WAIT, or a refusal. Changes nothing. NULL: each call is
     * proposed as it is, its payload. */
    int (*handle)(void *state, const struct ms_service_call *call, struct ms_service_writer *out);
    /* A change, and the reply to the call it is of (at most 4,096 bytes): REPLY, or a refusal. */
    int (*apply)(void *state, const struct ms_service_change *change,
                 struct ms_service_writer *out);

    /* Synchronise state: all of the state as bytes, and back, into a state that create has just made. 0 = done. NULL, both: it is what all
     * its changes make it, which are kept. */
    int (*snapshot)(const void *state, struct ms_service_writer *out);
    int (*restore)(void *state, const void *data, size_t size);

    /* A change that the other half made when it was active, and this one does not have. The state is that of now. REPLY: nothing is to be
     * done; PROPOSE: what was written. NULL: it is made here, at the end, as it is. */
    int (*merge)(const void *state, const struct ms_service_change *change,
                 struct ms_service_writer *out);

    /* Synchronise configuration. The sending side: what both halves shall go by, of the parameters in the description file of the half that
     * is active. NULL: these parameters. The receiving side: that is so from now on; a part of the state. 0 = taken; else the service does
     * not serve. NULL: parameters are ignored. */
    int (*configure)(const char *parameters, struct ms_service_writer *out);
    int (*configured)(void *state, const void *data, size_t size);

    /* Take over: this half serves from now on, and the state is that of all changes. PROPOSE: what was written is a change. */
    int (*take_over)(void *state, uint64_t epoch, int64_t wall_us, struct ms_service_writer *out);
    /* Fail back: this half does not serve any more; what the state holds outside is let go. destroy follows. */
    void (*fail_back)(void *state);
    /* Heartbeat: at most 64 bytes of text that people see with it. NULL: its version. */
    void (*heartbeat)(const void *state, struct ms_service_writer *out);
    /* Peer unreachable: the other half does not have what happens from now on (0), or has everything again (1). NULL: a line in the log. */
    void (*peer)(void *state, int is_there);
};

#define MS_SERVICE_HEADER MS_SERVICE_ABI, (uint32_t)sizeof(struct ms_service)

#if defined(__GNUC__)
#define MS_SERVICE_PUBLIC __attribute__((visibility("default")))
#else
#define MS_SERVICE_PUBLIC
#endif
extern MS_SERVICE_PUBLIC const struct ms_service ms_service_v1;

static inline int ms_service_write(struct ms_service_writer *writer, const void *data, size_t size)
{
    return writer->write(writer, data, size);
}

static inline int ms_service_say(struct ms_service_writer *writer, const char *text)
{
    return writer->write(writer, text, strlen(text));
}

#ifdef __cplusplus
}
#endif

#endif
