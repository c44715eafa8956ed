"""A standby that is far behind: how fast it is caught up, and what clients notice. The case of `run.py --only catchup-behind`.
See README.md."""
import sys
import time

from failover import NODES
from harness import MUSTER, Failed
from queued import SIZE, Queued, when_asked

CASE, COMMANDS = "catchup-behind", 1000000
WITHOUT_S = 5  # of acknowledgements beside which those during the catch-up are put
BACK_S = 120
RUNS = 3  # at most; each has a pair of its own


def acks(pair, span_s):
    pair.client.say("begin")
    time.sleep(span_s)
    return pair.client.say("acks")


def catch_up(pair, standby):
    """Seconds from exec until it is in S, and the client's acknowledgements meanwhile."""
    pair.client.say("begin")
    begun = time.monotonic()
    pair.start_master(standby)
    pair.wait("it is caught up", lambda: pair.in_state(standby, "SYNC"), BACK_S)
    return time.monotonic() - begun, pair.client.say("acks")


def measure(bench, count):
    pair = Queued(bench)
    try:
        active = pair.become_safe()
        standby = NODES[1 - NODES.index(active)]
        pair.kill(standby)
        pair.wait("it goes on alone", lambda: pair.in_state(active, "SOLO"))
        pair.fill(count)
        pair.wait("the client is answered", pair.calm)
        without = acks(pair, WITHOUT_S)
        seconds, during = catch_up(pair, standby)
        print(f"  {CASE}: {seconds:.2f} s, without {without}, during {during}", file=sys.stderr, flush=True)
        if pair.waiting() < count:
            raise Failed("commands are missing")
        if pair.become_safe() != active:
            raise Failed("the other one is active")
    finally:
        pair.close()
    bench.add(CASE, MUSTER, "back", "s", seconds)
    bench.add(CASE, MUSTER, "rate", "commands/s", count / seconds)
    for metric in ("p50", "p99", "max"):
        bench.add(CASE, MUSTER, f"ack_{metric}", "ms", during[f"{metric}_ms"])
        bench.add(CASE, MUSTER, f"alone_{metric}", "ms", without[f"{metric}_ms"])
    bench.params[CASE, MUSTER] = f"{count} x {SIZE} B behind, class sync"


def cases(bench):
    when_asked(bench, CASE, min(RUNS, bench.runs), lambda: measure(bench, bench.count(COMMANDS)))


CASES = [cases]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    return [(f"{CASE}: commands/s", bench.median(CASE, MUSTER, "rate"), ">=", 100000),
            (f"{CASE}: p99 of acknowledgements / without it",
             bench.ratio((CASE, MUSTER, "ack_p99"), (CASE, MUSTER, "alone_p99")), "<=", 2.0)]
