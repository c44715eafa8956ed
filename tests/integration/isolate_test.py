"""Handlers in processes of their own, and programs run by exec: what crashes, hangs or is left behind harms nobody."""
import os
import signal
import subprocess

from harness import BIN, Cluster, field, wait_until

HANDLERS = os.environ["MS_HANDLERS_DIR"]
CRASH = os.path.join(HANDLERS, "crash.so")
EXEC = os.path.join(HANDLERS, "exec.so")


def is_gone(pid):
    """Ended; a zombie whose parent does not look is as good."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def children(pid):
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split()]


def shell_request(cluster, name, line):
    path = os.path.join(cluster.folder, name)
    with open(path, "wb") as file:
        file.write(field(2, line.encode()))
    return path


def crashes_are_outcomes():
    with Cluster() as cluster:
        slave = cluster.slave("--isolate", "--slots", "2", "--handler", CRASH)
        for how, words in (("abort", b"SIGABRT"), ("segv", b"SIGSEGV"), ("kill", b"SIGKILL"), ("exit", b"exit 3")):
            done = cluster.muster("submit", "crash", "--payload", how, "--wait", check=False)
            assert done.returncode != 0 and words in done.stderr, done
        cluster.muster("submit", "crash", "--payload", "once segv", "--wait", "--attempts", "2")
        assert cluster.muster("submit", "echo", "--payload", "well", "--wait").stdout == b"well"
        hosts = children(slave.pid)
        assert len(hosts) == 2, hosts
        slave.signal(signal.SIGTERM)
        slave.ends_with(0)
        wait_until("no process is left", lambda: all(is_gone(pid) for pid in hosts))


def a_crash_in_threads_takes_the_slave():
    """What --isolate is for: without it the slave is gone, and another one does the work."""
    with Cluster() as cluster:
        first = cluster.slave("--handler", CRASH)
        process = cluster.background("submit", "crash", "--payload", "once abort", "--wait", "--attempts", "3")
        first.process.wait(60)
        cluster.slave("--handler", CRASH)
        assert process.wait(60) == 0


def programs_need_permission():
    with Cluster() as cluster:
        slave = cluster.start("refused", ["muster-slave", "--handler", EXEC, cluster.address])
        slave.ends_with(78)
        assert "--allow-exec" in slave.log(), slave.log()
        cluster.slave()
        done = cluster.muster("submit", "exec", "--payload", "x", "--wait", check=False)
        assert done.returncode == 69 and b"no slave" in done.stderr, done


def programs_answer(*arguments):
    with Cluster() as cluster:
        cluster.slave("--allow-exec", "--slots", "2", *arguments)
        request = shell_request(cluster, "both", "echo out; echo err >&2; exit 3")
        done = cluster.muster("submit", "exec", "--in", request, "--wait", check=False)
        assert done.returncode == 1 and done.stdout == b"out\n" and b"exit 3" in done.stderr, done
        request = shell_request(cluster, "many", "echo $MUSTER_SLAVE $MUSTER_TYPE $MUSTER_ATTEMPT; exit $((MUSTER_ATTEMPT < 3))")
        done = cluster.muster("submit", "exec", "--in", request, "--wait", "--attempts", "3")
        assert done.stdout == b"s1 exec 3\n", done
        # Many programs at once on two slots: each end is seen, by the slave's loop and handlers alike.
        request = shell_request(cluster, "true", "true")
        clients = [cluster.background("submit", "exec", "--in", request, "--wait") for _ in range(20)]
        for client in clients:
            assert client.wait(60) == 0, client.stderr.read()


def start_family(cluster):
    """A running program with a grandchild that ignores SIGTERM, and their numbers."""
    path = os.path.join(cluster.folder, "pids")
    request = shell_request(cluster, "family", f"trap '' TERM; (sleep 1001; :) & echo $! >{path}.new; "
                            f"echo $$ >>{path}.new; mv {path}.new {path}; wait; sleep 1002")
    client = cluster.background("submit", "exec", "--in", request, "--wait", "--timeout", "1000s")
    wait_until("the program runs", lambda: os.path.exists(path))
    with open(path) as file:
        return client, [int(line) for line in file]


def no_program_outlives_its_slave(way, *arguments):
    with Cluster() as cluster:
        slave = cluster.slave("--allow-exec", *arguments)
        _client, pids = start_family(cluster)
        assert not any(is_gone(pid) for pid in pids)
        way(slave)
        wait_until("the family is gone", lambda: all(is_gone(pid) for pid in pids))


def stop_now(slave):
    slave.signal(signal.SIGTERM)
    wait_until("it drains", lambda: "msg=stopping" in slave.log())
    slave.signal(signal.SIGTERM)
    slave.process.wait(60)


def cancelling_ends_the_family(*arguments):
    with Cluster() as cluster:
        cluster.slave("--allow-exec", *arguments)
        client, pids = start_family(cluster)
        client.send_signal(signal.SIGINT)
        assert client.wait(60) == 130, client.stderr.read()
        wait_until("the family is gone", lambda: all(is_gone(pid) for pid in pids))
        assert cluster.muster("submit", "echo", "--payload", "well", "--wait").stdout == b"well"


def a_handler_that_does_not_start_is_refused():
    with Cluster() as cluster:
        slave = cluster.start("bad", ["muster-slave", "--isolate", "--handlers", "", "--handler",
                                      os.path.join(HANDLERS, "no-such.so"), cluster.address])
        slave.ends_with(78)


if __name__ == "__main__":
    assert os.path.isdir(BIN)
    crashes_are_outcomes()
    a_crash_in_threads_takes_the_slave()
    programs_need_permission()
    programs_answer()
    programs_answer("--isolate")
    no_program_outlives_its_slave(stop_now)
    no_program_outlives_its_slave(stop_now, "--isolate")
    no_program_outlives_its_slave(lambda slave: slave.kill(), "--isolate")
    cancelling_ends_the_family()
    cancelling_ends_the_family("--isolate")
    a_handler_that_does_not_start_is_refused()
    print("isolate_test: ok")
