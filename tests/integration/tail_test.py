"""muster tail: the output of a command is seen while it runs, by anybody, whatever becomes of its attempts."""
import os
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import LIMIT_S, Cluster, field, main, wait_until  # noqa: E402


class Tail(Cluster):
    """A cluster, and shell commands of which the test decides how far they come: they wait for files."""

    def path(self, name):
        return os.path.join(self.folder, name)

    def allow(self, name):
        with open(self.path(name), "w", encoding="ascii"):
            pass

    def wait_for(self, name):
        """Shell words that wait until the test allows it."""
        return f"until test -e '{self.path(name)}'; do sleep 0.02; done"

    def submit(self, script, *arguments):
        """The id of a shell command that nobody streams."""
        path = self.path("request")
        with open(path, "wb") as file:
            file.write(field(2, script.encode()))
        return self.muster("submit", "exec", "--in", path, *arguments).stdout.decode().strip()

    def follow(self, command_id):
        client = self.background("tail", "-f", command_id)
        os.set_blocking(client.stdout.fileno(), False)
        client.seen = b""
        return client

    def state(self, command_id):
        return next((row["state"] for row in self.rows("commands") if row["id"] == command_id), "closed")


def read_more(client):
    client.seen += client.stdout.read() or b""
    return client.seen


def want_seen(client, text):
    wait_until(f"{text!r} is seen", lambda: read_more(client) == text and client.poll() is None)


def want_end(client, code, text, words=b""):
    client.wait(LIMIT_S)
    os.set_blocking(client.stdout.fileno(), True)
    assert read_more(client) == text, f"saw {client.seen!r}, not {text!r}"
    errors = client.stderr.read()
    assert client.returncode == code, f"ended with {client.returncode}: {errors!r}"
    assert words in errors, f"{words!r} is not in {errors!r}"


def follow_two(*slave_arguments):
    with Tail() as cluster:
        cluster.slave("--allow-exec", *slave_arguments)
        command_id = cluster.submit(f"echo one; {cluster.wait_for('go')}; echo two; {cluster.wait_for('end')}; exit 3")
        first = cluster.follow(command_id)
        want_seen(first, b"one\n")
        second = cluster.follow(command_id)
        want_seen(second, b"one\n")
        cluster.allow("go")
        for client in (first, second):
            want_seen(client, b"one\ntwo\n")
        assert cluster.state(command_id) == "leased"
        cluster.allow("end")
        for client in (first, second):
            want_end(client, 1, b"one\ntwo\n", b"fail")


def test_lines_are_seen_before_the_end():
    follow_two()


def test_lines_of_a_process_of_its_own():
    follow_two("--isolate")


def test_what_is_there_is_printed_at_once():
    with Tail() as cluster:
        cluster.slave("--allow-exec")
        command_id = cluster.submit(f"echo out; echo err >&2; {cluster.wait_for('go')}")
        client = cluster.follow(command_id)
        want_seen(client, b"out\n")
        done = cluster.muster("tail", command_id)
        assert done.stdout == b"out\n" and done.stderr == b"err\n", f"{done}"
        assert cluster.muster("tail", command_id[:-1] + "999", check=False).returncode == 69
        cluster.allow("go")
        want_end(client, 0, b"out\n", b"err\n")


def test_the_next_attempt_is_named():
    with Tail() as cluster:
        cluster.slave("--allow-exec", "--slots", "1")
        script = f"echo attempt $MUSTER_ATTEMPT; {cluster.wait_for('go')}; test $MUSTER_ATTEMPT = 2 || kill -9 $PPID"
        command_id = cluster.submit(script, "--attempts", "2")
        client = cluster.follow(command_id)
        want_seen(client, b"attempt 1\n")
        cluster.slave("--allow-exec")
        cluster.allow("go")
        want_end(client, 0, b"attempt 1\nattempt 2\n", b"attempt 2")


def test_a_follower_that_is_killed_leaves_nothing():
    with Tail() as cluster:
        cluster.slave("--allow-exec")
        command_id = cluster.submit(f"echo one; {cluster.wait_for('go')}; echo two", "--background")
        clients = [cluster.follow(command_id) for _ in range(2)]
        for client in clients:
            want_seen(client, b"one\n")
        clients[0].kill()
        clients[0].wait()
        cluster.allow("go")
        want_end(clients[1], 0, b"one\ntwo\n")
        wait_until("nothing is left", lambda: cluster.status()["memory_bytes"] == 0)


def test_who_does_not_read_slows_nobody():
    with Tail() as cluster:
        cluster.slave("--allow-exec")
        command_id = cluster.submit(f"{cluster.wait_for('go')}; head -c 40000000 /dev/zero", "--background")
        client = cluster.follow(command_id)
        wait_until("it runs", lambda: cluster.state(command_id) == "leased")
        client.send_signal(signal.SIGSTOP)
        cluster.allow("go")
        wait_until("it is closed", lambda: cluster.state(command_id) == "closed")
        assert cluster.status()["memory_bytes"] <= 17 << 20, "more is kept for who does not read"
        client.send_signal(signal.SIGCONT)
        os.set_blocking(client.stdout.fileno(), True)
        out, err = client.communicate(timeout=LIMIT_S)
        # It was away for longer than its session lived, or was told what it missed.
        assert client.returncode in (0, 69), f"{client.returncode}: {err!r}"
        if client.returncode == 0 and len(out) < 40000000:
            assert b"bytes were gone" in err, f"{len(out)} bytes: {err!r}"


def test_a_master_that_is_killed_is_followed_on():
    with tempfile.TemporaryDirectory(prefix="muster-tail-") as data, Tail("--data", data) as cluster:
        cluster.slave("--allow-exec")
        command_id = cluster.submit(f"echo one; {cluster.wait_for('go')}; echo two", "--keep")
        client = cluster.follow(command_id)
        want_seen(client, b"one\n")
        cluster.master.kill()
        cluster.start("master-again", ["muster-master", "--listen", cluster.address, "--tick", "200ms", "--data", data])
        wait_until("the master is back", lambda: cluster.muster("status", check=False).returncode == 0)
        cluster.allow("go")
        want_end(client, 0, b"one\ntwo\n")


main(globals())
