"""Payloads larger than one frame, end to end: the same bytes arrive, whatever is killed on the way."""
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Cluster, LIMIT_S, main, proc_status, wait_until  # noqa: E402

MIB = 1 << 20
LARGE = 100 * MIB
NO_OUTCOME_YET = 75  # of muster result


class Large:
    """A file of many bytes that do not repeat, and its digest."""

    def __init__(self, cluster, size):
        self.path = os.path.join(cluster.folder, f"large-{size}")
        digest = hashlib.sha256()
        with open(self.path, "wb") as file:
            for number in range(0, size, MIB):
                block = hashlib.shake_128(number.to_bytes(8, "big")).digest(min(MIB, size - number))
                digest.update(block)
                file.write(block)
        self.digest = digest.hexdigest()


def restart(cluster, *arguments):
    """Another master on the address of the one that was killed."""
    cluster.master = cluster.start("master-again", ["muster-master", "--listen", cluster.address, "--tick", "200ms",
                                                    *arguments])
    wait_until("the master is back", lambda: cluster.alive(cluster.master) and can_ask(cluster))


def can_ask(cluster):
    return cluster.muster("status", "--connect-timeout", "1s", check=False).returncode == 0


def submit(cluster, large):
    return cluster.background("submit", "checksum", "--in", large.path, "--wait", "--connect-timeout", "60s")


def want_digest(client, large):
    out, err = client.communicate(timeout=LIMIT_S)
    assert client.returncode == 0, f"submit ended with {client.returncode}: {err.decode()}"
    assert out.decode().strip() == large.digest, f"another digest: {out!r}"


def test_large_payload_arrives():
    with Cluster() as cluster:
        slave = cluster.slave()
        large = Large(cluster, LARGE)
        before_kib = proc_status(cluster.master.pid, "VmHWM")
        want_digest(submit(cluster, large), large)
        # Sanitizers keep what was freed.
        sanitized = bool(os.environ.get("MS_SANITIZE"))
        grown_kib = proc_status(cluster.master.pid, "VmHWM") - before_kib
        assert sanitized or grown_kib < 2 * LARGE / 1024, f"the master took {grown_kib} KiB for {LARGE // 1024}"
        taken_kib = proc_status(slave.pid, "VmHWM")
        assert sanitized or taken_kib < 4 * LARGE / 1024, f"the slave took {taken_kib} KiB"
        wait_until("the payload is gone", lambda: cluster.status()["memory_bytes"] < MIB)


def test_killed_while_the_parts_come():
    with Durable() as cluster:
        cluster.slave()
        large = Large(cluster, LARGE)
        client = submit(cluster, large)
        wait_until("some parts came", lambda: cluster.status()["memory_bytes"] > 10 * MIB)
        cluster.master.kill()
        restart(cluster, *cluster.data)
        want_digest(client, large)


def test_killed_when_it_was_accepted():
    with Durable() as cluster:
        slave = cluster.slave()
        slave.stop()  # it keeps its session, and takes nothing in
        large = Large(cluster, LARGE)
        number = cluster.muster("submit", "checksum", "--keep", "--in", large.path).stdout.decode().strip()
        cluster.master.kill()
        restart(cluster, *cluster.data)
        assert cluster.status()["memory_bytes"] > LARGE
        slave.go_on()
        wait_until("it is done", lambda: cluster.muster("result", number, check=False).returncode != NO_OUTCOME_YET)
        want_digest(cluster.background("result", number), large)
        wait_until("the payload is gone", lambda: cluster.status()["memory_bytes"] < MIB)


def test_killed_slave_on_the_way():
    with Cluster(tick="3s") as cluster:  # so that the slave lives while it is stopped
        slave = cluster.slave()
        slave.stop()
        large = Large(cluster, LARGE)
        client = submit(cluster, large)
        wait_until("it is handed out", lambda: cluster.status()["commands_leased"] == 1)
        slave.kill()
        cluster.slave()
        want_digest(client, large)


def test_too_large_for_the_slave():
    with Cluster() as cluster:
        cluster.slave("--payload-max", "4MiB")
        large = Large(cluster, 5 * MIB)
        done = cluster.muster("submit", "checksum", "--in", large.path, "--wait", check=False)
        assert done.returncode != 0 and b"max_payload" in done.stderr, done
        small = Large(cluster, 4 * MIB)
        want_digest(submit(cluster, small), small)


class Durable(Cluster):
    """With a data directory in its folder."""

    def __init__(self):
        self.data = ()
        super().__init__()
        self.master.kill()
        self.data = ("--data", os.path.join(self.folder, "data"))
        restart(self, *self.data)


if __name__ == "__main__":
    main(globals())
