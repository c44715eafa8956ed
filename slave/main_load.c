#include "slave/main_load.h"

#define INTERVAL_S 1.

static void timer_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_main_load *self = watcher->data;
    struct ms_load load = {0};

    (void)loop;
    (void)revents;
    ms_load_meter_read(&self->meter, &load);
    ms_driver_post(self->driver, &(struct ms_event){.type = MS_EVENT_LOAD,
                                                    .command = &(struct ms_command){
                                                        .kind = MS_KIND_BEAT, .body.load = &load}});
}

void ms_main_load_start(struct ms_main_load *self, struct ev_loop *loop, struct ms_driver *driver)
{
    self->loop = loop;
    self->driver = driver;
    ms_load_meter_init(&self->meter, NULL);
    ev_timer_init(&self->timer, timer_cb, INTERVAL_S, INTERVAL_S);
    self->timer.data = self;
    ev_timer_start(loop, &self->timer);
}

void ms_main_load_stop(struct ms_main_load *self)
{
    if (self->loop != NULL) {
        ev_timer_stop(self->loop, &self->timer);
    }
    *self = (struct ms_main_load){0};
}
