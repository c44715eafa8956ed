/* The engine contract: everything that decides is fed events with the time and is then polled for
 * what to do about them. An engine has no clock, socket, thread, file or randomness of its own, so
 * the same object runs under the driver (core/io) and in the simulator (tests/sim).
 *
 * One turn of a driver:
 *     ms_engine_step(engine, now, &event);
 *     while (ms_engine_poll(engine, &effect)) { carry out effect }
 *     arm one timer for ms_engine_deadline(engine)
 *
 * Rules
 *  1. Nothing leaves before it is as durable as its class says: an engine emits an answer only when
 *     PERSISTED has covered its record. So effects may be carried out in order, without more rules.
 *  2. Steps are bounded: at most MS_EFFECTS_MAX effects. What is left makes the deadline "now", and
 *     the driver comes back with a TICK.
 *  3. Time is an argument, monotonic. Stepping with an earlier time than before is an error.
 *  4. Recovery is events too (REPLAYED): an engine with a store is stepped with every entry, oldest first,
 *     then with an empty one, before anything else but TICK.
 *  5. Borrowed pointers: what an event points to stays valid until its effects have been polled dry;
 *     what an effect points to stays valid until the next step. A driver polls dry before it steps.
 *
 * Not thread-safe: one thread owns an engine. */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "core/clear.h"
#include "core/command.h"
#include "core/trace.h"
#include "core/types.h"

enum ms_event_type {
    MS_EVENT_TICK,        /* the deadline passed */
    MS_EVENT_PEER_OPENED, /* peer, tag, nonce: a connection stands (accepted, or CONNECTed: tag) */
    MS_EVENT_PEER_CLOSED, /* peer (or none, when CONNECT failed), tag, error; never after CLOSE */
    MS_EVENT_RECEIVED,    /* peer, epoch, command: a whole, well-formed command */
    MS_EVENT_PERSISTED, /* every record up to seq survives a crash; error: the store failed, for good */
    MS_EVENT_REPLAYED, /* at start: entries of the store, in command.payload; none = that was all */
    MS_EVENT_ROOM,     /* count bytes may still be written to the store */
    MS_EVENT_FINISHED, /* slave: command (RESULT with token) says how a handler returned */
    MS_EVENT_OUTPUT,   /* slave: command (OUTPUT with token): a handler wrote something */
    MS_EVENT_PRODUCED, /* master: answers PRODUCE, with its tag, epoch and peer: command is a SUBMIT, the one of
                        * number seq, whose detail is the cursor behind it; or else it is the end of the
                        * answer: count = enum ms_produced, command.delay, command.detail = why */
    MS_EVENT_REQUEST, /* client: command is the application's SUBMIT, CANCEL or QUERY */
    MS_EVENT_STOP,    /* drain: finish what runs, accept nothing new; a second one: now */
    MS_EVENT_RELOAD,  /* the configuration was read again */
    MS_EVENT_STORED,  /* the record of a STORE survives a crash; error: it does not, for good */
    MS_EVENT_SCANNED, /* answers SCAN: entries in command.payload, seq = the last of them; none = that was all */
    MS_EVENT_ARRIVING, /* peer, which is MARKed: bytes of a command that is not whole yet */
    MS_EVENT_CLEARED, /* answers CLEAR; error: it was not done, for good; count = 1: BESIDE found no room, nothing has changed */
    MS_EVENT_TOLD, /* master: answers TELL of number seq, with its tag, epoch and peer, in the order of these: count =
                    * enum ms_told; command.payload = the provider's state by now, if command.index is 1; command.detail = why */
    MS_EVENT_LOAD, /* slave: command (BEAT with body.load): how busy the machine is; the rest of it is not told */
};

/* What comes after the commands of one PRODUCED. */
enum ms_produced {
    MS_PRODUCED_MORE,   /* it may be asked again at once, */
    MS_PRODUCED_REST,   /* or after command.delay */
    MS_PRODUCED_END,    /* there are no more, ever */
    MS_PRODUCED_FAILED, /* it cannot go on: command.detail */
};

/* What a provider makes of an outcome. */
enum ms_told {
    MS_TOLD_DONE, /* it is done with it */
    MS_TOLD_KEEP, /* it is to be told again to the next one that is opened */
    MS_TOLD_ALL,  /* done with this one, and with all that were kept */
    MS_TOLD_FAILED,
};

struct ms_event {
    enum ms_event_type type;
    uint32_t tag; /* of the CONNECT this answers; 0 = accepted by a listener */
    ms_peer peer;
    ms_epoch epoch;       /* RECEIVED: of the frame */
    ms_seq seq;           /* PERSISTED */
    uint64_t count;       /* ROOM; PERSISTED: on so many disks, 0 = one; PEER_CLOSED: 1 = refused */
    enum ms_error error;  /* PEER_CLOSED, PERSISTED: why */
    struct ms_uuid nonce; /* PEER_OPENED: 128 unpredictable bits, for a session token */
    bool is_apart;        /* PEER_OPENED, RECEIVED: accepted by a listener for the pair alone */
    const struct ms_command *command;
};

enum ms_effect_type {
    MS_EFFECT_CONNECT, /* tag, text = address; answered by PEER_OPENED or PEER_CLOSED with tag */
    MS_EFFECT_CLOSE,   /* peer: flush what was sent to it, then close; no PEER_CLOSED follows */
    MS_EFFECT_SEND,    /* peer, command; epoch goes into the frame */
    MS_EFFECT_PERSIST, /* command.payload: entries of the journal (proto/record.h), records up to seq,
                        * not sealed: whoever takes it may seal them where they stand; the driver answers
                        * with PERSISTED, once for as many as it likes */
    MS_EFFECT_RUN,     /* slave: run the handler of this COMMAND; answered by FINISHED, once */
    MS_EFFECT_ABORT,   /* slave: the attempt command.token shall stop; FINISHED still follows */
    MS_EFFECT_FOLLOW, /* slave: somebody watches command.token: its output is wanted as it comes */
    MS_EFFECT_LEVEL,  /* slave: count = enum ms_level of its log from now on */
    MS_EFFECT_OPEN, /* master: provider tag is opened, with command.payload = its state, in place of what it was; answers carry
                     * epoch, and peer, which here is no connection but counts the times that it was opened */
    MS_EFFECT_PRODUCE, /* master: provider tag shall make up to count commands from number seq on, behind the cursor
                        * command.payload; answered by PRODUCED, the last of them an end */
    MS_EFFECT_TELL, /* master: command is for provider tag: pieces of output (STREAM), then OUTCOME, which is answered by TOLD */
    MS_EFFECT_DELIVER, /* client: command is for the application */
    MS_EFFECT_READY,   /* master: all is replayed, and the new epoch is durable: clients may come */
    MS_EFFECT_STOPPED, /* drained: the program may end; error says how */

    /* Of a pair of masters. */
    MS_EFFECT_STORE, /* command.payload: the small record that is kept beside the store; replaces the former */
    MS_EFFECT_REPLAY, /* read the store back, all that was PERSISTed so far: REPLAYED events follow */
    MS_EFFECT_SCAN, /* count bytes of live entries above seq, in rising order, as they are by now at the least; one
                       * at least if there is any; answered by SCANNED, once, when what was PERSISTed before is durable */
    MS_EFFECT_CLEAR, /* seq = enum ms_clear of the store. ALL and ADOPT: count > 0: what was there is set aside under that
                        number, tag says as what (enum ms_aside); BESIDE says what ADOPT will */
    MS_EFFECT_MARK,  /* peer: is of the pair: read first, and while others are paused */
    MS_EFFECT_KEEP,  /* peer: may be silent for as long as it stands, before any greeting, too */
    MS_EFFECT_PAUSE, /* connections that have said something and are not marked are not read, nor is their end told */
    MS_EFFECT_RESUME,
};

struct ms_effect {
    enum ms_effect_type type;
    uint32_t tag;
    ms_peer peer;
    ms_epoch epoch;
    ms_seq seq;
    uint64_t count;
    enum ms_error error;
    const char *text;
    struct ms_command command;
};

struct ms_engine;

struct ms_engine_ops {
    const char *name;
    void (*step)(struct ms_engine *engine, ms_time now, const struct ms_event *event);
    ms_time (*deadline)(const struct ms_engine *engine);
};

/* Base of every engine: embedded first. Private to engine.c but for trace, which the owner sets. */
struct ms_engine {
    const struct ms_engine_ops *ops;
    struct ms_trace trace;
    ms_time now;
    uint64_t steps;            /* that were begun */
    struct ms_effect *effects; /* MS_EFFECTS_MAX; filled by a step, polled dry before the next */
    uint32_t head, count;
    /* Of an engine within another one (ms_engine_nest). */
    struct ms_engine *outer;
    uint32_t mark;    /* effects of the outer one when this one was stepped */
    uint32_t reserve; /* effects that are left to the outer one */
};

/* False when memory is short. */
bool ms_engine_init(struct ms_engine *engine, const struct ms_engine_ops *ops);
void ms_engine_finish(struct ms_engine *engine); /* accepts a zeroed engine */

void ms_engine_step(struct ms_engine *engine, ms_time now, const struct ms_event *event);

/* Takes the next effect, in order of emission; false when there is none. */
bool ms_engine_poll(struct ms_engine *engine, struct ms_effect *effect_out);
/* The same without a copy: it stays in place until the next step. NULL when there is none. */
const struct ms_effect *ms_engine_next(struct ms_engine *engine);

/* When to be stepped with TICK at the latest; MS_TIME_NEVER if idle. */
ms_time ms_engine_deadline(const struct ms_engine *engine);

/* The engine becomes a part of outer: what it emits goes into outer's queue at once, but for reserve places. Outer
 * steps it, at most once in a step of its own, because of rule 5. NULL: it stands alone again. */
void ms_engine_nest(struct ms_engine *engine, struct ms_engine *outer, uint32_t reserve);
/* Of outer, after it has stepped a part: the PERSIST that the part emitted; NULL = none. */
const struct ms_effect *ms_engine_last_persist(const struct ms_engine *outer);

/* For engines, inside step. */
void ms_engine_emit(struct ms_engine *engine, const struct ms_effect *effect);
void ms_engine_send(struct ms_engine *engine, ms_peer peer, ms_epoch epoch,
                    const struct ms_command *command);
void ms_engine_persist(struct ms_engine *engine, ms_seq seq, struct ms_bytes entries);
/* Forgets what the present step has emitted so far. */
void ms_engine_withdraw(struct ms_engine *engine);

/* Effects that may still be emitted; one PERSIST, as the last of a step, always fits. */
uint32_t ms_engine_room(const struct ms_engine *engine);

/* Number of the present step: what an effect points to may be given back in any later one. */
uint64_t ms_engine_steps(const struct ms_engine *engine);

#endif
