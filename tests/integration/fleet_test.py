"""What is seen of slaves, and what people may want of them while they run: real processes, and the command line."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fleet import Top, row_of  # noqa: E402
from harness import LIMIT_S, Cluster, main, wait_until  # noqa: E402

REFUSED, UNAVAILABLE, USAGE = 1, 69, 64


def submit(cluster, *options, kind="echo", payload="x"):
    return cluster.muster("submit", kind, "--payload", payload, *options).stdout.decode().strip()


def state_of(cluster, command):
    rows = cluster.rows("commands")
    return next((row["state"] for row in rows if row["id"] == command), "over")


def test_announcing_and_load():
    with Cluster() as cluster:
        cluster.slave("--slots", "2", "--group", "render", "--label", "gpu,zone=b", "--label", "big", "--weight", "7")
        cluster.slave("--slots", "1")
        row = row_of(cluster, "s1")
        assert (row["group"], row["labels"], row["weight"]) == ("render", "big,gpu,zone=b", 7), row
        assert row["build"] and row["intake"] == "open" and row["free"] == 2, row
        other = row_of(cluster, "s2")
        assert (other["group"], other["labels"], other["weight"]) == ("", "", 100), other
        wait_until("the load is told", lambda: row_of(cluster, "s1")["cpu_percent"] != "")
        row = row_of(cluster, "s1")
        assert 0 <= float(row["cpu_percent"]) <= 100 and 0 < float(row["memory_percent"]) <= 100, row
        assert (row["running"], row["queued"]) == ("0", "0"), row
        def is_rate_seen():
            submit(cluster, "--wait")
            return sum(float(row["rate_per_s"]) for row in cluster.rows("slaves")) > 0
        wait_until("a rate is seen", is_rate_seen)
        names = lambda where: [row["name"] for row in cluster.rows("slaves", "--where", where)]
        assert names("label=zone=*") == ["s1"] and names("label=") == ["s2"] and names("slots>=1 group!=render") == ["s2"]
        wrong = cluster.muster("slaves", "--where", "labels=gpu", check=False)
        assert wrong.returncode == USAGE and b"there are name, state, group, label" in wrong.stderr, wrong
        lines = cluster.muster("slaves").stdout.decode().splitlines()
        assert max(map(len, lines)) <= 120, lines
        assert "memory_percent" not in lines[0] and "memory_percent" in cluster.muster("slaves", "--wide").stdout.decode()


def test_wrong_words():
    with Cluster() as cluster:
        for option, value, says in (("--label", "a b", b"is no label"), ("--label", ",".join("abcdefghijklmnopq"), b"at most 16 labels"),
                                    ("--weight", "1001", b"1 to 1000"), ("--weight", "0", b"1 to 1000")):
            wrong = cluster.start("wrong", ["muster-slave", option, value, cluster.address])
            wrong.ends_with(USAGE)
            assert says in wrong.log().encode(), wrong.log()


def test_cordon_and_drain():
    with Cluster() as cluster:
        cluster.slave("--slots", "2", "--group", "render")
        running = submit(cluster, kind="sleep", payload="1h")
        wait_until("it runs", lambda: state_of(cluster, running) == "leased")
        told = json.loads(cluster.muster("slave", "cordon", "s1", "--json").stdout)
        assert told[0]["name"] == "s1" and told[0]["held"] == 1 and told[0]["intake"] == "cordoned", told
        waiting = submit(cluster)
        drain = cluster.background("slave", "drain", "s*", "--wait")
        assert state_of(cluster, running) == "leased", cluster.rows("commands")  # what it has goes on
        assert drain.poll() is None
        cluster.muster("cancel", running)
        assert drain.wait(LIMIT_S) == 0
        row = row_of(cluster, "s1")
        assert row["held"] == 0 and row["cordoned"] == "yes" and row["done_total"] == 0, row
        assert state_of(cluster, waiting) == "ready", cluster.rows("commands")
        assert b"is cordoned" in cluster.muster("why", waiting).stdout
        cluster.muster("slave", "uncordon", "--group", "render")
        wait_until("it is done", lambda: row_of(cluster, "s1")["done_total"] == 1)


def test_slots_and_level():
    with Cluster() as cluster:
        slave = cluster.slave("--slots", "1")
        row = row_of(cluster, "s1")
        assert row["slots_max"] == 64, row
        cluster.muster("slave", "slots", "s1", "3")
        wait_until("it has three", lambda: row_of(cluster, "s1")["slots"] == 3)
        for _ in range(3):
            submit(cluster, kind="sleep", payload="60s")
        wait_until("three run at a time", lambda: row_of(cluster, "s1")["running"] == "3")
        cluster.muster("slave", "slots", "s1", "1")
        wait_until("it has one", lambda: row_of(cluster, "s1")["slots"] == 1)
        assert row_of(cluster, "s1")["held"] == 3  # what runs goes on
        refused = cluster.muster("slave", "slots", "s1", "65", check=False)
        assert refused.returncode == REFUSED and b"s1" in refused.stdout and b"it can have 1 to 64 slots" in refused.stdout, refused
        cluster.muster("slave", "log-level", "s1", "error")
        cluster.muster("slave", "slots", "s1", "2")
        wait_until("it has two", lambda: row_of(cluster, "s1")["slots"] == 2)
        assert "to=2" not in slave.log(), slave.log()
        cluster.muster("slave", "log-level", "s1", "info")
        cluster.muster("slave", "slots", "s1", "5")
        wait_until("it says so in its log", lambda: "to=5" in slave.log())


def test_orders_that_are_refused():
    with Cluster() as cluster:
        cluster.slave("--slots", "1", "--isolate")
        for words, code, says in ((("cordon", "nobody"), UNAVAILABLE, b'no slave fits "name=nobody"'), (("cordon",), USAGE, b"say which slaves"),
                                  (("slots", "s1"), USAGE, b"slots are 1 to 4096"), (("slots", "s1", "0"), USAGE, b"slots are 1 to 4096"),
                                  (("log-level", "s1", "loud"), USAGE, b"error, warn, info, debug"),
                                  (("stop", "s1"), USAGE, b"there are cordon, uncordon, drain, slots, log-level"),
                                  (("cordon", "--where", "age>1h"), USAGE, b"there are name, state")):
            done = cluster.muster("slave", *words, check=False)
            assert done.returncode == code and says in done.stderr, (words, done)
        refused = cluster.muster("slave", "slots", "s1", "2", check=False)  # each slot is a process that is there from the beginning
        assert refused.returncode == REFUSED and b"it can have 1 to 1 slots" in refused.stdout, refused
        dry = cluster.muster("slave", "cordon", "s1", "--dry-run")
        assert b"s1" in dry.stdout and row_of(cluster, "s1")["cordoned"] == "no"


def test_top():
    with Cluster() as cluster:
        cluster.slave("--slots", "2", "--group", "render")
        once = cluster.muster("top", "--once").stdout.decode()
        assert re.search(r"running, epoch \d+", once) and re.search(r"s1 +render +alive +open +0 +2 ", once), once
        assert "\033" not in once and cluster.muster("top").stdout.decode().count("render") == 1  # it is no terminal
        for key in (b"q", b"\x03"):
            screen = Top(cluster.address)
            wait_until("the slave is shown", lambda: screen.shows(r"s1 +render +alive"))
            wait_until("and again", lambda: screen.shows(r"s1 +render +alive"))
            screen.press(key)
            screen.ends_with(0)


if __name__ == "__main__":
    main(globals())
