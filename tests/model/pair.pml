/* The pair of masters: how two masters and k witnesses decide who is active, and which copies count.
   The rules, and what was found here, are in docs/decisions/0010-pair-model.md.

   Masters are the nodes 0 (A) and 1 (B), witnesses the nodes 2, 3, ... A node that was wiped comes back as another
   identity: node + 2 * incarnation. S, the set of those that must hold a record before it is acknowledged, is a set of
   identities: A1 B1 A2 B2 ... are the bits 0 1 2 3 ...

   Messages are a soup: whatever was sent may arrive at any later time, in any order, many times or never. So an answer
   is a bit that is set when it is sent, and whoever needs it may look at it whenever he likes. A crash, a long pause and
   stepping down are one thing here: the tenure ends, the disk survives. A partition is a soup that delivers nothing.

   Sizes:  K witnesses (or the lists L0, L1, L2), epochs 1..E, NC commands, WIPES wiped disks, VERSIONS steps of change.
   BOOT begins with two empty nodes, else epoch 1 is being served by A with S = {A,B}.
   MUT_NAME removes a rule, PROBE asks whether a state can be reached; both must end in a violated assertion.       */

#ifndef K
#define K 1
#endif
#ifndef E
#define E 3
#endif
#ifndef NC
#define NC 1
#endif
#ifndef WIPES
#define WIPES 0
#endif

#define BIT(x) (1 << (x))

/* The lists of witnesses that operators may want, as sets of bits; a cluster begins with L0. */
#ifndef L0
#define L0 (BIT(K) - 1)
#define NW K
#endif
#ifndef L1
#define L1 L0
#define L2 L0
#define NL 1
#elif !defined(L2)
#define L2 L0
#define NL 2
#else
#define NL 3
#endif
#ifndef VERSIONS
#define VERSIONS (NL == 1 -> 0 : 2)
#endif
#define LIST(i) ((i) == 0 -> L0 : ((i) == 1 -> L1 : L2))
#define NO_LIST 3
#if L0 == 0 || L1 == 0 || L2 == 0
#define HAS_INCUMBENT
#endif

#define NV (2 + NW)
#define IDS (2 * (WIPES + 1))
#define ID(m, i) ((m) + 2 * (i))
#define ME(m) BIT(ID(m, inc[m]))
#define IS_PAIR(s) (((s) & 21) && ((s) & 42))
#define SLOT(e, id) ((e) * IDS + (id))

/* Kinds of proposals. An ADMIT is a JOIN of an identity that was never a member; it does not vote on it. */
#define SOLO 1
#define INCUMBENT 2
#define JOIN 3
#define ADMIT 4
#define HANDOVER 5
#define CONSENT 6

/* What a master knows of itself. */
#define MEMBER 0
#define BLANK 1 /* its disk is empty                                      */
#define BOUND 2 /* empty, but it has promised to belong to its peer's cluster */
#define IS_FRESH(m) (state[m] != MEMBER)
#define NOBODY 2

/* Spin cannot search breadth-first, which finds the shortest counter-example, with hidden variables. */
#ifdef SHORTEST
#define UNSEEN byte
#else
#define UNSEEN hidden byte
#endif

/* These are always 0: they name the invariant in the report of a violated assertion. */
UNSEEN I1, I2, I6, I18, REACHED;

/* On disks. */
byte prom[NV];  /* the highest epoch promised                                          */
byte accS[NV];  /* S of the configuration that was accepted last                       */
byte srv[2];    /* the highest epoch that this master has served itself                */
byte log[2];    /* commands it holds                                                   */
byte inc[2];    /* incarnation: how often its disk was wiped                           */
byte state[2];
#ifdef HAS_INCUMBENT
byte lead[2];   /* whom the latest configuration that it knows to be decided, or has
                   voted for, names active                                             */
#define SET_LEAD(m, x) lead[m] = x
#define IS_LEAD(m) (lead[m] == (m))
#else
#define SET_LEAD(m, x) skip
#define IS_LEAD(m) false
#endif

/* In memory. */
byte act[2];    /* the epoch it serves, 0 = none                                       */

/* The soup: per proposal, and per served epoch. */
byte kind[(E + 1) * IDS];
byte arg[(E + 1) * IDS];   /* JOIN, ADMIT, HANDOVER: incarnation of the peer; CONSENT: epoch served by the proposer */
byte votes[(E + 1) * IDS];
byte set[E + 1];           /* S of a served epoch, 0 = nobody served it                */
byte sent[E + 1];          /* commands sent to the peer in that epoch                  */
byte got[E + 1];           /* commands the peer has stored in that epoch, and said so  */
#if WIPES
byte who[E + 1];           /* which incarnation of the peer said so last               */
byte wipes;
#define SET_WHO(e, m) who[e] = inc[m]
#define WHO(e) who[e]
#else
#define SET_WHO(e, m) skip
#define WHO(e) 0
#endif

/* The list of witnesses: the present one, the one to come, and a number that grows with each step in a tenure. */
#define CFG(cur, nxt, ver) ((cur) + 4 * (nxt) + 16 * (ver))
#define CUR(c) ((c) & 3)
#define NXT(c) (((c) >> 2) & 3)
#define VER(c) ((c) >> 4)
#if NL > 1
byte cfg[2];          /* on disks: witness_cfg of a master                        */
byte cfgSent[E + 1];  /* soup: witness_cfg as the active of that epoch has it     */
byte cfgGot[E + 1];   /* soup: the peer has stored that version in that epoch     */
#define CFG_OF(m) cfg[m]
#define COPY_CFG(m, p) cfg[p] = cfg[m]
#define ANNOUNCE_CFG(e, m) cfgSent[e] = cfg[m]
#ifdef MUT_LIST_FRESH
#define HEAR_CFG(e, p) cfgGot[e] = VER(cfg[p])
#else
#define HEAR_CFG(e, p) cfgGot[e] = (IS_FRESH(p) -> cfgGot[e] : VER(cfg[p]))
#endif
#else
#define CFG_OF(m) CFG(0, NO_LIST, 0)
#define COPY_CFG(m, p) skip
#define ANNOUNCE_CFG(e, m) skip
#define HEAR_CFG(e, p) skip
#endif

#ifdef BOOT
bit answered[2];      /* soup: the peer has answered a bootstrap of this node     */
#define FORGET_ANSWER(m) answered[m] = 0
#else
#define FORGET_ANSWER(m) skip
#endif

/* Ghosts: what an observer knows. */
byte acked;           /* commands acknowledged, and not lost with the only disk that had them */
byte acked2;          /* those among them that were acknowledged with copies = 2              */
byte newest = 1;      /* the highest epoch served so far                                      */
byte holder;          /* who served it, NOBODY once that disk was wiped                       */

/* Scratch within one step, no part of the state. */
UNSEEN x, list, given, agreed;

/* Only while promised == served does a master do anything as active; to propose or to vote ends a tenure. */
#ifdef MUT_IGNORE
#define SERVES(m) (act[m] > 0)
#define END_TENURE(m) skip
#else
#define SERVES(m) (act[m] > 0 && prom[m] == act[m])
#define END_TENURE(m) act[m] = 0
#endif

/* I1: nothing that was acknowledged is missing from the newest serving master. */
#define HOLDS_ALL (holder == NOBODY || (acked & ~log[holder]) == 0)

inline serve(m, e, s) {
    assert(I2 || set[e] == 0); /* I2: one active per epoch, and once */
    set[e] = s; act[m] = e; srv[m] = e; sent[e] = log[m]; got[e] = 0; accS[m] = s;
    SET_LEAD(m, m); ANNOUNCE_CFG(e, m);
    if
    :: e >= newest -> newest = e; holder = m; assert(I6 || HOLDS_ALL)
    :: else
    fi
}

/* Votes for a proposal are of use only while its proposer can still begin, so the others are forgotten: fewer states,
   and nothing is lost, because his promise never returns to that epoch. A HANDOVER is begun by the other one. */
#define IS_OPEN(e, id) \
    (kind[SLOT(e, id)] == HANDOVER || (prom[(id) & 1] == e && inc[(id) & 1] == (id) / 2 && srv[(id) & 1] < e))

inline promise(m, e) {
    x = SLOT(prom[m], ID(m, inc[m]));
    if
    :: prom[m] != e && kind[x] != HANDOVER -> votes[x] = 0
    :: else
    fi;
    prom[m] = e
}

/* Whoever follows the active of epoch e, promises e, takes its configuration, and withdraws his own
   candidature for e. The first record of an epoch is its configuration, so nothing else is taken before it. */
inline follow(e, p) {
    promise(p, e);
#ifndef MUT_CANDIDATE
    votes[SLOT(e, ID(p, inc[p]))] = votes[SLOT(e, ID(p, inc[p]))] & ~BIT(p);
#endif
#ifndef MUT_UNLED
    accS[p] = set[e]; SET_LEAD(p, 1 - p)
#endif
}

/* ---- Work ---- */

inline submit(m, c) {
    (SERVES(m) && !(log[m] & BIT(c))) ->
    log[m] = log[m] | BIT(c); sent[act[m]] = sent[act[m]] | BIT(c)
}

/* The peer stores a record of epoch e. It takes none below its promise. A fresh one must have been caught up first. */
inline store(e, p, c) {
    ((sent[e] & BIT(c)) && !(got[e] & BIT(c)) && act[p] == 0 && srv[p] != e && prom[p] <= e &&
        (!IS_FRESH(p) || prom[p] == e)) ->
    follow(e, p); log[p] = log[p] | BIT(c); got[e] = got[e] | BIT(c); SET_WHO(e, p)
}

/* Catching up: the peer throws its divergent suffix away, takes the active's log, its configuration and its list.
   A fresh one is a member from the moment it is complete in an epoch whose S names its new identity: that epoch was
   decided without its vote. */
#ifdef MUT_CAUGHT_UP
#define ENDS_FRESHNESS(s, p) true
#else
#define ENDS_FRESHNESS(s, p) ((s) & ME(p))
#endif
inline catch_up(m, p) {
    (SERVES(m) && act[p] == 0 && prom[p] <= act[m]) ->
    follow(act[m], p); accS[p] = set[act[m]]; SET_LEAD(p, m); log[p] = log[m]; COPY_CFG(m, p);
    got[act[m]] = log[m]; SET_WHO(act[m], p);
    if
    :: ENDS_FRESHNESS(set[act[m]], p) -> state[p] = MEMBER
    :: IS_FRESH(p) && !ENDS_FRESHNESS(set[act[m]], p) -> state[p] = BOUND
    :: else
    fi;
    HEAR_CFG(act[m], p);
    assert(I1 || HOLDS_ALL)
}

/* The rule of acknowledgement: every member of S has it, in this epoch. */
inline acknowledge(m, c) {
    (SERVES(m) && (log[m] & BIT(c)) && !(acked & BIT(c))
#ifndef MUT_DEGRADE
        && (set[act[m]] == ME(m) || (got[act[m]] & BIT(c)))
#endif
        ) ->
    acked = acked | BIT(c);
    if
    :: IS_PAIR(set[act[m]]) -> acked2 = acked2 | BIT(c)
    :: else
    fi;
    assert(I1 || HOLDS_ALL) /* also I3: no acknowledgement by one who was deposed, unless the newest has it */
}

inline crash(m) {
    act[m] > 0 -> act[m] = 0
}

/* ---- Disks that are lost ---- */

#if WIPES
/* What only this disk had is excused, and nothing else. I18: copies = 2 means that
   the first disk that is lost takes nothing with it. */
inline wipe(m) {
    (wipes < WIPES && (state[m] == MEMBER || prom[m] > 0)) ->
    assert(I18 || wipes > 0 || (acked2 & ~log[1 - m]) == 0);
    wipes++; acked = acked & log[1 - m]; acked2 = acked2 & acked;
    if
    :: holder == m -> holder = NOBODY
    :: else
    fi;
    x = SLOT(prom[m], ID(m, inc[m]));
    if
    :: kind[x] != HANDOVER -> votes[x] = 0
    :: else
    fi;
    act[m] = 0; srv[m] = 0; log[m] = 0; FORGET_ANSWER(m);
#ifdef MUT_FRESH_SERVES
    prom[m] = 1; accS[m] = 3; SET_LEAD(m, 0)
#else
    prom[m] = 0; accS[m] = 0; state[m] = BLANK; SET_LEAD(m, NOBODY);
#ifndef MUT_IDENTITY
    inc[m] = inc[m] + 1
#endif
#endif
}
#endif

#ifdef BOOT
/* An empty node that is asked for a bootstrap answers only if it knows no cluster, and is bound from then on. */
inline answer(m, p) {
    (state[m] == BLANK && !answered[m] && state[p] == BLANK) ->
    answered[m] = 1;
#ifndef MUT_BOOT_UNBOUND
    state[p] = BOUND
#endif
}

#if NW == 0
#define NO_WITNESS_KNOWS true
#elif NW == 1
#define NO_WITNESS_KNOWS (prom[2] == 0)
#else
#define NO_WITNESS_KNOWS (prom[2] + prom[3] == 0)
#endif
/* Bootstrap needs the answer of the peer and of every witness; silence is a refusal. */
inline bootstrap(m) {
#ifdef MUT_BOOT_SILENCE
    state[m] == BLANK ->
#else
    (state[m] == BLANK && answered[m] && NO_WITNESS_KNOWS) ->
#endif
    state[m] = MEMBER; prom[m] = 1; serve(m, 1, ME(m))
}
#endif

/* ---- Decisions ---- */

inline put(m, e, k, a) {
    promise(m, e); kind[SLOT(e, ID(m, inc[m]))] = k; arg[SLOT(e, ID(m, inc[m]))] = a;
    votes[SLOT(e, ID(m, inc[m]))] = votes[SLOT(e, ID(m, inc[m]))] | BIT(m); END_TENURE(m)
}

/* SOLO: the standby takes over, or the active goes on alone. The proposer is in S of its own record. With an empty
   list the incumbent needs nobody; who only proposes himself is none. */
inline solo(e, m) {
    (e > prom[m] && !IS_FRESH(m)
#ifndef MUT_ELIGIBLE
        && (accS[m] & ME(m))
#endif
        ) ->
    put(m, e, (IS_LEAD(m) -> INCUMBENT : SOLO), 0); accS[m] = ME(m);
#ifdef MUT_SELFNAME
    SET_LEAD(m, m)
#endif
}

/* CONSENT: both masters talk and nobody serves; the one that served last goes on. */
inline consent(e, m) {
    (e > prom[m] && !IS_FRESH(m) && srv[m] > 0 && act[m] == 0) ->
    put(m, e, CONSENT, srv[m])
}

/* JOIN: the peer has everything, and shall be in S. If it is new, it is admitted. */
inline join(e, m) {
    (SERVES(m) && e > prom[m] && (log[m] & ~got[act[m]]) == 0) ->
    accS[m] = ME(m) | BIT(ID(1 - m, WHO(act[m])));
    put(m, e, (IS_FRESH(1 - m) || inc[1 - m] != WHO(act[m]) -> ADMIT : JOIN), WHO(act[m]))
}

/* HANDOVER: active and peer change roles. */
inline handover(e, m) {
    (SERVES(m) && e > prom[m] && (log[m] & ~got[act[m]]) == 0 &&
        set[act[m]] == (ME(m) | BIT(ID(1 - m, WHO(act[m]))))) ->
    accS[m] = set[act[m]]; put(m, e, HANDOVER, WHO(act[m])); SET_LEAD(m, 1 - m)
}

#define SET_OF(e, id)                                                                                                  \
    (kind[SLOT(e, id)] >= JOIN && kind[SLOT(e, id)] <= HANDOVER                                                        \
            ->BIT(id) | BIT(ID(1 - ((id) & 1), arg[SLOT(e, id)]))                                                      \
            : BIT(id))

/* The rule of acceptance. A voter that is a master stops serving before it answers. */
#define MAY_VOTE(e, id, v)                                                                                             \
    ((kind[SLOT(e, id)] != CONSENT && (accS[v] & BIT(id))) ||                                                          \
        (kind[SLOT(e, id)] == CONSENT && (v) < 2 && arg[SLOT(e, id)] > srv[v]) || VOTES_ANYWAY(e, id, v))
#if defined(MUT_ELIGIBLE)
#define VOTES_ANYWAY(e, id, v) true
#elif defined(MUT_CONSENT)
#define VOTES_ANYWAY(e, id, v) (accS[v] & BIT(id))
#elif defined(MUT_FRESH_VOTES)
#define VOTES_ANYWAY(e, id, v) ((v) < 2 && IS_FRESH(v))
#else
#define VOTES_ANYWAY(e, id, v) IS_NEWCOMER(e, id, v)
#endif
#ifdef MUT_NEWCOMER_VOTES
#define IS_NEWCOMER(e, id, v) ((v) < 2 && IS_FRESH(v) && kind[SLOT(e, id)] == ADMIT && arg[SLOT(e, id)] == inc[v])
#else
#define IS_NEWCOMER(e, id, v) false
#endif
#ifdef MUT_FRESH_VOTES
#define IS_VOTER(e, id, v) true
#else
#define IS_VOTER(e, id, v) (!IS_FRESH(v) || IS_NEWCOMER(e, id, v))
#endif

inline vote_master(e, id, v) {
    (kind[SLOT(e, id)] && e > prom[v] && IS_VOTER(e, id, v) && MAY_VOTE(e, id, v)) ->
    promise(v, e); accS[v] = SET_OF(e, id); votes[SLOT(e, id)] = votes[SLOT(e, id)] | (IS_OPEN(e, id) -> BIT(v) : 0);
    SET_LEAD(v, (kind[SLOT(e, id)] == HANDOVER -> v : (id) & 1)); act[v] = 0;
#ifdef MUT_NEWCOMER_VOTES
    state[v] = MEMBER
#endif
}

inline vote_witness(e, id, v) {
    (kind[SLOT(e, id)] && e > prom[v] && MAY_VOTE(e, id, v)) ->
    prom[v] = e; accS[v] = SET_OF(e, id); votes[SLOT(e, id)] = votes[SLOT(e, id)] | (IS_OPEN(e, id) -> BIT(v) : 0)
}

/* The active of epoch e tells others that it is: DECIDED, a beat, or enrolment of a witness. It may arrive late. */
inline tell_witness(e, v) {
    (set[e] && prom[v] <= e && accS[v] != set[e]) ->
    prom[v] = e; accS[v] = set[e]
}

inline tell_master(e, p) {
    (set[e] && !IS_FRESH(p) && srv[p] != e && act[p] < e && (prom[p] < e || (prom[p] == e && accS[p] != set[e]))) ->
    follow(e, p); accS[p] = set[e]; SET_LEAD(p, 1 - p); act[p] = 0
}

#ifdef MUT_AMNESIA
inline forget(v) {
    prom[v] > 1 -> prom[v] = 1; accS[v] = 3
}
#endif

#define COUNT(w) (((w) & 1) + (((w) >> 1) & 1) + (((w) >> 2) & 1) + (((w) >> 3) & 1))
#if defined(MUT_EVIDENCE)
#define IS_MOST(part, whole) ((part) != 0)
#elif defined(MUT_HALF)
#define IS_MOST(part, whole) (2 * COUNT(part) >= COUNT(whole))
#else
#define IS_MOST(part, whole) (2 * COUNT(part) > COUNT(whole))
#endif
#ifdef MUT_INCUMBENT
#define MAY_ALONE(k) true
#else
#define MAY_ALONE(k) ((k) == INCUMBENT || (k) == ADMIT)
#endif
#ifdef MUT_CONSENT
#define BOTH_ONLY(k) false
#else
#define BOTH_ONLY(k) ((k) == CONSENT)
#endif

/* A strict majority of the list, or, if it is empty, the incumbent. */
inline ask(l, s) {
    list = LIST(l); given = (votes[s] >> 2) & list;
    agreed = agreed && (list == 0 -> MAY_ALONE(kind[s]) : IS_MOST(given, list))
}

/* The quorum: both masters; or the proposer and the witnesses, and while their list is being changed, those of
   the old and those of the new one. */
inline count(s, m) {
    agreed = !BOTH_ONLY(kind[s]);
#if defined(MUT_JOINT_NEW)
    if
    :: NXT(CFG_OF(m)) != NO_LIST -> ask(NXT(CFG_OF(m)), s)
    :: else -> ask(CUR(CFG_OF(m)), s)
    fi;
#elif defined(MUT_JOINT_OLD)
    ask(CUR(CFG_OF(m)), s);
#else
    ask(CUR(CFG_OF(m)), s);
    if
    :: NXT(CFG_OF(m)) != NO_LIST -> ask(NXT(CFG_OF(m)), s)
    :: else
    fi;
#endif
    agreed = agreed || (votes[s] & 3) == 3
}

/* The active that a proposal names begins to serve: it counts the votes and has not served that epoch before. */
inline begin(e, id, m) {
    (kind[SLOT(e, id)] && prom[m] == e && act[m] == 0 && srv[m] < e && (votes[SLOT(e, id)] & BIT(m)) &&
        ((kind[SLOT(e, id)] != HANDOVER && m == ((id) & 1) && inc[m] == (id) / 2) ||
            (kind[SLOT(e, id)] == HANDOVER && m != ((id) & 1) && inc[m] == arg[SLOT(e, id)]))) ->
    count(SLOT(e, id), m);
    if
    :: agreed -> x = SET_OF(e, id); serve(m, e, x); votes[SLOT(e, id)] = 0
    :: else
    fi
}

/* ---- Change of the list of witnesses ---- */

#if NL > 1
/* Begun by the active of a pair only. */
inline change(m, l) {
    (SERVES(m) && NXT(cfg[m]) == NO_LIST && CUR(cfg[m]) != l && VER(cfg[m]) < VERSIONS
#ifdef MUT_LIST_ALONE
        ) ->
    cfg[m] = CFG(l, NO_LIST, VER(cfg[m]) + 2);
#else
        && IS_PAIR(set[act[m]])) ->
    cfg[m] = CFG(CUR(cfg[m]), l, VER(cfg[m]) + 1);
#endif
    cfgSent[act[m]] = cfg[m]
}

/* The peer stores what the active of epoch e has announced, as any other record. */
inline store_list(e, p) {
    (set[e] && !IS_FRESH(p) && act[p] == 0 && srv[p] != e && prom[p] <= e && cfgGot[e] != VER(cfgSent[e])) ->
    follow(e, p); cfg[p] = cfgSent[e]; cfgGot[e] = VER(cfg[p])
}

/* The old list is dropped once the peer has said in this very tenure that it knows both. */
inline confirm(m) {
    (SERVES(m) && NXT(cfg[m]) != NO_LIST && cfgGot[act[m]] == VER(cfg[m])) ->
    cfg[m] = CFG(NXT(cfg[m]), NO_LIST, VER(cfg[m]) + 1); cfgSent[act[m]] = cfg[m]
}
#endif

/* ---- One step with each of its arguments ---- */

#define TEXT(...) #__VA_ARGS__
#define DO(step, ...) :: d_step { step(__VA_ARGS__); printf(TEXT(step(__VA_ARGS__)\n)) }
#define EACH_MASTER(step) DO(step, 0) DO(step, 1)
#define EACH_PEER(step) DO(step, 0, 1) DO(step, 1, 0)
#if NC == 0
#define EACH_COMMAND(step, ...)
#elif NC == 1
#define EACH_COMMAND(step, ...) DO(step, __VA_ARGS__, 0)
#else
#define EACH_COMMAND(step, ...) DO(step, __VA_ARGS__, 0) DO(step, __VA_ARGS__, 1)
#endif
#if E == 3
#define EACH_NEW_EPOCH(each, step, ...) each(step, 2, __VA_ARGS__) each(step, 3, __VA_ARGS__)
#elif E == 4
#define EACH_NEW_EPOCH(each, step, ...)                                                                                \
    each(step, 2, __VA_ARGS__) each(step, 3, __VA_ARGS__) each(step, 4, __VA_ARGS__)
#elif E == 5
#define EACH_NEW_EPOCH(each, step, ...)                                                                                \
    each(step, 2, __VA_ARGS__) each(step, 3, __VA_ARGS__) each(step, 4, __VA_ARGS__) each(step, 5, __VA_ARGS__)
#endif
#define EACH_EPOCH(each, step, ...) each(step, 1, __VA_ARGS__) EACH_NEW_EPOCH(each, step, __VA_ARGS__)
#define EACH_PROPOSAL_OF_A(step, v) EACH_NEW_EPOCH(DO, step, 0, v) MORE_OF_A(step, v)
#define EACH_PROPOSAL_OF_B(step, v) EACH_NEW_EPOCH(DO, step, 1, v) MORE_OF_B(step, v)
#if WIPES == 0
#define MORE_OF_A(step, v)
#define MORE_OF_B(step, v)
#elif WIPES == 1
#define MORE_OF_A(step, v) EACH_NEW_EPOCH(DO, step, 2, v)
#define MORE_OF_B(step, v) EACH_NEW_EPOCH(DO, step, 3, v)
#else
#define MORE_OF_A(step, v) EACH_NEW_EPOCH(DO, step, 2, v) EACH_NEW_EPOCH(DO, step, 4, v)
#define MORE_OF_B(step, v) EACH_NEW_EPOCH(DO, step, 3, v) EACH_NEW_EPOCH(DO, step, 5, v)
#endif
#define WITNESS(v) EACH_PROPOSAL_OF_A(vote_witness, v) EACH_PROPOSAL_OF_B(vote_witness, v) EACH_EPOCH(DO, tell_witness, v)

init {
    d_step {
#ifdef BOOT
        state[0] = BLANK; state[1] = BLANK; SET_LEAD(0, NOBODY); SET_LEAD(1, NOBODY);
#else
        x = 0;
        do
        :: x < 2 || (x < NV && (L0 & BIT(x - 2))) -> prom[x] = 1; accS[x] = 3; x++
        :: x >= 2 && x < NV && !(L0 & BIT(x - 2)) -> x++
        :: else -> break
        od;
        serve(0, 1, 3);
#endif
#if NL > 1
        cfg[0] = CFG(0, NO_LIST, 0); cfg[1] = CFG(0, NO_LIST, 0);
        cfgSent[1] = CFG(0, NO_LIST, 0)
#endif
    }
    /* Where no epoch is left, the model may stop. */
end:
    do
    EACH_COMMAND(submit, 0) EACH_COMMAND(submit, 1)
    EACH_EPOCH(EACH_COMMAND, store, 0) EACH_EPOCH(EACH_COMMAND, store, 1)
    EACH_PEER(catch_up)
    EACH_COMMAND(acknowledge, 0) EACH_COMMAND(acknowledge, 1)
    EACH_MASTER(crash)
    EACH_NEW_EPOCH(DO, solo, 0) EACH_NEW_EPOCH(DO, solo, 1)
    EACH_NEW_EPOCH(DO, consent, 0) EACH_NEW_EPOCH(DO, consent, 1)
    EACH_NEW_EPOCH(DO, join, 0) EACH_NEW_EPOCH(DO, join, 1)
    EACH_NEW_EPOCH(DO, handover, 0) EACH_NEW_EPOCH(DO, handover, 1)
    EACH_PROPOSAL_OF_A(vote_master, 1) EACH_PROPOSAL_OF_B(vote_master, 0)
    EACH_PROPOSAL_OF_A(begin, 0) EACH_PROPOSAL_OF_A(begin, 1)
    EACH_PROPOSAL_OF_B(begin, 0) EACH_PROPOSAL_OF_B(begin, 1)
    EACH_EPOCH(DO, tell_master, 0) EACH_EPOCH(DO, tell_master, 1)
#if NW > 0
    WITNESS(2)
#endif
#if NW > 1
    WITNESS(3)
#endif
#if NW > 2
    WITNESS(4)
#endif
#if NW > 3
    WITNESS(5)
#endif
#ifdef MUT_AMNESIA
    DO(forget, 2)
#endif
#if WIPES
    EACH_MASTER(wipe)
#endif
#ifdef BOOT
    EACH_PEER(answer) EACH_MASTER(bootstrap)
#endif
#if NL > 1
    DO(change, 0, 0) DO(change, 0, 1) DO(change, 1, 0) DO(change, 1, 1)
#if NL > 2
    DO(change, 0, 2) DO(change, 1, 2)
#endif
    EACH_MASTER(confirm)
    EACH_EPOCH(DO, store_list, 0) EACH_EPOCH(DO, store_list, 1)
#endif
#ifdef PROBE
    :: d_step { (PROBE) -> assert(REACHED) }
#endif
    od
}
