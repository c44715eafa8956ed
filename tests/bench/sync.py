"""What it costs to keep everything on two disks: the cases of `make bench sync`, a pair of masters beside a single one and
beside what the machine asks for one sync and one round trip. See README.md."""
import json
import os
import subprocess
import tempfile
import time

from harness import DISK, LOCAL, PLACES, START_S, Failed, Server, finished, free_port, pinned, stop

SYNC, TWO_DISKS, LOOPBACK = "muster sync", "fdatasync, two at once", "loopback"
SIZE = 64
VARIANT_SYNC = 4
ONE, LIFE = "sync-depth1-64B", "sync-roundtrip-64B-depth1000"
COUNT, COUNT_OF_LIVES = 3000, 400000


class PairServer(Server):
    """The active of a pair, and a standby on the generator's processor; no witnesses, so nobody takes over."""

    def __init__(self, system, cpu, size):
        ports = [free_port() for _ in range(2)]
        self.standby = None
        pair = lambda place, port, folder: system["pair"](port, folder, ("primary", "backup")[place], ports[1 - place])
        super().__init__(dict(command=lambda port, folder, size: pair(0, ports[0], folder) + ["--bootstrap"]), cpu, size,
                         ports[0])
        try:
            self.standby = subprocess.Popen(pinned(PLACES["split"][1], pair(1, ports[1], self.folder)),
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.await_pair([system["muster"], "--master", f"127.0.0.1:{ports[0]}", "pair", "--json"])
        except BaseException:
            self.close()
            raise

    @staticmethod
    def await_pair(command):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.stdout and json.loads(done.stdout)[0].get("copies") == 2:
                return
            time.sleep(0.02)
        raise Failed("the pair does not come in sync")

    def close(self):
        """Both at once: neither is to take over from the other."""
        for process in (self.standby, self.process):
            if process is not None:
                process.kill()
        if self.standby is not None:
            stop(self.standby)
        super().close()


def prepare(bench):
    """Names the systems of these cases."""
    master = os.path.join(bench.bins, "bin", "muster-master")
    bench.systems[SYNC] = dict(
        needs=master, driver="muster", variant=VARIANT_SYNC, syncs=True, server=PairServer,
        muster=os.path.join(bench.bins, "bin", "muster"), pair=lambda port, folder, role, peer: [
            master, "--listen", f"127.0.0.1:{port}", "--log-level", "error", "--data", f"{folder}/{role}", "--role", role,
            "--peer", f"127.0.0.1:{peer}", "--witness", "none"])
    for name in (SYNC, TWO_DISKS):
        if DISK in bench.left_out:
            bench.left_out[name] = bench.left_out[DISK]


def bare(bench, name, count):
    """p50 and p99 of what has no server at all."""
    if name == LOOPBACK:
        return json.loads(finished([bench.bins + "/bench/bench_bounce", str(count), str(SIZE)]))
    command = pinned(PLACES["split"][0], [bench.bins + "/bench/bench_sync", tempfile.gettempdir(), str(count)])
    if name == DISK:
        return json.loads(finished(command))
    other = subprocess.Popen(pinned(PLACES["split"][1], [*command[3:-1], str(1000 * count)]), stdout=subprocess.DEVNULL)
    try:
        return json.loads(finished(command))
    finally:
        other.kill()
        other.wait()


def acknowledged(bench):
    """Depth 1: from a submission to its acknowledgement, while no worker asks for anything."""
    count = bench.count(COUNT)

    def run(case, name):
        if name in (DISK, TWO_DISKS, LOOPBACK):
            got = bare(bench, name, count)
            bench.add(case, name, "p50", "us", got["p50_us"])
            bench.add(case, name, "p99", "us", got["p99_us"])
            return
        got = bench.load(case, name, ["-W", "-l", "-d", 1, "-k", 1, "-n", count], size=SIZE)
        bench.add(case, name, "p50", "us", got["accepted_p50_us"])
        bench.add(case, name, "p99", "us", got["accepted_p99_us"])
    bench.interleave(ONE, [LOOPBACK, DISK, TWO_DISKS, LOCAL, SYNC], run)


def whole_lives(bench):
    """Submitted, acknowledged, dispatched, answered, outcome confirmed, by one durable master and by a pair."""
    def run(case, name):
        count = bench.count(COUNT_OF_LIVES)
        got = bench.load(case, name, ["-r", "-d", 1000, "-k", 128, "-n", count], size=SIZE)
        bench.add(case, name, "rate", "commands/s", got["rate"])
        bench.add(case, name, "server_cpu", "us/command", got["srv_cpu_s"] / count * 1e6)
    bench.interleave(LIFE, [LOCAL, SYNC], run)


def cases(bench):
    if bench.wants(ONE) or bench.wants(LIFE):
        prepare(bench)
        acknowledged(bench)
        whole_lives(bench)


CASES = [cases]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    ours, disk, trip = (bench.median(ONE, name, "p50") for name in (SYNC, DISK, LOOPBACK))
    return [
        ("sync depth-1 p50 / (fdatasync + loopback round trip)", ours / (disk + trip) if ours and disk and trip else None,
         "<=", 1.5),
        (f"{LIFE}: throughput / single durable master", bench.ratio((LIFE, SYNC, "rate"), (LIFE, LOCAL, "rate")), ">=", 0.5),
    ]
