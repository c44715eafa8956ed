#!/usr/bin/env python3
"""Does a history keep the promises? checker.py FOLDER [--mem]: checks what a torture left behind.

Each violation names its rule. Some executions are repeated with good reason (their slave was killed, the
handler asked for it ...): those are not violations, but they are counted, and listed with --exempt.
"""
import argparse
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field

import histories
from histories import NEVER

NS = 1_000_000_000
OK, FAIL, CANCELLED, TIMEOUT, CRASHED, LOST = 0, 2, 3, 4, 5, 7  # enum ms_client_status
CLOSED_ID, CANCELLED_HERE = 38, 42  # of ms_client.h
MEM, LOCAL, SYNC = 0, 1, 2  # durability of an acknowledgement

SETTLE_NS = 5 * NS  # a result may wait so long for its acknowledgement before its slave goes down
FLIGHT_NS = 3 * NS // 10  # a command that a master sent before it was killed may still begin
THAW_NS = 2 * NS  # a slave that was stopped may begin what came before, until it has learnt that it is dead

KILLS_FOR_SURE = 5  # after so many, some slave must have had work in hand

RULES = {
    "lost": "an acknowledged command has no outcome",
    "background_lost": "an acknowledged background command did not come to its end",
    "two_outcomes": "an id has two different outcomes",
    "outcome_twice": "a client was told twice in one run",
    "outcome_from_nowhere": "an outcome that no execution gave",
    "wrong_outcome": "an outcome that its executions do not explain",
    "cancelled_unasked": "cancelled, and nobody asked for it",
    "refused": "a command was refused for no reason",
    "executed_twice": "a surviving slave's execution was started again",
    "once_twice": "work that may be started once only was started again",
    "executed_after_outcome": "an id was executed after its outcome was known",
    "executed_unknown": "an id was executed that nobody submitted, or with another's payload",
    "token_reused": "two executions have the same token",
    "token_backwards": "a later execution of a surviving slave has a lower token",
    "attempt_repeated": "a later attempt has no higher number",
    "attempts_exceeded": "more attempts than were allowed",
    "never_ended": "an execution of a surviving slave never ended",
    "durability": "an acknowledgement of another class",
    "recovery": "a restart took too long",
    "left": "something was left in the master",
    "broken": "a process failed",
    "torn": "more lines are torn than processes were killed",
    "deaths": "slaves that nobody touched were declared dead",
    "idle": "nothing was tested",
}

PAIR_RULES = {
    "epoch_twice": "two masters acted in one epoch",
    "epoch_backwards": "a master acted in a lower epoch than before",
    "stale_act": "a master acted in an epoch below one that the other one had begun to serve",
}


@dataclass
class Rules:
    is_durable: bool = True  # the master has --data; without, each kill makes it forget
    durability: int = LOCAL  # of its acknowledgements, if it has
    is_strict: bool = False  # not even what was not acknowledged yet may be repeated in a surviving slave
    crashes_max: int = 3  # of the master
    recovery_ms: int = 1000  # at least allowed
    recovery_ms_per_100k: int = 1000
    deaths_share: float = 0.05  # of slaves x lives: what a starved machine may cause


@dataclass
class Verdict:
    violations: list = field(default_factory=list)  # (rule, sentence)
    exemptions: list = field(default_factory=list)  # (reason, sentence)
    repeats: Counter = field(default_factory=Counter)  # planned repetitions: retry, crash, timeout
    figures: dict = field(default_factory=dict)

    def add(self, rule, text):
        assert rule in RULES or rule in PAIR_RULES, rule
        self.violations.append((rule, text))

    def exempt(self, reason, text):
        self.exemptions.append((reason, text))


class Checker:
    def __init__(self, history, rules):
        self.history = history
        self.rules = rules
        self.verdict = Verdict()
        self.is_whole = bool(history.left)  # else the storm was broken off, and much was under way
        self.kills = sorted(life.killed for life in history.lives if life.killed != NEVER)
        self.services = sorted((life.serving, life.started) for life in history.lives if life.serving != NEVER)
        self.outlived = 0  # executions that went on while a master died, and counted
        self.deaths = {}
        for t, name in history.deaths:
            self.deaths.setdefault(name, []).append(t)

    def check(self):
        for key, executions in self.history.executions.items():
            if key in self.history.submissions:
                self.check_executions(self.history.submissions[key], self.in_order(executions))
            else:
                self.verdict.add("executed_unknown", f"{key}: {executions[0]}")
        for submission in self.history.submissions.values():
            self.check_submission(submission, self.history.executions.get(submission.id, []))
        self.check_tokens()
        self.check_run()
        self.verdict.figures = self.count()
        return self.verdict

    # --- what a client was told -------------------------------------------------------------------------

    def forgot(self, begin, end=NEVER):
        """A master without a disk was killed in between, and all bets on its memory are off."""
        return not self.rules.is_durable and self.next_kill(begin) <= end

    def next_kill(self, t):
        at = bisect_left(self.kills, t)
        return self.kills[at] if at < len(self.kills) else NEVER + 1

    def check_submission(self, submission, executions):
        wanted = self.rules.durability if self.rules.is_durable else MEM
        for _t, durability, copies in submission.acks:
            is_over = submission.is_background and copies == 0  # acknowledged in an earlier run, and closed since
            if durability != wanted and not is_over or copies < 1 and not is_over:
                self.verdict.add("durability", f"{submission.id}: class {durability}, {copies} copies")
        if submission.is_background:
            self.check_background(submission, executions)
        for outcome in submission.outcomes:
            self.check_outcome(submission, outcome, executions)
        self.check_unique(submission)
        if self.is_whole and not submission.outcomes and not submission.accepted:
            self.verdict.add("lost", f"{submission.id}: {'accepted' if submission.acks else 'submitted'}, no outcome")

    def check_unique(self, submission):
        real = [outcome for outcome in submission.outcomes if outcome.error == 0]
        told = Counter([outcome.run for outcome in submission.outcomes] + [run for _, run in submission.accepted])
        for run, count in told.items():
            if count > 1:
                self.verdict.add("outcome_twice", f"{submission.id}: {count} times in run {run}")
        for first, other in zip(real, real[1:]):
            if (first.status, first.attempt, first.token, first.hash) == (other.status, other.attempt, other.token,
                                                                          other.hash):
                continue
            if self.forgot(first.t, other.t):
                self.verdict.exempt("memory lost", f"{submission.id}: outcome")
            else:
                self.verdict.add("two_outcomes", f"{submission.id}: {first} and {other}")

    def check_outcome(self, submission, outcome, executions):
        if outcome.error == CLOSED_ID:
            known = [told.t for told in submission.outcomes if told.run < outcome.run]
            if not known and not any(run < outcome.run for _, run in submission.accepted):
                self.verdict.add("lost", f"{submission.id}: closed, and its client was never told: {outcome}")
        elif outcome.error == CANCELLED_HERE or outcome.status == CANCELLED and outcome.error == OK:
            if not any(t < outcome.t for t in submission.cancels):
                self.verdict.add("cancelled_unasked", f"{submission.id}: {outcome}")
        elif outcome.error != OK:
            self.verdict.add("refused", f"{submission.id}: {outcome}")
        else:
            self.check_cause(submission, outcome, executions)

    def check_cause(self, submission, outcome, executions):
        results = Counter(execution.result for execution in executions if execution.start < outcome.t)
        failed = results["retry"] + results["stopped"]
        if outcome.status == OK:
            if not outcome.is_ours or not any(f"{execution.token[0]}.{execution.token[1]}" == outcome.token and
                                              execution.result == "ok" for execution in executions):
                self.verdict.add("outcome_from_nowhere", f"{submission.id}: {outcome}")
            return
        explained = {FAIL: results["fail"] > 0 or failed >= submission.attempts,
                     TIMEOUT: submission.timeout_ms > 0,  # a busy slave may not even begin in time
                     CRASHED: sum(results.values()) > self.rules.crashes_max,
                     LOST: submission.is_once and self.may_be_lost(submission, executions)}
        if not explained.get(outcome.status, False):
            self.verdict.add("wrong_outcome", f"{submission.id}: {outcome}; executions: {dict(results)}")

    def may_be_lost(self, submission, executions):
        """Its slave went down; or a master, between writing down that it was handed out and doing so."""
        if executions:
            return (self.disturbed(submission, executions[-1], NEVER) or "").startswith("slave")
        downs = self.kills + [slave.killed for slave in self.history.slaves.values()] + [
            stopped for slave in self.history.slaves.values() for stopped, _ in slave.freezes]
        return any(submission.submits[0][0] <= down for down in downs if down != NEVER)

    def check_background(self, submission, executions):
        if submission.accepted_at() == NEVER or submission.cancels or not self.is_whole:
            return
        results = Counter(execution.result for execution in executions)
        is_over = (results["ok"] + results["fail"] > 0 or len(executions) > self.rules.crashes_max or
                   results["retry"] + results["stopped"] >= submission.attempts)
        if is_over:
            return
        if submission.timeout_ms > 0:  # a busy slave may not even begin in time, which leaves no trace
            self.verdict.exempt("timed out", f"{submission.id}: background")
        elif self.forgot(submission.submits[0][0]):
            self.verdict.exempt("memory lost", f"{submission.id}: background")
        else:
            self.verdict.add("background_lost", f"{submission.id}: executions: {dict(results)}")

    # --- what slaves did --------------------------------------------------------------------------------

    def in_order(self, executions):
        """As they were handed out; a slave that was stopped may begin late. Without a disk tokens begin anew."""
        return sorted(executions, key=lambda execution: execution.token) if self.rules.is_durable else executions

    def check_executions(self, submission, executions):
        failures, counted = Counter(), 0
        for at, execution in enumerate(executions):
            follower = executions[at + 1] if at + 1 < len(executions) else None
            until = follower.start if follower is not None else NEVER
            disturbed = self.disturbed(submission, execution, until)
            if execution.payload_id != submission.id:
                self.verdict.add("executed_unknown", f"{submission.id}: {execution}")
            if execution.end == NEVER and disturbed is None and self.is_whole:
                self.verdict.add("never_ended", f"{submission.id}: {execution}")
            if follower is not None:
                self.check_repeat(submission, (execution, follower), disturbed)
            if disturbed is None:
                failures[execution.result] += 1
                counted += 1
                self.outlived += follower is None and execution.start < self.next_kill(execution.start) < execution.end
            self.check_late(submission, execution)
        if submission.is_once and len(executions) > 1 and not self.forgot(executions[0].start - FLIGHT_NS):
            self.verdict.add("once_twice", f"{submission.id}: {executions}")
        if self.forgot(executions[0].start, executions[-1].start):
            return  # and so did the count
        if (failures["retry"] + failures["stopped"] > submission.attempts or
                failures["crash"] > self.rules.crashes_max + 1 or
                counted > submission.attempts + self.rules.crashes_max):
            self.verdict.add("attempts_exceeded", f"{submission.id}: {submission.attempts} allowed, "
                                                  f"{counted} undisturbed: {dict(failures)}")

    def disturbed(self, submission, execution, until):
        """Why this execution may not have counted, or None; until: start of the next one."""
        settled = min(execution.end + SETTLE_NS, until)
        slave = self.history.slaves.get(execution.pid)
        if slave is None:
            return None
        if slave.killed <= min(settled, NEVER - 1):  # a process for its handlers may outlive it for a moment
            return "slave killed"
        if any(stopped <= settled and continued + THAW_NS >= execution.start and self.is_long(continued - stopped)
               for stopped, continued in slave.freezes):
            return "slave stopped"
        if any(execution.start <= t <= settled + SETTLE_NS for t in self.deaths.get(execution.slave, [])):
            return "slave declared dead"
        if self.forgot(execution.start - FLIGHT_NS, until):
            return "memory lost"
        killed = self.next_kill(self.begun_in(execution))
        if not self.rules.is_strict and killed <= until and submission.accepted_at() > killed:
            return "unacknowledged"
        return None

    def is_long(self, freeze):
        """Long enough that, with some delay on either side, its session may have been given up."""
        return freeze > 2 * self.history.tick_ms * NS // 1000

    def begun_in(self, execution):
        """When the life began that handed it out."""
        at = bisect_right(self.services, (execution.start - FLIGHT_NS, NEVER))
        return self.services[at - 1][1] if at > 0 else 0

    def check_repeat(self, submission, pair, disturbed):
        execution, follower = pair
        text = f"{submission.id}: {execution} and {follower}"
        # Its slave told the master that its time was over, whatever the handler says that it came to in the end.
        is_late = submission.timeout_ms > 0 and execution.end != NEVER and (
            execution.end - execution.start >= submission.timeout_ms * NS // 1000)
        is_planned = (is_late or execution.result in ("retry", "crash") or
                      execution.result == "stopped" and submission.timeout_ms > 0)
        if self.rules.is_durable and disturbed is None and follower.start < execution.start:
            self.verdict.add("token_backwards", text)
        if self.rules.is_durable and disturbed is None and follower.attempt <= execution.attempt:
            self.verdict.add("attempt_repeated", text)
        if is_planned:
            self.verdict.repeats["late" if is_late else execution.result] += 1
        elif disturbed is not None:
            self.verdict.exempt(disturbed, text)
        elif not self.rules.is_durable and self.is_thawed(follower):
            self.verdict.exempt("slave thawed", text)  # it comes from an earlier life, without an order to tell
        elif execution.result == "stopped" and any(t < execution.end for t in submission.cancels):
            self.verdict.exempt("cancelled", text)
        else:
            self.verdict.add("executed_twice", text)

    def check_late(self, submission, execution):
        told = min((outcome.t for outcome in submission.outcomes if outcome.error in (OK, CLOSED_ID)), default=NEVER)
        if execution.start <= told or self.forgot(told, execution.start):
            return
        if self.is_thawed(execution):
            self.verdict.exempt("slave thawed", f"{submission.id}: {execution}")
        else:
            self.verdict.add("executed_after_outcome", f"{submission.id}: told at {told}: {execution}")

    def is_thawed(self, execution):
        slave = self.history.slaves.get(execution.pid)
        return slave is not None and any(continued <= execution.start <= continued + THAW_NS
                                         for _, continued in slave.freezes)

    def check_tokens(self):
        if not self.rules.is_durable:
            return
        seen = {}
        for executions in self.history.executions.values():
            for execution in executions:
                other = seen.setdefault(execution.token, execution)
                if other is not execution:
                    self.verdict.add("token_reused", f"{other} and {execution}")

    # --- the whole run ----------------------------------------------------------------------------------

    def check_run(self):
        for life in self.history.lives:
            allowed = max(self.rules.recovery_ms, life.live * self.rules.recovery_ms_per_100k / 100_000)
            if life.serving != NEVER and self.recovery_ms(life) > allowed:
                self.verdict.add("recovery", f"life {life.number}: {self.recovery_ms(life):.0f} ms for "
                                             f"{life.live} live commands, allowed are {allowed:.0f}")
        left = histories.unfinished(self.history.left)
        if left or not self.history.left:
            self.verdict.add("left", f"{left or 'the last master gave no status'}")
        for text in self.history.broken:
            self.verdict.add("broken", text)
        if self.history.torn > self.history.kills:
            self.verdict.add("torn", f"{self.history.torn} lines, {self.history.kills} kills")
        untouched = [(t, name) for t, name in self.history.deaths if not self.was_touched(t, name)]
        for t, name in untouched:
            self.verdict.exempt("undisturbed death", f"{name} at {t}")
        names = {slave.name for slave in self.history.slaves.values()}
        if len(untouched) > max(1, self.rules.deaths_share * len(names) * len(self.history.lives)):
            self.verdict.add("deaths", f"{len(untouched)} in {len(self.history.lives)} lives")
        if not self.history.executions or not self.history.submissions:
            self.verdict.add("idle", "no submission, or no execution")
        elif self.rules.is_durable and len(self.kills) >= KILLS_FOR_SURE and self.outlived == 0:
            self.verdict.add("idle", "no execution outlived a master")

    def was_touched(self, t, name):
        return any(slave.name == name and (slave.killed <= t or any(stopped <= t for stopped, _ in slave.freezes))
                   for slave in self.history.slaves.values())

    @staticmethod
    def recovery_ms(life):
        return (life.serving - life.started) / 1e6

    def count(self):
        submissions = self.history.submissions.values()
        executions = self.history.executions.values()
        return {
            "kills": len(self.kills),
            "submitted": len(self.history.submissions),
            "acked": sum(1 for submission in submissions if submission.acks or submission.accepted),
            "outcomes": sum(1 for submission in submissions if submission.outcomes),
            "background": sum(1 for submission in submissions if submission.accepted),
            "executions": sum(len(attempts) for attempts in executions),
            "outlived": self.outlived,
            "retries": sum(self.verdict.repeats.values()),
            "exempt": len(self.verdict.exemptions),
            "live_max": max((life.live for life in self.history.lives), default=0),
            "data_kib": self.history.data_bytes // 1024,
            "recovery_ms_max": round(max((self.recovery_ms(life) for life in self.history.lives
                                          if life.serving != NEVER), default=0)),
        }


def check(history, rules=None):
    return Checker(history, rules if rules is not None else Rules()).check()


SHOWN_PER_RULE = 5


def show(verdict, is_verbose=False, out=sys.stdout):
    """Violations first, a few of each kind; one line of figures last."""
    for rule, count in Counter(rule for rule, _ in verdict.violations).items():
        print(f"VIOLATION {rule} ({count}): {(RULES | PAIR_RULES)[rule]}", file=out)
        for _, text in [known for known in verdict.violations if known[0] == rule][:SHOWN_PER_RULE]:
            print(f"    {text}", file=out)
    for reason, count in Counter(reason for reason, _ in verdict.exemptions).items():
        print(f"exempt: {reason}: {count}", file=out)
        if is_verbose:
            for _, text in [known for known in verdict.exemptions if known[0] == reason]:
                print(f"    {text}", file=out)
    print(" ".join(f"{name}={value}" for name, value in verdict.figures.items()), file=out, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--mem", action="store_true", help="the master had no --data")
    parser.add_argument("--exempt", action="store_true", help="list what was exempt, and why")
    parser.add_argument("--strict", action="store_true", help="unacknowledged work must not be repeated either")
    parser.add_argument("--recovery-ms", type=int, default=Rules.recovery_ms)
    arguments = parser.parse_args()
    verdict = check(histories.read_folder(arguments.folder),
                    Rules(is_durable=not arguments.mem, is_strict=arguments.strict, recovery_ms=arguments.recovery_ms))
    show(verdict, arguments.exempt)
    sys.exit(1 if verdict.violations else 0)


if __name__ == "__main__":
    main()
