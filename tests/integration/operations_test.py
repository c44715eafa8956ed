"""docs/operations.md as an operator reads it: what it says to do is done with real processes, and what it says is seen is seen."""
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import free_ports, main, wait_until  # noqa: E402
from pair import USAGE, Pair, kill, submit_kept  # noqa: E402

NAMES = ("s1", "s2", "s3")


def alarms(pair):
    return [row["alarm"].split(":")[0] for row in pair.rows_of_pair()]


def is_told(pair, place, name):
    return any(alarm.startswith(f"{name}: ") for alarm in pair.rows_of_pair()[place].get("alarms", []))


def is_told_by_either(pair, name):
    return any(is_told(pair, place, name) for place in (0, 1))


def check_replaced(dead):
    """*Replacing a dead machine* with one that has another address."""
    with Pair() as pair:
        if pair.active() != dead:
            assert pair.ask("switchover")[0] == 0
            pair.become_safe()
        kept = [submit_kept(pair, 500 + number, "--delay", "1h") for number in range(5)]
        kill(pair, dead)
        wait_until("the other one is alone", lambda: pair.rows_of_pair()[1 - dead]["state"] == "SOLO")
        assert alarms(pair)[1 - dead] == "DEGRADED", pair.rows_of_pair()
        shutil.rmtree(pair.path(f"data-{dead}"))
        pair.addresses[dead] = f"127.0.0.1:{free_ports(1)[0]}"
        pair.address = ",".join(pair.addresses)
        pair.start_master(dead)  # 1. it dials the other master, and is copied to
        wait_until("it is copied to", lambda: pair.is_safe())
        for name in NAMES:  # 2. everybody is told, one after the other
            pair.served_by[name].signal(signal.SIGTERM)
            pair.served_by[name].ends_with(0)
            pair.start_slave(name)
            wait_until(f"{name} serves", lambda: pair.serves(name))
        wait_until("both say none", lambda: alarms(pair) == ["none", "none"])
        code, out, err = pair.ask("switchover")  # 3.
        assert code == 0 and out.startswith(f"{pair.addresses[dead]} is active"), f"{code}: {out} {err}"
        pair.masters[1 - dead].signal(signal.SIGTERM)
        pair.masters[1 - dead].ends_with(0)
        pair.start_master(1 - dead)
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)
        kill(pair, dead)
        pair.takeover(1 - dead)
        for client in kept:
            assert "delayed" in pair.ask("show", f"{client}:1")[1]


def test_a_dead_primary_is_replaced_at_another_address():
    check_replaced(0)


def test_a_dead_backup_is_replaced_at_another_address():
    check_replaced(1)


def restart_slaves(pair, names=NAMES, is_emptied=False):
    for name in names:
        if pair.served_by[name].process.poll() is None:
            kill(pair, name)
        if is_emptied:
            shutil.rmtree(pair.path(f"state-{name}"))
        pair.start_slave(name)


def end(pair, *places):
    for place in places:
        pair.masters[place].signal(signal.SIGTERM)
        pair.masters[place].ends_with(0)


def test_too_few_witnesses_are_told_of_before_and_after_the_active_is_lost():
    with Pair() as pair:
        wait_until("three vote", lambda: pair.is_safe(3))
        active = pair.active()
        kill(pair, *NAMES[:2])
        wait_until("it is told before", lambda: is_told(pair, active, "WITNESSES_LOST"))
        kill(pair, active)
        wait_until("it is told after", lambda: alarms(pair)[1 - active] == "PEER_LOST_NO_QUORUM")
        assert pair.ask("pair")[0] == 2
        code, _, err = pair.ask("promote", "--timeout", "2s", masters=pair.addresses[1 - active])
        assert code != 0 and "muster promote --force --i-know" in err, f"{code}: {err}"
        pair.start_slave("new")  # others do not help
        restart_slaves(pair, NAMES[:1])
        pair.takeover(1 - active)
        pair.start_master(active)
        restart_slaves(pair, NAMES[1:2])
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)


def test_without_witnesses_all_is_never_well():
    with Pair(witness="none") as pair:
        assert set(alarms(pair)) == {"AUTO_FAILOVER_DISARMED"}, pair.rows_of_pair()
        assert pair.ask("pair")[0] == 1


def test_a_master_of_the_wrong_role_is_told_of():
    with Pair() as pair:
        active = pair.active()
        passive = 1 - active
        end(pair, passive)
        shutil.rmtree(pair.path(f"data-{passive}"))
        wrong = pair.start("wrong", [
            "muster-master", "--listen", pair.addresses[passive], "--data", pair.path(f"data-{passive}"), "--tick", pair.tick,
            "--store-reserve", "1MiB", "--role", ("primary", "backup")[active], "--peer", pair.addresses[active]])
        wait_until("it is told", lambda: is_told_by_either(pair, "PEER_ROLE"))
        assert pair.active() == active
        wrong.kill()
        shutil.rmtree(pair.path(f"data-{passive}"))
        pair.start_master(passive)
        pair.become_safe()


def test_a_half_and_a_witness_of_another_pair_are_told_of():
    with Pair() as other, Pair() as pair:
        active = pair.active()
        passive = 1 - active
        kill(other, 0, 1, *NAMES)
        end(pair, passive)
        shutil.move(pair.path(f"data-{passive}"), pair.path("kept"))
        shutil.copytree(other.path(f"data-{passive}"), pair.path(f"data-{passive}"))
        pair.start_master(passive)
        wait_until("it is told", lambda: is_told_by_either(pair, "PEER_FOREIGN"))
        assert pair.active() == active, "nobody is disturbed by it"
        end(pair, passive)
        shutil.rmtree(pair.path(f"data-{passive}"))
        pair.start_master(passive)
        pair.become_safe()
        shutil.copytree(other.path("state-s1"), pair.path("state-foreign"))
        foreign = pair.start_slave("foreign")
        wait_until("it is told", lambda: is_told_by_either(pair, "WITNESS_FOREIGN"))
        foreign.kill()
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)


def test_a_silent_peer_is_told_of():
    """While takeover is held, so that it is so for a while."""
    with Pair() as pair:
        active = pair.active()
        code, out, err = pair.ask("hold")
        assert code == 0, f"{code}: {out} {err}"
        pair.masters[active].stop()
        wait_until("it is told", lambda: is_told(pair, 1 - active, "PEER_SILENT"))
        pair.masters[active].go_on()
        code, out, err = pair.ask("unhold")
        assert code == 0, f"{code}: {out} {err}"
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)


def test_a_forced_master_says_so_until_it_has_met_the_other_one():
    with Pair() as pair:
        active = pair.active()
        kill(pair, active, *NAMES)
        wait_until("it is alone", lambda: alarms(pair)[1 - active] == "PEER_LOST_NO_QUORUM")
        code, out, err = pair.ask("promote", "--force", "--i-know", masters=pair.addresses[1 - active])
        assert code == 0, f"{code}: {out} {err}"
        assert is_told(pair, 1 - active, "FORCED"), pair.rows_of_pair()
        pair.start_master(active)
        restart_slaves(pair)
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)
        assert pair.active() == 1 - active


def start_single(pair, place, *options):
    """A half's directory, without a peer."""
    return pair.start(f"single-{len(pair.programs)}", ["muster-master", "--listen", pair.addresses[place], "--data", pair.path(f"data-{place}"),
                                                       "--tick", pair.tick, "--store-reserve", "1MiB", *options])


def force_the_other_one(pair):
    """Its epochs leap; the slaves have heard of them. Who is active then."""
    active = pair.active()
    kill(pair, active)
    wait_until("it is alone", lambda: alarms(pair)[1 - active] == "PEER_LOST_NO_QUORUM" or alarms(pair)[1 - active].startswith("AUTO"))
    code, out, err = pair.ask("promote", "--force", "--i-know", masters=pair.addresses[1 - active])
    assert code == 0, f"{code}: {out} {err}"
    wait_until("slaves serve it", lambda: all(pair.serves(name) for name in NAMES))
    return 1 - active


def is_done_by(pair, number):
    """A command that is submitted now comes to its end."""
    client = f"{number:032x}"
    code, out, err = pair.ask("submit", "torture", "--id", f"{client}:1", "--wait", "--payload", f"torture {client} 1 0 ok 0 x")
    assert code == 0, f"{code}: {out} {err}"


def epoch_of(single):
    return int(re.search(r"msg=recovered .*epoch=([0-9]+)", single.log()).group(1))


def test_a_half_becomes_a_single_master_for_good():
    with Pair(witness="none") as pair:
        kept = submit_kept(pair, 700, "--delay", "1h")
        place = force_the_other_one(pair)
        kept_later = submit_kept(pair, 701, "--delay", "1h")
        for _ in range(2):  # the same reign goes on in epochs of which the store has no record
            pair.start_master(1 - place)
            pair.become_safe()
            kill(pair, 1 - place)
            wait_until("it is alone", lambda: pair.rows_of_pair()[place]["state"] == "SOLO")
        wait_until("slaves serve it", lambda: all(pair.serves(name) for name in NAMES))
        heard = pair.rows_of_pair()[place]["epoch"]
        kill(pair, place)
        start_single(pair, place).ends_with(USAGE)
        record = os.path.join(pair.path(f"data-{place}"), "pair.meta")
        shutil.copy(record, pair.path("record"))
        single = start_single(pair, place, "--leave-pair")
        wait_until("it serves", lambda: pair.ask("status", masters=pair.addresses[place])[0] == 0)
        assert "has left its pair" in single.log(), single.log()
        assert not os.path.exists(record)
        assert epoch_of(single) > heard, single.log()
        begun = epoch_of(single)
        single.kill()
        shutil.copy(pair.path("record"), record)  # as if it had been killed just before it went
        start_single(pair, place).ends_with(USAGE)
        single = start_single(pair, place, "--leave-pair")
        wait_until("it serves", lambda: pair.ask("status", masters=pair.addresses[place])[0] == 0)
        assert not os.path.exists(record) and epoch_of(single) > begun, single.log()
        wait_until("the slaves have come back by themselves", lambda: all(pair.serves(name) for name in NAMES))
        for client in (kept, kept_later):
            assert "delayed" in pair.ask("show", f"{client}:1")[1]
        is_done_by(pair, 702)
        single.signal(signal.SIGKILL)
        single.process.wait()
        single = start_single(pair, place)  # and stays one
        wait_until("the slaves have come back again", lambda: all(pair.serves(name) for name in NAMES))
        is_done_by(pair, 703)


def test_a_half_that_was_passive_does_not_leave_its_pair():
    with Pair() as pair:
        passive = 1 - pair.active()
        kill(pair, 0, 1)
        refused = start_single(pair, passive, "--leave-pair")
        refused.ends_with(USAGE)
        assert "was not active last" in refused.log(), refused.log()
        assert os.path.exists(os.path.join(pair.path(f"data-{passive}"), "pair.meta"))
        for place in (0, 1):
            pair.start_master(place)
        pair.become_safe()


def test_a_single_master_says_that_slaves_have_heard_of_a_higher_epoch():
    """As it was left by hand, without what the pair had promised."""
    with Pair(witness="none") as pair:
        lost = pair.active()
        place = force_the_other_one(pair)
        kill(pair, place)
        os.remove(os.path.join(pair.path(f"data-{lost}"), "pair.meta"))
        single = start_single(pair, lost)
        wait_until("it says so", lambda: "has heard of a higher epoch than ours" in single.log())
        heard = re.search(r"heard=([0-9]+)", single.log()).group(1)
        assert not any(pair.serves(name) for name in NAMES)
        single.signal(signal.SIGTERM)
        single.ends_with(0)
        single = start_single(pair, lost, "--epoch-above", heard)
        wait_until("the slaves have come back by themselves", lambda: all(pair.serves(name) for name in NAMES))
        is_done_by(pair, 705)
        assert "higher epoch" not in single.log(), single.log()


def test_both_halves_are_lost_and_a_backup_is_put_back():
    with Pair() as pair:
        kept = submit_kept(pair, 800, "--delay", "1h")
        kill(pair, 0, 1)
        shutil.copytree(pair.path("data-0"), pair.path("backup"))
        for place in (0, 1):
            shutil.rmtree(pair.path(f"data-{place}"))
        shutil.copytree(pair.path("backup"), pair.path("data-0"))
        os.remove(os.path.join(pair.path("data-0"), "pair.meta"))
        pair.start_master(0, is_first=True)
        pair.start_master(1)
        wait_until("it is told whose the witnesses are", lambda: is_told_by_either(pair, "WITNESS_FOREIGN"))
        restart_slaves(pair, is_emptied=True)
        wait_until("all is well", lambda: pair.ask("pair")[0] == 0)
        assert pair.active() == 0
        assert "delayed" in pair.ask("show", f"{kept}:1")[1]


if __name__ == "__main__":
    main(dict(globals()))
