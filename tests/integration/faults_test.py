#!/usr/bin/env python3
"""What happens to work when processes stop, die, drain and come back: real processes, real signals."""
import os
import signal
import tempfile

from harness import KIND, Cluster, Raw, field, frame, main, varint, wait_until

HANDLERS = os.path.join(os.environ["MS_BUILD_DIR"], "tests", "integration", "handlers")


def submit_many(cluster, handler, payload, count):
    return [cluster.background("submit", handler, "--payload", payload, "--wait") for _ in range(count)]


def all_succeed(clients, expected=None):
    for client in clients:
        out, err = client.communicate(timeout=60)
        assert client.returncode == 0, f"{client.returncode}: {err.decode()}"
        assert expected is None or out == expected, out


def leased(cluster, count):
    return lambda: cluster.status()["commands_leased"] >= count


def test_killed_slave_loses_nothing():
    with Cluster() as cluster:
        victim = cluster.slave("--slots", "4")
        clients = submit_many(cluster, "sleep", "3s", 4)
        wait_until("the victim holds all four", leased(cluster, 4))
        victim.kill()
        cluster.slave("--slots", "4")
        all_succeed(clients)
        status = cluster.status()
        assert status["deaths_total"] == 1, status
        assert status["dispatched_total"] == 8, status


def test_frozen_slave_is_walked_to_dead_and_its_late_results_refused():
    with Cluster() as cluster:
        frozen = cluster.slave("--slots", "2")
        clients = submit_many(cluster, "sleep", "400ms", 2)
        wait_until("it holds both", leased(cluster, 2))
        frozen.stop()
        wait_until("it is dead", lambda: cluster.status()["deaths_total"] == 1)
        cluster.slave("--slots", "2")
        all_succeed(clients)
        frozen.go_on()
        wait_until("its late results are refused", lambda: cluster.status()["results_refused_total"] >= 2)
        wait_until("it serves again", lambda: cluster.serves("s1"))
        assert cluster.status()["outcomes_total"] == 2


def test_frozen_master_kills_nobody():
    with Cluster() as cluster:
        slaves = [cluster.slave("--slots", "1") for _ in range(3)]
        clients = submit_many(cluster, "sleep", "500ms", 3)
        wait_until("all run", leased(cluster, 3))
        before = [row["session"] for row in cluster.rows("slaves")]
        cluster.master.stop()
        all_wait = [client.poll() for client in clients]
        wait_until("the slaves have missed it", lambda: all(
            "master lost" in slave.log() for slave in slaves))
        cluster.master.go_on()
        all_succeed(clients)
        assert all_wait == [None] * 3
        status = cluster.status()
        assert status["deaths_total"] == 0, status
        assert sorted(before) == sorted(row["session"] for row in cluster.rows("slaves"))
        assert status["dispatched_total"] == 3, "a resumed session keeps what it holds"


def test_spinning_handler_does_not_disturb_beats():
    with Cluster(tick="100ms") as cluster:
        cluster.slave("--slots", "2", "--handler", os.path.join(HANDLERS, "spin.so"))
        clients = submit_many(cluster, "spin", "4000", 2)  # forty ticks: it would be dead ten times
        wait_until("both spin", leased(cluster, 2))
        all_succeed(clients)
        status = cluster.status()
        assert status["deaths_total"] == 0 and status["dispatched_total"] == 2, status


def test_draining_slave_finishes_what_runs_and_hands_back_the_rest():
    with Cluster() as cluster:
        draining = cluster.slave("--slots", "1", "--prefetch", "3")
        clients = submit_many(cluster, "sleep", "700ms", 4)
        wait_until("it holds four and runs one", leased(cluster, 4))
        draining.signal(signal.SIGTERM)
        cluster.slave("--slots", "4")
        draining.ends_with(0)
        all_succeed(clients)
        status = cluster.status()
        assert status["deaths_total"] == 0 and status["retries_total"] == 0, status


def test_draining_master_waits_for_the_work_and_takes_no_more():
    """What comes too late is not lost: its client offers it to the next life of the master."""
    with Cluster() as cluster:
        cluster.slave("--slots", "1")
        clients = submit_many(cluster, "sleep", "700ms", 2)
        wait_until("one runs", leased(cluster, 1))
        wait_until("one waits", lambda: cluster.status()["commands_ready"] == 1)
        cluster.master.signal(signal.SIGTERM)
        wait_until("it drains", lambda: "draining" in cluster.master.log())
        late = submit_many(cluster, "sleep", "1ms", 1)
        handed_in = cluster.background("submit", "sleep", "--payload", "1ms", "--connect-timeout", "300ms")
        all_succeed(clients)
        cluster.master.ends_with(0)
        assert handed_in.wait(30) == 75, "who does not wait for an outcome is told that it was not taken in time"
        assert late[0].poll() is None, "a draining master took new work"
        again = cluster.start("master-again", ["muster-master", "--listen", cluster.address, "--tick", "200ms"])
        wait_until("it serves", lambda: "serving" in again.log())
        all_succeed(late)


def test_second_signal_ends_now():
    with Cluster() as cluster:
        slave = cluster.slave("--slots", "1")
        cluster.background("submit", "sleep", "--payload", "1h", "--wait")
        wait_until("it runs", leased(cluster, 1))
        slave.signal(signal.SIGTERM)
        wait_until("it drains", lambda: "stopping" in slave.log())
        slave.signal(signal.SIGTERM)
        slave.process.wait(30)
        cluster.master.signal(signal.SIGTERM)
        wait_until("the master drains", lambda: "draining commands" in cluster.master.log())
        cluster.master.signal(signal.SIGTERM)
        cluster.master.process.wait(30)


def test_new_life_of_the_master_gets_the_work_again():
    """Class mem forgets; clients submit the same ids again, slaves drop what they held."""
    with Cluster("--payload-max", "2MiB") as cluster:
        cluster.slave("--slots", "2")
        clients = submit_many(cluster, "sleep", "1s", 2)
        wait_until("both run", leased(cluster, 2))
        cluster.master.kill()
        again = cluster.start("master-again", ["muster-master", "--listen", cluster.address, "--tick", "200ms"])
        wait_until("it serves", lambda: "serving" in again.log())
        all_succeed(clients)


def refusal_of_one_frame(cluster, payload):
    """The body of the SUBMIT_NAK for a payload that is not sent in parts, though it should be."""
    echo = varint(1 << 3 | 1) + (0x3000e56026044164).to_bytes(8, "little")
    with Raw(cluster.port) as raw:
        raw.greet()
        raw.send(frame(KIND["SUBMIT"], field(1, echo + field(2, 1) + field(8, payload))))
        kind, _epoch, body = raw.frame()
        assert kind == 34, f"kind {kind}: {body!r}"
        return body


def test_reload_takes_what_may_change():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file, Cluster("--config", file.name) as cluster:
        cluster.slave()
        assert cluster.muster("submit", "echo", "--payload", "x" * 100, "--wait").returncode == 0
        file.write("payload-max = 50B\nname = 'another'\n")
        file.flush()
        cluster.master.signal(signal.SIGHUP)
        wait_until("it says so", lambda: "reloaded" in cluster.master.log())
        assert 'msg="needs a restart" option=name' in cluster.master.log(), cluster.master.log()
        assert cluster.muster("submit", "echo", "--payload", "x" * 100, "--wait").stdout == b"x" * 100  # in parts
        assert b"at most 50 are allowed" in refusal_of_one_frame(cluster, b"x" * 100)
        assert cluster.muster("submit", "echo", "--payload", "x", "--wait").stdout == b"x"
        file.write("no-such-key = 1\n")
        file.flush()
        cluster.master.signal(signal.SIGHUP)
        wait_until("it refuses", lambda: "not reloaded" in cluster.master.log())
        assert "no-such-key" in cluster.master.log()


if __name__ == "__main__":
    main(globals())
