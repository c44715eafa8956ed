"""What both masters of a pair must be configured alike in, as real processes: they say so when they are not, and it can be changed
while work goes on."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Cluster, free_ports, main, wait_until  # noqa: E402
from pair import MISCONFIGURED, Pair, kill, never  # noqa: E402


def test_halves_that_are_configured_differently_say_so_and_leave_takeover_to_an_operator():
    with Pair() as pair:
        active = pair.active()
        kill(pair, 1 - active)
        pair.more = ["--pair-profile", "fast"]
        pair.start_master(1 - active)
        wait_until("both have everything", pair.is_safe)
        rows = pair.rows_of_pair()
        assert all(row["alarm"].startswith("CONFIG_MISMATCH: both halves have different --pair-profile")
                   for row in rows), rows
        kill(pair, active)
        wait_until("the other one knows it", lambda: pair.rows_of_pair()[1 - active]["peer"] == "lost")
        never("it took over all the same", lambda: pair.active() is not None, 3)
        assert pair.rows_of_pair()[1 - active]["alarm"].startswith("CONFIG_MISMATCH"), pair.rows_of_pair()
        code, out, err = pair.ask("promote")
        assert code == 0 and out.startswith(f"{pair.addresses[1 - active]} is active"), f"{code}: {out} {err}"
        pair.start_master(active)
        pair.become_safe()
        wait_until("all is well, and the witnesses have come to the one that was started", lambda: pair.ask("pair")[0] == 0)
        kill(pair, 1 - active)
        pair.takeover(active)


def test_a_list_of_witnesses_is_exchanged_while_work_goes_on():
    with Pair() as pair:
        load = pair.load()
        wait_until("the load is under way", lambda: pair.outcomes(load) >= 500)
        active = pair.active()
        pair.witness = re.search(r"msg=witness id=([0-9a-f]{32})", pair.served_by["s1"].log()).group(1)
        kill(pair, 1 - active)
        pair.start_master(1 - active)
        wait_until("both have everything", pair.is_safe)
        code, out, err = pair.ask("switchover")
        assert code == 0, f"{code}: {out} {err}"
        kills = [kill(pair, active)]
        pair.start_master(active)
        wait_until("there is one witness", lambda: [row.get("witnesses") for row in pair.rows_of_pair()] == [1, 1])
        pair.become_safe()
        kills.append(kill(pair, 1 - active))
        pair.takeover(active)  # by the vote of that one
        pair.start_master(1 - active)
        pair.become_safe()
        pair.judge(load, kills)


OWN = 'msg="an address of the other half is our own" address='


def test_halves_may_be_told_of_both_addresses():
    """As where both machines have one configuration, but for the role."""
    with Pair(names_both=True) as pair:
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)
        active = pair.active()
        kill(pair, 1 - active)
        wait_until("it is alone", lambda: pair.rows_of_pair()[active]["alarm"].startswith("DEGRADED"))
        never("it has met somebody", lambda: pair.rows_of_pair()[active]["peer"] != "lost", 3)
        pair.start_master(1 - active)
        pair.become_safe()
        kill(pair, active)
        pair.takeover(1 - active)
        for place in (0, 1):
            log = pair.masters[place].log()
            assert log.count(OWN + pair.addresses[place]) <= 1, log
            assert OWN + pair.addresses[1 - place] not in log, log
            assert "our own place" not in log, log


def test_a_master_whose_only_peer_is_itself_says_so():
    with Cluster() as cluster:
        port = free_ports(1)[0]
        cluster.address = f"127.0.0.1:{port}"
        program = cluster.start("self", ["muster-master", "--listen", cluster.address, "--data", os.path.join(cluster.folder, "data"),
                                         "--store-reserve", "1MiB", "--peer", cluster.address])
        wait_until("it is told", lambda: b"PEER_SELF" in cluster.muster("pair", check=False).stdout)
        assert b"PEER_ROLE" not in cluster.muster("pair", "--json", check=False).stdout
        assert program.log().count(OWN) == 1, program.log()


def alarms_of(pair, address):
    return [row["alarms"] for row in json.loads(pair.ask("pair", "--json", masters=f"{pair.address},{address}")[1]) if row["master"] == address][0]


def test_a_second_master_in_the_place_of_the_other_half_is_refused():
    with Pair() as pair:
        load = pair.load()
        active = pair.active()
        epoch = pair.rows_of_pair()[active]["epoch"]
        address = f"127.0.0.1:{free_ports(1)[0]}"
        third = pair.start("third", ["muster-master", "--listen", address, "--data", pair.path("data-third"), "--store-reserve", "1MiB",
                                     "--role", ("primary", "backup")[1 - active], "--peer", pair.peers[active]])
        wait_until("the active says so", lambda: any(
            alarm.startswith("PEER_TWICE: ") for alarm in pair.rows_of_pair()[active]["alarms"]))
        wait_until("so does the third", lambda: alarms_of(pair, address)[0].startswith("REFUSED: "))
        assert "another master with this --role is the other half" in third.log(), third.log()
        row = pair.rows_of_pair()[active]
        assert row["epoch"] == epoch and row["copies"] == 2, row
        kills = [kill(pair, active)]
        pair.takeover(1 - active)
        pair.judge(load, kills)


def check_refused(cluster, says, *options):
    program = cluster.start(f"refused-{len(cluster.programs)}", ["muster-master", "--listen", "127.0.0.1:0", *options])
    program.ends_with(MISCONFIGURED)
    assert says in program.log(), program.log()


def test_a_witness_that_is_named_twice_is_refused():
    with Cluster() as cluster:
        data, one, other = os.path.join(cluster.folder, "data"), "0123456789abcdef" * 2, "fedcba9876543210" * 2
        check_refused(cluster, f"{one} is named twice", "--data", data, "--peer", cluster.address, "--witness", f"{one},{other},{one}")


def test_what_is_of_a_pair_is_refused_without_a_peer():
    with Cluster() as cluster:
        for option, value in (("failover", "evidence"), ("witness", "none"), ("on-quorum-loss", "degrade"), ("failback", "auto")):
            check_refused(cluster, f"{option} is of a pair", f"--{option}", value)
            path = os.path.join(cluster.folder, f"{option}.conf")
            with open(path, "w") as file:
                file.write(f"{option} = {value}\n")
            check_refused(cluster, f"{option} is of a pair", "--config", path)


if __name__ == "__main__":
    main(dict(globals()))
