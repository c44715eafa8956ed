"""Masters and a slave that are killed in the same moment: what runs on other slaves goes on, what waits does not wait for
the one that is lost, and what that one had is done again when it is given up, and not before."""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import LIMIT_S, main, wait_until  # noqa: E402
from pair import Pair, kill, lines_of  # noqa: E402

SEED = int(os.environ.get("MS_PAIR_SEED", random.randrange(1 << 30)))
SLAVES = 4  # three of them are enrolled; so two vote, whichever is killed
LONG, LONG_US = 8, 3000000
SHORT, SHORT_US = 1500, 10000
ROUNDS = 3
TICK = "3s"  # three to four of them until a slave is dead: several times as long as all the work


class Attempt:
    def __init__(self, pair, line):
        ns, self.what, identity, _token, _attempt, self.slave, pid, *_ = line.split()
        client, seq = identity.split(":")
        self.ns, self.seq = int(ns), int(seq)
        self.load = next((load for load in pair.programs if getattr(load, "id", None) == client), None)
        self.process = (self.slave, int(pid))


def attempts(pair, what):
    """All lines of that kind which the slaves have written, in the order of time."""
    found = []
    for name in os.listdir(pair.folder):
        if name.startswith("work-"):
            found += [Attempt(pair, line) for line in lines_of(pair.path(name))]
    return sorted((one for one in found if one.what == what), key=lambda one: one.ns)


def session_of(pair, name):
    return next(row["uuid"] for row in pair.rows("slaves") if row["name"] == name and row["state"] == "alive")


def is_given_up(pair, session):
    return all(row["uuid"] != session or row["state"] == "dead" for row in pair.rows("slaves"))


class Work:
    """Long commands that all slaves have, and short ones that queue up behind each other."""

    def __init__(self, pair):
        self.pair = pair
        self.loads = [pair.load(LONG, work_us=LONG_US, window=LONG)]
        wait_until("each slave has long ones", lambda: {one.slave for one in self.begun()} == set(pair.served_by))
        self.loads.append(pair.load(SHORT, work_us=SHORT_US, window=SHORT))
        wait_until("the short ones are under way, and all are known",
                   lambda: pair.outcomes(self.loads[1]) > 20 and self.known() == SHORT)

    def known(self):
        """An outcome may come before its acknowledgement, which is not sent then."""
        return len({seq for word in ("ACK", "OUTCOME") for seq in self.pair.history(self.loads[1], word)})

    def begun(self):
        return [one for one in attempts(self.pair, "START") if one.load in self.loads]

    def in_hand(self, process, moment):
        """What that one had begun, and had not told the client's master of, when it was killed; and what it may have told."""
        ended = {(one.load, one.seq) for one in attempts(self.pair, "END") if one.process == process}
        had = {(one.load, one.seq) for one in self.begun() if one.process == process}
        told = {(load, seq) for load in self.loads for seq, outcomes in self.pair.history(load, "OUTCOME").items()
                if outcomes[0][0] < moment}
        return had - ended, (had & ended) - told

    def done_but(self, count):
        """When all but so many had their outcome, in ns."""
        times = sorted(told[0][0] for load in self.loads for told in self.pair.history(load, "OUTCOME").values())
        return times[-count - 1]

    def begun_again(self):
        """When the first one that had begun began again, in ns."""
        seen = set()
        for one in self.begun():
            if (one.load, one.seq) in seen:
                return one.ns
            seen.add((one.load, one.seq))
        return None

    def judge(self, loss):
        """Everything has its one outcome, and began once, but what the killed slave had in hand: that began twice."""
        for load in self.loads:
            load.process.wait(LIMIT_S)
            assert load.process.returncode == 0, load.process.returncode
            told = self.pair.history(load, "OUTCOME")
            assert sorted(told) == list(range(1, load.count + 1)), f"{len(told)} outcomes of {load.count}"
            assert all(len(each) == 1 and each[0][1][:2] == ["0", "0"] for each in told.values()), told
        process = loss.process
        cut, untold = self.in_hand(process, loss.moment)
        began = {}
        for one in self.begun():
            began.setdefault((one.load, one.seq), []).append(one)
        for (load, seq), each in began.items():
            at = [(one.ns, one.process) for one in each]
            if (load, seq) in cut:
                assert len(each) == 2, f"{seq} was cut off, and began at {at}"
            elif (load, seq) in untold:
                assert len(each) <= 2, f"{seq} began at {at}"
            else:
                assert len(each) == 1, f"{seq} was not in the killed slave's hands {process}, and began at {at}"
            assert len(each) == 1 or each[0].process == process, f"{seq} began at {at}, and {process} was killed"


class Loss:
    """A slave that was killed at the same time as those masters, with something in hand."""

    def __init__(self, pair, work, masters, victim):
        self.pair, self.work = pair, work
        self.session = session_of(pair, victim)
        self.process = (victim, pair.served_by[victim].pid)
        wait_until("it has something in hand", lambda: work.in_hand(self.process, 0)[0])
        self.moment = kill(pair, *masters, victim)
        self.cut, untold = work.in_hand(self.process, self.moment)
        self.had = self.cut | untold
        begun = {one.seq for one in work.begun() if one.load == work.loads[1]}
        assert len(begun) < SHORT, "nothing waited"

    def until_given_up(self):
        """As long as the slave may have it, nothing of it begins again."""
        is_over = False
        while not is_over:
            was_begun = self.work.begun_again() is not None
            is_over = is_given_up(self.pair, self.session)
            assert is_over or not was_begun, f"it is begun again, and {self.process} may have it"


def come_back(pair, places, victim):
    for place in places:
        pair.start_master(place)
    if victim is not None:
        pair.start_slave(victim)
        wait_until("it serves again", lambda: pair.serves(victim))
    wait_until("all is well", lambda: pair.is_safe(3))


def check_loss(pair, victim, is_restarted, is_quick):
    """is_quick: nothing that waits may wait until the lost one is given up."""
    active = pair.active()
    work = Work(pair)
    loss = Loss(pair, work, [active], victim)
    if is_restarted:  # of the same name, and another one: nobody knows that the one before is no more
        pair.start_slave(victim)
    pair.takeover(1 - active)
    loss.until_given_up()
    work.judge(loss)
    if not loss.cut:  # it has ended what it had in the moment before
        print(f"     seed {SEED}: {victim} had nothing", flush=True)
        come_back(pair, [active], None if is_restarted else victim)
        return
    done, again = ((ns - loss.moment) // 1000000 for ns in (work.done_but(pair.slots), work.begun_again()))
    assert done < again or not is_quick, f"what waited was done after {done} ms, what {victim} had began again after {again} ms"
    print(f"     seed {SEED}: {victim} had {len(loss.had)} commands, {done} ms, {again} ms", flush=True)
    come_back(pair, [active], None if is_restarted else victim)


def test_what_waits_goes_on_when_a_slave_is_lost_with_the_active():
    """The second time comes soon after the first master has handed over what it had: then not all hands need be known."""
    rng = random.Random(SEED)
    for is_restarted in (False, True):
        with Pair(slaves=SLAVES, tick=TICK) as pair:
            wait_until("three vote", lambda: pair.is_safe(3))
            for number in range(2):
                check_loss(pair, rng.choice(sorted(pair.served_by)), is_restarted, is_quick=number == 0)


def test_both_masters_and_a_slave_are_killed():
    rng = random.Random(SEED)
    with Pair(slaves=SLAVES, tick="1s") as pair:
        wait_until("three vote", lambda: pair.is_safe(3))
        for _ in range(ROUNDS):
            victim = rng.choice(sorted(pair.served_by))
            work = Work(pair)
            loss = Loss(pair, work, [0, 1], victim)
            for place in rng.sample([0, 1], 2):
                pair.start_master(place)
            wait_until("somebody serves", lambda: pair.active() is not None)
            loss.until_given_up()
            work.judge(loss)
            come_back(pair, [], victim)


if __name__ == "__main__":
    main(dict(globals()))
