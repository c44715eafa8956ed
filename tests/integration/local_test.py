"""Handlers on the master's own machine: --local-handler of muster-master."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, Cluster, main, wait_until  # noqa: E402

HANDLERS = os.path.join(BIN, "..", "lib", "muster", "handlers")


def local_of(cluster):
    """The number of the process that serves as the local slave; None when there is none."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if b"here-local" in words and cluster.address.encode() in words:
            return int(entry)
    return None


def serves(cluster):
    return [row["name"] for row in cluster.rows("slaves") if row["types"]] == ["here-local"]


def test_a_handler_runs_beside_the_master():
    with Cluster("--name", "here", "--local-slots", "3", "--local-handler", os.path.join(HANDLERS, "echo.so")) as cluster:
        wait_until("it serves", lambda: serves(cluster))
        row, = cluster.rows("slaves")
        assert row["slots"] == 3 and row["labels"] == "local" and row["types"] == "echo", row
        assert cluster.muster("submit", "echo", "--payload", "x", "--wait").stdout == b"x"
        before = local_of(cluster)
        os.kill(before, signal.SIGKILL)
        wait_until("another one serves", lambda: local_of(cluster) not in (None, before) and serves(cluster))
        assert cluster.muster("submit", "echo", "--payload", "y", "--wait").stdout == b"y"
        child = local_of(cluster)
        cluster.master.signal(signal.SIGTERM)
        cluster.master.ends_with(0)
        assert not os.path.exists(f"/proc/{child}"), "it outlives its master"


def test_it_ends_with_a_master_that_is_killed():
    with Cluster("--name", "here", "--local-handler", HANDLERS) as cluster:
        wait_until("it serves", lambda: serves(cluster))
        child = local_of(cluster)
        cluster.master.kill()
        wait_until("it is gone", lambda: local_of(cluster) != child)


def test_two_directories_are_refused():
    with Cluster() as cluster:
        refused = cluster.start("refused", ["muster-master", "--listen", "127.0.0.1:0", "--local-handler", HANDLERS,
                                            "--local-handler", "/tmp"])
        refused.ends_with(69)
        assert "--local-handler takes one directory at most" in refused.log(), refused.log()


if __name__ == "__main__":
    main(globals())
