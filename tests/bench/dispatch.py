"""When work that waited goes on after the active is killed: the cases `failover-dispatch`, and `failover-dispatch-slave-lost`, in
which a slave with work in hand is killed at the same moment. See README.md."""
import os
import random
import sys
import time

from failover import NODES, kill, trials_of
from harness import MUSTER, Failed, percentile, stop
from network import HUB, is_possible
from queued import Queued

WORKERS, SLOTS = 3, 4
LONG, LONG_MS, SHORT_MS = 6, 600000, 20  # so many long ones keep half of the slots
WAITING_MIN, WAITING_MORE = 1000, 3000
TRIALS_OF_LOST = 20  # at most: each takes four ticks and more
LOST_S = 30
ONE, LOST = "failover-dispatch", "failover-dispatch-slave-lost"


class Notes:
    """What the handlers of the slaves have written down (handlers/note.c)."""

    def __init__(self, folder):
        self.folder, self.places = folder, {}
        self.begun = {}  # id -> [(nanoseconds, epoch, slave)]
        self.open = {}  # id -> slave that has begun it last, and not ended

    def read(self):
        """What is new, in the order of time: nanoseconds, word, epoch, id, slave."""
        fresh = []
        for name in sorted(name for name in os.listdir(self.folder) if name.startswith("notes-")):
            with open(os.path.join(self.folder, name)) as file:
                file.seek(self.places.get(name, 0))
                text = file.read()
            whole = text[:text.rfind("\n") + 1]
            self.places[name] = self.places.get(name, 0) + len(whole)
            for line in whole.splitlines():
                at, word, epoch, command = line.split()
                fresh.append((int(at), word, int(epoch), command, name.removeprefix("notes-")))
        for note in sorted(fresh):
            self.take(*note)

    def take(self, at, word, epoch, command, slave):
        if word == "begin":
            self.begun.setdefault(command, []).append((at, epoch, slave))
            self.open[command] = slave
        else:
            self.open.pop(command, None)

    def in_hand(self, slave):
        return [command for command, holder in self.open.items() if holder == slave]

    def of(self, slave):
        return [command for command, attempts in self.begun.items() if any(who == slave for _, _, who in attempts)]

    def epoch(self):
        return max((epoch for attempts in self.begun.values() for _, epoch, _ in attempts), default=0)

    def first_after(self, epoch):
        """When a command was begun that a later reign handed out, and that nobody had begun before; None: not yet."""
        return min((attempts[0][0] for attempts in self.begun.values() if attempts[0][1] > epoch), default=None)

    def again(self, commands, since):
        """When the last of them was begun again; None: not all of them were."""
        times = [attempts[-1][0] for attempts in (self.begun[command] for command in commands)]
        return max(times) if all(at > since for at in times) else None

    def repeated(self):
        return {command for command, attempts in self.begun.items() if len(attempts) > 1}


class Workers(Queued):
    """Three slaves more, half of whose slots have long work, and a queue of short work."""

    def begin(self):
        super().begin()
        self.workers, self.notes, self.excused = {}, Notes(self.folder), set()
        for number in range(WORKERS):
            self.start_worker(f"w{number}")
        self.fill(LONG, text=str(LONG_MS))
        self.wait("the long ones run", lambda: self.look_at_notes() or len(self.notes.open) == LONG)

    def start_worker(self, name):
        self.workers[name] = self.spawn(HUB, [
            self.program("muster-slave"), "--name", name, "--slots", str(SLOTS), "--drain-timeout", "1ms", *self.handler(),
            "--log-level", "error", self.addresses])

    def look_at_notes(self):
        self.notes.read()
        more = self.notes.repeated() - self.excused
        if more:
            raise Failed(f"{len(more)} commands were begun twice, and their slave lives")

    def fill_up(self):
        if self.waiting() < WAITING_MIN:
            self.fill(WAITING_MORE, text=str(SHORT_MS))

    def close(self):
        for worker in getattr(self, "workers", {}).values():
            stop(worker)
        super().close()


def first_at(pair, epoch):
    pair.look_at_notes()
    return pair.notes.first_after(epoch)


def again_at(pair, commands, since):
    pair.look_at_notes()
    return pair.notes.again(commands, since) if commands else since


def kill_worker(pair):
    """Any of them; what it had in hand. That may be begun again, and so may what it had just ended."""
    name = random.choice(list(pair.workers))
    pair.workers[name].kill()
    pair.workers[name].wait()
    pair.notes.read()
    pair.excused.update(pair.notes.of(name))
    return name, pair.notes.in_hand(name)


def trial(pair, is_slave_lost):
    """Milliseconds from the kill: until a command is begun that waited, and until those of a dead slave are begun again."""
    active = pair.become_safe()
    pair.fill_up()
    time.sleep(random.uniform(0, 0.1))
    pair.look_at_notes()
    epoch, since = pair.notes.epoch(), time.monotonic_ns()
    right = kill(pair, active)
    worker, commands = kill_worker(pair) if is_slave_lost else (None, [])
    killed = time.monotonic_ns()
    try:
        first = pair.wait("work that waited goes on", lambda: first_at(pair, epoch), LOST_S)
        again = pair.wait("work of the dead slave is begun again", lambda: again_at(pair, commands, killed), LOST_S)
    finally:
        right()
    if worker is not None:
        pair.start_worker(worker)
    if pair.become_safe() != NODES[1 - NODES.index(active)]:
        raise Failed(f"{active} is active again")
    return dict(first_ms=(first - since) / 1e6, again_ms=(again - since) / 1e6, in_hand=len(commands))


def measure(bench, case, is_slave_lost):
    trials = trials_of(bench)
    pair = Workers(bench)
    got = []
    try:
        for number in range(min(TRIALS_OF_LOST, trials) if is_slave_lost else trials):
            got.append(trial(pair, is_slave_lost))
            print(f"  {case}: {number + 1}: {got[-1]}", file=sys.stderr, flush=True)
    finally:
        pair.close()
    for what in ("first", "again") if is_slave_lost else ("first",):
        times = [row[f"{what}_ms"] for row in got]
        for metric, value in (("p50", percentile(times, 0.5)), ("p99", percentile(times, 0.99)), ("max", max(times))):
            bench.add(case, MUSTER, f"{what}_{metric}", "ms", value)
    bench.params[case, MUSTER] = f"{len(got)} trials, {WORKERS} slaves with {SLOTS} slots, {LONG} of them busy for long"


def cases(bench):
    for case, is_slave_lost in ((ONE, False), (LOST, True)):
        if not bench.wants(case):
            continue
        if not is_possible():
            bench.left_out[case] = "needs network namespaces: root"
            continue
        try:
            measure(bench, case, is_slave_lost)
        except Failed as error:
            bench.failed(case, MUSTER, error)


CASES = [cases]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    rows = [(ONE, "first", "p50", 100), (ONE, "first", "p99", 400), (LOST, "again", "p99", 4400)]
    names = {"first": "until waiting work goes on", "again": "until a dead slave's work is begun again"}
    return [(f"{case}: {metric} {names[what]}, ms", bench.median(case, MUSTER, f"{what}_{metric}"), "<=", bar)
            for case, what, metric, bar in rows]
