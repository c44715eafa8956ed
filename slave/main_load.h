/* Tells the slave's engine once a second how busy the machine is. */
#ifndef SLAVE_MAIN_LOAD_H
#define SLAVE_MAIN_LOAD_H

#include <ev.h>

#include "core/io/driver.h"
#include "core/io/load.h"

/* Zeroed: not started. */
struct ms_main_load {
    struct ms_load_meter meter;
    struct ev_loop *loop;
    struct ms_driver *driver;
    ev_timer timer;
};

void ms_main_load_start(struct ms_main_load *self, struct ev_loop *loop, struct ms_driver *driver);
void ms_main_load_stop(struct ms_main_load *self); /* accepts a zeroed one */

#endif
