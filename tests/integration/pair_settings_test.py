"""That halves are configured differently counts after a start, too, when the other half is not there to say it again."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import free_ports, main, wait_until  # noqa: E402
from pair import Pair, kill, never  # noqa: E402


def test_what_the_other_one_had_is_known_after_a_restart():
    with Pair() as pair:
        active = pair.active()
        kill(pair, 1 - active)
        pair.more = ["--pair-profile", "fast"]
        pair.start_master(1 - active)
        wait_until("both have everything", pair.is_safe)
        kill(pair, active)
        kill(pair, 1 - active)
        pair.start_master(1 - active)
        wait_until("it is known", lambda: has_alarm(
            pair.rows_of_pair()[1 - active],
            "CONFIG_MISMATCH: the other half had another --pair-profile than this one when it was last heard"))
        never("it took over all the same", lambda: pair.active() is not None, 8)  # it waits for 5 s for the other one
        kill(pair, 1 - active)
        pair.more = []
        pair.start_master(1 - active)
        pair.takeover(1 - active)


def row_of(pair, address):
    return json.loads(pair.ask("pair", "--json", masters=address)[1])[0]


def has_alarm(row, text):
    return any(alarm.startswith(text) for alarm in row.get("alarms", ()))


def test_a_half_by_evidence_whose_other_half_waits_for_votes_does_not_force():
    """It is started again where neither half reaches the other, and no witness reaches it, but a slave does."""
    with Pair() as pair:
        active = pair.active()
        kill(pair, 1 - active)
        pair.failover = "evidence"
        pair.start_master(1 - active)
        wait_until("both have everything", pair.is_safe)
        kill(pair, 1 - active)
        apart, nobody = [f"127.0.0.1:{port}" for port in free_ports(2)]
        pair.addresses[1 - active] = apart
        pair.peers = list(pair.addresses)
        pair.peers[active] = nobody
        pair.start_master(1 - active)
        wait_until("the other one goes on alone", lambda: row_of(pair, pair.addresses[active]).get("state") == "SOLO")
        pair.start("lost", ["muster-slave", "--name", "lost", "--state", pair.path("state-lost"), apart])
        wait_until("it is known", lambda: has_alarm(row_of(pair, apart), "CONFIG_MISMATCH: the other half had another --failover"))
        never("both are active", lambda: row_of(pair, apart).get("state") != "PENDING", 12)


if __name__ == "__main__":
    main(dict(globals()))
