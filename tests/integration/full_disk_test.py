"""A master whose disk is full: nothing that it acknowledged is lost, what is open can end, and when space returns it
goes on. The disk is a small one in memory, which takes root to mount; without, the tests are skipped by name."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import LIMIT_S, Cluster, field, main_with_mounts, wait_until  # noqa: E402

MIB = 1 << 20
DISK_MIB = 80
RESERVE_MIB = 2
LEFT_MIB = 8       # by other programs, until the master fills it
PIECE = 200000     # bytes of payload
BIG = 900000       # bytes of a result


class Disk(Cluster):
    """Its data directory is on a disk of its own."""

    def __init__(self):
        self.ids = set()
        super().__init__()
        self.master.kill()
        self.disk = self.path("disk")
        os.mkdir(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", self.disk], check=True)
        self.restart()
        self.payload = self.path("payload")
        with open(self.payload, "wb") as file:
            file.write(os.urandom(PIECE))

    def __exit__(self, *arguments):
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.go_on()
                program.kill()
                program.process.wait()
        subprocess.run(["umount", "-l", self.disk], check=True)
        super().__exit__(*arguments)

    def path(self, name):
        return os.path.join(self.folder, name)

    def restart(self, *arguments):
        self.master = self.start("master-again", ["muster-master", "--listen", self.address, "--tick", "200ms",
                                                  "--store-reserve", f"{RESERVE_MIB}MiB", "--data",
                                                  os.path.join(self.disk, "data"), *arguments])
        wait_until("the master is back", lambda: self.alive(self.master) and
                   self.muster("status", "--connect-timeout", "1s", check=False).returncode == 0)

    def take_space(self):
        """As another program would: all but a little."""
        with open(os.path.join(self.disk, "ballast"), "wb") as file:
            stat = os.statvfs(self.disk)
            os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - LEFT_MIB * MIB)

    def give_space(self):
        os.unlink(os.path.join(self.disk, "ballast"))

    def acknowledged(self, *arguments):
        """Submits, and remembers what was acknowledged."""
        command_id = self.muster("submit", *arguments).stdout.decode().strip()
        self.ids.add(command_id)
        return command_id

    def shell(self, script, *arguments):
        """A shell command that somebody waits for, who prints its result."""
        path = self.path(f"request{len(self.programs)}")
        with open(path, "wb") as file:
            file.write(field(2, script.encode()))
        return self.background("submit", "exec", "--in", path, "--wait", *arguments)

    def is_full(self):
        status = self.status()
        return status["store_room_bytes"] < status["store_reserve_bytes"] + PIECE

    def fill(self):
        """Until one is refused; what was not acknowledged may or may not be there."""
        done = None
        while done is None or done.returncode == 0:
            done = self.muster("submit", "echo", "--delay", "1h", "--in", self.payload, "--connect-timeout", "1s",
                               check=False)
            self.ids.add(done.stdout.decode().strip())
        self.ids.remove("")
        assert done.returncode == os.EX_TEMPFAIL and b"the disk is full" in done.stderr, f"{done}"
        assert self.is_full()

    def want_all(self):
        there = {row["id"] for row in self.rows("commands")}
        assert self.ids <= there, f"{len(self.ids - there)} of {len(self.ids)} are lost"


def words_of(client):
    client.words += client.stderr.read() or b""
    return client.words


def want_refused(cluster):
    """Somebody who is told by name why he waits, and waits."""
    client = cluster.background("submit", "echo", "--delay", "1h", "--in", cluster.payload, "--connect-timeout", "60s")
    client.words = b""
    os.set_blocking(client.stderr.fileno(), False)
    wait_until("it is refused by name", lambda: b"the disk is full" in words_of(client))
    assert client.poll() is None, "it does not wait"
    return client


def want_accepted(cluster, client):
    out, _ = client.communicate(timeout=LIMIT_S)
    assert client.returncode == 0, f"{client.returncode}: {client.words!r}"
    cluster.ids.add(out.decode().strip())


def test_what_is_open_ends_on_a_full_disk():
    with Disk() as cluster:
        cluster.slave("--allow-exec", "--slots", "2")
        go = cluster.path("go")
        runs = [cluster.shell(f"until test -e '{go}'; do sleep 0.02; done; echo {number}") for number in range(3)]
        wait_until("two run", lambda: cluster.status()["commands_leased"] == 2)
        unwanted = cluster.acknowledged("echo", "--delay", "1h")
        cluster.take_space()
        cluster.fill()
        waiting = want_refused(cluster)
        cluster.muster("cancel", unwanted)
        cluster.ids.remove(unwanted)
        assert unwanted not in {row["id"] for row in cluster.rows("commands") if row["state"] == "delayed"}
        with open(go, "wb"):
            pass
        for number, run in enumerate(runs):
            out, err = run.communicate(timeout=LIMIT_S)
            assert (run.returncode, out) == (0, b"%d\n" % number), f"{run.returncode} {out!r} {err!r}"
        mem = cluster.muster("submit", "echo", "--durability", "mem", "--payload", "x", "--wait")
        assert mem.stdout == b"x", "class mem needs no disk"
        assert waiting.poll() is None and cluster.is_full()
        cluster.give_space()
        want_accepted(cluster, waiting)
        cluster.acknowledged("echo", "--delay", "1h", "--in", cluster.payload)
        cluster.want_all()


def test_killed_while_the_disk_is_full():
    with Disk() as cluster:
        cluster.slave("--slots", "1")
        cluster.take_space()
        cluster.fill()
        waiting = want_refused(cluster)
        cluster.master.kill()
        cluster.restart()
        cluster.want_all()
        cluster.fill()  # a start may find a little room: the log of the last commits is empty again
        other = want_refused(cluster)
        cluster.want_all()
        cluster.muster("cancel", "--where", "state=delayed")
        for client in (waiting, other):
            want_accepted(cluster, client)


def keep_results(cluster, go):
    """Commands whose results are more than the log, the reserve and what is left can take, and are kept."""
    path = cluster.path("script")
    with open(path, "wb") as file:
        file.write(field(2, f"until test -e '{go}'; do sleep 0.02; done; head -c {BIG} /dev/zero".encode()))
    return [cluster.acknowledged("exec", "--in", path, "--keep") for _ in range(36 * MIB // BIG)]


def test_the_log_says_so_and_a_stop_is_bounded():
    with Disk() as cluster:
        cluster.master.kill()
        cluster.restart("--drain-timeout", "2s")
        cluster.slave("--allow-exec", "--slots", "1")
        go = cluster.path("go")
        runs = keep_results(cluster, go)
        cluster.take_space()
        cluster.fill()
        wait_until("the log says so", lambda: 'msg="the data directory is full"' in cluster.master.log())
        assert cluster.disk in cluster.master.log() and "STORE_FULL" in cluster.master.log()
        with open(go, "wb"):
            pass
        wait_until("nothing fits any more", lambda: cluster.status()["store_behind_bytes"] > 3 * BIG)
        cluster.master.signal(signal.SIGTERM)
        cluster.master.ends_with(os.EX_CANTCREAT, limit_s=30)
        log = cluster.master.log()
        assert "drained error=STORE_FULL" in log and "the last records are not in the data directory" in log, log
        cluster.give_space()
        cluster.restart()
        wait_until("all is done", lambda: cluster.status()["commands_done"] == len(runs))
        cluster.ids.difference_update(runs)
        cluster.want_all()


def test_the_log_says_when_space_returns():
    with Disk() as cluster:
        cluster.slave("--slots", "1")
        cluster.take_space()
        cluster.fill()
        wait_until("the log says so", lambda: 'msg="the data directory is full"' in cluster.master.log())
        cluster.give_space()
        wait_until("the log says that, too",
                   lambda: 'msg="the data directory has room again"' in cluster.master.log())
        assert cluster.master.log().count("the data directory is full") == 1


if __name__ == "__main__":
    main_with_mounts(globals())
