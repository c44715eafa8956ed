"""The small record of a master, on a disk that does not answer: the master does, and whoever it served is not hurt."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, main, wait_until  # noqa: E402
from pair import STUCK, Pair, kill, never  # noqa: E402


def make_active_one_that_may_hang(pair):
    """Its place, and the pipe that makes its record hang."""
    place = 1 - pair.active()
    gate = pair.path("stuck")
    kill(pair, place)
    pair.start_master(place, environment={"LD_PRELOAD": STUCK, "MS_STUCK": gate, "MS_STUCK_FILE": "pair.meta",
                                          "ASAN_OPTIONS": "verify_asan_link_order=0"})
    pair.become_safe()
    code, out, err = pair.ask("switchover")
    assert code == 0, f"{code}: {out} {err}"
    wait_until("it is active in a pair", lambda: pair.active() == place and pair.is_safe(3))
    return place, gate


def release(gate):
    end = os.open(gate, os.O_RDWR)
    os.unlink(gate)
    os.close(end)


def test_whose_record_hangs_is_taken_over_from_and_no_work_is_done_twice():
    with Pair() as pair:
        place, gate = make_active_one_that_may_hang(pair)
        load = pair.load(count=12, work_us=10000000, window=12)
        wait_until("every slot works", lambda: len(pair.begun(load)) == 12 and pair.acknowledged(load) == 12)
        os.mkfifo(gate)
        moment = time.monotonic_ns()
        order = subprocess.Popen([os.path.join(BIN, "muster"), "--master", pair.addresses[place], "hold"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until("the other one is active", lambda: pair.rows_of_pair()[1 - place]["state"] == "SOLO")
            code, out, _ = pair.ask("pair", masters=pair.addresses[place])
            assert "role" in out, f"it answers operators: {code} {out}"
            wait_until("the slaves are there", lambda: all(pair.serves(name) for name in pair.served_by))
            never("nothing begins twice", lambda: any(len(times) > 1 for times in pair.begun(load).values()), 3)
        finally:
            release(gate)
            order.wait()
        assert pair.judge(load, [moment]) == 0, "nothing was done twice"
        pair.become_safe()
        assert pair.active() == 1 - place
        pair.alive(pair.masters[place])


def test_one_that_hangs_can_be_told_to_end():
    with Pair() as pair:
        place, gate = make_active_one_that_may_hang(pair)
        os.mkfifo(gate)
        order = subprocess.Popen([os.path.join(BIN, "muster"), "--master", pair.addresses[place], "hold"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until("the other one is active", lambda: pair.rows_of_pair()[1 - place]["state"] == "SOLO")
            pair.masters[place].signal(15)
            wait_until("it has heard that", lambda: "msg=stopping" in pair.masters[place].log())
            pair.masters[place].signal(15)
            pair.masters[place].ends_with(0)
        finally:
            release(gate)
            order.wait()
        pair.start_master(place)
        pair.become_safe()


if __name__ == "__main__":
    main(dict(globals()))
