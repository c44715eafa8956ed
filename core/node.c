#include "core/node.h"

#include "core/invariant.h"

/* allowed = the call does something, or there is nothing left to do; else it is refused. */
struct transition {
    enum ms_node_state to;
    bool is_allowed;
    const char *why;
};

#define TOO_EARLY "refused: it was not initialised"

static const struct transition transitions[MS_NODE_STATES][MS_NODE_CALLS] =
    {
        [MS_NODE_NEW] =
            {
                [MS_NODE_INIT] = {MS_NODE_INITIALISED, true, "takes what it needs to start"},
                [MS_NODE_START] = {MS_NODE_NEW, false, TOO_EARLY},
                [MS_NODE_STOP] = {MS_NODE_NEW, true, "nothing runs"},
                [MS_NODE_RESET] = {MS_NODE_NEW, false, TOO_EARLY},
                [MS_NODE_FINISH] = {MS_NODE_NEW, true, "nothing was taken"},
            },
        [MS_NODE_INITIALISED] =
            {
                [MS_NODE_INIT] = {MS_NODE_INITIALISED, false, "refused: it was initialised before"},
                [MS_NODE_START] = {MS_NODE_RUNNING, true, "begins to work"},
                [MS_NODE_STOP] = {MS_NODE_INITIALISED, true, "nothing runs"},
                [MS_NODE_RESET] = {MS_NODE_INITIALISED, true, "forgets all but its configuration"},
                [MS_NODE_FINISH] = {MS_NODE_NEW, true, "gives back what init took"},
            },
        [MS_NODE_RUNNING] =
            {
                [MS_NODE_INIT] = {MS_NODE_RUNNING, false, "refused: it is running"},
                [MS_NODE_START] = {MS_NODE_RUNNING, false, "refused: it is running"},
                [MS_NODE_STOP] = {MS_NODE_STOPPED, true, "ends its work and keeps what it knows"},
                [MS_NODE_RESET] = {MS_NODE_RUNNING, true, "stops, forgets, starts again"},
                [MS_NODE_FINISH] = {MS_NODE_NEW, true, "stops, then gives back what init took"},
            },
        [MS_NODE_STOPPED] =
            {
                [MS_NODE_INIT] = {MS_NODE_STOPPED, false, "refused: it was initialised before"},
                [MS_NODE_START] = {MS_NODE_RUNNING, true, "goes on with what it knows"},
                [MS_NODE_STOP] = {MS_NODE_STOPPED, true, "nothing runs"},
                [MS_NODE_RESET] = {MS_NODE_INITIALISED, true, "forgets all but its configuration"},
                [MS_NODE_FINISH] = {MS_NODE_NEW, true, "gives back what init took"},
            },
};

bool ms_node_transition(enum ms_node_state from, enum ms_node_call call, enum ms_node_state *to_out,
                        const char **why_out)
{
    ms_assert((unsigned)from < MS_NODE_STATES);
    ms_assert((unsigned)call < MS_NODE_CALLS);
    const struct transition *row = &transitions[from][call];

    ms_assert(row->why != NULL);
    *to_out = row->to;
    *why_out = row->why;
    return row->is_allowed;
}

const char *ms_node_state_name(enum ms_node_state state)
{
    static const char *const names[MS_NODE_STATES] = {
        [MS_NODE_NEW] = "new",
        [MS_NODE_INITIALISED] = "initialised",
        [MS_NODE_RUNNING] = "running",
        [MS_NODE_STOPPED] = "stopped",
    };

    ms_assert((unsigned)state < MS_NODE_STATES);
    return names[state];
}

const char *ms_node_call_name(enum ms_node_call call)
{
    static const char *const names[MS_NODE_CALLS] = {
        [MS_NODE_INIT] = "init",   [MS_NODE_START] = "start",   [MS_NODE_STOP] = "stop",
        [MS_NODE_RESET] = "reset", [MS_NODE_FINISH] = "finish",
    };

    ms_assert((unsigned)call < MS_NODE_CALLS);
    return names[call];
}

void ms_node_rows(struct ms_fsm_row rows[static MS_NODE_ROWS])
{
    for (unsigned from = 0; from < MS_NODE_STATES; from++) {
        for (unsigned call = 0; call < MS_NODE_CALLS; call++) {
            rows[from * MS_NODE_CALLS + call] = (struct ms_fsm_row){
                .from = ms_node_state_name((enum ms_node_state)from),
                .event = ms_node_call_name((enum ms_node_call)call),
                .to = ms_node_state_name(transitions[from][call].to),
                .why = transitions[from][call].why,
            };
        }
    }
}

struct ms_fsm ms_node_fsm(const struct ms_fsm_row rows[static MS_NODE_ROWS])
{
    return (struct ms_fsm){
        .title = "Node",
        .about = "What a master and a slave have in common: they are initialised, run and stop.",
        .initial = ms_node_state_name(MS_NODE_NEW),
        .rows = rows,
        .count = MS_NODE_ROWS,
    };
}

void ms_node_prepare(struct ms_node *node, const struct ms_node_ops *ops)
{
    ms_assert(ops != NULL && ops->name != NULL);
    *node = (struct ms_node){.ops = ops, .state = MS_NODE_NEW};
}

static enum ms_error run(struct ms_node *node, enum ms_error (*operation)(struct ms_node *))
{
    return operation == NULL ? MS_E_OK : operation(node);
}

static void run_void(struct ms_node *node, void (*operation)(struct ms_node *))
{
    if (operation != NULL) {
        operation(node);
    }
}

/* Asks the table; the state changes only after the operation has succeeded. */
static bool is_allowed(const struct ms_node *node, enum ms_node_call call,
                       enum ms_node_state *to_out)
{
    const char *why;

    ms_assert(node->ops != NULL);
    return ms_node_transition(node->state, call, to_out, &why);
}

enum ms_error ms_node_init(struct ms_node *node)
{
    enum ms_node_state to;

    if (!is_allowed(node, MS_NODE_INIT, &to)) {
        return MS_E_ORDER;
    }
    const enum ms_error error = run(node, node->ops->init);

    if (error == MS_E_OK) {
        node->state = to;
    }
    return error;
}

enum ms_error ms_node_start(struct ms_node *node)
{
    enum ms_node_state to;

    if (!is_allowed(node, MS_NODE_START, &to)) {
        return MS_E_ORDER;
    }
    const enum ms_error error = run(node, node->ops->start);

    if (error == MS_E_OK) {
        node->state = to;
    }
    return error;
}

enum ms_error ms_node_stop(struct ms_node *node)
{
    enum ms_node_state to;

    if (!is_allowed(node, MS_NODE_STOP, &to)) {
        return MS_E_ORDER;
    }
    if (node->state == MS_NODE_RUNNING) {
        run_void(node, node->ops->stop);
    }
    node->state = to;
    return MS_E_OK;
}

enum ms_error ms_node_reset(struct ms_node *node)
{
    enum ms_node_state to;

    if (!is_allowed(node, MS_NODE_RESET, &to)) {
        return MS_E_ORDER;
    }
    if (node->state == MS_NODE_RUNNING) {
        run_void(node, node->ops->stop);
        node->state = MS_NODE_STOPPED;
    }
    run_void(node, node->ops->reset);
    node->state = MS_NODE_INITIALISED;
    return to == MS_NODE_RUNNING ? ms_node_start(node) : MS_E_OK;
}

enum ms_error ms_node_finish(struct ms_node *node)
{
    enum ms_node_state to;

    if (!is_allowed(node, MS_NODE_FINISH, &to)) {
        return MS_E_ORDER;
    }
    if (node->state == MS_NODE_RUNNING) {
        run_void(node, node->ops->stop);
    }
    if (node->state != MS_NODE_NEW) {
        run_void(node, node->ops->finish);
    }
    node->state = to;
    return MS_E_OK;
}
