"""A pair of masters as real processes, its slaves and witnesses, its load, and what the commands wrote down: for the tests of the pair.

Each command writes a line when it begins; each acknowledgement and outcome is a line of the client's. Nothing is judged by
what a master says of itself, but for who is active."""
import json
import os
import signal
import subprocess
import time

from harness import BIN, LIMIT_S, Cluster, free_ports, wait_until

PARTS = os.path.join(os.environ["MS_BUILD_DIR"], "tests", "integration")
CLIENT = "0123456789abcdef0123456789abcdef"
COMMANDS = 10000
SLAVES = 3
SLOTS = 4
STUCK = os.path.join(PARTS, "preload", "stuck.so")
SLACK_MS = 3000  # of a machine that does other things, too
NOBODY_ANSWERS, NO_PEER, USAGE, DAMAGED, TRY_LATER, UNSUITABLE, REFUSED, MISCONFIGURED, TIMED_OUT = 69, 69, 64, 65, 75, 76, 77, 78, 124
DISK_FAILED = 74


def lines_of(path):
    """Those that are whole: the last one may be under way."""
    with open(path) as file:
        return [line for line in file if line.endswith("\n")]


class Pair(Cluster):
    """Two masters, slaves that are witnesses, and what the commands wrote down. Shaped like a Cluster of one master."""

    def __init__(self, slaves=SLAVES, slots=SLOTS, witnesses=None, witness="auto", failover="quorum", quorum_loss="hold",
                 tick="500ms", options=(), slave_options=(), before=None, is_apart=False, names_both=False):
        """witnesses: so many of the slaves keep what they vote (all of them). options: of masters that are started from now
        on, also as `more`; {place} in them is 0 or 1. before: what is done with a single master, on the directory that is to be the primary's.
        is_apart: the pair has listeners of its own. names_both: --peer of each is the list of both, as in one configuration for two machines."""
        ports = free_ports(4)
        self.addresses = [f"127.0.0.1:{port}" for port in ports[:2]]
        self.peers = [f"127.0.0.1:{port}" for port in ports[2:]] if is_apart else self.addresses
        self.is_apart, self.names_both = is_apart, names_both
        self.witness, self.failover, self.lives, self.masters = witness, failover, 0, [None, None]
        self.quorum_loss, self.tick, self.slots = quorum_loss, tick, slots
        self.more = list(options)
        self.slave_options = list(slave_options)
        self.served_by = {}  # the latest process of each slave, by its name
        self.clients = 0
        super().__init__()
        self.master.kill()  # the single one that a Cluster begins with
        self.address = ",".join(self.addresses)
        if before is not None:
            self.live_alone(before)
        for place in (0, 1):
            self.start_master(place, is_first=place == 0)
        names = [f"s{number + 1}" for number in range(slaves)]
        voting = names if witnesses is None else names[:witnesses]
        for name in names:  # all at once: a list of witnesses that has changed stays so for a while
            self.start_slave(name, is_witness=name in voting)
        wait_until("one is active", lambda: self.active() is not None)
        wait_until("all slaves serve", lambda: all(self.serves(name) for name in names))
        if witness == "auto" and voting:
            wait_until("both have everything, and a witness votes", lambda: self.is_safe(1))
        else:
            wait_until("both have everything", self.is_safe)

    def path(self, name):
        return os.path.join(self.folder, name)

    def live_alone(self, act):
        single = self.start("single", ["muster-master", "--listen", self.addresses[0], "--data", self.path("data-0"),
                                       "--store-reserve", "1MiB"])
        wait_until("the single master serves", lambda: self.ask("status")[0] == 0)
        slave = self.start("slave-alone", ["muster-slave", "--name", "alone", self.addresses[0]])
        wait_until("its slave serves", lambda: self.serves("alone"))
        act(self)
        slave.kill()
        single.kill()
        refused = self.start("refused", ["muster-master", "--listen", self.addresses[0], "--data", self.path("data-0"),
                                         "--role", "primary", "--peer", self.addresses[1]])
        refused.ends_with(USAGE)
        assert "with --bootstrap they become" in refused.log(), refused.log()

    def start_master(self, place, is_first=False, environment=None):
        self.lives += 1
        self.masters[place] = self.start(f"master-{place}-{self.lives}", [
            "muster-master", "--listen", self.addresses[place], "--tick", self.tick, "--data", self.path(f"data-{place}"),
            "--store-reserve", "1MiB", "--role", ("primary", "backup")[place],
            "--peer", ",".join(self.peers) if self.names_both else self.peers[1 - place],
            *(["--peer-listen", self.peers[place]] if self.is_apart else []),
            "--witness", self.witness, "--failover", self.failover, "--on-quorum-loss", self.quorum_loss,
            *(option.format(place=place) for option in self.more),
            *(["--bootstrap"] if is_first else [])], environment)

    def start_slave(self, name, *options, is_witness=True):
        """One that runs the commands of load(); started again under its name, it is what it was."""
        self.served_by[name] = self.start(f"{name}-{len(self.programs)}", [
            "muster-slave", "--name", name, "--slots", str(self.slots),
            *(["--state", self.path(f"state-{name}")] if is_witness else []),
            "--handler", f"{os.path.join(PARTS, 'torture', 'torture.so')}:{self.folder}", *self.slave_options, *options, self.address])
        return self.served_by[name]

    def ask(self, command, *arguments, masters=None):
        """(exit code, standard output, standard error)"""
        done = subprocess.run([os.path.join(BIN, "muster"), "--master", masters or self.address, command, *arguments],
                              capture_output=True, timeout=LIMIT_S, check=False, text=True)
        return done.returncode, done.stdout, done.stderr

    def rows_of_pair(self):
        return json.loads(self.ask("pair", "--json")[1])

    def active(self):
        """The place of the one that serves; None if it is nobody, or, which must never be, both in one epoch."""
        rows = self.rows_of_pair()
        serving = [place for place, row in enumerate(rows) if row["role"] == "active" and row["state"] in ("PAIR", "SOLO")]
        if len(serving) == 2:
            assert rows[0]["epoch"] != rows[1]["epoch"], f"both are active: {rows}"
            return None
        return serving[0] if serving else None

    def is_safe(self, witnesses=0):
        """Both are there, each has everything, and so many witnesses vote."""
        rows = self.rows_of_pair()
        active = [row for row in rows if row["state"] == "PAIR"]
        return (len(active) == 1 and active[0]["copies"] == 2 and active[0]["witnesses"] >= witnesses and
                any(row["state"] == "SYNC" for row in rows))

    def become_safe(self):
        wait_until("copies=2 again", self.is_safe)

    def takeover(self, of):
        wait_until(f"master {of} is active", lambda: self.active() == of)

    # --- load -------------------------------------------------------------------------------------------

    def load(self, count=COMMANDS, work_us=200, window=500):
        """A client under way; its number is for judge()."""
        self.clients += 1
        name = f"{CLIENT[:-1]}{self.clients:x}"
        log = open(self.path(f"client-{self.clients}.err"), "wb")
        words = [self.path(f"history-{self.clients}"), self.address, name, 0, window, 0, 0, 0, count, work_us]
        process = subprocess.Popen([os.path.join(PARTS, "torture", "torture_client"), *map(str, words)],
                                   stdout=log, stderr=log)
        load = type("Load", (), dict(process=process, pid=process.pid, name="client", number=self.clients, id=name,
                                     count=count, log=lambda self: "", go_on=lambda self: None,
                                     kill=lambda self: process.kill()))()
        self.programs.append(load)
        return load

    def history(self, load, word):
        """{seq: [(ns, more words)]} of one kind of line."""
        found = {}
        for line in lines_of(self.path(f"history-{load.number}")):
            ns, what, *more = line.split()
            if what == word:
                found.setdefault(int(more[0]), []).append((int(ns), more[1:]))
        return found

    def acknowledged(self, load):
        try:
            return len(self.history(load, "ACK"))
        except FileNotFoundError:
            return 0

    def outcomes(self, load):
        try:
            return len(self.history(load, "OUTCOME"))
        except FileNotFoundError:
            return 0

    def begun(self, load):
        """{seq: [ns]} of every time that it began, in whichever slave."""
        found = {}
        for name in os.listdir(self.folder):
            if name.startswith("work-"):
                for line in lines_of(self.path(name)):
                    ns, what, identity, *_ = line.split()
                    if what == "START" and identity.startswith(load.id):
                        found.setdefault(int(identity.split(":")[1]), []).append(int(ns))
        return found

    def judge(self, load, kills):
        """Everything came to its one end; whatever was acknowledged before a kill (or after the last) began once."""
        load.process.wait(4 * LIMIT_S)
        with open(self.path(f"client-{load.number}.err")) as file:
            assert load.process.returncode == 0, f"the client ended with {load.process.returncode}: {file.read()}"
        outcomes, acks, begun = self.history(load, "OUTCOME"), self.history(load, "ACK"), self.begun(load)
        assert sorted(outcomes) == list(range(1, load.count + 1)), f"{len(outcomes)} outcomes of {load.count}"
        for seq, told in outcomes.items():
            assert len(told) == 1, f"{seq} was told {len(told)} times"
            assert told[0][1][:2] == ["0", "0"], f"{seq}: {told}"
            assert seq in begun, f"{seq} is done, and never began"
        repeated = {seq: times for seq, times in begun.items() if len(times) > 1}
        for seq, times in repeated.items():
            acked = min((ns for ns, _ in acks.get(seq, [])), default=1 << 62)
            is_explained = any(times[0] <= kill < acked for kill in kills)
            assert is_explained, f"{seq} was acknowledged at {acked} and began at {times}, kills at {kills}"
        return len(repeated)

    def pauses_of(self, load, word, moment):
        """The longest time in ms without such a line that ended after that moment."""
        times = sorted(ns for told in self.history(load, word).values() for ns, _ in told)
        return max((after - before) // 1000000 for before, after in zip(times, times[1:]) if after > moment)

    def pause_ms(self, load, kill):
        """The longest time without an outcome around that moment."""
        times = sorted(ns for told in self.history(load, "OUTCOME").values() for ns, _ in told)
        return max(((after - before) // 1000000 for before, after in zip(times, times[1:])
                    if after > kill and before < kill + 10 ** 9), default=0)


def never(what, condition, span_s):
    """It does not become true in that time, which is several times as long as it would take."""
    end = time.monotonic() + span_s
    while time.monotonic() < end:
        assert not condition(), what


def kill(pair, *victims):
    """All at the same moment, which is returned: a number is the master in that place, a name is a slave."""
    programs = [pair.masters[victim] if isinstance(victim, int) else pair.served_by[victim] for victim in victims]
    moment = time.monotonic_ns()
    for program in programs:
        program.signal(signal.SIGKILL)
    for program in programs:
        program.process.wait()
    return moment


def submit_kept(pair, number, *options):
    """A command of a client of its own, whose outcome is kept; its id."""
    client = f"{number:032x}"
    code, _, err = pair.ask("submit", "torture", "--id", f"{client}:1", "--keep", "--payload",
                            f"torture {client} 1 0 ok 0 x", *options)
    assert code == 0, f"{code}: {err}"
    return client


def begun_of(pair, client):
    return sum(len(times) for times in pair.begun(type("Load", (), dict(id=client))()).values())
