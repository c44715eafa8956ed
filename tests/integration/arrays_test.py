"""Arrays of real processes: each member once, whatever becomes of the master meanwhile."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Cluster, LIMIT_S, main, wait_until  # noqa: E402

COUNT = 20000
PLACE = os.path.join(os.environ["MS_BUILD_DIR"], "tests", "integration", "handlers", "place.so")


class Arrays(Cluster):
    """A master with a store, that can be killed and comes back at its address."""

    def __init__(self):
        super().__init__("--keep-count", "1")
        self.master.kill()
        self.data = os.path.join(self.folder, "data")
        self.places = os.path.join(self.folder, "places")
        self.master = self.again()

    def again(self):
        master = self.start("master-again", ["muster-master", "--listen", self.address, "--tick", "200ms",
                                             "--data", self.data])
        wait_until("the master is back", lambda: self.alive(master) and self.can_ask())
        return master

    def can_ask(self):
        return self.muster("status", "--connect-timeout", "1s", check=False).returncode == 0

    def begun(self):
        """Lines that members have written."""
        if not os.path.exists(self.places):
            return []
        with open(self.places) as lines:
            return lines.read().split()


def each_once(count):
    return sorted(f"{place}/{count}" for place in range(count))


def test_each_member_once_through_a_crash():
    with Arrays() as cluster:
        cluster.slave("--handler", PLACE, "--slots", "4")
        client = cluster.background("submit", "place", "--payload", cluster.places, "--array", str(COUNT), "--wait",
                                    "--connect-timeout", "60s")
        wait_until("some of them ran", lambda: len(cluster.begun()) > COUNT // 20)
        cluster.master.kill()
        assert len(cluster.begun()) < COUNT, "it was over before the master was killed"
        cluster.master = cluster.again()
        out, err = client.communicate(timeout=3 * LIMIT_S)
        assert client.returncode == 0, f"submit ended with {client.returncode}: {err.decode()}"
        assert sorted(out.decode().split()) == each_once(COUNT), "outcomes are missing, or come twice"
        assert sorted(cluster.begun()) == each_once(COUNT), "members ran twice, or not at all"
        wait_until("nothing is left", lambda: cluster.status()["memory_bytes"] < 1 << 16)


def test_no_more_at_a_time_than_was_said():
    with Arrays() as cluster:
        cluster.slave("--slots", "8")
        submitted = cluster.muster("submit", "sleep", "--payload", "600000", "--array", "20", "--concurrency", "3",
                                   "--background", "--id", "sleepers")
        member = submitted.stdout.decode().split()[0]
        wait_until("three run", lambda: cluster.status()["commands_leased"] == 3)
        assert cluster.status()["commands_ready"] == 17
        why = cluster.muster("why", member.rsplit(":", 1)[0] + ":20").stdout.decode()
        assert "its array runs as many as it may: 3" in why, why
        cluster.muster("concurrency", member, "5")
        wait_until("five run", lambda: cluster.status()["commands_leased"] == 5)
        cluster.master.kill()
        cluster.master = cluster.again()
        wait_until("they are found again", lambda: cluster.status()["commands_leased"] == 5)
        assert cluster.status()["commands_ready"] == 15
        cluster.muster("cancel", "--where", "type=sleep")
        wait_until("all are over", lambda: cluster.status()["memory_bytes"] < 1 << 16)


def test_what_is_exported_comes_back():
    with Arrays() as cluster:
        cluster.slave("--handler", PLACE, "--slots", "1")
        cluster.muster("submit", "place", "--payload", cluster.places, "--array", "7", "--delay", "1h", "--background")
        ids = [row["id"] for row in cluster.rows("commands")]
        assert len(ids) == 7
        cluster.muster("cancel", ids[3])
        wait_until("one is over", lambda: len(cluster.rows("commands")) == 6)
        cluster.master.kill()
        checked = cluster.muster("check", cluster.data).stdout.decode()
        assert "6" in checked, checked
        exported = cluster.muster("export", cluster.data).stdout
        cluster.data = os.path.join(cluster.folder, "other")
        cluster.muster("import", cluster.data, stdin=exported)
        cluster.master = cluster.again()
        left = [row["id"] for row in cluster.rows("commands")]
        assert sorted(left) == sorted(ids[:3] + ids[4:]), f"{left} of {ids}"


if __name__ == "__main__":
    main(globals())
