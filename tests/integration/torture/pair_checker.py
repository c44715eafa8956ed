#!/usr/bin/env python3
"""Does the history of a pair keep the promises? pair_checker.py FOLDER: what checker.py asks of one master, and that only
one of both acts at a time.

What is repeated with good reason is told from what is not by *reigns*: an unbroken row of epochs in which one master
served. A command that was acknowledged before the next reign began is known to it, and so is, by the roll-call, what
slaves have in hand of it. So a slave that lived, was not stopped and not cut off from both masters is never repeated,
whichever master is lost; unlike with one master, a slave that was declared dead without such a reason excuses nothing."""
import argparse
import sys
from bisect import bisect_right

import histories
from checker import NS, SETTLE_NS, SYNC, THAW_NS, Checker, Rules, show
from histories import NEVER

OBSERVED_NS = NS // 50  # frames of two connections may be noted so long in the wrong order
PAUSED_NS = NS  # what was said just before a pause leaves after it, if its connection has heard of nothing later
RESENT_NS = 10 * NS  # a connection repeats so late what was lost on its way
DEATH_NS = 4 * NS  # after a short stop a session may be given up so late


def reigns_of(history):
    """[(first act, epoch)] of each reign, as far as anybody saw it."""
    firsts = {}
    for t, place, epoch, _kind, _link in history.acts:
        firsts.setdefault(epoch, (t, place))
    tokens = {execution.token[0] for executions in history.executions.values() for execution in executions}
    reigns, last = [], None
    for epoch in sorted(firsts):
        t, place = firsts[epoch]
        was_killed = any(where == place and last is not None and last[0] < down < t for down, where in history.downs)
        if last is None or last[1] != place or was_killed or epoch in tokens:
            reigns.append((t, epoch))
        last = (t, place)
    return reigns


class PairChecker(Checker):
    def __init__(self, history, rules):
        super().__init__(history, rules)
        self.reigns = reigns_of(history)
        self.kills = sorted(t for t, _ in self.reigns[1:])

    def check(self):
        self.check_acts()
        return super().check()

    # --- one at a time ----------------------------------------------------------------------------------

    def check_acts(self):
        """From outside: each frame that only a serving master sends, when it had left it."""
        highest = [[], []]  # of each place: [(first act, epoch)], rising
        heard = {}  # link: the highest epoch on it
        for t, place, epoch, kind, link in sorted(self.history.acts):
            mine, others = highest[place], highest[1 - place]
            fenced = next(((begun, other) for begun, other in others if other >= epoch), None)
            if fenced is not None and fenced[1] == epoch:
                self.verdict.add("epoch_twice", f"{epoch}: {1 - place} since {fenced[0]}, {place} at {t}, kind {kind}")
            elif fenced is not None and fenced[0] + OBSERVED_NS < t:
                text = f"master {place}, epoch {epoch}, kind {kind}, at {t}: the other one has served {fenced[1]}"
                if self.was_lost(place, t):  # it said so before, and its host says it again until it arrives
                    self.verdict.exempt("on the way when its host was lost", text)
                else:
                    self.verdict.add("stale_act", f"{text} since {fenced[0]}")
            if not mine or epoch > mine[-1][1]:
                mine.append((t, epoch))
            elif epoch < mine[-1][1] and mine[-1][0] + self.patience(epoch, mine[-1][1], heard.get(link, 0)) < t:
                self.verdict.add("epoch_backwards", f"master {place}, epoch {epoch}, kind {kind}, at {t}: it has "
                                                    f"served {mine[-1][1]} since {mine[-1][0]}")
            heard[link] = max(epoch, heard.get(link, 0))

    def patience(self, epoch, highest, heard):
        """So long after the first act in its highest epoch a master's frame of an earlier one may be seen."""
        is_same_reign = self.next_reign(epoch) == self.next_reign(highest)
        return PAUSED_NS if is_same_reign and heard <= epoch else OBSERVED_NS

    def was_lost(self, place, t):
        return any(begun <= t <= back + RESENT_NS and where == place for begun, back, where in self.history.losses)

    # --- what may be repeated ---------------------------------------------------------------------------

    def next_reign(self, epoch):
        """When the reign after that of this epoch began."""
        at = bisect_right([known for _, known in self.reigns], epoch)
        return self.reigns[at][0] if at < len(self.reigns) else NEVER

    def settled(self, t):
        """Until when a result of that time may wait for its acknowledgement; longer while something is broken."""
        for begun, healed, _name in self.history.faults:
            if begun - SETTLE_NS <= t <= healed:
                return min(healed + SETTLE_NS, NEVER)
        return min(t + SETTLE_NS, NEVER)

    def disturbed(self, submission, execution, until):
        slave = self.history.slaves.get(execution.pid)
        settled = min(self.settled(execution.end), until)
        if slave is None:
            return None
        if slave.killed <= min(settled, NEVER - 1):  # a process for its handlers may outlive it for a moment
            return "slave killed"
        for what, spans in (("stopped", slave.freezes), ("cut off", slave.cuts)):
            near = [end - begun for begun, end in spans
                    if begun <= settled and end + DEATH_NS >= execution.start]
            if any(self.is_long(length) for length in near):
                return f"slave {what}"
            if near and any(execution.start <= t <= settled + SETTLE_NS for t in self.deaths.get(execution.slave, [])):
                return f"slave {what} and declared dead"
        begun = self.next_reign(execution.token[0])
        if not self.rules.is_strict and begun <= until and submission.accepted_at() >= begun:
            return "unacknowledged"
        return None

    def may_be_lost(self, submission, executions):
        if executions:
            return (self.disturbed(submission, executions[-1], NEVER) or "").startswith("slave")
        downs = [t for t, *_ in self.history.faults] + [slave.killed for slave in self.history.slaves.values()] + [
            begun for slave in self.history.slaves.values() for begun, _ in slave.freezes + slave.cuts]
        return any(submission.submits[0][0] <= down for down in downs if down != NEVER) or any(
            begun <= submission.submits[0][0] <= healed for begun, healed, _ in self.history.faults)

    def is_thawed(self, execution):
        """A slave that is cut off goes on with what it has."""
        slave = self.history.slaves.get(execution.pid)
        return super().is_thawed(execution) or slave is not None and any(
            begun <= execution.start <= end + THAW_NS for begun, end in slave.cuts)

    def was_touched(self, t, name):
        return super().was_touched(t, name) or any(
            slave.name == name and any(begun <= t for begun, _ in slave.cuts)
            for slave in self.history.slaves.values())

    # --- figures ----------------------------------------------------------------------------------------

    def check_run(self):
        """Work in hand that outlives a master is what its slave began in one reign and a client is told of in another."""
        self.outlived = 0
        for submission in self.history.submissions.values():
            for outcome in submission.outcomes:
                epoch = outcome.token.split(".")[0]
                self.outlived += epoch.isdigit() and self.next_reign(int(epoch)) <= outcome.t
        super().check_run()

    def count(self):
        figures = super().count()
        for name in ("live_max", "data_kib", "recovery_ms_max"):
            figures.pop(name)
        told = sorted(outcome.t for submission in self.history.submissions.values() for outcome in submission.outcomes)
        whole = [healed - begun for begun, healed, _ in self.history.faults if healed != NEVER]
        figures.update(kills=len(self.history.downs), faults=len(self.history.faults), reigns=len(self.reigns),
                       acts=len(self.history.acts),
                       pause_ms_max=max((b - a for a, b in zip(told, told[1:])), default=0) // 1_000_000,
                       fault_ms_max=max(whole, default=0) // 1_000_000)
        return figures


def check(history, rules=None):
    return PairChecker(history, rules if rules is not None else Rules(durability=SYNC)).check()


def pauses_of(history):
    """{kind of fault: [the longest time without any outcome, in ms, of each]}"""
    told = sorted(outcome.t for submission in history.submissions.values() for outcome in submission.outcomes)
    pauses = {}
    for begun, healed, name in history.faults:
        at, end = max(bisect_right(told, begun) - 1, 0), bisect_right(told, healed) + 1
        times = told[at:end]
        pauses.setdefault(name, []).append(max((b - a for a, b in zip(times, times[1:])), default=0) // 1_000_000)
    return pauses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder")
    parser.add_argument("--exempt", action="store_true", help="list what was exempt, and why")
    parser.add_argument("--strict", action="store_true", help="unacknowledged work must not be repeated either")
    arguments = parser.parse_args()
    verdict = check(histories.read_folder(arguments.folder), Rules(durability=SYNC, is_strict=arguments.strict))
    show(verdict, arguments.exempt)
    sys.exit(1 if verdict.violations else 0)


if __name__ == "__main__":
    main()
