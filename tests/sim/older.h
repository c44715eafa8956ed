/* Programs of an older version among the others, as while a pair is upgraded. There is one program here, so an older one is the same of
 * which nobody sees what is new: its frames lose what it would not send on their way out, and what it would skip on their way in. What it
 * would not read on a disk it refuses. */
#ifndef SIM_OLDER_H
#define SIM_OLDER_H

#include "tests/sim/world.h"

/* Which half runs an older program, and when. */
enum sim_older {
    SIM_NOT_OLDER,
    SIM_OLDER_FIRST, /* one of them, until it is upgraded in mid-life */
    SIM_OLDER_LATER, /* a standby is put back to it in mid-life, and upgraded again */
    SIM_OLDERS
};

/* A copy of a command that has lost something. */
struct sim_older_room {
    struct ms_command command;
    struct ms_hello hello;
    struct ms_welcome welcome;
    struct ms_pair_frame frame;
};

/* Which seeds know of it, and how: by their number. */
void sim_older_config(struct sim_config *config);

/* A process begins: whether its program is an older one is decided (is_older; was_older: in its life before; is_upgraded: never again;
 * led_as_older: when it took over last), and what that knows (age). */
void sim_older_start(struct sim_world *world, struct sim_node *node);

/* The command as that process says or hears it: itself, or what is left of it in room. */
const struct ms_command *sim_older_see(const struct sim_node *node, bool is_sent,
                                       const struct ms_command *command,
                                       struct sim_older_room *room);

/* Half a pair is about to lead with what is on its disk. True: it cannot read that, and has ended; somebody starts the newer program. */
bool sim_older_refuses(struct sim_world *world, struct sim_node *node);
/* Nothing is on that disk any more. */
void sim_older_cleared(struct sim_node *node);
/* It is the newest that leads. */
void sim_older_leads(struct sim_world *world, struct sim_node *node, const struct sim_node *former);

#endif
