"""What clients wait when the active of a pair is killed while a million commands wait: the case `failover-full`. See README.md."""
import sys

from failover import FAULTS, add_gaps, trial, trials_of
from harness import MUSTER, Failed
from queued import SIZE, Queued, when_asked

CASE, COMMANDS = "failover-full", 1000000
TRIALS = 20  # at most
KILL = next(row[1:] for row in FAULTS if row[0] == "kill")


def measure(bench, count):
    pair = Queued(bench)
    gaps = []
    try:
        pair.become_safe()
        pair.fill(count)
        for number in range(min(TRIALS, trials_of(bench))):
            got = trial(pair, *KILL)
            gaps.append(got["gap_ms"])
            print(f"  {CASE}: {number + 1}: {got}", file=sys.stderr, flush=True)
            if pair.waiting() < count:
                raise Failed("commands are missing")
    finally:
        pair.close()
    add_gaps(bench, CASE, MUSTER, gaps)
    bench.params[CASE, MUSTER] += f"; {count} x {SIZE} B wait"


def cases(bench):
    when_asked(bench, CASE, 1, lambda: measure(bench, bench.count(COMMANDS)))


CASES = [cases]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    return [(f"{CASE}: {metric} of the gap, ms", bench.median(CASE, MUSTER, f"gap_{metric}"), "<=", bar)
            for metric, bar in (("p50", 800), ("p99", 1200))]
