"""Epochs that somebody makes up, at a pair of real processes: whoever reaches --listen may show any, and none of them stops a pair."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Raw, field, frame, hello, main, wait_until  # noqa: E402
from pair import Pair, kill  # noqa: E402

CLIENT_ROLE = 2
HELLO, ERROR = 1, 5
FORCED_STEP, SPAN = 1 << 32, 1 << 24
LIMIT = 2 * FORCED_STEP  # above what was promised: as far as voters go along


def show(pair, place, epoch):
    """A client's HELLO that says it has heard of that epoch; it is sent away."""
    with Raw(int(pair.addresses[place].rsplit(":", 1)[1])) as raw:
        raw.send(frame(HELLO, hello(CLIENT_ROLE, os.urandom(16)) + field(7, epoch), epoch=0))
        kind, _, _ = raw.frame()
        assert kind == ERROR, f"a client that knows of {epoch} is answered by {kind}"


def promised(pair, place):
    return pair.rows_of_pair()[place]["promised"]


def has_alarm(pair, place, name):
    return any(alarm.startswith(name + ": ") for alarm in pair.rows_of_pair()[place]["alarms"])


def test_an_epoch_at_the_limit_stops_no_takeover():
    with Pair(is_apart=True) as pair:
        load = pair.load(window=100)
        wait_until("the load is under way", lambda: pair.acknowledged(load) >= 100)
        active = pair.active()
        before = promised(pair, 1 - active)
        for above in (LIMIT, LIMIT - 1, LIMIT - 4 * SPAN, LIMIT + 1, 3 * FORCED_STEP, 1):
            show(pair, 1 - active, before + above)
        assert "heard of a higher epoch" in pair.masters[1 - active].log(), "nobody is told"
        wait_until("an alarm says it", lambda: has_alarm(pair, 1 - active, "EPOCH_SHOWN"))
        moment = kill(pair, active)
        pair.takeover(1 - active)
        assert promised(pair, 1 - active) < before + 1000, "what was shown is not gone above"
        pair.start_master(active)
        pair.become_safe()
        pair.judge(load, [moment])


def test_epochs_shown_to_both_end_no_tenure():
    with Pair(is_apart=True) as pair:
        load = pair.load(window=100, work_us=1000)
        wait_until("the load is under way", lambda: pair.acknowledged(load) >= 100)
        active = pair.active()
        row = pair.rows_of_pair()[active]
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for place in (1 - active, active):
                for above in (1000, FORCED_STEP + FORCED_STEP // 2 * (1 - active), LIMIT):
                    show(pair, place, row["promised"] + above)
        after = pair.rows_of_pair()[active]
        assert (after["state"], after["epoch"], after["promised"]) == (row["state"], row["epoch"], row["promised"]), after
        pair.judge(load, [])


def test_one_that_is_alone_goes_on():
    with Pair(is_apart=True) as pair:
        active = pair.active()
        kill(pair, 1 - active)
        wait_until("it is alone", lambda: pair.rows_of_pair()[active]["state"] == "SOLO")
        epoch = promised(pair, active)
        for above in (1, 1000, LIMIT, FORCED_STEP + FORCED_STEP // 2 * (1 - active) + SPAN):
            show(pair, active, epoch + above)
        load = pair.load(count=1000)
        pair.judge(load, [])
        assert promised(pair, active) == epoch
        pair.start_master(1 - active)
        pair.become_safe()


def test_a_promotion_that_nobody_votes_for_promises_nothing():
    with Pair(is_apart=True, failover="manual") as pair:
        active = pair.active()
        for name in ("s1", "s2", "s3"):
            pair.served_by[name].signal(signal.SIGSTOP)
        kill(pair, active)
        before = promised(pair, 1 - active)
        code, _, err = pair.ask("promote", "--timeout", "3s", masters=pair.peers[1 - active])
        assert code != 0 and "did not get the votes" in err, f"{code}: {err}"
        assert promised(pair, 1 - active) == before
        for name in ("s1", "s2", "s3"):
            pair.served_by[name].signal(signal.SIGCONT)
        wait_until("witnesses are back", lambda: pair.rows_of_pair()[1 - active]["witnesses_connected"] >= 1)
        code, out, err = pair.ask("promote", masters=pair.peers[1 - active])
        assert code == 0, f"{code}: {out} {err}"
        pair.start_master(active)
        pair.become_safe()


if __name__ == "__main__":
    main(dict(globals()))
