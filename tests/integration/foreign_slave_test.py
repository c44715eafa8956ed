"""docs/protocol.md is enough: a slave in Python serves a real master, and a client in Python counts the outcomes."""
import os
import signal
import subprocess
import sys

from harness import KIND, Cluster, Raw, field, frame, wait_until

SOURCE = os.environ["MS_SOURCE_DIR"]
COUNT = 1000
ECHO = 0x3000E56026044164
OUTCOME, OUTCOME_ACK = 35, 36


def python_with_protobuf():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import google.protobuf"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    raise AssertionError("no Python has the protobuf package")


def fields(body):
    """(number, value) of each field of a message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(body):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2, key
            size = varint()
            yield key >> 3, body[at:at + size]
            at += size


def submit_frame(seq):
    submission = bytes([1 << 3 | 1]) + ECHO.to_bytes(8, "little") + field(2, seq) + field(8, b"payload %d" % seq)
    return frame(KIND["SUBMIT"], field(1, submission))


def check_outcomes(client, outcomes, upto):
    """Reads until there are that many outcomes; each must be ok and its own."""
    while len(outcomes) < upto:
        kind, epoch, body = client.frame()
        if kind != OUTCOME:
            assert kind not in (KIND["ERROR"], 34), body
            continue
        for number, element in fields(body):
            if number != 1:
                continue
            outcome = dict(fields(element))
            seq = outcome[1]
            assert seq not in outcomes, f"{seq} came twice"
            assert outcome.get(2, 0) == 0, outcome
            outcomes[seq] = outcome
            client.send(frame(OUTCOME_ACK, field(1, field(1, seq)), epoch=epoch))


def main():
    python = python_with_protobuf()
    with Cluster(tick="2s") as cluster:  # the client below does not beat
        subprocess.run(["protoc", f"--proto_path={SOURCE}/proto", f"--python_out={cluster.folder}", "muster.proto"],
                       check=True)
        slave = cluster.start("foreign", ["/usr/bin/env", f"PYTHONPATH={cluster.folder}", python,
                                          f"{SOURCE}/tests/integration/foreign_slave.py", cluster.address])
        wait_until("it serves", lambda: cluster.alive(slave) and cluster.serves("foreign"))
        assert cluster.muster("submit", "reverse", "--payload", "abc", "--wait").stdout == b"cba"
        with Raw(cluster.port) as client:
            client.greet()
            outcomes = {}
            for seq in range(1, COUNT // 2 + 1):
                client.send(submit_frame(seq))
            check_outcomes(client, outcomes, COUNT // 4)
            slave.signal(signal.SIGUSR1)  # in the midst of its work it loses the connection, and resumes
            for seq in range(COUNT // 2 + 1, COUNT + 1):
                client.send(submit_frame(seq))
            check_outcomes(client, outcomes, COUNT)
        for seq, outcome in outcomes.items():
            assert outcome[8] == b"payload %d" % seq, (seq, outcome)
        wait_until("it has resumed", lambda: "resumed" in slave.log())
        cluster.muster("bench", "--count", "1000", "--depth", "100")
        slave.signal(signal.SIGTERM)
        slave.ends_with(0)
        assert slave.log().count("new session") == 1, slave.log()
    print(f"foreign_slave_test: {COUNT} commands ok")


if __name__ == "__main__":
    main()
