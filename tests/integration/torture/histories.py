"""What the processes of a torture wrote down, read back: submissions, executions, lives.

All times are nanoseconds of CLOCK_MONOTONIC, which is one clock for all processes of a machine. A line that a
SIGKILL cut is counted as torn and skipped; its writer was dead before anybody could act on it.
"""
import glob
import json
import os
import re
from dataclasses import dataclass, field

NEVER = 1 << 62
MASTER_DEATH = re.compile(
    r"ts=(\S+) .*msg=\"session ended\" role=slave name=\"?([^\" ]+)\"? held=(\d+) reason=(silent|replaced)")


def death_in(line):
    """(time, name of a slave) when this line of a master's log gives up a session that may have been of use; else Nones. One that
    is replaced with nothing in hand is none: a slave that hears no WELCOME greets again on another connection, and when a
    master that was deaf hears at last, all of these greetings come at once."""
    match = MASTER_DEATH.match(line)
    if match is None or (match.group(4) == "replaced" and match.group(3) == "0"):
        return None, None
    return match.group(1), match.group(2)


def unfinished(status):
    """Commands of a master's status that are not at their end. Background ones that failed for good are kept
    until somebody kicks them, or for a week: that is their end, as long as no other is buried."""
    counts = {name: value for name, value in status.items()
              if name.startswith("commands_") and not name.endswith("_max") and value != 0}
    if counts.get("commands_buried") == counts.get("commands_kept"):
        counts.pop("commands_buried", None)
        counts.pop("commands_kept", None)
    return counts


@dataclass
class Outcome:
    t: int
    run: int  # of the client, from 1
    error: int
    status: int
    attempt: int
    hash: str
    token: str  # of the execution that gave it, "-" = none said so
    is_ours: bool


@dataclass
class Submission:
    client: int
    id: str  # CLIENT:SEQ
    is_background: bool = False
    is_once: bool = False  # no attempt is to be started after the first
    attempts: int = 1
    timeout_ms: int = 0
    delay_ms: int = 0
    word: str = "ok"
    times: int = 0
    submits: list = field(default_factory=list)  # (t, run)
    acks: list = field(default_factory=list)  # (t, durability, copies)
    accepted: list = field(default_factory=list)  # (t, run): background work that is off the client's hands
    cancels: list = field(default_factory=list)  # t
    outcomes: list = field(default_factory=list)

    def accepted_at(self):
        """When its client first knew that the master has it."""
        return min([t for t, *_ in self.acks + self.accepted] + [outcome.t for outcome in self.outcomes
                                                                 if outcome.error == 0], default=NEVER)


@dataclass
class Execution:
    id: str
    token: tuple  # (epoch, n)
    attempt: int
    slave: str
    pid: int
    start: int
    payload_id: str
    end: int = NEVER
    result: str = ""  # ok, retry, fail, crash, stopped; empty = it never ended


@dataclass
class Slave:
    name: str
    pid: int
    killed: int = NEVER
    freezes: list = field(default_factory=list)  # [stopped, continued]
    cuts: list = field(default_factory=list)  # [cut off from all masters, healed]


@dataclass
class Life:
    """Of the master; the first has number 1."""
    number: int
    started: int
    serving: int = NEVER
    killed: int = NEVER
    live: int = 0  # commands that it had soon after it served


@dataclass
class History:
    submissions: dict = field(default_factory=dict)  # id -> Submission
    executions: dict = field(default_factory=dict)  # id -> [Execution] by start
    slaves: dict = field(default_factory=dict)  # pid -> Slave
    lives: list = field(default_factory=list)
    deaths: list = field(default_factory=list)  # (t, name of a slave): sessions that masters gave up
    left: dict = field(default_factory=dict)  # last status of the last master
    broken: list = field(default_factory=list)  # sentences about processes that failed
    torn: int = 0
    tick_ms: int = 400  # of the masters: three of them in silence make a session dead
    data_bytes: int = 0  # that the empty store takes in the end
    kills: int = 0  # of any process; each may leave one torn line
    # Of a pair of masters:
    faults: list = field(default_factory=list)  # [begun, all was well again, name]
    downs: list = field(default_factory=list)  # (t, place of a master that was killed)
    losses: list = field(default_factory=list)  # [begun, over, place of a master whose host was lost]
    acts: list = field(default_factory=list)  # (t, place of the master, epoch, kind of frame, link), as they came


def _born(history, client, words):
    client["run"] += 1


def _submit(history, client, words):
    submission = client["of"](words[0])
    submission.is_background, submission.is_once = words[1] == "b", words[1] == "o"
    submission.attempts, submission.timeout_ms, submission.delay_ms = (int(word) for word in words[2:5])
    submission.word, submission.times = words[5], int(words[6])
    submission.submits.append((client["t"], client["run"]))


def _ack(history, client, words):
    client["of"](words[0]).acks.append((client["t"], int(words[1]), int(words[2])))


def _outcome(history, client, words):
    error, status, attempt = (int(word) for word in words[1:4])
    client["of"](words[0]).outcomes.append(
        Outcome(client["t"], client["run"], error, status, attempt, words[4], words[5], words[6] == "ours"))


def _background(history, client, words):
    client["of"](words[0]).accepted.append((client["t"], client["run"]))


def _cancel(history, client, words):
    client["of"](words[0]).cancels.append(client["t"])


def _broken(history, client, words):
    history.broken.append(f"client {client['number']}: {' '.join(words)}")


def _closed(history, client, words):
    if words != ["0", "0"]:
        history.broken.append(f"client {client['number']} closed with error {words[0]}, {words[1]} outstanding")


def _nothing(history, client, words):
    pass


CLIENT_LINES = {  # what to do with it, and how many words it has at least: fewer are torn
    "BORN": (_born, 3), "SUBMIT": (_submit, 7), "ACK": (_ack, 3), "OUTCOME": (_outcome, 7),
    "BACKGROUND": (_background, 1), "CANCEL": (_cancel, 1), "CANCEL_OK": (_nothing, 2), "UP": (_nothing, 1),
    "DOWN": (_nothing, 1), "BROKEN": (_broken, 0), "CLOSED": (_closed, 2)}


def read_client(history, number, uuid, lines):
    """The history of one client through all its runs."""
    client = {"number": number, "run": 0, "t": 0}

    def submission_of(seq):
        key = f"{uuid}:{int(seq)}"
        if key not in history.submissions:
            history.submissions[key] = Submission(number, key)
        return history.submissions[key]

    client["of"] = submission_of
    for line in lines:
        words = line.split()
        try:
            client["t"] = int(words[0])
            read, count = CLIENT_LINES[words[1]]
            if len(words) < 2 + count:
                raise ValueError(line)
            read(history, client, words[2:])
        except (IndexError, KeyError, ValueError):
            history.torn += 1


def read_work(history, lines):
    """START and END of one process that runs handlers."""
    for line in lines:
        words = line.split()
        try:
            t, what, key, token, attempt, slave, pid, more = words
            token = tuple(int(part) for part in token.split("."))
            if what == "START":
                history.executions.setdefault(key, []).append(
                    Execution(key, token, int(attempt), slave, int(pid), int(t), more))
            else:
                execution = next(known for known in reversed(history.executions[key])
                                 if known.token == token and known.pid == int(pid))
                execution.end, execution.result = int(t), more
        except (ValueError, KeyError, StopIteration):
            history.torn += 1


def _start_slave(history, event):
    history.slaves[event["pid"]] = Slave(event["name"], event["pid"])


def _kill_slave(history, event):
    history.slaves[event["pid"]].killed = event["t"]
    history.kills += 1


def _freeze(history, event):
    history.slaves[event["pid"]].freezes.append([event["t"], NEVER])


def _thaw(history, event):
    history.slaves[event["pid"]].freezes[-1][1] = event["t"]


def _cut(history, event):
    history.slaves[event["pid"]].cuts.append([event["t"], NEVER])


def _heal(history, event):
    history.slaves[event["pid"]].cuts[-1][1] = event["t"]


def _fault(history, event):
    history.faults.append([event["t"], NEVER, event["name"]])


def _safe(history, event):
    if history.faults:
        history.faults[-1][1] = event["t"]


def _down(history, event):
    history.downs.append((event["t"], event["place"]))
    history.kills += 1


def _lose_host(history, event):
    history.losses.append([event["t"], NEVER, event["place"]])


def _bring_back(history, event):
    history.losses[-1][1] = event["t"]


def _start_master(history, event):
    history.lives.append(Life(len(history.lives) + 1, event["t"]))


def _serve(history, event):
    history.lives[-1].serving = event["t"]


def _live(history, event):
    history.lives[event["life"] - 1].live = event["live"]


def _kill_master(history, event):
    history.lives[-1].killed = event["t"]
    history.kills += 1


def _count_kill(history, event):
    history.kills += 1


def _died(history, event):
    history.deaths.append((event["t"], event["name"]))


def _plan(history, event):
    history.tick_ms = event["tick_ms"]


def _data(history, event):
    history.data_bytes = event["bytes"]


def _left(history, event):
    history.left = event["status"]


def _failed(history, event):
    history.broken.append(event["text"])


DRIVER_EVENTS = {"slave_started": _start_slave, "slave_killed": _kill_slave, "slave_stopped": _freeze,
                 "slave_continued": _thaw, "master_started": _start_master, "master_serving": _serve,
                 "live": _live, "master_killed": _kill_master, "client_killed": _count_kill, "died": _died,
                 "slave_cut": _cut, "slave_healed": _heal, "fault": _fault, "safe": _safe, "pair_killed": _down,
                 "host_lost": _lose_host, "host_back": _bring_back,
                 "plan": _plan, "data": _data, "left": _left, "failed": _failed}


def read_driver(history, events):
    for event in events:
        DRIVER_EVENTS.get(event["what"], lambda *_: None)(history, event)


def read_frames(history, lines):
    """What the proxy saw of each master: NS KIND-OF-DIALLER:PLACE KIND EPOCH."""
    for line in lines:
        t, link, kind, epoch = line.split()
        history.acts.append((int(t), int(link.split(":")[1]), int(epoch), int(kind), link))


def finish(history):
    """A handler's process that began when its slave had just been killed knows the slave by name only."""
    pids = {slave.name: slave.pid for slave in history.slaves.values()}
    for executions in history.executions.values():
        executions.sort(key=lambda execution: execution.start)
        for execution in executions:
            if execution.pid not in history.slaves:
                execution.pid = pids.get(execution.slave, execution.pid)
    return history


def _lines(path):
    with open(path, errors="replace") as file:
        return file.read().split("\n")[:-1]


def read_folder(folder):
    history = History()
    read_driver(history, (json.loads(line) for line in _lines(os.path.join(folder, "driver.log"))))
    for path in sorted(glob.glob(os.path.join(folder, "client-*.log"))):
        _, number, uuid = os.path.basename(path)[:-len(".log")].split("-")
        read_client(history, int(number), uuid, _lines(path))
    for path in sorted(glob.glob(os.path.join(folder, "work-*.log"))):
        read_work(history, _lines(path))
    if os.path.exists(os.path.join(folder, "frames.log")):
        read_frames(history, _lines(os.path.join(folder, "frames.log")))
    return finish(history)
