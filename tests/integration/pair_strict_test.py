"""A submission of class strict always has an answer: it is refused where there is one master, and who waits is told what for."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, LIMIT_S, Cluster, free_ports, main, wait_until  # noqa: E402
from pair import UNSUITABLE, Pair, begun_of, kill  # noqa: E402


def submit(masters, *options):
    done = subprocess.run([os.path.join(BIN, "muster"), "--master", masters, "submit", "echo", "--durability", "strict",
                           "--payload", "x", *options], capture_output=True, timeout=LIMIT_S, check=False, text=True)
    return done.returncode, done.stdout, done.stderr


def test_a_single_master_refuses_it_at_once_whatever_addresses_are_given():
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    for options, keeps in (((), "commands in memory only"), (("--store-reserve", "1MiB"), "one copy only")):
        with Cluster() as memory:
            folder = os.path.join(memory.folder, "data")
            with Cluster(*(("--data", folder, *options) if options else ())) as cluster:
                cluster.slave()
                for masters in (cluster.address, f"{cluster.address},{nobody}", f"{nobody},{cluster.address}"):
                    for more in ((), ("--wait",), ("--background",)):
                        code, out, err = submit(masters, *more)
                        assert (code, out) == (UNSUITABLE, ""), f"{masters} {more}: {code}: {out} {err}"
                        assert err == f"muster submit: echo refused: class strict is asked for, but this master keeps {keeps}\n"


def waiting(pair, masters, number):
    client = f"{number:032x}"
    error = open(pair.path(f"waiting-{number}"), "w")
    process = subprocess.Popen(
        [os.path.join(BIN, "muster"), "--master", masters, "submit", "torture", "--id", f"{client}:1", "--wait",
         "--durability", "strict", "--connect-timeout", "2s", "--payload", f"torture {client} 1 0 ok 0 x"],
        stdout=subprocess.PIPE, stderr=error, text=True)
    pair.programs.append(type("Client", (), dict(process=process, pid=process.pid, name="strict", log=lambda self: "",
                                                 go_on=lambda self: None, kill=lambda self: process.kill()))())
    return client, process


def said(pair, number):
    with open(pair.path(f"waiting-{number}")) as file:
        return file.read()


def test_who_waits_for_its_outcome_is_told_what_for():
    """It is taken just before the other master is missed. One that comes too late for that is refused."""
    with Pair() as pair:
        for number in range(100, 110):
            active = pair.active()
            pair.masters[1 - active].stop()
            client, process = waiting(pair, pair.addresses[active], number)
            wait_until("it goes on alone", lambda: pair.rows_of_pair()[active]["state"] == "SOLO")
            wait_until("it is known, or refused",
                       lambda: pair.ask("show", f"{client}:1")[0] == 0 or process.poll() is not None)
            if process.poll() is None:
                break
            assert process.returncode == UNSUITABLE and "one copy only" in said(pair, number), said(pair, number)
            pair.masters[1 - active].go_on()
            pair.become_safe()
        wait_until("it says what it waits for",
                   lambda: f"the other master away? Waiting; ask with muster why {client}:1\n" in said(pair, number))
        code, out, err = pair.ask("why", f"{client}:1")
        assert (code, err) == (0, "") and "waits until two disks have it" in out, f"{code}: {out} {err}"
        assert process.poll() is None and begun_of(pair, client) == 0, said(pair, number)
        kill(pair, 1 - active)
        pair.start_master(1 - active)
        pair.become_safe()
        out, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0 and out.endswith(f" {client}:1 x"), f"{process.returncode}: {out} {said(pair, number)}"
        assert begun_of(pair, client) == 1


if __name__ == "__main__":
    main(dict(globals()))
