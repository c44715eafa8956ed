"""--failback auto: the primary that was killed and is back gets the role again, by a switchover, once the pair was in sync for
--failback-delay. Without it nobody takes over by being back."""
import datetime
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_until  # noqa: E402
from pair import STUCK, Pair, kill, never  # noqa: E402

PRIMARY, BACKUP = 0, 1
DELAY_S = 3
LOG_S = 0.5  # a line may be written a little later than what it tells
AUTO = ("--failback", "auto", "--failback-delay", f"{DELAY_S}s")


def when(program, state):
    """When it logged that it became that, for the last time, in s."""
    stamp = re.findall(rf"ts=(\S+)Z level=info msg=pair state={state} ", program.log())[-1]
    return datetime.datetime.fromisoformat(stamp).timestamp()


def lose_primary(pair):
    wait_until("the primary is active", lambda: pair.active() == PRIMARY)
    moment = kill(pair, PRIMARY)
    pair.takeover(BACKUP)
    return moment


def check_delay(pair):
    backup = pair.masters[BACKUP]
    waited = when(backup, "DRAIN") - when(backup, "PAIR")
    assert waited >= DELAY_S - LOG_S, f"it gave the role back when both were in sync for {waited} s"
    return waited


def test_the_primary_gets_the_role_back_and_nobody_notices():
    with Pair(options=AUTO) as pair:
        load = pair.load(work_us=3000)
        wait_until("the load is under way", lambda: pair.outcomes(load) >= 300)
        kills = [lose_primary(pair)]
        pair.start_master(PRIMARY)
        pair.become_safe()
        pair.takeover(PRIMARY)
        pair.become_safe()
        print(f"     after {check_delay(pair):.1f} s, {pair.outcomes(load)} of {load.count} were done", flush=True)
        assert pair.rows_of_pair()[BACKUP]["state"] == "SYNC", pair.rows_of_pair()
        pair.judge(load, kills)
        assert pair.ask("pair")[0] == 0, pair.ask("pair")


def test_not_before_it_is_in_sync():
    with Pair(options=AUTO) as pair:
        lose_primary(pair)
        gate = pair.path("stuck")
        os.mkfifo(gate)
        pair.start_master(PRIMARY, environment={
            "LD_PRELOAD": STUCK, "MS_STUCK": gate, "ASAN_OPTIONS": "verify_asan_link_order=0"})
        load = pair.load(500)
        never("it has the role, and not the log", lambda: pair.active() != BACKUP, 3 * DELAY_S)
        pair.judge(load, [])
        end = os.open(gate, os.O_RDWR)
        os.unlink(gate)
        os.close(end)
        pair.takeover(PRIMARY)
        check_delay(pair)
        pair.judge(pair.load(500), [])


def test_not_while_takeover_is_held():
    with Pair(options=AUTO) as pair:
        lose_primary(pair)
        code, out, err = pair.ask("hold")
        assert "automatic takeover is off" in out, f"{code}: {out} {err}"
        pair.start_master(PRIMARY)
        pair.become_safe()
        never("it is given back while takeover is held", lambda: pair.active() != BACKUP, 2 * DELAY_S)
        code, out, err = pair.ask("unhold")
        assert code == 0, f"{code}: {out} {err}"
        pair.takeover(PRIMARY)


def test_manual_is_what_it_is_when_nothing_is_said():
    with Pair() as pair:
        lose_primary(pair)
        pair.start_master(PRIMARY)
        pair.become_safe()
        never("it took over by being back", lambda: pair.active() != BACKUP, 5)
        code, out, err = pair.ask("switchover")
        assert code == 0 and out.startswith(f"{pair.addresses[PRIMARY]} is active"), f"{code}: {out} {err}"


if __name__ == "__main__":
    main(dict(globals()))
