"""How long acknowledgements take while nothing happens: the case of `run.py --only steady`. See README.md."""
import sys
import time

from failover import RATE, WITNESSES, Pair
from harness import MUSTER, Failed
from network import is_possible

CASE, SPAN_S = "steady-sync", 10


def add_acks(bench, case, got):
    for metric in ("p50", "p99", "max"):
        bench.add(case, MUSTER, f"ack_{metric}", "ms", got[f"{metric}_ms"])
    print(f"  {case}: {got}", file=sys.stderr, flush=True)


def measure(bench, span_s):
    pair = Pair(bench)
    try:
        for _ in range(bench.runs):
            pair.become_safe()
            pair.client.say("begin")
            time.sleep(span_s)
            got = pair.client.say("acks")
            if got["acks"] < RATE * span_s / 2:
                raise Failed(f"{got['acks']} acknowledgements in {span_s} s")
            add_acks(bench, CASE, got)
        bench.params[CASE, MUSTER] = f"{span_s} s, {RATE} submissions/s of 256 B, {WITNESSES} witnesses"
    finally:
        pair.close()


def cases(bench):
    if not bench.wants(CASE):
        return
    if not is_possible():
        bench.left_out["steady"] = "needs network namespaces: root"
        return
    try:
        measure(bench, SPAN_S * bench.scale)
    except Failed as error:
        bench.failed(CASE, MUSTER, error)


CASES = [cases]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    return [(f"{CASE}: {metric} of acknowledgements, ms", bench.median(CASE, MUSTER, f"ack_{metric}"), "<=", bar)
            for metric, bar in (("p50", 1.0), ("p99", 5.0))]
