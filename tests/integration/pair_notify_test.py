"""The script of --notify: it is told each change of its own master, in order, whatever happens to either; what it was told
last is what `muster is-active` says; and one that hangs or fails is in nobody's way."""
import os
import re
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from pair import PARTS, Pair, kill, lines_of  # noqa: E402

SERVES = ("PAIR", "SOLO")
STORE_FAILED = 74
SYNC_FAILS = os.path.join(PARTS, "torture", "sync_fails.so")
SCRIPT = """#!/bin/sh
echo "$1 $2 $3" >>{folder}/told-{place}
[ -e {folder}/hang-{place} ] && read line <{folder}/gate
[ -e {folder}/fail-{place} ] && exit 3
exit 0
"""


class Notified(Pair):
    def __init__(self, **more):
        self.scripts = tempfile.TemporaryDirectory(prefix="muster-notify-")
        for place in (0, 1):
            path = self.script(str(place))
            with open(path, "w") as file:
                file.write(SCRIPT.format(folder=self.scripts.name, place=place))
            os.chmod(path, 0o700)
        os.mkfifo(self.script("gate"))
        super().__init__(options=["--notify", self.script("{place}")], **more)

    def __exit__(self, *all_of_it):
        super().__exit__(*all_of_it)
        self.scripts.cleanup()

    def script(self, name):
        return os.path.join(self.scripts.name, name)

    def told(self, place):
        """[(state, epoch)] that the script has been told."""
        try:
            return [(state, int(epoch)) for state, epoch, _ in (line.split() for line in lines_of(self.script(f"told-{place}")))]
        except FileNotFoundError:
            return []

    def alarm_told(self, place):
        return lines_of(self.script(f"told-{place}"))[-1].split()[2]

    def logged(self, place):
        """[(state, epoch)] that all lives of that master have logged."""
        text = "".join(program.log() for program in self.programs if program.name.startswith(f"master-{place}-"))
        return [(state, int(epoch)) for state, epoch in re.findall(r"msg=pair state=([A-Z]+) epoch=(\d+)", text)]

    def is_told(self, place, *states):
        return bool(self.told(place)) and self.told(place)[-1][0] in states

    def check(self):
        """Both scripts know what their masters are, and so does is-active; they were told in order what was so."""
        for place in (0, 1):
            self.check_told(place, self.told(place))
        for place, row in enumerate(self.rows_of_pair()):
            wait_until(f"{place} was told what it is", lambda: self.told(place)[-1:] == [(row["state"], row["epoch"])])
            code, out, err = self.ask("is-active", masters=self.addresses[place])
            assert (code, out, err) == (int(row["state"] not in SERVES), "", ""), (row, code, out, err)

    def check_told(self, place, told):
        epochs, logged = [epoch for _, epoch in told], set(self.logged(place))
        assert epochs == sorted(epochs), f"not in order: {told}"
        missing = [change for change in told if change[0] in SERVES and change not in logged]
        assert not missing, f"{missing} is not what it was: {logged}"


def test_the_script_is_told_what_becomes_of_its_master():
    with Notified() as pair:
        pair.check()
        for _ in range(2):
            active = pair.active()
            kill(pair, active)
            pair.takeover(1 - active)
            wait_until("it is told that it serves alone", lambda: pair.is_told(1 - active, "SOLO"))
            pair.start_master(active)
            pair.become_safe()
            pair.check()
        for _ in range(2):
            active = pair.active()
            code, out, err = pair.ask("switchover")
            assert code == 0, f"{code}: {out} {err}"
            pair.become_safe()
            pair.check()
        active = pair.active()
        pair.masters[active].signal(signal.SIGTERM)
        pair.masters[active].ends_with(0)  # by then it has handed over
        wait_until("its script takes the address away", lambda: pair.is_told(active, "SYNC", "PENDING", "CATCHUP"))
        wait_until("the other one has it", lambda: pair.is_told(1 - active, "SOLO"))


def test_that_an_operator_is_needed_is_told():
    with Notified(witness="none") as pair:
        active = pair.active()
        for place in (0, 1):
            wait_until("that nobody would take over is told", lambda: pair.alarm_told(place) == "AUTO_FAILOVER_DISARMED")
        kill(pair, active)
        wait_until("it cannot take over, and says so", lambda: pair.alarm_told(1 - active) == "PEER_LOST_NO_QUORUM")
        assert pair.is_told(1 - active, "SYNC", "CANDIDATE"), pair.told(1 - active)


def test_one_that_halts_tells_its_script():
    with Notified() as pair:
        active = pair.active()
        kill(pair, active)
        pair.takeover(1 - active)
        pair.start_master(active, environment={"LD_PRELOAD": SYNC_FAILS, "MS_SYNC_FAILS": pair.path("sync-fails"),
                                               "ASAN_OPTIONS": "verify_asan_link_order=0"})
        pair.become_safe()
        code, out, err = pair.ask("switchover")
        assert code == 0, f"{code}: {out} {err}"
        pair.become_safe()
        with open(pair.path("sync-fails"), "w"):
            pass
        code, out, err = pair.ask("submit", "echo", "--payload", "x")
        assert code == 0, f"the other one takes it: {code}: {out} {err}"
        pair.masters[active].ends_with(STORE_FAILED)
        wait_until("it was told that it halts", lambda: pair.is_told(active, "HALTED"))
        assert pair.ask("is-active", masters=pair.addresses[active])[0] == 1
        wait_until("the other one is told that it serves", lambda: pair.is_told(1 - active, "SOLO"))


def test_a_script_that_hangs_or_fails_is_in_nobodys_way():
    with Notified() as pair:
        for place in (0, 1):
            with open(pair.script(f"hang-{place}"), "w"):
                pass
        load = pair.load(2000)
        wait_until("the load is under way", lambda: pair.outcomes(load) >= 200)
        active = pair.active()
        kills = [kill(pair, active)]
        pair.takeover(1 - active)
        wait_until("the script hangs", lambda: pair.told(1 - active)[-1][0] == "CANDIDATE")
        pair.start_master(active)
        pair.become_safe()
        code, out, err = pair.ask("switchover")
        assert code == 0, f"{code}: {out} {err}"
        pair.become_safe()
        assert pair.active() == active
        pair.judge(load, kills)
        assert pair.told(1 - active)[-1][0] == "CANDIDATE", "one at a time"
        pair.masters[1 - active].signal(signal.SIGTERM)
        pair.masters[1 - active].ends_with(0)
        wait_until("in the end it is told what it was", lambda: pair.is_told(1 - active, "SYNC"))
        for place in (0, 1):
            os.remove(pair.script(f"hang-{place}"))
            with open(pair.script(f"fail-{place}"), "w"):
                pass
        os.close(os.open(pair.script("gate"), os.O_RDWR))
        pair.start_master(1 - active)
        pair.become_safe()
        pair.check()
        for place in (0, 1):
            wait_until("its log says so", lambda: 'msg="a script failed"' in pair.masters[place].log())
            assert 'reason="exit code 3"' in pair.masters[place].log(), pair.masters[place].log()


if __name__ == "__main__":
    main(dict(globals()))
