"""How long clients wait when a master is lost: the cases of `make bench failover`. See README.md.

Two masters are hosts of their own (network.py); three slaves, which are the witnesses, and the client are a third. A trial
does something to one of both and asks the client for its longest interval between two acknowledgements."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness import MUSTER, Failed, percentile, stop
from network import BETWEEN, HUB, Network, is_possible

RATE = 1000
NODES = ("a", "b")
PORT, PEER_PORT = 7400, 7401
WITNESSES = 3
SAFE_S, ANSWER_S, RECOVER_S = 30, 5, 20
CALM_S = 0.3  # of acknowledgements as ever, before a trial
CALM_MS, LOST_MS = 100, 10000
AGAIN_S = 10.5  # a master that took over because of silence does not do it again sooner
TRIALS, TRIALS_OF_MANY = 100, 10
TRIALS_OF_RIVALS = 20  # at most


class Client:
    """A program that submits all the time and says on request how long it had to wait; rivals have their own."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, word):
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError) as error:
            raise Failed("the client has ended") from error

    def close(self):
        self.process.stdin.close()
        stop(self.process)
        self.process.stdout.close()


class Host:
    """Two servers of which one is active, what is beside them, and a client: what the trials rely on."""

    def spawn(self, host, command, **environment):
        log = open(os.path.join(self.folder, f"{os.path.basename(command[0])}.log"), "ab")
        with log:
            return subprocess.Popen(self.network.inside(host, *command), stdout=log, stderr=log,
                                    env={**os.environ, **environment})

    def wait(self, what, condition, span_s=SAFE_S):
        end = time.monotonic() + span_s
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise Failed(f"not in {span_s} s: {what}")

    def calm(self):
        """The client has been answered for a while as it always is."""
        self.client.say("begin")
        time.sleep(CALM_S)
        got = self.client.say("look")
        return got["gap_ms"] < CALM_MS and got["acks"] > RATE * CALM_S / 2

    def become_safe(self):
        active = self.wait("both are in sync", self.safe_active)
        self.wait("the client is answered", self.calm)
        return active

    def close(self):
        if self.client is not None:
            self.client.close()
        for process in [*self.others, *self.masters.values()]:
            process.send_signal(signal.SIGCONT)
            stop(process)


class Pair(Host):
    """A pair of masters, its witnesses, and a client that submits."""

    def __init__(self, bench):
        self.bins, self.network = bench.bins, Network(NODES)
        self.folder = tempfile.mkdtemp(prefix="muster-bench-")
        self.masters, self.others, self.client = {}, [], None
        self.led_at = {name: 0.0 for name in NODES}
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self):
        for name in NODES:
            self.start_master(name, *(["--bootstrap"] if name == NODES[0] else []))
        self.led_at[NODES[0]] = time.monotonic()  # to begin a pair counts, too
        self.addresses = ",".join(f"{self.network.address(name)}:{PORT}" for name in NODES)
        for number in range(WITNESSES):
            self.others.append(self.spawn(HUB, [
                self.program("muster-slave"), "--name", f"s{number}", "--slots", "4", "--state",
                f"{self.folder}/s{number}", "--log-level", "error", self.addresses]))
        self.wait("both are in sync, and all witnesses vote", self.safe_active)
        self.client = Client(self.network.inside(HUB, f"{self.bins}/bench/bench_gap", self.addresses, str(RATE)))

    def program(self, name):
        return os.path.join(self.bins, "bin", name)

    def start_master(self, name, *more):
        other = NODES[1 - NODES.index(name)]
        self.masters[name] = self.spawn(
            name, [self.program("muster-master"), "--listen", f"{self.network.address(name)}:{PORT}", "--peer-listen",
                   f"{self.network.address(name, BETWEEN)}:{PEER_PORT}", "--peer",
                   f"{self.network.address(other, BETWEEN)}:{PEER_PORT}", "--name", name, "--data", f"{self.folder}/{name}",
                   "--role", ("primary", "backup")[NODES.index(name)], *more],
            LD_PRELOAD=os.path.join(self.bins, "bench", "sync_fails.so"), MS_SYNC_FAILS=self.failing(name))
        self.led_at[name] = 0.0

    def failing(self, name):
        return os.path.join(self.folder, f"sync-fails-{name}")

    def ask(self, *words, where=HUB):
        done = subprocess.run(self.network.inside(where, self.program("muster"), "--master", self.addresses, *words),
                              capture_output=True, text=True, check=False, timeout=LOST_MS / 1000)
        return done

    def rows(self):
        try:
            return dict(zip(NODES, json.loads(self.ask("pair", "--json").stdout)))
        except ValueError:
            return {}

    def safe_active(self):
        """Who is active while both have everything and all witnesses are connected to both; else None."""
        rows = self.rows()
        actives = [name for name, row in rows.items() if row["state"] == "PAIR" and row["copies"] == 2]
        ready = all(row["state"] in ("PAIR", "SYNC") and row["witnesses"] == WITNESSES for row in rows.values())
        return actives[0] if len(actives) == 1 and ready else None

    def switch_over(self):
        done = self.ask("switchover", where=NODES[0])  # where the network between them is reached
        if done.returncode != 0:
            raise Failed(f"switchover: {done.stderr.strip()[-200:]}")

    def close(self):
        for master in self.masters.values():
            master.kill()  # or it hands over before it ends
        super().close()
        self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)


# --- what is done to them; each returns what puts it right again ---------------------------------------------


def restarted(pair, *names):
    def right():
        for name in names:
            pair.masters[name].kill()
            pair.masters[name].wait()
            pair.start_master(name)
    return right


def kill(pair, active):
    pair.masters[active].kill()
    return restarted(pair, active)


def lose_standby(pair, active):
    return kill(pair, NODES[1 - NODES.index(active)])


def lose_host(pair, active):
    """Nothing is heard of it again, not even that its connections are closed: they are cut before it dies."""
    pair.network.pass_frames(active, False)
    pair.masters[active].kill()
    pair.masters[active].wait()

    def right():
        pair.network.pass_frames(active, True)
        pair.start_master(active)
    return right


def freeze(pair, active):
    pair.masters[active].send_signal(signal.SIGSTOP)
    return lambda: pair.masters[active].send_signal(signal.SIGCONT)


def isolate(pair, active):
    pair.network.pass_frames(active, False)
    return lambda: pair.network.pass_frames(active, True)


def cut_link(pair, active):
    pair.network.pass_frames(active, False, "b")
    return lambda: pair.network.pass_frames(active, True, "b")


def fail_disk(pair, active):
    open(pair.failing(active), "w").close()

    def right():
        os.unlink(pair.failing(active))
        restarted(pair, active)()
    return right


def switch_over(pair, _):
    pair.switch_over()
    return lambda: None


def nothing(_, __):
    return lambda: None


# Name, what is done, seconds that are looked at at least, whether the other one is active afterwards, and by hearing nothing.
FAULTS = [
    ("nothing", nothing, 0.5, False, False),
    ("kill", kill, 0.5, True, False),
    ("host-lost", lose_host, 2.0, True, True),
    ("stopped", freeze, 2.0, True, True),
    ("isolated", isolate, 2.0, True, True),
    ("link-cut", cut_link, 1.5, False, False),
    ("standby-killed", lose_standby, 0.5, False, False),
    ("disk-fails", fail_disk, 0.5, True, False),
    ("switchover", switch_over, 0.5, True, False),
]


def trial(pair, fault, span_s, is_moving, is_silent):
    """The client's answer, and who was active before."""
    active = pair.become_safe()
    other = NODES[1 - NODES.index(active)]
    if is_silent:
        time.sleep(max(0.0, pair.led_at[other] + AGAIN_S - time.monotonic()))
    pair.client.say("begin")
    time.sleep(random.uniform(0, 0.1))
    begun = time.monotonic()
    right = fault(pair, active)
    time.sleep(max(0.0, begun + span_s - time.monotonic()))
    try:
        got = pair.wait("the client is answered again", lambda: recovered(pair.client), RECOVER_S)
    finally:
        right()
    if is_moving:
        pair.led_at[other] = time.monotonic()
    if got["failed"] != 0:
        raise Failed(f"{got['failed']} commands failed")
    now_active = pair.become_safe()
    if isinstance(pair, Pair) and (now_active != active) != is_moving:
        raise Failed(f"{now_active} is active, and {active} was")
    return got


def recovered(client):
    got = client.say("look")
    return got if got["open_ms"] < CALM_MS else None


def trials_of(bench):
    return bench.trials or (max(3, TRIALS_OF_MANY // 2) if bench.quick else TRIALS if bench.only else TRIALS_OF_MANY)


def add_gaps(bench, case, name, gaps):
    for metric, value in (("p50", percentile(gaps, 0.50)), ("p99", percentile(gaps, 0.99)), ("max", max(gaps))):
        bench.add(case, name, f"gap_{metric}", "ms", value)
    bench.params[case, name] = f"{len(gaps)} trials, {RATE} submissions/s of 256 B, {WITNESSES} witnesses"


def measure(bench, case, pair, *fault):
    gaps = []
    for number in range(trials_of(bench) if isinstance(pair, Pair) else min(trials_of(bench), TRIALS_OF_RIVALS)):
        got = trial(pair, *fault)
        gaps.append(got["gap_ms"])
        print(f"  {case}: {number + 1}: {got}", file=sys.stderr, flush=True)
    return gaps


def systems(bench):
    """{name: (what makes it, the faults it is measured with)}; who is not installed is left out."""
    import failover_rivals as rivals  # which needs this module
    for name, programs in rivals.NEEDS.items():
        if not all(shutil.which(program) for program in programs):
            bench.left_out[name] = "not installed"
    every = {MUSTER: (Pair, [row[0] for row in FAULTS]), **rivals.SYSTEMS}
    return {name: every[name] for name in bench.present(every)}


def run(bench, case, name, make, fault):
    try:
        pair = make(bench)
        try:
            add_gaps(bench, case, name, measure(bench, case, pair, *fault))
        finally:
            pair.close()
    except Failed as error:
        bench.failed(case, name, error)


def faults(bench):
    wanted = [row for row in FAULTS if bench.wants(f"failover-{row[0]}")]
    if not wanted:
        return
    if not is_possible():
        bench.left_out["failover"] = "needs network namespaces: root"
        return
    for name, (make, labels) in systems(bench).items():
        for label, *fault in wanted:
            if label in labels:
                run(bench, f"failover-{label}", name, make, fault)


CASES = [faults]
BARS = [("kill", "p99", 300), ("kill", "p50", 60), ("host-lost", "p99", 1600), ("stopped", "p99", 1600),
        ("isolated", "p99", 1600), ("link-cut", "p99", 1500), ("standby-killed", "p99", 300), ("disk-fails", "p99", 400),
        ("switchover", "p99", 100)]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    return [(f"failover-{label}: {metric} of the gap, ms",
             bench.median(f"failover-{label}", MUSTER, f"gap_{metric}"), "<=", bar) for label, metric, bar in BARS]
