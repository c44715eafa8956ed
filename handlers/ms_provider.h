/* The plug-in ABI of muster for providers: what makes commands inside a master, and is told what came of them. For C11 and C++11.
 *
 * A plug-in is a shared object that exports `ms_provider_v2`. It needs no library of muster. It is opened anew whenever a master
 * begins to serve, so it holds nothing that has to outlive it: where it goes on from is its cursor, what it remembers of outcomes
 * its state, and the master keeps both, on both halves of a pair, together with the commands and their ends.
 *
 *   produce   the command behind a cursor must always be the same one: after a crash or a takeover it may be asked for again, and
 *             the master takes it for the same. It is asked only when all that it made before is durable.
 *   told      each outcome once at least, in no order of numbers. What it returned DONE for, with the state it gave with that, is
 *             written at once: so a sum in the state counts each outcome once exactly. What it returned KEEP for is told again to
 *             the next one that is opened, until one says ALL_DONE.
 *
 * Threads: all functions of one provider are called on one thread, which is not the master's own. They may read files, and should
 * come back in the time that slaves may be idle.
 *
 * Versions: structs begin with abi and size and only grow at their end; a host refuses another abi. */
#ifndef HANDLERS_MS_PROVIDER_H
#define HANDLERS_MS_PROVIDER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MS_PROVIDER_ABI 2u

#ifdef __cplusplus
extern "C" {
#endif

/* What produce returns. */
enum ms_provider_more {
    MS_PROVIDER_MORE = 0,  /* ask again as you like */
    MS_PROVIDER_REST = 1,  /* not before reply->rest_us */
    MS_PROVIDER_END = 2,   /* there are no more, ever */
    MS_PROVIDER_FAILED = 3 /* reply->why; not asked again until the master starts anew */
};

/* What told returns. */
enum ms_provider_heard {
    MS_PROVIDER_DONE = 0,
    MS_PROVIDER_KEEP = 1,
    MS_PROVIDER_ALL_DONE = 2, /* with this one and all for which it said KEEP */
    MS_PROVIDER_BROKEN = 3    /* as FAILED; the outcome stays */
};

/* One command. All of it is copied by put. */
struct ms_provider_command {
    const void *payload;
    size_t payload_size;
    const void *key; /* what it belongs to, at most 255 bytes; NULL = nothing */
    size_t key_size;
    const void *cursor; /* behind it, at most 16 KiB */
    size_t cursor_size;
};

/* How a provider answers; made by the host for one call. */
struct ms_provider_reply {
    uint32_t abi, size;
    void (*put)(struct ms_provider_reply *reply, const struct ms_provider_command *command);
    /* In told: its state from now on, at most 64 KiB; copied. */
    void (*remember)(struct ms_provider_reply *reply, const void *state, size_t size);
    int64_t rest_us;
    char why[256];
    void *host;
};

/* How it was configured. */
struct ms_provider_setup {
    uint32_t abi, size;
    const char *name;        /* of this provider */
    const char *const *with; /* "key=value" of the configuration, with_count of them */
    size_t with_count;
    const void *state; /* that was remembered last; size 0 = none was */
    size_t state_size;
    uint32_t
        is_check; /* 1: only to see whether it is right; nothing may be changed, and close follows */
};

/* What is wanted of produce. */
struct ms_provider_ask {
    uint32_t abi, size;
    uint64_t number; /* of the first command; they count from 1 */
    uint32_t count;  /* commands at most */
    const void *cursor;
    size_t cursor_size; /* 0 = from the beginning */
};

/* What came of one. status: 0 ok, 2 failed, 3 cancelled, 4 timeout, 5 crashed, 6 expired, 7 lost. */
struct ms_provider_outcome {
    uint32_t abi, size;
    uint64_t number;
    uint32_t status, attempt;
    int32_t code;
    const void *payload;
    size_t payload_size;
    const char *detail; /* detail_size bytes, not ended by a zero */
    size_t detail_size;
};

/* What a plug-in exports: const, for ever valid. Begin it with MS_PROVIDER_HEADER. */
struct ms_provider {
    uint32_t abi;            /* MS_PROVIDER_ABI */
    uint32_t size;           /* sizeof (struct ms_provider) */
    const char *name;        /* for people */
    const char *const *keys; /* of `with` that it knows, ended by NULL */

    /* What the others get as self; NULL, with reply->why, when the setup is wrong. */
    void *(*open)(const struct ms_provider_setup *setup, struct ms_provider_reply *reply);
    void (*close)(void *self);

    /* Puts at most ask->count commands, in order. enum ms_provider_more. */
    int (*produce)(void *self, const struct ms_provider_ask *ask, struct ms_provider_reply *reply);

    /* NULL = as if it returned DONE. enum ms_provider_heard. */
    int (*told)(void *self, const struct ms_provider_outcome *outcome,
                struct ms_provider_reply *reply);
};

#define MS_PROVIDER_HEADER MS_PROVIDER_ABI, (uint32_t)sizeof(struct ms_provider)

#if defined(__GNUC__)
#define MS_PROVIDER_PUBLIC __attribute__((visibility("default")))
#else
#define MS_PROVIDER_PUBLIC
#endif
extern MS_PROVIDER_PUBLIC const struct ms_provider ms_provider_v2;

/* The value of a key of `with`; NULL when it is not there. */
static inline const char *ms_provider_value(const struct ms_provider_setup *setup, const char *key)
{
    const size_t size = strlen(key);

    for (size_t i = 0; i < setup->with_count; i++) {
        if (strncmp(setup->with[i], key, size) == 0 && setup->with[i][size] == '=') {
            return setup->with[i] + size + 1;
        }
    }
    return NULL;
}

#ifdef __cplusplus
}
#endif

#endif
