"""A half that went on alone while the other one was forced: how long until what it had alone is merged. The case of
`run.py --only merge`. See README.md."""
import sys
import time

from failover import NODES
from harness import MUSTER, Failed
from queued import SIZE, Queued, when_asked

COMMANDS = 100000
MERGE_S = 60
RUNS = 3  # at most; each has a pair of its own


def force(pair, name):
    """It is refused for as long as the other one was heard of a moment ago."""
    pair.wait("it is forced", lambda: pair.ask_one(name, "promote", "--force", "--i-know").returncode == 0)


def deposed(pair, count):
    """Both are active; the first has so many commands of its own, and nobody hears it: who it is, and who the other one."""
    first = pair.become_safe()
    second = NODES[1 - NODES.index(first)]
    pair.network.pass_frames(first, False, "b")
    pair.wait("it goes on alone", lambda: pair.in_state(first, "SOLO"))
    pair.fill(count, pair.address_of(first))
    pair.network.pass_frames(first, False)
    force(pair, second)
    pair.wait("the other one serves", pair.calm)
    return first, second


def is_merged(rows, first, second, count):
    there, here = rows.get(first, {}), rows.get(second, {})
    return here.get("merged_total", 0) >= count and here.get("copies") == 2 and there.get("state") == "SYNC"


def measure(bench, case, count):
    pair = Queued(bench)
    try:
        first, second = deposed(pair, count)
        pair.client.say("begin")
        begun = time.monotonic()
        pair.network.pass_frames(first, True)
        pair.wait("all of it is merged", lambda: is_merged(pair.rows(), first, second, count), MERGE_S)
        seconds, got, acks = time.monotonic() - begun, pair.client.say("look"), pair.client.say("acks")
        print(f"  {case}: {seconds:.2f} s, {got}, {acks}", file=sys.stderr, flush=True)
        if pair.waiting() < count or pair.rows()[second]["unmerged_total"] != 0:
            raise Failed("not all of it was merged")
    finally:
        pair.close()
    bench.add(case, MUSTER, "merge", "s", seconds)
    bench.add(case, MUSTER, "gap_max", "ms", got["gap_ms"])
    bench.add(case, MUSTER, "ack_p99", "ms", acks["p99_ms"])
    bench.params[case, MUSTER] = f"{count} x {SIZE} B of its own"


def cases(bench):
    case = f"merge-{COMMANDS}"
    when_asked(bench, case, min(RUNS, bench.runs), lambda: measure(bench, case, bench.count(COMMANDS)))


CASES = [cases]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    return [(f"merge-{COMMANDS}: seconds from the link's return until all is merged and in sync",
             bench.median(f"merge-{COMMANDS}", MUSTER, "merge"), "<=", 5.0)]
