"""A half that comes back is copied to, and the active one and its disk are lost meanwhile: what both had acknowledged before is on the
disk of the other one, which serves with it when an operator says so."""
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from pair import Pair, kill  # noqa: E402

COMMANDS = 3000


def submits(pair, directory):
    code, output, error = pair.ask("check", directory)
    assert code == 0, (code, output, error)
    return int(re.search(r"SUBMIT\s+(\d+)", output).group(1))


def load_both(pair):
    """All is acknowledged by two disks, none of it is done, and its client is gone."""
    pair.become_safe()
    pair.muster("slave", "cordon", "s1,s2,s3")
    load = pair.load(COMMANDS, work_us=100, window=COMMANDS)
    wait_until("all is acknowledged", lambda: pair.acknowledged(load) == COMMANDS, 120)
    assert {tuple(said[0][1][:2]) for said in pair.history(load, "ACK").values()} == {("2", "2")}
    load.process.kill()
    load.process.wait()
    pair.become_safe()


def lose_during_copy(pair, place):
    """Of the half that is copied to. Whether the copy was whole by then is seen in its directory."""
    active, data = 1 - place, pair.path(f"data-{place}")
    wait_until("a copy is taken, or was", lambda: os.path.exists(os.path.join(data, "store.new"))
               or "the standby was copied" in pair.masters[active].log())
    kill(pair, active)
    shutil.rmtree(pair.path(f"data-{active}"))


def serves(pair, place):
    """By itself if it was in sync by then."""
    if pair.rows_of_pair()[place]["state"] != "SOLO":
        pair.ask("promote", "--force", "--i-know", "--timeout", "5s", masters=pair.addresses[place])
        return False
    return True


def check_served(pair, place):
    wait_until("it serves", lambda: serves(pair, place))
    kill(pair, place)
    assert submits(pair, pair.path(f"data-{place}")) == COMMANDS


def test_what_both_had_is_there_after_a_kill():
    with Pair(options=["--pair-profile", "wan"]) as pair:
        load_both(pair)
        first = pair.active()
        kill(pair, first)
        pair.takeover(1 - first)
        wait_until("the other one is alone", lambda: pair.rows_of_pair()[1 - first]["state"] == "SOLO")
        pair.start_master(first)
        lose_during_copy(pair, first)
        check_served(pair, first)


def test_and_after_a_stop():
    with Pair(options=["--pair-profile", "wan"]) as pair:
        load_both(pair)
        first = pair.active()
        pair.masters[first].process.send_signal(signal.SIGTERM)
        pair.masters[first].process.wait(60)
        pair.takeover(1 - first)
        pair.start_master(first)
        lose_during_copy(pair, first)
        check_served(pair, first)


def test_also_when_the_half_that_is_left_was_started_again():
    with Pair(options=["--pair-profile", "wan"]) as pair:
        load_both(pair)
        first = pair.active()
        kill(pair, first)
        pair.takeover(1 - first)
        pair.start_master(first)
        lose_during_copy(pair, first)
        kill(pair, first)
        pair.start_master(first)
        check_served(pair, first)


if __name__ == "__main__":
    main(dict(globals()))
