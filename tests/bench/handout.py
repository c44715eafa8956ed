"""What a strategy costs and what it is good for: the cases `strategy-cost`, `handout-{mixed,even}` in virtual time, the same with real
programs (`makespan-mixed`, `spread-16-slaves`), and `grant-depth{1,1000}`. See README.md."""
import collections
import json
import os
import random
import shutil
import subprocess
import tempfile
import time

from harness import MUSTER, Failed, Server, finished, pinned, stop

COST, VIRTUAL, MAKESPAN, SPREAD, GRANT = "strategy-cost", "handout", "makespan-mixed", "spread-16-slaves", "grant-depth"
SIZES = (10, 1000, 10000)
MIXED, LONG_EVERY, LONG_S, SHORT_S, SEED = 600, 20, 0.5, 0.01, 7
MIXED_SLAVES, MIXED_PREFETCH = 4, 15
EVEN, EVEN_SLAVES, EVEN_S = 1000, 16, 0.3
SLAVES = 4  # of the two ways of granting
SERVES_S = 20


class Cluster:
    """A master with routes, and slaves that run programs."""

    def __init__(self, bench, routes, slaves, options):
        self.programs = os.path.join(bench.bins, "bin")
        self.folder = tempfile.mkdtemp(prefix="muster-bench-")
        config = os.path.join(self.folder, "master.conf")
        with open(config, "w") as file:
            file.write(routes + "\n")
        self.slaves = []
        self.server = None
        try:
            self.server = Server({"command": lambda port, folder, size: [
                self.program("muster-master"), "--listen", f"127.0.0.1:{port}", "--log-level", "error", "--config", config]}, None, 0)
            self.address = f"127.0.0.1:{self.server.port}"
            for number in range(slaves):
                self.slaves.append(subprocess.Popen(
                    [self.program("muster-slave"), "--name", f"s{number}", "--log-level", "error", *options, self.address],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            self.await_slaves(slaves)
        except BaseException:
            self.close()
            raise

    def program(self, name):
        return os.path.join(self.programs, name)

    def muster(self, *words, **options):
        return finished([self.program("muster"), "--master", self.address, *words], **options)

    def rows(self):
        return json.loads(self.muster("slaves", "--json"))

    def await_slaves(self, wanted):
        end = time.monotonic() + SERVES_S
        while time.monotonic() < end:
            if sum(row["credit"] > 0 for row in self.rows()) == wanted:
                return
            time.sleep(0.05)
        raise Failed("the slaves do not serve")

    def close(self):
        for slave in self.slaves:
            stop(slave)
        if self.server is not None:
            self.server.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def cost(bench):
    """Of the engine alone, on one processor."""
    if not bench.wants(COST):
        return
    for _ in range(bench.runs):
        told = finished(pinned("1", [os.path.join(bench.bins, "bench", "bench_strategies"), str(bench.count(400000))]), timeout=600)
        for line in told.splitlines():
            row = json.loads(line)
            bench.add(f"{COST}-{row['slaves']}", row["strategy"], "master_cpu", "us/command", row["ns"] / 1000)


def virtual(bench):
    """Without any noise, so once."""
    if not bench.wants(VIRTUAL):
        return
    for line in finished([os.path.join(bench.bins, "bench", "bench_makespan")]).splitlines():
        row = json.loads(line)
        for metric, unit in (("makespan", "s"), ("turnaround", "s"), ("spread", "commands")):
            bench.add(f"{VIRTUAL}-{row['load']}", row["strategy"], metric, unit, row[metric])


def mixed():
    """Seconds that each takes; the same in each run."""
    draw = random.Random(SEED)
    return [LONG_S if draw.randrange(LONG_EVERY) == 0 else SHORT_S for _ in range(MIXED)]


def makespan(bench):
    """Twice as many under way as there are slots: whoever has credit runs something, or has something that runs before it."""
    def run(case, strategy):
        cluster = Cluster(bench, f'route "*" {{ strategy = {strategy} }}', MIXED_SLAVES,
                          ["--allow-exec", "--slots", "1", "--prefetch", str(MIXED_PREFETCH)])
        try:
            begun = time.monotonic()
            cluster.muster("map", "--progress", "none", "-j", str(2 * MIXED_SLAVES), "sleep", "{}", timeout=600,
                           input="".join(f"{span}\n" for span in mixed()))
            bench.add(case, strategy, "makespan", "s", time.monotonic() - begun)
        finally:
            cluster.close()
    bench.interleave(MAKESPAN, ["round-robin", "least"], run)


def spread(bench):
    """Long commands, all equal, to slaves with the default credit."""
    def run(case, name):
        cluster = Cluster(bench, "", EVEN_SLAVES, ["--allow-exec", "--slots", "2"])
        try:
            cluster.muster("map", "--progress", "none", "-j", str(EVEN), "sleep", "{}", timeout=600,
                           input=f"{EVEN_S}\n" * EVEN)
            done = [row["done_total"] for row in cluster.rows()]
        finally:
            cluster.close()
        if sum(done) != EVEN:
            raise Failed(f"{sum(done)} of {EVEN} are done")
        bench.add(case, name, "spread", "commands", max(done) - min(done))
        bench.add(case, name, "off", "commands", max(abs(count - EVEN / EVEN_SLAVES) for count in done))
    bench.interleave(SPREAD, [MUSTER], run)


def grant(bench):
    """Credit that is renewed with each result, and credit that is asked for each time."""
    for depth in (1, 1000):
        def run(case, mode, depth=depth):
            cluster = Cluster(bench, "", SLAVES, ["--mode", mode, "--slots", "64"])
            try:
                told = json.loads(cluster.muster("bench", "--json", "--depth", str(depth), "--count",
                                                 str(bench.count(400000 if depth > 1 else 20000))))
            finally:
                cluster.close()
            bench.add(case, mode, "rate", "commands/s", told["commands_per_second"])
            bench.add(case, mode, "p50", "us", told["p50_us"])
        bench.interleave(f"{GRANT}{depth}", ["push", "pull"], run)


CASES = [cost, virtual, makespan, spread, grant]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    few, many = SIZES[0], SIZES[-1]
    dearest = collections.defaultdict(float)
    for (case, strategy, metric) in bench.samples:
        if case.startswith(COST) and strategy != "any":
            slaves = int(case.rsplit("-", 1)[1])
            dearest[slaves] = max(dearest[slaves], bench.ratio((case, strategy, metric), (case, "any", metric)))
    rows = [(f"{COST}: dearest strategy / any, {slaves} slaves", dearest.get(slaves), "<=", 2.0) for slaves in SIZES]
    rows.append((f"{COST}: dearest / any with {many} slaves, by the same with {few}",
                 dearest[many] / dearest[few] if dearest.get(few) else None, "<=", 2.0))
    for case in (f"{VIRTUAL}-mixed", MAKESPAN):
        rows.append((f"{case}: least / round-robin", bench.ratio((case, "least", "makespan"), (case, "round-robin", "makespan")), "<=", 0.9))
    for case, system in ((f"{VIRTUAL}-even", "any"), (SPREAD, MUSTER)):
        rows.append((f"{case}: most minus fewest commands of a slave", bench.median(case, system, "spread"), "<=", 2.0))
    return rows
