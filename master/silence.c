#include "master/silence.h"

#include "core/limits.h"

void ms_silence_look(struct ms_silence *silence, ms_time now, ms_seq written, ms_seq durable)
{
    const bool is_awaited = written > durable;

    if (!is_awaited || !silence->is_awaited || durable != silence->durable) {
        silence->since = now;
    } else if (now - silence->looked_at > MS_STANDBY_LOOK) {
        silence->since += now - silence->looked_at - MS_STANDBY_LOOK;
    }
    silence->is_awaited = is_awaited;
    silence->durable = durable;
    silence->looked_at = now;
}

ms_time ms_silence_span(const struct ms_silence *silence)
{
    return silence->is_awaited ? silence->looked_at - silence->since : 0;
}
