/* Every bound of the system. Reaching one is a defined answer to whoever reached it. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include <assert.h>

#include "core/limits_pair.h"
#include "core/types.h"

/* Names and texts, in bytes without the terminating zero. */
#define MS_NAME_MAX       63  /* a slave, a client, a handler */
#define MS_UNIQUE_KEY_MAX 255 /* bytes of a unique key */
#define MS_KEY_MAX        255 /* bytes of the key that says what a command belongs to */
#define MS_WHERE_MAX      511 /* a filter, as text */
#define MS_NUMBER_MAX     (UINT64_MAX - 1) /* of a submission or a token: runs of them end below 2^64 */
#define MS_DETAIL_MAX     512  /* the reason that goes with a result, an error, a goodbye */
#define MS_CLI_SAY_MAX    8192 /* what the command line prints as one message, a path included */
#define MS_ADDRESS_MAX    255  /* host:port, [v6]:port or unix:/path */
#define MS_ADDRESSES_MAX  8    /* masters that one slave or client knows */
#define MS_LABELS_MAX     16   /* of one slave; each at most MS_NAME_MAX bytes */

/* What a slave counts for where work is shared out by weight. */
#define MS_WEIGHT_MAX     1000u
#define MS_WEIGHT_DEFAULT 100u

#define MS_PERMILLE_MAX     1000u
#define MS_PERMILLE_UNKNOWN UINT16_MAX

#define MS_SECTIONS_MAX     1024 /* titled ones of a configuration file, of all kinds together */
#define MS_CHAIN_MAX        8 /* strategies of one route, the first of which that takes a command counts */
#define MS_ROUTE_LABELS_MAX 16         /* that a slave must have for one route */
#define MS_ROUTE_GROUPS_MAX 1024       /* among which one route chooses by key */
#define MS_ARRAY_MAX        (1u << 20) /* commands of one array */
#define MS_TARGETS_MAX      (1u << 14) /* slaves of one broadcast */
#define MS_NAK_RUN_MAX      256        /* members of one that SUBMIT_NAK tells of */

/* Frames, in bytes of body. */
#define MS_FRAME_HEADER_SIZE  20
#define MS_FRAME_HELLO_MAX    (4u << 10)  /* before HELLO was accepted */
#define MS_FRAME_CONTROL_MAX  (64u << 10) /* everything that carries no payload */
#define MS_FRAME_BATCH_SIZE   (64u << 10) /* a batch of commands is closed when it grows past this */
#define MS_FRAME_OVERHEAD_MAX (4u << 10)  /* what a frame holds beside one payload */
#define MS_UNKNOWN_FIELDS_MAX 16          /* fields of a newer schema tolerated in one message */

/* Payloads. */
#define MS_PAYLOAD_MAX_DEFAULT (1u << 20)
#define MS_PAYLOAD_MAX_CEILING (64u << 20)
#define MS_CHUNK_MAX           (64u << 10) /* one piece of streamed output */
#define MS_RESULT_BYTES_MAX    (64u << 20) /* all output of one command that the master keeps */

/* Decoding: what one frame may cost beyond its own length. */
#define MS_DECODE_FACTOR          64
#define MS_DECODE_SLACK           (16u << 10)
#define MS_DECODE_BYTES_MAX       (16u << 20)
#define MS_DECODE_ALLOCATIONS_MAX 65536

/* Populations. */
#define MS_PEERS_MAX                 (1u << 20)
#define MS_SESSIONS_MAX_DEFAULT      200000u
#define MS_COMMANDS_MAX_DEFAULT      20000000u    /* live commands of one master */
#define MS_COMMAND_BYTES_MAX_DEFAULT (4ull << 30) /* payloads and results kept by one master */
#define MS_TYPES_MAX                 4096         /* routes of one master */
#define MS_SLAVE_TYPES_MAX           256          /* types one slave announces */
#define MS_SOURCES_MAX               64           /* providers of one master */
#define MS_MENTIONED_MAX             (1u << 20)   /* groups and labels that all routes want */
#define MS_SLOTS_MAX                 4096         /* commands one slave runs at a time */
#define MS_CREDIT_MAX                (1u << 20)   /* commands one slave may have granted */
#define MS_OUTSTANDING_MAX           (1u << 20)   /* submissions of one client without an outcome */
#define MS_HELD_PER_FRAME_MAX        960          /* attempts in one ROLL or VERDICT frame */
#define MS_REPORT_ROWS_MAX           512          /* rows in one REPORT frame */
#define MS_REPORT_COLUMNS_MAX        64 /* a row fits a control frame: texts <= MS_DETAIL_MAX */

/* One slave: what it holds beside the commands it runs. */
#define MS_PREFETCH_MAX             (1u << 14) /* commands granted beyond its slots */
#define MS_SLAVE_RESULTS_MAX        1024 /* results not acknowledged, beyond slots + prefetch */
#define MS_SLAVE_KEPT_BYTES_DEFAULT (96u << 20) /* payloads, output and results of all attempts */

/* Services: see docs/services.md. */
#define MS_SERVICES_MAX          64u          /* of one master */
#define MS_SERVICE_CLIENTS_MAX   16384u       /* of one service whose last replies are remembered */
#define MS_SERVICE_RECORD_MAX    (1u << 20)   /* bytes of one change */
#define MS_SERVICE_REPLY_MAX     (1u << 20)   /* bytes of a reply that changes nothing */
#define MS_SERVICE_KEPT_MAX      4096u        /* bytes of a reply to a change */
#define MS_SERVICE_STATE_MAX     (32u << 20)  /* bytes of a snapshot */
#define MS_SERVICE_PIECES_MAX    4096u        /* of a snapshot; each at most MS_CHUNK_MAX */
#define MS_SERVICE_LOG_MIN       (256u << 10) /* bytes of changes before a snapshot is worth it */
#define MS_SERVICE_LOG_ALONE_MIN (8u << 20)   /* the same while the other half may lack them */
#define MS_SERVICE_LOG_MAX       (128u << 20) /* bytes of changes that no snapshot covers */
#define MS_SERVICE_REIGNS_MAX    64u    /* reigns of which it is known which changes they made */
#define MS_SERVICE_PULSE_MAX     64u    /* bytes of what a service says in its heartbeat */
#define MS_CALLS_MAX             16u    /* of one client at a time */
#define MS_CALLS_TOTAL_MAX       65536u /* of one master at a time */
#define MS_CALLS_BYTES_MAX                                                                         \
    (64u << 20) /* of them: replies that wait, calls that are answered later */
#define MS_CALL_WAIT_MAX    (60 * MS_SEC)
#define MS_CALL_RETRY_DELAY (100 * MS_MSEC)

/* Attempts. */
#define MS_ATTEMPTS_DEFAULT    1
#define MS_ATTEMPTS_MAX        1000
#define MS_CRASHES_MAX_DEFAULT 3 /* slaves a command may take down before it is buried */
#define MS_RETRY_DELAY_MIN     (100 * MS_MSEC) /* first delay of a retry; it doubles */
#define MS_RETRY_DELAY_MAX     (30 * MS_SEC)

/* Time. A beat is sent at half a tick or sooner. */
#define MS_DURATION_MAX ((ms_time)1 << 61) /* on the wire; now + this never overflows */
#define MS_TICK_DEFAULT (1 * MS_SEC)
#define MS_BEAT_DEFAULT (500 * MS_MSEC)
#define MS_OUTDONE_INTERVAL                                                                        \
    (10 * MS_SEC) /* between two words about epochs that others have heard of */
#define MS_HELLO_TIMEOUT  (3 * MS_SEC)   /* a connection that has not said HELLO is closed */
#define MS_FRAME_TIMEOUT  (10 * MS_SEC)  /* a frame begun must be complete */
#define MS_FRAME_RATE_MIN 1024u          /* bytes per second that a long frame must keep up */
#define MS_RECONNECT_MIN  (10 * MS_MSEC) /* first pause of the back-off; it doubles, with jitter */
#define MS_RECONNECT_MAX  (1 * MS_SEC)
#define MS_DIAL_PATIENCE                                                                           \
    (125 *                                                                                         \
     MS_MSEC) /* with a second address to try: so long at first, and it doubles as the pauses do */
#define MS_RESPONSE_TIMEOUT      (1 * MS_SEC) /* WELCOME must follow HELLO */
#define MS_TYPES_GRACE_TICKS     3 /* of a new master, for slaves to come back and announce */
#define MS_DRAIN_TIMEOUT_DEFAULT (60 * MS_SEC)
#define MS_CLIENT_KEEP_DEFAULT   (600 * MS_SEC) /* outcomes wait so long for a silent client */

/* Output buffers of one connection. */
#define MS_OUTPUT_SOFT_MAX (1u << 20) /* above: the master stops reading from that client */
#define MS_OUTPUT_HARD_MAX                                                                         \
    (128u << 20) /* above: the connection is closed; nothing stored is lost */
#define MS_OUTCOME_WINDOW_BYTES (8u << 20) /* outcomes sent to one client and not yet confirmed */
#define MS_OUTCOME_WINDOW_COUNT (1u << 18)

/* Connections that have not said HELLO. */
#define MS_PENDING_PEERS_MAX 16384u

/* Effects that one engine step may emit before it must defer the rest. */
#define MS_EFFECTS_MAX    1024
#define MS_DISPATCH_BURST 256 /* commands handed out in one step */

/* Inside the master. */
#define MS_PROFILE_MEMBERS_MAX (1u << 20)  /* types of all distinct sets of types, summed */
#define MS_TAGS_BYTES_MAX      (64u << 20) /* groups, labels and builds of slaves, each set once */
#define MS_SELF_CHECK_PERIOD   (1 * MS_SEC)
#define MS_SELF_CHECK_VISITS   4096u       /* slaves that are looked at in one */
#define MS_SELF_CHECKS         10u         /* in a row, before it is an alarm */
#define MS_CORDONS_MAX         16384u      /* slaves that get nothing new, because people said so */
#define MS_CLOSED_CHUNKS_MAX   16384u      /* half-closed spans of 4096 numbers of one client */
#define MS_INQUIRIES_MAX       256u        /* queries that are being answered at a time */
#define MS_FOLLOWERS_MAX       128u        /* of them: that follow the output of a command */
#define MS_TAIL_BYTES_MAX      (16u << 20) /* of output that only those still read who follow it */
#define MS_TAIL_PAST_MAX       16u /* attempts of one command whose output is kept for them */
#define MS_DELAY_MAX           (366 * 24 * 3600 * MS_SEC) /* of a submission; also its longest timeout */
#define MS_RETRY_LATER_DELAY   (100 * MS_MSEC) /* told to a client that met a full queue */
#define MS_STORE_FULL_DELAY    (1 * MS_SEC)    /* told to a client that met a full disk */
#define MS_STORE_NEWS_INTERVAL (10 * MS_SEC)   /* between lines of the log about a full disk */
#define MS_STORE_SILENCE       (5 * MS_SEC) /* after which the log says that the disk does not answer */
#define MS_STORE_CLOSE_TIMEOUT (30 * MS_SEC) /* a disk that does not answer is left alone */
#define MS_STORE_RESERVE_DEFAULT                                                                   \
    (64ull << 20)           /* bytes of the disk that only results and cancels may use */
#define MS_STRICT_COPIES 2u /* disks that have a command of class strict before it counts */
#define MS_LONE_ANSWERS_MIN                                                                        \
    1024u /* that wait for them, before those that nobody hears are looked for */
#define MS_JOURNAL_BEHIND_MAX (128u << 20) /* bytes not yet durable, beyond which clients wait */
#define MS_FLOORS_DORMANT_MAX                                                                      \
    1000000u /* clients whose numbers are remembered though they are gone */
#define MS_CLIENT_TTL_DEFAULT (3653 * 24 * 3600 * MS_SEC) /* they are remembered so long */
#define MS_OUTCOME_KEEP_DEFAULT                                                                    \
    (7 * 24 * 3600 * MS_SEC)             /* durable outcomes wait so long for their client */
#define MS_HISTORY_MAX        16u        /* attempts that went wrong, remembered of one command */
#define MS_WELCOMES_MAX       64u        /* said in one step */
#define MS_SPOOL_BYTES_MAX    (1u << 30) /* of one payload that comes in parts */
#define MS_SPOOLS_MAX         1024u      /* payloads that one client has begun in parts */
#define MS_SPOOL_KEEP         (600 * MS_SEC) /* a payload that does not grow any more */
#define MS_PACE_SPAN          (2u << 20) /* bytes between two BEATs; two spans may be on their way */
#define MS_UPLOAD_BURST       64u        /* parts sent to slaves in one step */
#define MS_ORPHANS_MAX        65536u /* attempts of commands that a new master has not heard of yet */
#define MS_KEEP_AGE_DEFAULT   (7 * 24 * 3600 * MS_SEC) /* outcomes are kept so long to be asked for */
#define MS_KEEP_COUNT_DEFAULT 10000u
#define MS_KEEP_BYTES_DEFAULT (64ull << 20)
#define MS_ARRAYS_MAX         (1u << 20) /* that have open members */
#define MS_GROUPS_MAX                                                                              \
    (1u << 20) /* names of groups; above, the one that is idle longest is forgotten */
#define MS_GROUP_KEEP          (3600 * MS_SEC) /* counts of a group are told so long after its last member */
#define MS_GROUP_ENDS          1024u /* members that ended, remembered for those who follow a group */
#define MS_SHARE_BURST         4096 /* pieces of output in one step that joined commands get, too */
#define MS_PROVIDER_AHEAD      256u /* commands that a provider is asked for at a time */
#define MS_PROVIDER_CURSOR_MAX (16u << 10) /* bytes by which it goes on */
#define MS_PROVIDER_STATE_MAX  (64u << 10) /* bytes of what it remembers of outcomes */
#define MS_SWEEP_BURST         256         /* commands of ended sessions put right in one step */
#define MS_RESULT_RESERVE      (64u << 20) /* bytes beyond the limit that only results may use */

static_assert(MS_DISPATCH_BURST * 2 < MS_EFFECTS_MAX, "a step's dispatch fits the effect queue");
static_assert(MS_FOLLOWERS_MAX < MS_INQUIRIES_MAX, "others may still ask");
static_assert(MS_NAK_RUN_MAX * 2 < MS_EFFECTS_MAX, "a client tells of each in one step");
static_assert(MS_GREETER_WAIT < 2 * MS_DIAL_PATIENCE, "who greets hears the answer");
static_assert(MS_FRAME_HELLO_MAX < MS_FRAME_CONTROL_MAX, "HELLO is a small control frame");
static_assert(MS_PAYLOAD_MAX_DEFAULT <= MS_PAYLOAD_MAX_CEILING, "default payload limit is legal");
static_assert(MS_SLAVE_KEPT_BYTES_DEFAULT < MS_OUTPUT_HARD_MAX, "a slave may resend all it keeps");
static_assert(MS_SLOTS_MAX + MS_PREFETCH_MAX <= MS_CREDIT_MAX, "what a slave grants is legal");
static_assert(MS_OUTCOME_WINDOW_BYTES < MS_OUTPUT_HARD_MAX, "a correct client is never cut off");

#endif
