"""What `muster why` and `muster status` say of commands that wait for a slave which may still have them: which one, and until when."""
import calendar
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from pair import Pair, begun_of, kill  # noqa: E402

TICK_S = 3
HOUR_US = 3600 * 1000000
UNTIL = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z \(another [0-9]+ m?s\)"


def submit(pair, number, work_us=0):
    client = f"{number:032x}"
    code, _, err = pair.ask("submit", "torture", "--id", f"{client}:1", "--keep", "--payload",
                            f"torture {client} 1 {work_us} ok 0 x")
    assert code == 0, f"{code}: {err}"
    return client


def why(pair, client):
    code, out, err = pair.ask("why", f"{client}:1")
    assert code == 0, f"{code}: {out} {err}"
    return out.strip()


def holder(pair, client):
    return next((row["slave"] for row in pair.rows("commands") if row["id"] == f"{client}:1"), "")


def check_until(sentence, pattern):
    """The moment that is named lies within the four ticks that a slave has."""
    found = re.fullmatch(pattern, sentence)
    assert found, sentence
    left = calendar.timegm(time.strptime(found.group("until")[:19], "%Y-%m-%dT%H:%M:%S")) - time.time()
    assert -2 <= left <= 4 * TICK_S + 1, f"{left:.1f} s are left: {sentence}"
    return found


def lose_with_work(pair, masters):
    """Kills a slave that has begun what takes an hour; its name and that command's client."""
    client = submit(pair, 1, HOUR_US)
    wait_until("it has begun", lambda: begun_of(pair, client) == 1)
    victim = holder(pair, client)
    kill(pair, *masters(), victim)
    return victim, client


def test_what_the_lost_slave_has_waits_for_it_and_nothing_else_does():
    with Pair(tick=f"{TICK_S}s") as pair:
        wait_until("three vote", lambda: pair.is_safe(3))
        active = pair.active()
        victim, client = lose_with_work(pair, lambda: [active])
        pair.takeover(1 - active)
        wait_until("the others are back", lambda: pair.status()["slaves_awaited"] == 1)
        check_until(why(pair, client),
                    rf"slave {victim} has had attempt 1 for \d+ m?s and is not connected \((alive|waiting_\d)\); if that is not "
                    rf"back by (?P<until>{UNTIL}) it is given up, and the command begins again")
        other = submit(pair, 2)
        wait_until("another one is done", lambda: pair.ask("result", f"{other}:1")[0] == 0)
        wait_until("it is given up", lambda: pair.status()["slaves_awaited"] == 0)
        wait_until("it has begun again", lambda: begun_of(pair, client) == 2)
        assert re.fullmatch(r"slave s\d has had attempt 2 for \d+ m?s", why(pair, client)), why(pair, client)
        assert holder(pair, client) != victim


def test_after_a_restart_of_both_everything_waits_for_the_lost_slave():
    """What waits may be in its hands, for all they know."""
    with Pair(slaves=3, slots=1, tick=f"{TICK_S}s") as pair:
        wait_until("three vote", lambda: pair.is_safe(3))
        filling = [submit(pair, 10 + number, HOUR_US) for number in range(2)]
        wait_until("two slaves are busy", lambda: all(begun_of(pair, one) == 1 for one in filling))
        victim, client = lose_with_work(pair, lambda: [])
        waiting = submit(pair, 2)
        assert "no free slot" in why(pair, waiting) or "is the next one" in why(pair, waiting), why(pair, waiting)
        kill(pair, 0, 1)
        for place in (0, 1):
            pair.start_master(place)
        wait_until("one is active", lambda: pair.active() is not None)
        wait_until("the others are back", lambda: pair.status()["slaves_awaited"] == 1)
        check_until(why(pair, waiting),
                    rf"the master has taken over or restarted, and until {victim} is back or dead, one of them may still have it: "
                    rf"at the latest until (?P<until>{UNTIL})")
        wait_until("it is given up", lambda: pair.status()["slaves_awaited"] == 0)
        assert why(pair, waiting) != "" and "may still have it" not in why(pair, waiting), why(pair, waiting)
        pair.start_slave("spare")
        pair.start_slave("another")
        wait_until("it is done", lambda: pair.ask("result", f"{waiting}:1")[0] == 0)
        wait_until("it has begun again", lambda: begun_of(pair, client) == 2)


if __name__ == "__main__":
    main(dict(globals()))
