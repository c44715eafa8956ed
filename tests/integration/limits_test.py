#!/usr/bin/env python3
"""Limits of routes: caps of a type and of groups of slaves, rates, changed while commands wait; and over a takeover."""
import os
import signal
import tempfile

from harness import Cluster, main, wait_until
from pair import Pair, kill


def write(path, text):
    """Whole or not at all: a program may read it at any time."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def held(cluster):
    return {row["name"]: row["held"] for row in cluster.rows("slaves")}


def route(cluster, kind):
    return next(row for row in cluster.rows("routes") if row["type"] == kind)


def reload(cluster, path, text):
    write(path, text)
    cluster.master.signal(signal.SIGHUP)


def submit(cluster, kind, payload, count=1):
    for _ in range(count):
        cluster.muster("submit", kind, "--payload", payload, "--background", "--keep")


def why_of_waiting(cluster):
    waiting = next(row["id"] for row in cluster.rows("commands") if row["state"] == "ready")
    return cluster.muster("why", waiting).stdout.decode()


def test_a_type_has_a_cap_that_is_changed_live():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.conf")
        write(path, 'route "sleep" { concurrency = 2 }\n')
        with Cluster("--config", path) as cluster:
            cluster.slave("--slots", "8")
            submit(cluster, "sleep", "1h", 6)
            wait_until("as many as may are in hand", lambda: held(cluster) == {"s1": 2})
            assert cluster.muster("submit", "echo", "--payload", "x", "--wait").stdout == b"x"  # other types go on
            assert held(cluster) == {"s1": 2}
            row = route(cluster, "sleep")
            assert row["in_hand"] == "2" and row["concurrency"] == 2, row
            assert "2 of sleep are in hand, and its route allows 2; it is the next one" in why_of_waiting(cluster)
            reload(cluster, path, 'route "sleep" { concurrency = 4 }\n')
            wait_until("more may", lambda: held(cluster) == {"s1": 4})
            reload(cluster, path, 'route "sleep" { concurrency = 1 }\n')
            wait_until("that holds", lambda: route(cluster, "sleep")["concurrency"] == 1)
            assert held(cluster) == {"s1": 4}  # what is there stays
            running = [row["id"] for row in cluster.rows("commands") if row["state"] == "leased"]
            for command in running:
                cluster.muster("cancel", command)
            wait_until("one goes on", lambda: held(cluster) == {"s1": 1})
            reload(cluster, path, "\n")
            wait_until("all may", lambda: held(cluster) == {"s1": 2})
            assert route(cluster, "sleep")["in_hand"] == ""


def test_a_group_of_slaves_has_a_cap():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.conf")
        write(path, 'route "sl*" { group-concurrency = 2 strategy = {"round-robin"} }\n')
        with Cluster("--config", path) as cluster:
            for group in ("a", "a", "b"):
                cluster.slave("--slots", "8", "--group", group)
            submit(cluster, "sleep", "1h", 9)
            wait_until("each group has two", lambda: sum(held(cluster).values()) == 4)
            assert held(cluster)["s3"] == 2, held(cluster)
            assert route(cluster, "sleep")["group_in_hand"] == "2"
            assert 'and its route allows 2' in why_of_waiting(cluster)


def test_a_rate_is_kept():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.conf")
        write(path, 'route "echo" { rate = "1/h:3" }\n')
        with Cluster("--config", path) as cluster:
            cluster.slave("--slots", "8")
            submit(cluster, "echo", "x", 5)
            wait_until("a burst", lambda: route(cluster, "echo")["in_hand"] == "0" and
                       [row["state"] for row in cluster.rows("commands")].count("ready") == 2)
            assert "its route hands out 1/h:3, the next one at " in why_of_waiting(cluster)
            reload(cluster, path, 'route "echo" { rate = "1000/s" }\n')
            wait_until("the others, too", lambda: "ready" not in [row["state"] for row in cluster.rows("commands")])


def sleeping(pair):
    return sum(row["held"] for row in pair.rows("slaves"))


def count(pair, state):
    return [row["state"] for row in pair.rows("commands")].count(state)


def test_what_is_in_hand_counts_after_a_takeover():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "both.conf")
        write(path, 'route "*" { concurrency = 2 }\n')
        with Pair(options=["--config", path], slave_options=["--handlers", os.environ["MS_HANDLERS_DIR"]]) as pair:
            for _ in range(5):
                pair.muster("submit", "sleep", "--payload", "1h", "--background", "--keep")
            wait_until("as many as may are in hand", lambda: sleeping(pair) == 2)
            victim = pair.active()
            kill(pair, victim)
            pair.takeover(1 - victim)
            wait_until("they are in hand", lambda: sleeping(pair) == 2)
            wait_until("slaves are back", lambda: all(row["connected"] == "yes" for row in pair.rows("slaves")))
            assert sleeping(pair) == 2
            assert count(pair, "leased") == 2 and count(pair, "ready") == 3, pair.rows("commands")
            first = next(row["id"] for row in pair.rows("commands") if row["state"] == "leased")
            pair.muster("cancel", first)
            wait_until("the next one goes", lambda: count(pair, "ready") == 2)
            assert sleeping(pair) == 2


if __name__ == "__main__":
    main(globals())
