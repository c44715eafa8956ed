"""Limits of a master, met with real programs: who meets one waits and goes on by himself, and status tells them."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import LIMIT_S, Cluster, main, wait_until  # noqa: E402

COUNT = 400


def map_all(cluster, *arguments):
    """Many more commands than fit go through, each once, in order."""
    names = [f"n{number}" for number in range(COUNT)]
    done = cluster.muster("map", "-k", "-j", "64", *arguments, "echo", ":::", *names)
    assert done.stdout.decode().split() == names, f"{done.stdout!r} {done.stderr!r}"
    return cluster.status()


def test_many_commands_for_a_master_of_few():
    with Cluster("--commands-max", "8") as cluster:
        cluster.slave("--allow-exec", "--slots", "2")
        status = map_all(cluster)
        assert status["commands_max"] == 8
        assert status["refused_total"] > 0, "the limit was never met"
        assert status["submitted_total"] == COUNT
        wait_until("all are closed", lambda: cluster.status()["commands"] == 0)


def test_an_array_that_never_fits_is_refused_by_name():
    with Cluster("--commands-max", "8") as cluster:
        cluster.slave()
        for more in ["--background"], ["--wait"]:
            done = cluster.muster("submit", "echo", "--array", "9", *more, check=False)
            assert done.returncode == os.EX_USAGE, f"{done}"
            assert b"an array of 9 commands, at most 8 are kept here" in done.stderr, f"{done.stderr!r}"


def test_what_is_not_known_is_named():
    with Cluster() as cluster:
        for question in ["group", "nosuch"], ["wait", "--group", "nosuch"]:
            done = cluster.muster(*question, check=False)
            assert done.returncode == os.EX_UNAVAILABLE, f"{done}"
            assert b'group "nosuch"' in done.stderr, f"{done.stderr!r}"
        one = "0123456789abcdef0123456789abcdef:7"
        for question in "show", "why", "result", "cancel", "tail":
            done = cluster.muster(question, one, check=False)
            assert done.returncode == os.EX_UNAVAILABLE, f"{done}"
            assert one.encode() in done.stderr, f"{done.stderr!r}"


def test_large_payloads_for_a_master_of_little_memory():
    with Cluster("--memory-max", "1MiB") as cluster:
        slave = cluster.slave("--slots", "1")
        payload = os.path.join(cluster.folder, "payload")
        with open(payload, "wb") as file:
            file.write(b"x" * 200000)
        slave.stop()  # it keeps its session, and nothing ends
        outs = [os.path.join(cluster.folder, f"out{number}") for number in range(12)]
        clients = [cluster.background("submit", "echo", "--in", payload, "--out", out) for out in outs]
        wait_until("the memory is full", lambda: cluster.status()["refused_total"] > 0)
        status = cluster.status()
        assert status["memory_bytes"] <= status["memory_max_bytes"] == 1 << 20, f"{status}"
        assert 0 < status["commands"] < 12
        slave.go_on()
        for client, out in zip(clients, outs):
            _, err = client.communicate(timeout=LIMIT_S)
            assert client.returncode == 0, f"{client.returncode}: {err!r}"
            assert os.path.getsize(out) == 200000


def test_limits_are_told_without_being_met():
    with Cluster() as cluster:
        status = cluster.status()
        assert status["sessions_max"] == 200000 and status["payload_max_bytes"] == 1 << 20, f"{status}"
        assert status["connections"] == 1 and status["connections_max"] > 1
        assert status["questions"] == 1 and status["questions_max"] > 1
        assert "store_room_bytes" not in status


def test_sessions_beyond_the_limit_are_refused():
    with Cluster("--sessions-max", "2") as cluster:
        cluster.slave()
        assert cluster.status()["sessions"] == 2
        client = cluster.background("submit", "sleep", "--payload", "1h", "--wait")
        wait_until("it has one", lambda: cluster.muster("status", "--connect-timeout", "10ms", check=False).returncode)
        client.kill()
        client.wait()
        wait_until("the place is free", lambda: cluster.muster("status", "--connect-timeout", "1s", check=False)
                   .returncode == 0)


if __name__ == "__main__":
    main(globals())
