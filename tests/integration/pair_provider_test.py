"""Providers of a pair: through kill -9 of the active, twice, every number of a range and every line of a file is run, once, under its own number."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from pair import Pair, kill, lines_of  # noqa: E402

COUNT = 1500
PROVIDERS = """
provider "numbers" {{ use = "range" with = {{"to={count}", "template=torture numbers {{}} 50000 ok 0 pad"}} type = "torture" ahead = 20 }}
provider "words" {{ use = "lines" with = {{"file={folder}/words.txt"}} type = "torture" ahead = 20 }}
"""


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def begun(pair):
    """{what: {number of the command}}, and all of them, as often as they began."""
    numbers, times = {}, []
    for name in os.listdir(pair.folder):
        if name.startswith("work-"):
            for line in lines_of(pair.path(name)):
                _, what, identity, _, _, _, _, order = line.split()
                if what == "START":
                    numbers.setdefault(order, set()).add(int(identity.split(":")[1]))
                    times.append(order)
    return numbers, times


def is_over(pair):
    rows = pair.rows("providers")
    return len(rows) == 2 and all(row["state"] == "ended" and row["made"] == COUNT and row["in_hand"] == 0 and
                                  row["untold"] == 0 for row in rows)


def test_no_number_is_left_out_or_run_twice():
    with Pair() as pair:
        write(pair.path("words.txt"), "".join(f"torture words {n} 50000 ok 0 pad\n" for n in range(1, COUNT + 1)))
        write(pair.path("providers.conf"), PROVIDERS.format(count=COUNT, folder=pair.folder))
        pair.more = ["--config", pair.path("providers.conf")]
        for place in (1 - pair.active(), pair.active()):  # with the sections from now on
            kill(pair, place)
            wait_until("the other one serves", lambda: pair.active() is not None)
            pair.start_master(place)
            pair.become_safe()
        for _ in range(2):
            before = len(begun(pair)[1])
            wait_until("they are at work", lambda: len(begun(pair)[1]) > before + COUNT // 8)
            victim = pair.active()
            kill(pair, victim)
            pair.takeover(1 - victim)
            pair.start_master(victim)
            pair.become_safe()
        wait_until("all is made and done", lambda: is_over(pair))
        numbers, times = begun(pair)
        expected = {f"{name}:{n}" for name in ("numbers", "words") for n in range(1, COUNT + 1)}
        assert set(numbers) == expected, sorted(expected ^ set(numbers))[:10]
        assert all(found == {int(order.split(":")[1])} for order, found in numbers.items())
        assert len(times) == len(expected), sorted(order for order in expected if times.count(order) > 1)[:10]


if __name__ == "__main__":
    main(globals())
