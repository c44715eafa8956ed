"""Witnesses as processes: one that is nothing else, and those whose disk fails, which are not counted on any more."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from pair import NOBODY_ANSWERS, PARTS, REFUSED, STUCK, Pair, kill, never  # noqa: E402

STORE_FAILED = 74
SYNC_FAILS = os.path.join(PARTS, "torture", "sync_fails.so")


def witness(pair, name, state=None, environment=None):
    return pair.start(name, ["muster-slave", "--name", name, "--witness-only", "--state", state or pair.path(f"state-{name}"),
                             pair.address], environment)


def votes(pair, count):
    return all(row.get("witnesses_connected") == count for row in pair.rows_of_pair())


def test_one_that_is_nothing_else_starts_votes_and_stops():
    with Pair(slaves=1, witnesses=0) as pair:
        first = witness(pair, "w1")
        wait_until("it is enrolled", lambda: votes(pair, 1))
        second = witness(pair, "w1-again", pair.path("state-w1"))
        second.ends_with(REFUSED)
        assert "is in use" in second.log(), second.log()
        with open(pair.path("file"), "w"):
            pass
        third = witness(pair, "w3", pair.path("file/state"))
        third.process.wait()
        assert third.process.returncode > 0 and "file/state" in third.log(), f"{third.process.returncode}: {third.log()}"
        active = pair.active()
        kill(pair, active)
        pair.takeover(1 - active)
        first.signal(signal.SIGTERM)
        first.ends_with(0)


def test_one_whose_disk_fails_is_seen_to_be_lost():
    with Pair(slaves=1, witnesses=0) as pair:
        bad_disk = {"LD_PRELOAD": SYNC_FAILS, "MS_SYNC_FAILS": pair.path("sync-fails"), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        alone = witness(pair, "w1", environment=bad_disk)
        beside = pair.start("s2", ["muster-slave", "--name", "s2", "--state", pair.path("state-s2"),
                                    pair.address], bad_disk)
        witness(pair, "w3")
        wait_until("all are enrolled", lambda: votes(pair, 3))
        with open(pair.path("sync-fails"), "w"):
            pass
        code, out, err = pair.ask("switchover")
        assert code == 0, f"{code}: {out} {err}"
        alone.ends_with(STORE_FAILED)
        wait_until("the slave's is gone, too", lambda: "the witness votes no more" in beside.log())
        wait_until("the masters say so", lambda: votes(pair, 1) and all(
            row["alarm"].startswith("WITNESSES_LOST") and len(row["witness_lost"]) == 2 and len(row["witness_here"]) == 1
            for row in pair.rows_of_pair()))
        assert pair.alive(beside) and pair.serves("s2"), "the slave works on"


def test_a_slave_whose_vote_hangs_keeps_its_work():
    """A takeover makes every witness write, and a slave that is one is at the new active before its disk has answered."""
    with Pair(slaves=2) as pair:
        gate = pair.path("stuck")
        slow = pair.start("s3", ["muster-slave", "--name", "s3", "--slots", "4", "--state", pair.path("state-s3"), "--handler",
                                 f"{os.path.join(PARTS, 'torture', 'torture.so')}:{pair.folder}", pair.address],
                          {"LD_PRELOAD": STUCK, "MS_STUCK": gate, "ASAN_OPTIONS": "verify_asan_link_order=0"})
        wait_until("it serves, and all vote", lambda: pair.serves("s3") and pair.is_safe(3))
        load = pair.load(count=12, work_us=10000000, window=12)
        wait_until("every slot works", lambda: len(pair.begun(load)) == 12 and pair.acknowledged(load) == 12)
        active = pair.active()
        os.mkfifo(gate)
        moment = kill(pair, active)
        pair.takeover(1 - active)
        never("no slave is given up, and nothing begins twice",
              lambda: any(len(times) > 1 for times in pair.begun(load).values()) or
              any(row["state"] == "dead" for row in pair.rows("slaves")), 5)
        assert pair.alive(slow), slow.log()
        end = os.open(gate, os.O_RDWR)
        os.unlink(gate)
        os.close(end)
        assert pair.judge(load, [moment]) == 0, "nothing was done twice"
        pair.start_master(active)
        pair.become_safe()
        wait_until("it votes on", lambda: pair.is_safe(3))
        kill(pair, 1 - active)
        pair.takeover(active)


def test_an_active_that_is_left_alone_pauses_and_is_told_of():
    with Pair(slaves=1, witnesses=0) as pair:
        only = witness(pair, "w1")
        wait_until("it is enrolled", lambda: votes(pair, 1))
        active = pair.active()
        kill(pair, 1 - active)
        wait_until("it goes on alone", lambda: pair.rows_of_pair()[active]["state"] == "SOLO")
        pair.start_master(1 - active)
        pair.become_safe()
        only.kill()
        wait_until("the witness is gone", lambda: votes(pair, 0))
        kill(pair, 1 - active)
        wait_until("it may not go on alone", lambda: pair.rows_of_pair()[active]["state"] == "HOLD")
        code, _, err = pair.ask("status", "--connect-timeout", "1s")
        assert code == NOBODY_ANSWERS and "no active master at" in err, f"{code}: {err}"
        code, out, err = pair.ask("promote", "--force", "--i-know", masters=pair.addresses[active])
        assert code == 0, f"{code}: {out} {err}"
        pair.takeover(active)


if __name__ == "__main__":
    main(dict(globals()))
