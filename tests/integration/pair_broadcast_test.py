"""One command for many slaves, as people submit it: an outcome of each and a verdict, also when the active is killed meanwhile."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import LIMIT_S, main, wait_until  # noqa: E402
from pair import Pair, begun_of, kill  # noqa: E402

WORK_US = 3_000_000
FAILED, UNAVAILABLE = 1, 69


def begin(pair, number, *options):
    """A client that waits for a broadcast that every slave has begun."""
    client = f"{number:032x}"
    waiting = pair.background("submit", "torture", "--on", "all", "--wait", "--json", "--id", f"{client}:1", "--payload",
                              f"torture {client} 1 {WORK_US} ok 0 x", *options)
    wait_until("all have begun it", lambda: begun_of(pair, client) == 3)
    return client, waiting


def end(waiting):
    """(exit code, {slave: outcome}, verdict)"""
    out, err = waiting.communicate(timeout=LIMIT_S)
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows, err
    outcomes = {row["slave"]: row for row in rows[:-1]}
    assert len(outcomes) == len(rows) - 1, f"two outcomes of one slave: {rows}"
    return waiting.returncode, outcomes, rows[-1]


def test_each_slave_has_one_outcome_whoever_is_active():
    with Pair() as pair:
        client, waiting = begin(pair, 1)
        victim = pair.active()
        kill(pair, victim)
        pair.takeover(1 - victim)
        code, outcomes, verdict = end(waiting)
        assert sorted(outcomes) == ["s1", "s2", "s3"], outcomes
        assert all(row["status"] == "ok" and row["attempt"] == 1 for row in outcomes.values()), outcomes
        assert verdict == dict(verdict="ok", must="all", slaves=3, succeeded=3), verdict
        assert code == 0
        assert begun_of(pair, client) == 3, "nothing is begun twice"


def test_who_dies_with_it_is_lost():
    with Pair() as pair:
        client, waiting = begin(pair, 2)
        victim = pair.active()
        kill(pair, victim, "s2")
        pair.takeover(1 - victim)
        code, outcomes, verdict = end(waiting)
        assert {name: row["status"] for name, row in outcomes.items()} == dict(s1="ok", s2="lost", s3="ok"), outcomes
        assert verdict == dict(verdict="fail", must="all", slaves=3, succeeded=2), verdict
        assert code == FAILED
        assert begun_of(pair, client) == 3, "nobody else begins it"


def test_who_is_meant_and_what_must_be():
    with Pair() as pair:
        done = pair.muster("submit", "echo", "--payload", "hello", "--on", "all", "--wait")
        assert sorted(done.stdout.decode().splitlines()) == [f"s{number} ok hello" for number in (1, 2, 3)], done.stdout
        assert b"ok: 3 of 3 slaves succeeded, must: all" in done.stderr, done.stderr
        done = pair.muster("submit", "echo", "--payload", "hello", "--on", "all", "--where", "name=s1,s3", "--wait")
        assert sorted(done.stdout.decode().splitlines()) == ["s1 ok hello", "s3 ok hello"], done.stdout
        done = pair.muster("submit", "echo", "--payload", "hello", "--on", "2", "--wait")
        assert len(set(line.split()[0] for line in done.stdout.splitlines())) == 2, done.stdout
        done = pair.muster("submit", "echo", "--on", "all", "--where", "name=nobody", "--wait", check=False)
        assert done.returncode == UNAVAILABLE and b"no slave lives, runs echo" in done.stderr, done
        done = pair.muster("submit", "echo", "--on", "4", "--wait", check=False)
        assert done.returncode == UNAVAILABLE and b"3 slaves live, run echo" in done.stderr, done
        client = f"{3:032x}"
        text = f"torture {client} 1 0 fail 0 x"
        for must, code in (("all", FAILED), ("any", FAILED), ("quorum", FAILED)):
            done = pair.muster("submit", "torture", "--payload", text, "--on", "all", "--must", must, "--wait", check=False)
            assert done.returncode == code, done


if __name__ == "__main__":
    main(globals())
