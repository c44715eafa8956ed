"""An old copy of a half's data directory that is put back, as real processes: it is noticed by whoever remembers, counts for nothing
until it has everything, and nothing that was acknowledged is lost."""
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import LIMIT_S, main, wait_until  # noqa: E402
from pair_test import Pair, kill, never  # noqa: E402

COMMANDS = 12000


def stop(pair, place):
    pair.masters[place].signal(signal.SIGTERM)
    pair.masters[place].process.wait(LIMIT_S)


def copy(pair, place):
    """Of the directory of one that does not run."""
    shutil.copytree(pair.path(f"data-{place}"), pair.path(f"copy-{place}"))


def put_back(pair, place):
    shutil.rmtree(pair.path(f"data-{place}"))
    shutil.copytree(pair.path(f"copy-{place}"), pair.path(f"data-{place}"))


def is_old(pair, place):
    return any(alarm.startswith("OLD_COPY: ") for alarm in pair.rows_of_pair()[place]["alarms"])


def go_on(pair, load, count=500):
    goal = min(pair.outcomes(load) + count, load.count)
    wait_until("the load goes on", lambda: pair.outcomes(load) >= goal)


def live_on(pair, load, place):
    """Its directory is copied, and it is started again and has more."""
    stop(pair, place)
    copy(pair, place)
    pair.start_master(place)
    pair.become_safe()
    go_on(pair, load)


def test_a_standby_that_was_set_back_joins_again_and_takes_over_with_all():
    with Pair() as pair:
        standby = 1 - pair.active()
        load = pair.load(COMMANDS, work_us=1000)
        go_on(pair, load)
        live_on(pair, load, standby)
        stop(pair, standby)
        go_on(pair, load)
        put_back(pair, standby)
        pair.start_master(standby)
        wait_until("it says so", lambda: is_old(pair, standby))
        pair.become_safe()
        assert is_old(pair, standby) and not is_old(pair, 1 - standby), pair.rows_of_pair()
        assert "older copy of what the others know" in pair.masters[standby].log(), pair.masters[standby].log()
        go_on(pair, load)
        kills = [kill(pair, 1 - standby)]
        pair.takeover(standby)
        pair.start_master(1 - standby)
        pair.become_safe()
        pair.judge(load, kills)
        kill(pair, standby)
        pair.start_master(standby)
        pair.become_safe()
        assert not is_old(pair, standby), "it is told until the next start"


def test_an_active_that_was_set_back_hands_over_what_it_has_and_joins():
    with Pair() as pair:
        load = pair.load(COMMANDS, work_us=1000)
        go_on(pair, load)
        active = pair.active()
        kills = [kill(pair, active)]  # as it was when it was active
        copy(pair, active)
        pair.takeover(1 - active)
        pair.start_master(active)
        pair.become_safe()
        go_on(pair, load)
        for _ in range(2):  # the same backup once more
            stop(pair, active)
            put_back(pair, active)
            pair.start_master(active)
            wait_until("it says so", lambda: is_old(pair, active))
            pair.become_safe()
            assert "merged: nothing of it was new" in pair.masters[active].log(), pair.masters[active].log()  # it was merged before
        kills.append(kill(pair, 1 - active))
        pair.takeover(active)
        pair.start_master(1 - active)
        pair.become_safe()
        pair.judge(load, kills)


def test_witnesses_know_an_old_copy_when_nobody_else_is_there():
    with Pair() as pair:
        load = pair.load(COMMANDS, work_us=1000)
        go_on(pair, load)
        standby = 1 - pair.active()
        live_on(pair, load, standby)
        kills = [kill(pair, standby, 1 - standby)]
        put_back(pair, standby)
        pair.start_master(standby)
        wait_until("it says so", lambda: is_old(pair, standby))
        never("an old copy leads", lambda: pair.active() == standby, 5)
        pair.start_master(1 - standby)
        pair.become_safe()
        assert pair.active() == 1 - standby, pair.rows_of_pair()
        pair.judge(load, kills)


if __name__ == "__main__":
    main(dict(globals()))
