"""A pair of masters with commands of a type that nobody serves for now, so that they wait: what the cases share that are about
much that waits. See README.md."""
import json
import os
import subprocess

from failover import PORT, Pair
from harness import MUSTER, Failed, finished, stop
from network import HUB, is_possible

TYPE, SIZE = "note", 256
FILL_S = 120


class Queued(Pair):
    """The pair of failover.py, and commands that wait."""

    def begin(self):
        super().begin()
        self.announce()

    def handler(self):
        return ["--handlers", "", "--handler", f"{os.path.abspath(self.bins)}/bench/note.so:{self.folder}"]

    def announce(self):
        """A slave says that it serves the type, and goes."""
        slave = self.spawn(HUB, [self.program("muster-slave"), "--name", "announcer", "--slots", "1", *self.handler(),
                                 "--log-level", "error", self.addresses])
        try:
            self.wait("the type is known", self.is_announced)
        finally:
            stop(slave)

    def is_announced(self):
        """Slaves are seen before they have said what they serve."""
        try:
            return any(TYPE in row["types"].split(",") for row in json.loads(self.ask("slaves", "--json").stdout))
        except ValueError:
            return False

    def address_of(self, name):
        return f"{self.network.address(name)}:{PORT}"

    def fill(self, count, masters=None, text=""):
        """So many more commands wait; seconds that it took."""
        got = json.loads(finished(self.network.inside(HUB, f"{self.bins}/bench/bench_fill", masters or self.addresses,
                                                      str(count), str(SIZE), TYPE, text), timeout=FILL_S))
        return got["seconds"]

    def ask_one(self, name, *words):
        return subprocess.run(self.network.inside(HUB, self.program("muster"), "--master", self.address_of(name), *words),
                              capture_output=True, text=True, check=False, timeout=FILL_S)

    def waiting(self):
        """Commands that wait at the active one."""
        try:
            return json.loads(self.ask("status", "--json").stdout)["commands_ready"]
        except (ValueError, KeyError):
            return 0

    def kill(self, name):
        self.masters[name].kill()
        self.masters[name].wait()

    def in_state(self, name, state):
        return self.rows().get(name, {}).get("state") == state


def when_asked(bench, case, runs, measure):
    """So many runs of a case that takes long, and is left out unless --only names it."""
    if not bench.only or bench.only not in case:
        return
    if not is_possible():
        bench.left_out[case] = "needs network namespaces: root"
        return
    for _ in range(runs):
        try:
            measure()
        except Failed as error:
            bench.failed(case, MUSTER, error)
