"""Real processes for the integration tests: a master and slaves on free ports of 127.0.0.1.

Nothing here sleeps to "give something time": it waits for what it wants to see, with one generous limit."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BIN = os.environ["MS_BIN_DIR"]
LIMIT_S = 60
POLL_S = 0.02
SKIPPED = 77
PRIVATE = "MS_TEST_PRIVATE_MOUNTS"

KIND = dict(HELLO=1, WELCOME=2, BEAT=3, BEAT_ACK=4, ERROR=5, GOAWAY=6, PULL=17, SUBMIT=32, QUERY=40)
HEADER = struct.Struct(">2sBBIIQ")


def wait_until(what, condition, limit_s=LIMIT_S):
    """The condition's first true value; fails loudly when the limit passes."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s in vain for: {what}")
        time.sleep(POLL_S)


def free_ports(count):
    """Ports that nobody has; both masters must know them before either begins."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def proc_status(pid, name):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise AssertionError(f"no {name} of process {pid}")


class Program:
    """One of our programs; its stderr goes to a file, which a failed test prints."""

    def __init__(self, cluster, name, arguments, environment=None, prefix=()):
        self.log_path = os.path.join(cluster.folder, f"{name}.log")
        self.name = name
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([*prefix, os.path.join(BIN, arguments[0]), *arguments[1:]], stdout=log,
                                            stderr=log, env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self):
        self.signal(signal.SIGSTOP)
        wait_until(f"{self.name} is stopped", lambda: self.state() == "T")

    def go_on(self):
        self.signal(signal.SIGCONT)

    def state(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def ends_with(self, code, limit_s=LIMIT_S):
        self.process.wait(limit_s)
        assert self.process.returncode == code, f"{self.name} ended with {self.process.returncode}, not {code}"

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()


class Cluster:
    """with Cluster(tick="100ms") as cluster: ... ; everything is gone afterwards."""

    def __init__(self, *master_arguments, tick="200ms"):
        self.temporary = tempfile.TemporaryDirectory(prefix="muster-test-")
        self.folder = self.temporary.name
        self.programs = []
        self.slaves = 0
        port_file = os.path.join(self.folder, "port")
        self.master = self.start("master", ["muster-master", "--listen", "127.0.0.1:0", "--port-file", port_file,
                                            "--tick", tick, *master_arguments])
        wait_until("the master serves", lambda: self.alive(self.master) and os.path.exists(port_file))
        with open(port_file) as file:
            self.address = file.read().strip()
        self.port = int(self.address.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.go_on()
                program.kill()
            if kind is not None:
                print(f"--- {program.name}\n{program.log()[-3000:]}", file=sys.stderr)
        self.temporary.cleanup()

    def alive(self, program):
        assert program.process.poll() is None, f"{program.name} ended: {program.log()}"
        return True

    def start(self, name, arguments, environment=None):
        program = Program(self, name, arguments, environment)
        self.programs.append(program)
        return program

    def slave(self, *arguments):
        """A slave that serves: it has announced its types and granted credit."""
        self.slaves += 1
        name = f"s{self.slaves}"
        program = self.start(name, ["muster-slave", "--name", name, *arguments, self.address])
        wait_until(f"{name} serves", lambda: self.alive(program) and self.serves(name))
        return program

    def serves(self, name):
        row = next((row for row in self.rows("slaves") if row["name"] == name), None)
        return row is not None and row["state"] == "alive" and row["credit"] + row["held"] > 0

    def muster(self, *arguments, stdin=None, check=True):
        done = subprocess.run([os.path.join(BIN, "muster"), "--master", self.address, *arguments], input=stdin,
                              capture_output=True, timeout=LIMIT_S, check=False)
        if check:
            assert done.returncode == 0, f"muster {arguments}: {done.returncode}: {done.stderr.decode()}"
        return done

    def background(self, *arguments):
        """A client of its own that goes on; its output is kept."""
        process = subprocess.Popen([os.path.join(BIN, "muster"), "--master", self.address, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program = type("Client", (), dict(process=process, pid=process.pid, name=arguments[0], log=lambda self: "",
                                          go_on=lambda self: None, kill=lambda self: process.kill()))()
        self.programs.append(program)
        return process

    def status(self):
        return json.loads(self.muster("status", "--json").stdout)

    def rows(self, what, *arguments):
        """Of `muster slaves` or `muster commands`: a document or JSON lines."""
        text = self.muster(what, "--json", *arguments).stdout.decode().strip()
        if text.startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines()]


class Raw:
    """A connection that speaks bytes, not the protocol."""

    def __init__(self, port, timeout_s=LIMIT_S):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive_exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += more
        return data

    def frame(self):
        """(kind, epoch, body) of the next frame; EOFError at the end."""
        magic, _version, kind, _flags, length, epoch = HEADER.unpack(self.receive_exactly(HEADER.size))
        assert magic == b"MS"
        return kind, epoch, self.receive_exactly(length)

    def until_closed(self):
        """All frames until the other side closes."""
        frames = []
        try:
            while True:
                frames.append(self.frame())
        except (EOFError, ConnectionResetError):
            return frames

    def greet(self, role=2, node=b"raw-test-client."):
        self.send(frame(KIND["HELLO"], hello(role, node)))
        kind, _epoch, body = self.frame()
        assert kind == KIND["WELCOME"], f"kind {kind}: {body!r}"


def frame(kind, body=b"", version=1, magic=b"MS", length=None, epoch=0):
    return HEADER.pack(magic, version, kind, 0, len(body) if length is None else length, epoch) + body


def varint(value):
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


def field(number, value):
    """A varint field, or a length-delimited one for bytes."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def hello(role, node, **more):
    return (field(1, role) + field(2, 1) + field(3, 1) + field(4, 3) + field(5, node) +
            field(9, more.get("slots", 1)) + field(10, b"raw"))


def main(tests):
    """Runs the functions named test_...; prints what failed; the exit code says how many."""
    failed = 0
    names = [name for name in tests if name.startswith("test_")]
    for name in names:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        begun = time.monotonic()
        try:
            tests[name]()
            print(f"ok   {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception as error:  # a test's failure must not hide the next one's
            failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
    sys.exit(min(failed, 100))


def may_mount():
    with tempfile.TemporaryDirectory(prefix="muster-test-") as place:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=False).returncode != 0:
            return False
        subprocess.run(["umount", place], check=True)
        return True


def main_with_mounts(tests):
    """As main, where small disks can be mounted: nobody else sees them, and they end with us."""
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print(f"{name}: skipped: only root can mount a small disk")
        sys.exit(SKIPPED)
    if PRIVATE not in os.environ:
        os.execvpe("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv],
                   {**os.environ, PRIVATE: "1"})
    if not may_mount():
        print(f"{name}: skipped: this root may not mount")
        sys.exit(SKIPPED)
    main(tests)
