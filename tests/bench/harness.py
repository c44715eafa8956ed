"""Servers that are started, loaded and stopped, and the samples taken of them: what all cases share."""
import json
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_S = 20
LIMIT_S = 60
IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
PLACES = {"split": ("0", "1"), "free": (None, None)}
MUSTER, LOCAL, RELAY, DISK = "muster", "muster local", "relay", "fdatasync"


class Failed(Exception):
    """A run that lost, repeated or did not finish; it yields no figure."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(cpu, command):
    return ["taskset", "-c", cpu, *command] if cpu is not None else command


def stop(process):
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """One system under test. command(port, folder, size) makes its command line."""

    def __init__(self, system, cpu, size, port=None):
        self.folder = tempfile.mkdtemp(prefix="muster-bench-")
        self.port = port or free_port()
        command = system["command"](self.port, self.folder, size)
        self.process = subprocess.Popen(pinned(cpu, command), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.folder)
        self.pid = self.process.pid
        end = time.monotonic() + START_S
        while not self.is_listening():
            if time.monotonic() > end or self.process.poll() is not None:
                self.close()
                raise Failed(f"{command[0]} does not start")
            time.sleep(0.02)

    def is_listening(self):
        """From the kernel's table: a probing connection would be counted by some servers."""
        wanted = f":{self.port:04X}"
        with open("/proc/net/tcp") as table:
            return any(line.split()[1].endswith(wanted) and line.split()[3] == "0A"
                       for line in table if ":" in line.split()[0])

    def close(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def disk_kind(folder):
    return subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=True).stdout.strip()


def knows_data(master):
    """Whether this muster-master can keep its commands on a disk."""
    return bool(shutil.which(master)) and "--data" in subprocess.run(
        [master, "--help"], capture_output=True, text=True, check=False).stdout


def nats_config(port, folder, *lines):
    path = os.path.join(folder, "nats.conf")
    with open(path, "w") as file:
        file.write("\n".join([f"listen: 127.0.0.1:{port}", "jetstream {", f'store_dir: "{folder}/js"', *lines, "}", ""]))
    return path


NATS_ALWAYS = "sync_interval: always"


def nats_syncs():
    """Whether this nats-server can sync before it acknowledges; 2.9 cannot, 2.10 can."""
    if not shutil.which("nats-server"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(["nats-server", "-t", "-c", nats_config(4222, folder, NATS_ALWAYS)],
                              capture_output=True, check=False).returncode == 0


def durable_systems(bins):
    """Those that keep everything on the disk; syncs: before they acknowledge."""
    master = os.path.join(bins, "bin", "muster-master")
    redis = lambda port, folder, size: [
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
        "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--dir", folder]
    always = nats_syncs()
    lines = [NATS_ALWAYS] if always else []
    return {
        LOCAL: dict(needs=master, driver="muster", variant=1, syncs=True, command=lambda port, folder, size: [
            master, "--listen", f"127.0.0.1:{port}", "--log-level", "error", "--data", folder + "/data"]),
        "redis always": dict(needs="redis-server", driver="redis", variant=1, syncs=True, command=redis),
        "redis always, script": dict(needs="redis-server", driver="redis", variant=2, syncs=True, command=redis),
        "beanstalkd -f 0": dict(needs="beanstalkd", driver="beanstalk", syncs=True, command=lambda port, folder, size: [
            "beanstalkd", "-l", "127.0.0.1", "-p", str(port), "-b", folder, "-f", "0"]),
        "jetstream file": dict(needs="nats-server", driver="jetstream", variant=1, syncs=always,
                               command=lambda port, folder, size: [
                                   "nats-server", "-c", nats_config(port, folder, *lines)]),
    }


def systems(bins):
    master = os.path.join(bins, "bin", "muster-master")
    relay = os.path.join(bins, "bench", "bench_relay")

    def muster(*more):
        return lambda port, folder, size: [master, "--listen", f"127.0.0.1:{port}", "--log-level", "error", *more]

    def relayed(*more):
        return lambda port, folder, size: [relay, str(port), str(size + 16), *more]

    nats = lambda port, folder, size: ["nats-server", "-a", "127.0.0.1", "-p", str(port)]
    return {
        MUSTER: dict(needs=master, driver="muster", command=muster()),
        "muster busy-poll": dict(needs=master, driver="muster", command=muster("--busy-poll", "50ms")),
        RELAY: dict(needs=relay, driver="raw", command=relayed()),
        "relay spin": dict(needs=relay, driver="raw", command=relayed("spin")),
        "gearmand -t 0": dict(needs="gearmand", driver="gearman", command=lambda port, folder, size: [
            "gearmand", "-L", "127.0.0.1", "-p", str(port), "-t", "0", "-b", "4096", "--log-file", "none",
            "--pid-file", folder + "/pid"]),
        "redis lists": dict(needs="redis-server", driver="redis", command=lambda port, folder, size: [
            "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--maxclients", "15000", "--tcp-backlog", "4096", "--dir", folder]),
        "nats core": dict(needs="nats-server", driver="nats", command=nats),
        "jetstream mem": dict(needs="nats-server", driver="jetstream", command=lambda port, folder, size: [
            *nats(port, folder, size), "-js", "-sd", folder + "/js"]),
        "beanstalkd": dict(needs="beanstalkd", driver="beanstalk", command=lambda port, folder, size: [
            "beanstalkd", "-l", "127.0.0.1", "-p", str(port)]),
    }


def percentile(values, part):
    """The smallest that so large a part of them does not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(part * len(ranked)) - 1)]


class Bench:
    def __init__(self, arguments):
        self.bins = arguments.bin
        self.runs = arguments.runs or (2 if arguments.quick else 5)
        self.scale = 0.25 if arguments.quick else 1.0
        self.only = arguments.only
        self.quick, self.trials = arguments.quick, arguments.trials
        self.systems = {**systems(self.bins), **durable_systems(self.bins)}
        self.samples = {}  # (case, system, metric) -> [value]
        self.units = {}
        self.params = {}  # (case, system) -> how it was loaded
        self.failures = 0
        self.left_out = {name: "not installed" for name, s in self.systems.items() if not shutil.which(s["needs"])}
        if not knows_data(self.systems[LOCAL]["needs"]):
            self.left_out.setdefault(LOCAL, "this muster-master has no --data")
        if disk_kind(tempfile.gettempdir()) in IN_MEMORY:
            kept = [name for name, system in self.systems.items() if "syncs" in system]
            self.left_out.update(dict.fromkeys([DISK, *kept], f"{tempfile.gettempdir()} is no disk: give --disk"))

    def add(self, case, system, metric, unit, value):
        self.samples.setdefault((case, system, metric), []).append(value)
        self.units[metric] = unit

    def median(self, case, system, metric):
        values = self.samples.get((case, system, metric))
        return statistics.median(values) if values else None

    def wants(self, case):
        return not self.only or self.only in case

    def ratio(self, over, under):
        """Of two samples, each named by case, system, metric: the median of the ratios of one round each, as what slows the
        machine for a while slows both. Of the medians, where one was measured more often; None when one was not."""
        a, b = self.samples.get(over, []), self.samples.get(under, [])
        if len(a) == len(b) and all(b):
            return statistics.median(x / y for x, y in zip(a, b)) if a else None
        return statistics.median(a) / statistics.median(b) if a and any(b) else None

    def present(self, names):
        return [name for name in names if name not in self.left_out]

    def load(self, case, name, flags, place="split", size=64):
        """One run of the load generator against a fresh server of that system."""
        system = self.systems[name]
        self.params[case, name] = " ".join(str(word) for word in ["-s", size, *flags, place])
        server_cpu, load_cpu = PLACES[place]
        server = system.get("server", Server)(system, server_cpu, size)
        try:
            command = [os.path.join(self.bins, "bench", "bench_load"), system["driver"], "-P", server.port,
                       "-S", server.pid, "-s", size, "-v", system.get("variant", 0), "-t", LIMIT_S, *flags]
            done = subprocess.run(pinned(load_cpu, [str(word) for word in command]), capture_output=True,
                                  text=True, check=False)
            written = written_bytes(server.pid)
        finally:
            server.close()
        if done.returncode != 0:
            raise Failed(done.stderr.strip()[-200:])
        return dict(json.loads(done.stdout), written=written)

    def interleave(self, case, names, run):
        """The repetition is the outer loop, the systems the inner one."""
        if not self.wants(case):
            return
        for number in range(self.runs):
            for name in self.present(names):
                try:
                    run(case, name)
                except Failed as error:
                    self.failed(case, name, error)
            print(f"  {case}: run {number + 1} of {self.runs}", file=sys.stderr, flush=True)

    def failed(self, case, name, error):
        self.failures += name.startswith(MUSTER)
        print(f"  {case}: {name}: {error}", file=sys.stderr, flush=True)

    def count(self, wanted):
        return max(2000, int(wanted * self.scale))


def written_bytes(pid):
    """What a process caused to be written to disks; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/io") as table:
            return next((int(line.split()[1]) for line in table if line.startswith("write_bytes:")), 0)
    except OSError:
        return 0


def process_cpu_s(pid):
    """Of a process's CPU clock: finer than the ticks in /proc."""
    return time.clock_gettime((~pid << 3) | 2)


def finished(command, timeout=LIMIT_S, **options):
    """Its standard output; Failed when it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, **options)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} does not end") from error
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-200:])
    return done.stdout
