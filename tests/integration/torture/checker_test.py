#!/usr/bin/env python3
"""The checker of the torture sees each kind of violation, and nothing in a history that keeps its promises."""
import json
import os
import tempfile
import unittest

import histories
from checker import NS, RULES, Rules, check

UUID = "0123456789abcdef0123456789abcdef"
TICK = NS // 1000


class Story:
    """A history, told in the very lines that processes write. Times are milliseconds."""

    def __init__(self):
        self.driver, self.client, self.work = [], [], []
        self.event(0, "master_started")
        self.event(50, "master_serving")
        for pid, name in ((100, "s0"), (200, "s1")):
            self.event(60, "slave_started", pid=pid, name=name)
        self.say(70, "BORN 9 1 0")

    def event(self, t, what, **more):
        self.driver.append({"t": t * TICK, "what": what, **more})

    def say(self, t, words):
        self.client.append(f"{t * TICK} {words}")

    def restart(self, killed, serving):
        self.event(killed, "master_killed")
        self.event(killed + 1, "master_started")
        self.event(serving, "master_serving")

    def submit(self, t, seq, kind="f", attempts=1, timeout_ms=0, word="ok", times=0):
        self.say(t, f"SUBMIT {seq} {kind} {attempts} {timeout_ms} 0 {word} {times}")
        return self

    def ack(self, t, seq, durability=1, copies=1):
        self.say(t, f"ACK {seq} {durability} {copies}")
        return self

    def run(self, start, end, seq, n, **more):
        """An execution; end None: it never ended."""
        slave, pid = more.get("slave", ("s0", 100))
        words = f"{UUID}:{seq} {more.get('epoch', 1)}.{n} {more.get('attempt', 1)} {slave} {pid}"
        self.work.append(f"{start * TICK} START {words} {UUID}:{more.get('payload_seq', seq)}")
        if end is not None:
            self.work.append(f"{end * TICK} END {words} {more.get('result', 'ok')}")
        return self

    def told(self, t, seq, token="-", status=0, error=0, attempt=1, text="abc", whose="ours"):
        self.say(t, f"OUTCOME {seq} {error} {status} {attempt} {text} {token} {whose}")
        return self

    def ends(self, left=0, clean=True):
        if clean:
            self.say(90_000, "CLOSED 0 0")
        self.event(91_000, "left", status={"commands_ready": left, "commands_leased": 0, "submitted_total": 7})
        return self

    def history(self):
        history = histories.History()
        histories.read_driver(history, json.loads(json.dumps(self.driver)))
        histories.read_client(history, 0, UUID, self.client)
        histories.read_work(history, self.work)
        return histories.finish(history)


def good():
    """One of each: plain, retried, background, cancelled, over a restart in a slave that lived."""
    story = Story()
    story.submit(100, 1).ack(110, 1).run(120, 130, 1, 1).told(140, 1, "1.1")
    story.submit(100, 2, attempts=2, word="retry", times=1).ack(110, 2)
    story.run(120, 130, 2, 2, result="retry").run(200, 210, 2, 3, attempt=2).told(220, 2, "1.3", attempt=2)
    story.submit(100, 3, "b").ack(110, 3)
    story.say(111, "BACKGROUND 3")
    story.run(300, 310, 3, 4)
    story.submit(100, 4).ack(110, 4)
    story.say(150, "CANCEL 4")
    story.told(160, 4, status=3, attempt=0)
    story.submit(400, 5).ack(410, 5).run(1000, 2500, 5, 5)
    story.restart(1500, 1600)
    story.told(2510, 5, "1.5")
    return story


class CheckerTest(unittest.TestCase):
    def violations(self, story, **rules):
        verdict = check(story.history(), Rules(**rules))
        return {rule for rule, _ in verdict.violations}

    def catches(self, rule, story, **rules):
        self.seen.add(rule)
        self.assertIn(rule, self.violations(story, **rules))

    def is_clean(self, story, **rules):
        verdict = check(story.history(), Rules(**rules))
        self.assertEqual(verdict.violations, [])
        return verdict

    seen = set()

    def test_good_history_is_clean(self):
        verdict = self.is_clean(good().ends())
        self.assertEqual(verdict.exemptions, [])
        expected = {"kills": 1, "submitted": 5, "acked": 5, "outcomes": 4, "executions": 5, "retries": 1,
                    "outlived": 1}
        self.assertEqual({name: verdict.figures[name] for name in expected}, expected)

    # --- what clients were told -------------------------------------------------------------------------

    def test_lost(self):
        self.catches("lost", good().submit(3000, 6).ends())
        self.catches("lost", good().submit(3000, 6).ack(3001, 6).run(3010, 3020, 6, 9).ends())
        closed = good().submit(3000, 6)
        closed.say(3001, "BORN 10 1 0")
        self.catches("lost", closed.submit(3002, 6).told(3003, 6, error=38).ends())

    def test_closed_id_is_right_after_an_outcome_in_an_earlier_run(self):
        story = good()
        story.say(3000, "BORN 10 1 0")
        self.is_clean(story.submit(3001, 1).told(3002, 1, error=38).ends())

    def test_lost_background(self):
        story = good().submit(3000, 6, "b").ack(3001, 6)
        story.say(3002, "BACKGROUND 6")
        self.catches("background_lost", story.ends())
        story = good().submit(3000, 6, "b", attempts=3).ack(3001, 6)
        story.say(3002, "BACKGROUND 6")
        self.catches("background_lost", story.run(3010, 3020, 6, 9, result="retry").ends())

    def test_two_outcomes(self):
        for more in (dict(token="1.9"), dict(token="1.1", text="xyz"), dict(token="1.1", status=2)):
            story = good()
            story.say(3000, "BORN 10 1 0")
            self.catches("two_outcomes", story.submit(3001, 1).told(3002, 1, **more).ends())
        story = good()
        story.say(3000, "BORN 10 1 0")
        self.is_clean(story.submit(3001, 1).told(3002, 1, "1.1").ends())

    def test_told_twice(self):
        self.catches("outcome_twice", good().told(3000, 1, "1.1").ends())

    def test_outcome_from_nowhere(self):
        self.catches("outcome_from_nowhere", good().submit(3000, 6).ack(3001, 6).told(3003, 6, "1.9").ends())
        self.catches("outcome_from_nowhere", good().submit(3000, 6).run(3001, 3002, 6, 9).told(3003, 6, "1.8").ends())
        self.catches("outcome_from_nowhere",
                     good().submit(3000, 6).run(3001, 3002, 6, 9, result="retry").told(3003, 6, "1.9").ends())
        self.catches("outcome_from_nowhere",
                     good().submit(3000, 6).run(3001, 3002, 6, 9).told(3003, 6, "1.9", whose="foreign").ends())

    def test_wrong_outcome(self):
        for status in (1, 2, 4, 5):
            self.catches("wrong_outcome",
                         good().submit(3000, 6, attempts=2).run(3001, 3002, 6, 9).told(3003, 6, status=status).ends())
        self.is_clean(good().submit(3000, 6).run(3001, 3002, 6, 9, result="fail").told(3003, 6, status=2).ends())

    def test_cancelled_unasked(self):
        self.catches("cancelled_unasked", good().submit(3000, 6).told(3003, 6, status=3).ends())
        self.catches("cancelled_unasked", good().submit(3000, 6).told(3003, 6, error=42).ends())

    def test_refused(self):
        self.catches("refused", good().submit(3000, 6).told(3003, 6, error=32).ends())

    def test_durability(self):
        def answered(*ack):
            return good().submit(3000, 6).ack(3001, 6, *ack).run(3002, 3003, 6, 9).told(3004, 6, "1.9").ends()
        self.catches("durability", answered(0, 1))
        self.catches("durability", answered(1, 0))
        self.catches("durability", answered(1, 1), is_durable=False)
        self.is_clean(answered(1, 1))

    # --- what slaves did --------------------------------------------------------------------------------

    def twice(self, ends_at, *disturb, accepted=2010, begin=2000):
        """Number 6 runs in s0 and again in s1."""
        story = good().submit(begin, 6).ack(accepted, 6).run(2020, ends_at, 6, 8)
        story.run(4000, 4010, 6, 9, slave=("s1", 200), attempt=2, epoch=2).told(4020, 6, "2.9", attempt=2)
        for t, what, more in disturb:
            story.event(t, what, **more)
        return story

    def test_executed_twice(self):
        self.catches("executed_twice", self.twice(2030).ends())
        self.catches("executed_twice", self.twice(None).ends())
        self.catches("executed_twice", self.twice(2030, (2015, "slave_killed", dict(pid=200))).ends())
        self.catches("executed_twice", self.twice(2030, (2025, "slave_stopped", dict(pid=100)),
                                                  (2725, "slave_continued", dict(pid=100))).ends())
        self.catches("executed_twice", self.twice(2030, (1900, "slave_stopped", dict(pid=100)),
                                                  (1910, "slave_continued", dict(pid=100))).ends())

    def test_what_took_longer_than_it_may_is_repeated_with_good_reason(self):
        def took(ms):
            story = good().submit(3000, 6, attempts=2, timeout_ms=30).ack(3001, 6).run(3010, 3010 + ms, 6, 9)
            return story.run(4000, 4010, 6, 10, slave=("s1", 200), attempt=2).told(4020, 6, "1.10", attempt=2).ends()
        self.is_clean(took(31))
        self.catches("executed_twice", took(29))

    def test_a_handler_that_outlives_its_killed_slave(self):
        story = good().submit(3000, 6).ack(3001, 6).run(3020, None, 6, 9, slave=("s0", 1))
        story.run(5000, 5010, 6, 10, slave=("s1", 200), attempt=2).told(5020, 6, "1.10", attempt=2)
        self.catches("executed_twice", story.ends())
        story.event(3010, "slave_killed", pid=100)
        self.is_clean(story)

    def test_executed_twice_over_a_restart(self):
        story = self.twice(2030)
        story.restart(3000, 3100)
        self.catches("executed_twice", story.ends())

    def test_repeats_with_good_reason_are_counted(self):
        reasons = {
            "slave killed": [(2025, "slave_killed", dict(pid=100))],
            "slave stopped": [(2025, "slave_stopped", dict(pid=100)), (3500, "slave_continued", dict(pid=100))],
            "slave declared dead": [(3900, "died", dict(name="s0"))],
        }
        for reason, events in reasons.items():
            verdict = self.is_clean(self.twice(2030, *events).ends())
            self.assertIn(reason, {known for known, _ in verdict.exemptions})

    def test_unacknowledged_work_may_be_repeated_after_a_kill(self):
        story = self.twice(2030, accepted=3200)
        story.restart(3000, 3100)
        verdict = self.is_clean(story.ends())
        self.assertEqual(["unacknowledged"], [reason for reason, _ in verdict.exemptions])
        self.assertIn("executed_twice", self.violations(story, is_strict=True))

    def test_once(self):
        def lost(*events, runs=1, end=2030):
            story = good().submit(2000, 6, "o").ack(2010, 6)
            for at in range(runs):
                story.run(2020 + 1000 * at, end, 6, 9 + at, epoch=1 + at, attempt=1 + at)
            story.told(6000, 6, status=7)
            for t, what, more in events:
                story.event(t, what, **more)
            return story.ends()
        killed = (2025, "slave_killed", dict(pid=100))
        self.is_clean(lost(killed, end=None))
        self.is_clean(lost(killed, runs=0))
        self.catches("once_twice", lost(killed, runs=2))
        self.assertIn("wrong_outcome", self.violations(lost()))
        self.assertIn("wrong_outcome", self.violations(lost((2025, "slave_killed", dict(pid=200)))))
        self.assertIn("wrong_outcome", self.violations(lost(runs=0)))

    def test_executed_after_outcome(self):
        self.catches("executed_after_outcome",
                     good().run(3000, 3010, 1, 9, slave=("s1", 200), attempt=2).ends())
        self.catches("executed_after_outcome", good().run(3000, 3010, 4, 9).ends())
        story = good()
        story.restart(2800, 2900)
        self.catches("executed_after_outcome", story.run(3000, 3010, 1, 9, epoch=2, attempt=2).ends())

    def test_a_thawed_slave_may_begin_what_came_before(self):
        story = good().run(3000, 3010, 4, 9)
        story.event(140, "slave_stopped", pid=100)
        story.event(2990, "slave_continued", pid=100)
        self.is_clean(story.ends())
        story = good().submit(2000, 6).ack(2001, 6).run(5000, 5010, 6, 8)
        story.run(4000, 4010, 6, 9, slave=("s1", 200), attempt=2).told(4020, 6, "1.9", attempt=2).ends()
        self.assertEqual({"token_backwards", "executed_twice", "executed_after_outcome"}, self.violations(story))
        story.event(2010, "slave_stopped", pid=100)
        story.event(4990, "slave_continued", pid=100)
        self.is_clean(story)

    def test_executed_unknown(self):
        self.catches("executed_unknown", good().run(3000, 3010, 77, 9).ends())
        self.catches("executed_unknown", good().submit(3000, 6).run(3001, 3002, 6, 9, payload_seq=5)
                     .told(3003, 6, "1.9").ends())

    def test_tokens(self):
        self.catches("token_reused", good().submit(3000, 6).run(3001, 3002, 6, 5).told(3003, 6, "1.5").ends())

        def retried(second, attempt):
            return (good().submit(3000, 6, attempts=2, word="retry", times=1).ack(3001, 6)
                    .run(3002, 3003, 6, 9, result="retry").run(3010, 3011, 6, second, attempt=attempt)
                    .told(3020, 6, f"1.{second}", attempt=attempt).ends())
        self.catches("token_backwards", retried(8, 2))
        self.catches("attempt_repeated", retried(10, 1))
        self.is_clean(retried(10, 2))

    def test_attempts_exceeded(self):
        def tried(times, attempts, result):
            story = good().submit(3000, 6, attempts=attempts).ack(3001, 6)
            for at in range(times):
                story.run(3010 + 10 * at, 3015 + 10 * at, 6, 10 + at, attempt=at + 1, result=result)
            return story.told(4000, 6, status=5 if result == "crash" else 2, attempt=times).ends()
        self.catches("attempts_exceeded", tried(3, 2, "retry"))
        self.is_clean(tried(2, 2, "retry"))
        self.catches("attempts_exceeded", tried(5, 1, "crash"))
        self.is_clean(tried(4, 1, "crash"))

    def test_never_ended(self):
        story = good().submit(3000, 6).ack(3001, 6).run(3002, None, 6, 9).told(3010, 6, "1.9")
        self.catches("never_ended", story.ends())

    # --- the whole run ----------------------------------------------------------------------------------

    def test_recovery(self):
        slow = good()
        slow.restart(5000, 6500)
        self.catches("recovery", slow.ends())
        slow.event(6600, "live", life=3, live=200_000)
        self.is_clean(slow.ends())

    def test_left(self):
        self.catches("left", good().ends(left=1))
        self.assertEqual({"left"}, self.violations(good().submit(3000, 6).ack(3001, 6).run(3002, None, 6, 9)))

    def test_broken(self):
        story = good()
        story.say(3000, "CLOSED 9 3")
        self.catches("broken", story.ends(clean=False))
        story = good()
        story.event(3000, "failed", text="the master ended with -6")
        self.catches("broken", story.ends())
        story = good()
        story.say(3000, "BROKEN submit 7 34")
        self.catches("broken", story.ends())

    def test_torn(self):
        story = good()
        story.client.insert(3, "12345 SUBM")
        story.client.insert(3, "12345 SUBMIT 9")
        self.catches("torn", story.ends())
        story = good()
        story.client.insert(3, "12345 SUBMIT 9")
        self.is_clean(story.ends())

    def test_deaths(self):
        story = good()
        for t in (3000, 4000):
            story.event(t, "died", name="s1")
        self.catches("deaths", story.ends())
        story.event(2900, "slave_killed", pid=200)
        self.is_clean(story.ends())

    def test_a_greeting_that_comes_late_is_no_death(self):
        line = ('ts=2026-11-28T23:17:00.514Z level=info msg="session ended" role=slave name={} held={} reason={}')
        self.assertEqual(histories.death_in(line.format("s1", 0, "replaced")), (None, None))
        self.assertEqual(histories.death_in(line.format("s1", 0, "bye")), (None, None))
        self.assertEqual(histories.death_in("level=info msg=reloaded"), (None, None))
        for held, reason in ((0, "silent"), (4, "silent"), (1, "replaced")):
            self.assertEqual(histories.death_in(line.format('"s1"', held, reason)), ("2026-11-28T23:17:00.514Z", "s1"))
        self.assertEqual(histories.death_in(line.format("s1", 4, "replaced") + " repeated=1")[1], "s1")

    def test_idle(self):
        self.catches("idle", Story().ends())
        story = Story().submit(100, 1).ack(110, 1).run(120, 130, 1, 1).told(140, 1, "1.1")
        for at in range(1, 7):
            story.restart(1000 * at, 1000 * at + 50)
        self.assertEqual({"idle"}, self.violations(story.ends()))

    # --- a master without a disk ------------------------------------------------------------------------

    def test_a_master_without_a_disk_may_forget(self):
        story = Story().submit(100, 1).ack(110, 1, 0).run(120, 130, 1, 1)
        story.restart(1000, 1100)
        story.run(1200, 1210, 1, 1, slave=("s1", 200), epoch=2).told(1220, 1, "2.1")
        story.submit(100, 2, "b").ack(110, 2, 0).say(111, "BACKGROUND 2")
        story.ends()
        self.assertNotEqual(self.violations(story), set())
        self.is_clean(story, is_durable=False)

    def test_but_not_within_one_life(self):
        story = Story().submit(100, 1).ack(110, 1, 0).run(120, 130, 1, 1)
        story.run(1200, 1210, 1, 2, slave=("s1", 200)).told(1220, 1, "1.2").ends()
        self.catches("executed_twice", story, is_durable=False)

    def test_a_folder_is_read_as_it_was_written(self):
        story = good().ends()
        with tempfile.TemporaryDirectory() as folder:
            for name, lines in (("driver.log", [json.dumps(event) for event in story.driver]),
                                (f"client-0-{UUID}.log", story.client), ("work-s0-100-100.log", story.work)):
                with open(os.path.join(folder, name), "w") as file:
                    file.write("".join(line + "\n" for line in lines) + "17 STA")
            history = histories.read_folder(folder)
        self.assertEqual(check(history).violations, [])
        self.assertEqual(len(history.submissions), 5)

    def test_a_slave_that_thawed_may_repeat_what_an_earlier_life_gave_it(self):
        story = Story().submit(100, 1).ack(110, 1, 0).run(500, 510, 1, 7, slave=("s1", 200)).told(520, 1, "1.7")
        story.run(2500, 2510, 1, 1)
        self.assertNotEqual(self.violations(story.ends(), is_durable=False), set())
        story.event(130, "slave_stopped", pid=100)
        story.event(2490, "slave_continued", pid=100)
        self.is_clean(story.ack(111, 1, 0).ends(clean=False), is_durable=False)

    @classmethod
    def tearDownClass(cls):
        missing = set(RULES) - cls.seen
        assert not missing, f"no test shows that these can be caught: {missing}"


if __name__ == "__main__":
    unittest.main()
