"""What people want of slaves, and a pair of masters: a cordon is there after kill -9 of the active, and top goes on."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fleet import Top, row_of  # noqa: E402
from harness import main, wait_until  # noqa: E402
from pair import Pair, kill  # noqa: E402


def cordoned(pair):
    return sorted(row["name"] for row in pair.rows("slaves", "--where", "cordoned=yes"))


def test_a_cordon_survives_takeovers():
    with Pair() as pair:
        before = row_of(pair, "s1")["session"]
        pair.muster("slave", "cordon", "s1,s2")
        assert cordoned(pair) == ["s1", "s2"]
        pair.muster("slave", "uncordon", "s2")
        for _ in range(2):  # and back
            victim = pair.active()
            kill(pair, victim)
            pair.takeover(1 - victim)
            wait_until("the slaves are back", lambda: all(pair.serves(name) for name in ("s2", "s3")))
            wait_until("s1 is back", lambda: row_of(pair, "s1")["connected"] == "yes")
            assert cordoned(pair) == ["s1"]
            assert row_of(pair, "s1")["session"] == before
            for number in range(20):
                pair.muster("submit", "echo", "--payload", str(number), "--wait")
            assert row_of(pair, "s1")["done_total"] == 0
            pair.start_master(victim)
            pair.become_safe()
        pair.muster("slave", "uncordon", "s1")
        wait_until("it has credit again", lambda: pair.serves("s1"))


def test_top_goes_on():
    with Pair() as pair:
        screen = Top(pair.address)
        active = pair.active()
        wait_until("both halves are shown", lambda: screen.shows(rf"pair: .*{pair.addresses[active]} active PAIR"))
        kill(pair, active)
        pair.takeover(1 - active)
        wait_until("it goes on with the other", lambda: screen.shows(rf"pair: .*{pair.addresses[1 - active]} active SOLO"))
        wait_until("whose slaves are shown", lambda: screen.shows(r"s1 +alive"))
        screen.press(b"q")
        screen.ends_with(0)


if __name__ == "__main__":
    main(globals())
