#!/usr/bin/env python3
"""The checker of the pair's torture sees each kind of violation, and nothing in a history that keeps its promises."""
import json
import os
import tempfile
import unittest

import histories
from checker import PAIR_RULES, SYNC, Rules
from checker_test import TICK, UUID, Story
from pair_checker import check

COMMAND, ACK, OUTCOME = 18, 33, 35


class PairStory(Story):
    """Master 0 serves epoch 1 and, in place, 2; at 1500 it is killed, and master 1 serves 3."""

    def __init__(self):
        self.driver, self.client, self.work, self.frames = [], [], [], []
        for pid, name in ((100, "s0"), (200, "s1")):
            self.event(60, "slave_started", pid=pid, name=name)
        self.say(70, "BORN 9 1 0")
        for t, place, epoch in ((100, 0, 1), (900, 0, 2), (1499, 0, 2), (1600, 1, 3), (5000, 1, 3)):
            self.act(t, place, epoch)
        self.event(1490, "fault", name="kill_active")
        self.event(1500, "pair_killed", place=0)
        self.event(1900, "safe", ms=100)

    def act(self, t, place, epoch, kind=COMMAND, slave=0):
        self.frames.append(f"{t * TICK} s{slave}:{place} {kind} {epoch}")
        return self

    def ack(self, t, seq, durability=SYNC, copies=2):
        return super().ack(t, seq, durability, copies)

    def history(self):
        history = histories.History()
        histories.read_driver(history, json.loads(json.dumps(self.driver)))
        histories.read_client(history, 0, UUID, self.client)
        histories.read_work(history, self.work)
        histories.read_frames(history, self.frames)
        return histories.finish(history)


def good():
    """Done before, done by a slave that outlives the master, and done afterwards."""
    story = PairStory()
    story.submit(100, 1).ack(110, 1).run(120, 130, 1, 1).told(140, 1, "1.1")
    story.submit(1000, 2).ack(1010, 2).run(1400, 1450, 2, 2).told(1700, 2, "1.2")
    story.submit(1000, 3).ack(1010, 3).run(1650, 1660, 3, 1, epoch=3).told(1700, 3, "3.1")
    return story


class PairCheckerTest(unittest.TestCase):
    seen = set()

    def violations(self, story):
        return {rule for rule, _ in check(story.history(), Rules(durability=SYNC)).violations}

    def catches(self, rule, story):
        self.seen.add(rule)
        self.assertIn(rule, self.violations(story))

    def is_clean(self, story):
        verdict = check(story.history(), Rules(durability=SYNC))
        self.assertEqual(verdict.violations, [])
        return verdict

    def test_good_history_is_clean(self):
        verdict = self.is_clean(good().ends())
        self.assertEqual(verdict.exemptions, [])
        expected = {"kills": 1, "submitted": 3, "outcomes": 3, "executions": 3, "reigns": 2, "outlived": 1, "faults": 1}
        self.assertEqual({name: verdict.figures[name] for name in expected}, expected)

    # --- one at a time ----------------------------------------------------------------------------------

    def test_two_masters_in_one_epoch(self):
        self.catches("epoch_twice", good().act(1400, 1, 2).ends())
        self.catches("epoch_twice", good().act(1700, 0, 3).ends())

    def test_acts_of_a_stale_master(self):
        for kind in (COMMAND, ACK, OUTCOME):
            self.catches("stale_act", good().act(1700, 0, 2, kind).ends())
        self.catches("stale_act", good().act(1640, 0, 2).ends())
        self.is_clean(good().act(1599, 0, 2).ends())
        self.is_clean(good().act(1610, 0, 2).ends())  # of two connections, in the order in which they were read

    def test_what_was_on_the_way_when_a_host_was_lost_arrives_late(self):
        for place, is_excused in ((0, True), (1, False)):
            story = good().act(2500, 0, 2)
            story.event(1400, "host_lost", place=place)
            story.event(2400, "host_back", place=place)
            self.assertEqual("stale_act" not in self.violations(story.ends()), is_excused)

    def test_an_epoch_that_goes_back(self):
        self.catches("epoch_backwards", good().act(1300, 0, 1).ends())
        self.is_clean(good().act(905, 0, 1).ends())  # on another connection
        self.is_clean(good().act(1300, 0, 1, slave=1).ends())  # said before a pause, to one that heard of nothing later
        self.catches("epoch_backwards", good().act(1950, 0, 1, slave=1).ends())  # no pause is that long

    # --- what the other rules make of two masters -------------------------------------------------------

    def test_lost(self):
        self.catches("lost", good().submit(1000, 4).ack(1010, 4).ends())

    def test_told_twice(self):
        self.catches("outcome_twice", good().told(1800, 2, "1.2").ends())

    def test_two_outcomes(self):
        story = good().run(1650, 1660, 1, 2, epoch=3)
        story.say(3000, "BORN 10 1 0")
        self.catches("two_outcomes", story.submit(3001, 1).told(3002, 1, "3.2").ends())

    def test_durability(self):
        self.catches("durability", good().submit(1000, 4).ack(1010, 4, durability=1)
                     .run(1100, 1110, 4, 4).told(1120, 4, "1.4").ends())

    def test_token_reused(self):
        self.catches("token_reused", good().submit(1000, 4).ack(1010, 4).run(1700, 1710, 4, 1, epoch=3)
                     .told(1720, 4, "3.1").ends())

    def twice(self, accepted=1010, more=(), epochs=(1, 3), start=1400, end=1450):
        """Number 4 runs in s0 and again in s1, in the next reign."""
        story = good().submit(1000, 4).ack(accepted, 4).run(start, end, 4, 8, epoch=epochs[0])
        story.run(2500, 2510, 4, 9, slave=("s1", 200), attempt=2, epoch=epochs[1])
        story.told(2600, 4, f"{epochs[1]}.9", attempt=2)
        for t, what, words in more:
            story.event(t, what, **words)
        return story

    def test_executed_twice_over_a_takeover(self):
        self.catches("executed_twice", self.twice().ends())
        self.catches("executed_twice", self.twice(end=None).ends())
        self.catches("executed_twice", self.twice(accepted=1599).ends())
        self.catches("executed_twice", self.twice(accepted=1700, epochs=(3, 3), start=2000, end=2010).ends())

    def test_a_slave_that_was_declared_dead_for_no_reason_excuses_nothing(self):
        self.catches("executed_twice", self.twice(more=[(2400, "died", dict(name="s0"))]).ends())
        for what in (("slave_stopped", "slave_continued"), ("slave_cut", "slave_healed")):
            short = [(1420, what[0], dict(pid=100)), (2100, what[1], dict(pid=100))]
            self.catches("executed_twice", self.twice(more=short).ends())
            self.is_clean(self.twice(more=[*short, (2400, "died", dict(name="s0"))]).ends())

    def test_repeats_with_good_reason_are_counted(self):
        reasons = {
            "unacknowledged": self.twice(accepted=1650),
            "slave killed": self.twice(more=[(1440, "slave_killed", dict(pid=100))]),
            "slave stopped": self.twice(more=[(1440, "slave_stopped", dict(pid=100)),
                                              (2900, "slave_continued", dict(pid=100))]),
            "slave cut off": self.twice(more=[(1440, "slave_cut", dict(pid=100)),
                                              (2900, "slave_healed", dict(pid=100))]),
        }
        for reason, story in reasons.items():
            self.assertEqual([why for why, _ in self.is_clean(story.ends()).exemptions], [reason])

    def test_a_result_waits_while_something_is_broken_and_no_longer(self):
        fault = [(3000, "fault", dict(name="cut_peer")), (12000, "safe", dict(ms=1))]
        for t, is_excused in ((16000, True), (18000, False)):
            story = good().submit(2000, 4).ack(2010, 4).run(2990, 2995, 4, 8, epoch=3)
            story.run(19000, 19010, 4, 9, slave=("s1", 200), attempt=2, epoch=3).told(19020, 4, "3.9", attempt=2)
            for when, what, words in [*fault, (t, "slave_killed", dict(pid=100))]:
                story.event(when, what, **words)
            self.assertEqual("executed_twice" not in self.violations(story.ends()), is_excused)

    def test_begun_after_its_outcome_was_known(self):
        late = dict(slave=("s1", 200), attempt=2, epoch=3)
        self.catches("executed_after_outcome", good().run(1800, 1810, 2, 7, **late).ends())
        story = good().run(1800, 1810, 2, 7, **late)
        story.event(1700, "slave_cut", pid=200)
        story.event(2900, "slave_healed", pid=200)
        self.assertNotIn("executed_after_outcome", self.violations(story.ends()))

    def test_lost_work_that_may_be_started_once(self):
        lost = good().submit(2500, 4, "o").ack(2510, 4).told(4000, 4, status=7)
        self.assertIn("wrong_outcome", self.violations(lost.ends()))
        story = good().submit(2500, 4, "o").ack(2510, 4).told(4000, 4, status=7)
        story.event(3000, "fault", name="stop_active")
        self.is_clean(story.ends())

    def test_slaves_that_die_for_no_reason(self):
        story = good()
        for t in (2000, 3000):
            story.event(t, "died", name="s0")
        self.catches("deaths", story.ends())

    def test_a_folder_is_read_as_it_was_written(self):
        story = good().act(1700, 0, 2).ends()
        with tempfile.TemporaryDirectory() as folder:
            for name, lines in (("driver.log", [json.dumps(event) for event in story.driver]),
                                (f"client-0-{UUID}.log", story.client), ("work-s0-100-100.log", story.work),
                                ("frames.log", story.frames)):
                with open(os.path.join(folder, name), "w") as file:
                    file.write("".join(line + "\n" for line in lines) + "17 STA")
            self.assertEqual({rule for rule, _ in check(histories.read_folder(folder)).violations}, {"stale_act"})

    @classmethod
    def tearDownClass(cls):
        missing = set(PAIR_RULES) - cls.seen
        assert not missing, f"no test shows that these can be caught: {missing}"


if __name__ == "__main__":
    unittest.main()
