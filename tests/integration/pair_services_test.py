"""Services of a pair of masters as real processes: what was acknowledged is there after kill -9 of the active, and nothing is done twice."""
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BIN, LIMIT_S, Cluster, main, wait_until  # noqa: E402
from pair import Pair, kill  # noqa: E402

SERVICES = os.path.join(os.environ["MS_BUILD_DIR"], "lib", "muster", "services")
WRITERS = 3


def call(address, what, payload=None, *options):
    """(exit code, reply, what was said)"""
    words = [os.path.join(BIN, "muster"), "call", "--master", address, what, *options]
    done = subprocess.run(words + (["--payload", payload] if payload is not None else []), capture_output=True, timeout=2 * LIMIT_S,
                          check=False, text=True)
    return done.returncode, done.stdout, done.stderr


def reply(address, what, payload=None, *options):
    code, out, err = call(address, what, payload, *options)
    assert code == 0, f"{what}: {code}: {err}"
    return out


class Writer(threading.Thread):
    """Puts one key after the other, and knows which versions were acknowledged."""

    def __init__(self, address, name):
        super().__init__(daemon=True)
        self.address, self.name, self.versions, self.failure, self.is_over = address, name, {}, None, False

    def run(self):
        try:
            while not self.is_over:
                key = f"{self.name}-{len(self.versions)}"
                self.versions[key] = int(reply(self.address, f"kv/put?key={key}", key))
        except AssertionError as failure:
            self.failure = failure

    def end(self):
        self.is_over = True
        self.join()
        assert self.failure is None, self.failure


def row_of(pair, name):
    return next(row for row in pair.rows("services") if row["name"] == name)


def versions_of(address):
    rows = [line.split() for line in reply(address, "kv/list").splitlines()]
    return {key: int(version) for version, _, key in rows}


def test_what_was_put_is_there_after_a_takeover():
    with Pair(options=["--services", SERVICES]) as pair:
        writers = [Writer(pair.address, f"w{number}") for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(2):  # and back
            count = sum(len(writer.versions) for writer in writers)
            wait_until("there is something to lose", lambda: sum(len(writer.versions) for writer in writers) > count + 5)
            victim = pair.active()
            kill(pair, victim)
            pair.takeover(1 - victim)
            count = sum(len(writer.versions) for writer in writers)
            wait_until("the writers go on", lambda: sum(len(writer.versions) for writer in writers) > count + 5)
            pair.start_master(victim)
            pair.become_safe()
        for writer in writers:
            writer.end()
        acknowledged = {key: version for writer in writers for key, version in writer.versions.items()}
        there = versions_of(pair.address)
        assert there == acknowledged, f"{set(acknowledged.items()) ^ set(there.items())}"  # a put that is done twice has another version
        row = row_of(pair, "kv")
        assert row["state"] == "serves" and row["version"] == 1 + len(acknowledged), row


def test_all_of_it_is_there_after_both_were_killed():
    with Pair(options=["--services", SERVICES]) as pair:
        value = "x" * 30000
        for number in range(40):  # more than the changes that are kept without a snapshot
            with open(pair.path("value"), "w") as file:
                file.write(value + str(number))
            reply(pair.address, f"kv/put?key=k{number % 4}", None, "--in", pair.path("value"))
        reply(pair.address, "kv/delete?key=k0")
        wait_until("a snapshot was made", lambda: row_of(pair, "kv")["snapshot_bytes"] > 0)
        kill(pair, 0, 1)
        for place in (0, 1):
            pair.start_master(place)
        wait_until("one is active", lambda: pair.active() is not None)
        assert reply(pair.address, "kv/get?key=k3") == value + "39"
        assert call(pair.address, "kv/get?key=k0")[0] != 0
        assert sorted(versions_of(pair.address)) == ["k1", "k2", "k3"]


class Reader(threading.Thread):
    """Reads a room from the beginning on, message after message."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.lines, self.failure, self.is_over = address, [], None, False

    def run(self):
        try:
            while not self.is_over:
                since = self.lines[-1].split()[0] if self.lines else "0"
                self.lines += reply(self.address, f"chat/read?room=hall&since={since}", None, "--wait", "5s").splitlines()
        except AssertionError as failure:
            self.failure = failure


class Talker(Writer):
    def run(self):
        try:
            while not self.is_over:
                text = f"{self.name} says {len(self.versions)}"
                self.versions[text] = int(reply(self.address, f"chat/post?room=hall&from={self.name}", text))
        except AssertionError as failure:
            self.failure = failure


def test_a_room_goes_on_over_takeovers():
    with Pair(options=["--services", SERVICES]) as pair:
        talkers, reader = [Talker(pair.address, f"t{number}") for number in range(2)], Reader(pair.address)
        for thread in (reader, *talkers):
            thread.start()
        for _ in range(2):  # and back
            count = len(reader.lines)
            wait_until("the room is alive", lambda: len(reader.lines) > count + 5)
            victim = pair.active()
            kill(pair, victim)
            pair.takeover(1 - victim)
            count = len(reader.lines)
            wait_until("the reader hears more", lambda: len(reader.lines) > count + 5)
            pair.start_master(victim)
            pair.become_safe()
        for talker in talkers:
            talker.end()
        said = {text: number for talker in talkers for text, number in talker.versions.items()}
        wait_until("everything was heard", lambda: len(reader.lines) >= len(said) or reader.failure)
        reader.is_over = True
        reader.join()
        assert reader.failure is None, reader.failure
        heard = [line.split(" ", 3) for line in reader.lines]
        assert [int(number) for number, *_ in heard] == list(range(1, len(said) + 1)), "numbers are left out, or come twice"
        assert {text: int(number) for number, _, _, text in heard} == said


def test_a_single_master_by_urls():
    with Cluster("--services", SERVICES) as cluster:
        assert reply(cluster.address, f"ms://{cluster.address}/kv/put?key=a", "one") == "2"
        assert reply("127.0.0.1:1", f"acme:master:{cluster.address}//kv/get?key=a") == "one"
        code, _, err = call(cluster.address, "nothing/get")
        assert code != 0 and "there are:" in err and "kv" in err, err
        code, _, err = call(cluster.address, "kv/cas?key=a&version=7", "x")
        assert code != 0 and "2 is the version" in err, err


def test_what_is_wrong_with_a_description_is_said():
    with Cluster() as cluster:
        folder = os.path.join(cluster.folder, "services")
        os.mkdir(folder)
        with open(os.path.join(folder, "bad.service"), "w") as file:
            file.write("libary = kv.so\n")
        done = subprocess.run([os.path.join(BIN, "muster-master"), "--check", "--services", folder], capture_output=True, check=False,
                              text=True, timeout=LIMIT_S)
        assert done.returncode != 0 and "bad.service:1: 'libary' is unknown" in done.stderr, done.stderr


if __name__ == "__main__":
    main(globals())
