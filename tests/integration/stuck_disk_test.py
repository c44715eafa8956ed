"""A master whose disk does not answer for a while: who only hands in is told so in time, the log says it once, and when
the disk answers again everything is there, once."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Cluster, main, wait_until  # noqa: E402

PRELOAD = os.path.join(os.environ["MS_BUILD_DIR"], "tests", "integration", "preload", "stuck.so")


class Stuck(Cluster):
    """Its syncs wait as long as there is a pipe."""

    def __init__(self):
        super().__init__()
        self.master.kill()
        self.gate = os.path.join(self.folder, "stuck")
        self.master = self.start(
            "master-again",
            ["muster-master", "--listen", self.address, "--tick", "200ms", "--data", os.path.join(self.folder, "data")],
            {"LD_PRELOAD": PRELOAD, "MS_STUCK": self.gate, "ASAN_OPTIONS": "verify_asan_link_order=0"})
        wait_until("the master is back", lambda: self.alive(self.master) and
                   self.muster("status", "--connect-timeout", "1s", check=False).returncode == 0)

    def answer_again(self):
        """Whoever waits for a writer gets one, and after that nobody waits."""
        gate = os.open(self.gate, os.O_RDWR)
        os.unlink(self.gate)
        os.close(gate)

    def said(self, words):
        return self.master.log().count(words)


def test_who_hands_in_is_told_in_time_and_the_log_says_it_once():
    with Stuck() as cluster:
        cluster.slave()
        os.mkfifo(cluster.gate)
        done = cluster.muster("submit", "echo", "--payload", "x", "--delay", "1h", "--id", "mine", "--connect-timeout",
                              "2s", check=False)
        assert done.returncode == os.EX_TEMPFAIL and done.stdout == b"", f"{done}"
        assert b"has not acknowledged it in time" in done.stderr, f"{done}"
        said = done.stderr.decode().split("--id ")[1].split(",")[0]
        waiting = cluster.background("submit", "echo", "--payload", "y", "--wait")
        wait_until("the log says so", lambda: cluster.said("the data directory does not answer") == 1)
        assert cluster.said("the data directory answers again") == 0
        wait_until("its status says so", lambda: json.loads(cluster.muster("status", "--json").stdout)["alarm"].startswith(
            "STORE_STUCK: "))
        assert waiting.poll() is None, "an outcome left before its record was synced"
        cluster.answer_again()
        out, err = waiting.communicate(timeout=60)
        assert (waiting.returncode, out) == (0, b"y"), f"{waiting.returncode} {out!r} {err!r}"
        wait_until("the log says that it is over", lambda: cluster.said("the data directory answers again") == 1)
        again = cluster.muster("submit", "echo", "--payload", "x", "--delay", "1h", "--id", said)
        assert again.stdout.decode().strip() == said, f"{again}"
        assert [row["id"] for row in cluster.rows("commands")] == [said], "it is there once"
        assert cluster.said("the data directory does not answer") == 1


if __name__ == "__main__":
    main(globals())
