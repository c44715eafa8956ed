#!/usr/bin/env python3
"""Bad input of every kind: each gets its defined answer, memory stays bounded, others never notice."""
import os
import random
import socket

from harness import (KIND, Cluster, Raw, field, frame, hello, main, proc_status, varint, wait_until)

# Of core/error.h.
MAGIC, VERSION, FRAME_KIND, FRAME_SIZE, MALFORMED, BUDGET, ORDER, ROLE = 1, 2, 3, 4, 5, 6, 7, 8
NODE = b"raw-test-client."
GROWTH_KIB_MAX = (64 if not os.environ.get("MS_SANITIZE") else 512) * 1024


def error_of(frames):
    """Number of the ERROR that ended the connection."""
    kinds = [kind for kind, _epoch, _body in frames]
    assert kinds and kinds[-1] == KIND["ERROR"], f"kinds {kinds}"
    body = frames[-1][2]
    assert body[0] == 1 << 3, body
    return body[1]


def still_serves(cluster):
    assert cluster.muster("submit", "echo", "--payload", "well", "--wait").stdout == b"well"


def answers(cluster, data, greeted=False):
    with Raw(cluster.port) as raw:
        if greeted:
            raw.greet()
        raw.send(data)
        return error_of(raw.until_closed())


def test_frames_that_are_none():
    with Cluster() as cluster:
        cluster.slave()
        good = hello(2, NODE)
        assert answers(cluster, b"GET / HTTP/1.1\r\n\r\n") == MAGIC
        assert answers(cluster, frame(KIND["HELLO"], good, magic=b"MX")) == MAGIC
        assert answers(cluster, frame(KIND["HELLO"], good, version=9)) == VERSION
        assert answers(cluster, frame(250, b"")) in (FRAME_KIND, ORDER)
        for length in (4097, 2**31 - 1, 2**31, 2**32 - 1):
            assert answers(cluster, frame(KIND["HELLO"], b"", length=length)) == FRAME_SIZE, length
        assert answers(cluster, frame(KIND["SUBMIT"], b"")) == ORDER
        assert answers(cluster, frame(KIND["HELLO"], b"")) == MALFORMED
        assert answers(cluster, frame(KIND["HELLO"], field(1, 7) + field(5, NODE))) == MALFORMED
        assert answers(cluster, frame(KIND["HELLO"], field(1, 2) + field(5, b"short"))) == MALFORMED
        still_serves(cluster)


def test_greeted_clients_that_misbehave():
    with Cluster() as cluster:
        cluster.slave()
        beyond = frame(KIND["SUBMIT"], b"", length=(1 << 20) + (1 << 18))
        assert answers(cluster, beyond, greeted=True) == FRAME_SIZE
        assert answers(cluster, frame(KIND["PULL"], field(1, 1)), greeted=True) == ROLE
        assert answers(cluster, frame(KIND["HELLO"], hello(2, NODE)), greeted=True) == ORDER
        assert answers(cluster, frame(KIND["WELCOME"], b""), greeted=True) in (ORDER, ROLE, MALFORMED)
        assert answers(cluster, frame(KIND["SUBMIT"], b"\x0a\x7f"), greeted=True) == MALFORMED
        assert answers(cluster, frame(KIND["SUBMIT"], field(1, field(2, 0))), greeted=True) == MALFORMED
        # A body that looks like a frame of its own is skipped with the connection, never run.
        inner = frame(KIND["QUERY"], field(1, 1) + field(2, 1))
        assert answers(cluster, frame(KIND["SUBMIT"], b"\xff" + inner) + inner, greeted=True) == MALFORMED
        still_serves(cluster)


def test_bombs_cost_little():
    with Cluster() as cluster:
        cluster.slave()
        before = proc_status(cluster.master.pid, "VmHWM")
        nested = b""
        for _ in range(300):
            nested = field(15, nested)
        assert answers(cluster, frame(KIND["HELLO"], nested[:4000])) in (MALFORMED, BUDGET)
        unknown = (varint(14 << 3) + b"\x01") * 1500
        assert answers(cluster, frame(KIND["HELLO"], unknown)) in (MALFORMED, BUDGET)
        empties = field(1, b"") * 30000
        assert answers(cluster, frame(16, empties), greeted=True) in (ROLE, MALFORMED, BUDGET)
        big_unknown = (varint(14 << 3) + b"\x01") * 30000
        assert answers(cluster, frame(KIND["QUERY"], big_unknown), greeted=True) in (MALFORMED, BUDGET)
        same = (varint(1 << 3) + b"\x01") * 30000
        with Raw(cluster.port) as raw:  # a repeated scalar is legal: the last one counts
            raw.greet()
            raw.send(frame(KIND["BEAT"], same))
            assert raw.frame()[0] == KIND["BEAT_ACK"]
        grown = proc_status(cluster.master.pid, "VmHWM") - before
        assert grown < GROWTH_KIB_MAX, f"{grown} KiB"
        still_serves(cluster)


def test_random_bytes():
    with Cluster() as cluster:
        cluster.slave()
        dice = random.Random(1)
        for number in range(300):
            noise = bytes(dice.getrandbits(8) for _ in range(dice.randrange(1, 600)))
            with Raw(cluster.port) as raw:
                if number % 3 == 0:
                    raw.greet(node=bytes([number % 255 + 1] * 16))
                head = frame(dice.choice(list(KIND.values())), noise) if number % 2 == 0 else noise
                try:
                    raw.send(head)
                    raw.socket.shutdown(socket.SHUT_WR)
                    raw.until_closed()
                except (BrokenPipeError, ConnectionResetError):
                    pass
        still_serves(cluster)


def test_half_open_connections_do_not_keep_others_out():
    with Cluster() as cluster:
        cluster.slave()
        before = proc_status(cluster.master.pid, "VmRSS")
        silent = [socket.create_connection(("127.0.0.1", cluster.port)) for _ in range(5000)]
        try:
            still_serves(cluster)
            grown = proc_status(cluster.master.pid, "VmRSS") - before
            assert grown < GROWTH_KIB_MAX, f"{grown} KiB"
            assert proc_status(cluster.master.pid, "Threads") <= 4
            wait_until("those that never say HELLO are closed",
                       lambda: cluster.status()["connections"] < 100)
            still_serves(cluster)
        finally:
            for connection in silent:
                connection.close()


def test_slow_writer_is_closed():
    with Cluster() as cluster:
        cluster.slave()
        with Raw(cluster.port) as raw:
            raw.send(b"M")
            frames = raw.until_closed()
            assert not frames or error_of(frames) == 9
        still_serves(cluster)


def test_client_that_never_reads_is_bounded():
    """It asks for a report four million times and reads none of the gigabytes that would answer."""
    with Cluster() as cluster:
        cluster.slave()
        before = proc_status(cluster.master.pid, "VmHWM")
        question = b"".join(frame(KIND["QUERY"], field(1, number) + field(2, 1)) for number in range(1, 20001))
        with Raw(cluster.port, timeout_s=3) as raw:
            raw.greet()
            try:
                for _ in range(200):
                    raw.send(question)
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass  # pushed back, or given up: both are right
            still_serves(cluster)
            grown = proc_status(cluster.master.pid, "VmHWM") - before
            assert grown < GROWTH_KIB_MAX, f"{grown} KiB"


def test_wrong_configuration_is_refused_by_name():
    with Cluster() as cluster:
        path = os.path.join(cluster.folder, "wrong.conf")
        with open(path, "w") as file:
            file.write("# a comment\npayload-maximum = \"1MiB\"\n")
        refused = cluster.start("wrong-key", ["muster-master", "--config", path])
        refused.ends_with(78)
        assert "wrong.conf:2" in refused.log() and "payload-max" in refused.log(), refused.log()
        flag = cluster.start("wrong-value", ["muster-master", "--payload-max", "12"])
        flag.ends_with(64)
        assert "payload-max" in flag.log(), flag.log()
        plugin = cluster.start("no-plugin", ["muster-slave", "--handler", path, "--name", "x", cluster.address])
        assert plugin.process.wait(30) != 0
        assert "wrong.conf" in plugin.log(), plugin.log()


def test_plug_in_of_another_abi_is_refused_with_both_numbers():
    with Cluster() as cluster:
        handler = os.path.join(os.environ["MS_BUILD_DIR"], "tests", "integration", "handlers", "future.so")
        refused = cluster.start("future", ["muster-slave", "--handler", handler, cluster.address])
        assert refused.process.wait(30) != 0
        assert "future.so" in refused.log() and "99" in refused.log() and "1" in refused.log(), refused.log()


if __name__ == "__main__":
    main(globals())
