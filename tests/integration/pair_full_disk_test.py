"""A pair of masters on small disks: takeovers do not fill them, and a disk that is full for another reason is named by both
halves, and mends itself when there is room; an active whose disk is full lets the other one take over. The disks are in memory, which takes root to mount; without, the tests are skipped by name."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main_with_mounts, wait_until  # noqa: E402
from pair import TRY_LATER, Pair, kill  # noqa: E402

MIB = 1 << 20
DISK_MIB = 100
COMMANDS = 40
PIECE = 1000000  # bytes of payload
ROUNDS = 3
NO_ROOM = 73  # exit code


class Disks(Pair):
    """Each half has a small disk of its own, and knows COMMANDS large commands that wait."""

    def __init__(self):
        self.disks = []
        super().__init__(options=("--store-reserve", "4MiB"))
        payload = self.path("payload")
        with open(payload, "wb") as file:
            file.write(os.urandom(PIECE))
        self.ids = set()
        for _ in range(COMMANDS):
            code, out, err = self.ask("submit", "torture", "--delay", "1h", "--in", payload)
            assert code == 0, f"{code}: {err}"
            self.ids.add(out.strip())

    def __exit__(self, *arguments):
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.go_on()
                program.kill()
                program.process.wait()
        for disk in self.disks:
            subprocess.run(["umount", "-l", disk], check=True)
        super().__exit__(*arguments)

    def data(self, place, name=""):
        return os.path.join(self.path(f"data-{place}"), name)

    def start_master(self, place, is_first=False, environment=None):
        if not os.path.ismount(self.data(place)):
            os.mkdir(self.data(place))
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", self.data(place)], check=True)
            self.disks.append(self.data(place))
        super().start_master(place, is_first, environment)

    def asides(self, place):
        return sorted(name for name in os.listdir(self.data(place)) if name.startswith(("divergent-", "unmerged-")))

    def fill(self, place, name, leave_mib):
        """As something else would that is on that disk."""
        with open(self.data(place, name), "wb") as file:
            stat = os.statvfs(self.data(place))
            os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - leave_mib * MIB)

    def lose(self, place):
        """What the half has is lost; it is to be copied to."""
        kill(self, place)
        for name in os.listdir(self.data(place)):
            os.unlink(self.data(place, name))

    def alarms(self, place):
        return {text.split(":")[0] for text in self.rows_of_pair()[place]["alarms"]}

    def want_all(self):
        there = {row["id"] for row in json.loads(self.ask("commands", "--json", "--limit", "1000")[1])}
        assert self.ids <= there, f"{len(self.ids - there)} of {len(self.ids)} are lost"


def test_takeovers_do_not_fill_the_disks():
    with Disks() as pair:
        for _ in range(ROUNDS):
            active = pair.active()
            kill(pair, active)
            pair.takeover(1 - active)
            pair.start_master(active)
            pair.become_safe()
            assert "nothing of it was new" in pair.masters[active].log(), pair.masters[active].log()
            assert pair.asides(active) == [], pair.asides(active)
            code, _, err = pair.ask("switchover")
            assert code == 0, f"{code}: {err}"
            pair.become_safe()
        pair.want_all()
        wait_until("nothing is wrong", lambda: not pair.alarms(0) | pair.alarms(1))


def test_a_standby_without_room_is_named_by_both_and_comes_back_when_there_is_some():
    with Disks() as pair:
        active = pair.active()
        standby = 1 - active
        pair.lose(standby)
        pair.fill(standby, "ballast", COMMANDS // 2)
        pair.start_master(standby)
        wait_until("it says so", lambda: "STORE_FULL" in pair.alarms(standby))
        wait_until("the active says so, too", lambda: "STANDBY_FULL" in pair.alarms(active))
        wait_until("its log says so", lambda: 'msg="the data directory is full"' in pair.masters[standby].log())
        assert pair.ask("pair")[0] == 1
        os.unlink(pair.data(standby, "ballast"))
        pair.become_safe()
        wait_until("nothing is wrong", lambda: not pair.alarms(active) | pair.alarms(standby))
        assert pair.masters[standby].log().count("the data directory is full") == 1
        pair.want_all()


def test_what_was_set_aside_and_is_merged_gives_way_to_a_copy():
    with Disks() as pair:
        standby = 1 - pair.active()
        pair.lose(standby)
        with open(pair.data(standby, "unmerged-3.db"), "wb") as file:
            file.write(b"not merged")
        pair.fill(standby, "divergent-7.db", 40)
        pair.fill(standby, "divergent-8.db", 20)
        pair.start_master(standby)
        pair.become_safe()
        assert pair.asides(standby) == ["divergent-8.db", "unmerged-3.db"], pair.asides(standby)
        wait_until("its log says so", lambda: "the oldest stores that were set aside are removed" in
                   pair.masters[standby].log())
        assert "the data directory is full" not in pair.masters[standby].log()
        row = pair.rows_of_pair()[standby]
        assert (row["divergent"], row["unmerged"]) == (2, 1) and row["alarm"].startswith("NOT_MERGED"), row
        os.unlink(pair.data(standby, "unmerged-3.db"))
        kill(pair, standby)
        pair.start_master(standby)
        pair.become_safe()
        wait_until("nothing is wrong", lambda: not pair.alarms(standby))


def test_an_active_that_is_short_of_room_hands_over():
    with Disks() as pair:
        active = pair.active()
        pair.fill(active, "ballast", 1)
        pair.takeover(1 - active)
        code, _, err = pair.ask("submit", "torture", "--delay", "1h", "--payload", "small")
        assert code == 0, f"{code}: {err}"
        wait_until("who has no room says so", lambda: pair.alarms(active) == {"STORE_SHORT"})
        assert pair.masters[active].process.poll() is None
        pair.want_all()
        os.unlink(pair.data(active, "ballast"))
        pair.become_safe()
        wait_until("nothing is wrong", lambda: not pair.alarms(active) | pair.alarms(1 - active))
        assert pair.active() == 1 - active


def test_an_active_that_is_short_of_room_is_named_when_nobody_relieves_it():
    with Disks() as pair:
        active = pair.active()
        assert pair.ask("hold")[0] == 0
        pair.fill(active, "ballast", 0)
        wait_until("who has no room says so", lambda: "STORE_SHORT" in pair.alarms(active))
        code, _, err = pair.ask("submit", "torture", "--payload", "small", "--connect-timeout", "1s")
        assert code == TRY_LATER and "the disk is full" in err, f"{code}: {err}"
        assert pair.active() == active and pair.ask("pair")[0] == 1
        assert pair.ask("unhold")[0] == 0
        pair.takeover(1 - active)


def test_an_active_without_any_room_gives_way():
    """What it was given back is larger than what is kept ready, so it cannot write down what it has, and cannot hand over either."""
    with Disks() as pair:
        active = pair.active()
        payload = pair.path("echoed")
        with open(payload, "wb") as file:
            file.write(b"torture client 1 0 ok 0 ".ljust(PIECE, b"x"))
        echoes = set()
        for _ in range(COMMANDS // 2):
            code, out, err = pair.ask("submit", "torture", "--delay", "1h", "--keep", "--background", "--group", "echoed",
                                      "--in", payload)
            assert code == 0, f"{code}: {err}"
            echoes.add(out.strip())
        assert pair.ask("hold")[0] == 0  # else it would hand over before it is stuck
        pair.fill(active, "ballast", 0)
        assert pair.ask("release", "--where", "group=echoed")[0] == 0
        wait_until("nothing can be written any more", lambda: "STORE_FULL" in pair.alarms(active))
        assert pair.ask("unhold")[0] == 0
        pair.takeover(1 - active)
        pair.masters[active].ends_with(NO_ROOM)
        assert "nothing that was acknowledged" in pair.masters[active].log(), pair.masters[active].log()
        wait_until("all have run", lambda: echoes <= {
            row["id"] for row in json.loads(pair.ask("commands", "--json", "--limit", "1000")[1]) if row["state"] == "done"})
        os.unlink(pair.data(active, "ballast"))
        pair.start_master(active)
        pair.become_safe()
        pair.want_all()


if __name__ == "__main__":
    main_with_mounts(globals())
