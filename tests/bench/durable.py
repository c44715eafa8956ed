"""What it costs to lose nothing: the cases of muster-master --data, beside those rivals that keep commands on
a disk and beside the bare disk. See README.md."""
import json
import os
import subprocess
import sys
import tempfile
import time

from harness import DISK, LOCAL, MUSTER, PLACES, Failed, Server, finished, pinned

DEPTHS = (1000, 10000)
RIVALS = ["redis always", "redis always, script", "jetstream file", "beanstalkd -f 0"]
# As in run.py: commands to send, how many a worker asks for at once, how many producers; the fastest of a sweep.
SPEED = {MUSTER: 1500000, LOCAL: 1000000, "redis always": 200000, "redis always, script": 300000,
         "jetstream file": 100000, "beanstalkd -f 0": 3000}
BATCH = {"jetstream file": 1000, "beanstalkd -f 0": 8}
PRODUCERS = {MUSTER: 1, LOCAL: 1}
PRODUCERS_OF_RIVALS = 4
PAIRS = 3  # in a round, of two systems whose ratio has a bar that is near

WAITING = 1000000
BYTES_MAX = 250
PASSING = 10000000
MARKS = (1, 5, 10)  # tenths of it
GROWTH_MAX, GROWTH_SLACK = 1.25, 8 << 20  # against the first mark; more fails the run
PASSING_BAR = 1.5
RECOVERED = (100000, 1000000)
RECOVERY_S = 60  # a start that takes longer failed
PASSING_S = 1800


def acknowledged(bench):
    """Depth 1: from a submission to its acknowledgement, while no worker asks for anything: one record, one
    sync, and nothing else on the disk's queue. Beside it the bare disk."""
    count = bench.count(3000)

    def run(case, name):
        if name == DISK:
            got = json.loads(finished(pinned(PLACES["split"][0], [
                bench.bins + "/bench/bench_sync", tempfile.gettempdir(), str(count)])))
            bench.add(case, name, "p50", "us", got["p50_us"])
            bench.add(case, name, "p99", "us", got["p99_us"])
            return
        got = bench.load(case, name, ["-W", "-l", "-d", 1, "-k", 1, "-n", count])
        bench.add(case, name, "p50", "us", got["accepted_p50_us"])
        bench.add(case, name, "p99", "us", got["accepted_p99_us"])
        bench.add(case, name, "written", "bytes/command", got["written"] / count)
    bench.interleave("durable-depth1-64B", [DISK, LOCAL] * PAIRS + [name for name in RIVALS if "script" not in name], run)


def whole_lives(bench):
    """Submitted, acknowledged, dispatched, answered, outcome confirmed; muster's memory class in the same run."""
    for depth in DEPTHS:
        def run(case, name, depth=depth):
            batch = 512 if "redis" in name and depth == 10000 else BATCH.get(name, 128)
            count = bench.count(SPEED[name])
            got = bench.load(case, name, ["-r", "-d", depth, "-k", batch, "-n", count,
                                          "-p", PRODUCERS.get(name, PRODUCERS_OF_RIVALS)])
            bench.add(case, name, "rate", "commands/s", got["rate"])
            bench.add(case, name, "server_cpu", "us/command", got["srv_cpu_s"] / count * 1e6)
            if "syncs" in bench.systems[name]:
                bench.add(case, name, "written", "bytes/command", got["written"] / count)
        bench.interleave(f"durable-roundtrip-64B-depth{depth}", [LOCAL, MUSTER] * PAIRS + RIVALS, run)


def waiting(bench):
    """Memory of a command that waits in the queue, beyond its payload: always with as many, as tables grow by doubling."""
    size, count = 64, WAITING

    def run(case, name):
        got = bench.load(case, name, ["-W", "-d", 1000, "-k", 128, "-n", count], size=size)
        bench.add(case, name, "memory", "bytes/command", (got["rss_kb"] - got["rss_before_kb"]) * 1024 / count - size)
        bench.add(case, name, "anon", "bytes/command", (got["anon_kb"] - got["anon_before_kb"]) * 1024 / count - size)
        bench.add(case, name, "rate", "commands/s", got["rate"])
    bench.interleave("waiting-64B", [MUSTER, LOCAL, "gearmand -t 0", "redis lists"], run)


def status(bench, port):
    return json.loads(finished([bench.bins + "/bin/muster", "--master", f"127.0.0.1:{port}", "status", "--json"]))


def restart(bench, server, number):
    """Starts the killed server once more; seconds from exec until it says where it serves."""
    port_file = os.path.join(server.folder, f"port-{number}")
    command = bench.systems[LOCAL]["command"](server.port, server.folder, 0) + ["--port-file", port_file]
    begun = time.monotonic()
    server.process = subprocess.Popen(pinned(PLACES["split"][0], command), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, cwd=server.folder)
    while not os.path.exists(port_file):
        if time.monotonic() > begun + RECOVERY_S or server.process.poll() is not None:
            raise Failed("it does not start again")
        time.sleep(0.0005)
    return time.monotonic() - begun


def kill(server):
    server.process.kill()
    server.process.wait()


def fill(bench, server, count):
    """Leaves so many commands waiting in a server."""
    finished(pinned(PLACES["split"][1], [
        bench.bins + "/bench/bench_load", "muster", "-P", str(server.port), "-S", str(server.pid), "-v", "1", "-W", "-d",
        "1000", "-n", str(count), "-t", "60"]))


def recoveries(bench):
    """Filled once, then killed and started again: from exec to serving, with every command there. The files are
    in the page cache, as after a crash of the process."""
    for commands in RECOVERED:
        case, count = f"recovery-{commands}", bench.count(commands)
        if not bench.wants(case) or not bench.present([LOCAL]):
            continue
        server = Server(bench.systems[LOCAL], PLACES["split"][0], 64)
        try:
            fill(bench, server, count)
            for number in range(bench.runs):
                kill(server)
                seconds = restart(bench, server, number)
                got = status(bench, server.port)["commands_ready"]
                if got != count:
                    raise Failed(f"{got} commands of {count} came back")
                bench.add(case, LOCAL, "start", "s", seconds)
                bench.add(case, LOCAL, "start_100k", "s/100,000", seconds / count * 100000)
            bench.add(case, LOCAL, "disk", "bytes/command", folder_bytes(server.folder) / count)
            bench.params[case, LOCAL] = f"{count} x 64 B, killed"
        except Failed as error:
            bench.failed(case, LOCAL, error)
        finally:
            server.close()


def folder_bytes(folder):
    """Blocks that the files below it occupy."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def pass_through(bench, name, server, count):
    """Yields memory and size of the data after each tenth of the commands."""
    variant = 2 | bench.systems[name].get("variant", 0)
    load = subprocess.Popen(pinned(PLACES["split"][1], [
        bench.bins + "/bench/bench_load", "muster", "-P", str(server.port), "-S", str(server.pid), "-v", str(variant),
        "-r", "-d", "1000", "-k", "128", "-n", str(count), "-c", str(count // 10), "-t", str(PASSING_S)]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in load.stdout:
            got = json.loads(line)
            if "mark" in got:
                yield dict(rss=got["rss_kb"] * 1024, anon=got["anon_kb"] * 1024, disk=folder_bytes(server.folder))
        if load.wait() != 0:
            raise Failed(load.stderr.read().strip()[-200:])
    finally:
        load.kill()
        load.wait()
        load.stdout.close()
        load.stderr.close()


def check_growth(marks):
    first = marks[0]
    for tenth in MARKS[1:]:
        for what in ("rss", "disk"):
            if marks[tenth - 1][what] > first[what] * GROWTH_MAX + GROWTH_SLACK:
                raise Failed(f"{what} grew from {first[what]:,} bytes at 1/10 to {marks[tenth - 1][what]:,} at {tenth}/10")


def passing(bench):
    """Ten million commands pass through one master while one, the first, stays buried. Only when asked for."""
    case, count = "passing-10M", bench.count(PASSING) // 10 * 10
    if not bench.only or bench.only not in case:
        return
    for name in bench.present([MUSTER, LOCAL]):
        server = Server(bench.systems[name], PLACES["split"][0], 64)
        marks = []
        try:
            for mark in pass_through(bench, name, server, count):
                marks.append(mark)
                print(f"  {case}: {name}: {len(marks)}/10: memory {mark['rss']:,} bytes, data {mark['disk']:,}",
                      file=sys.stderr, flush=True)
            for tenth in MARKS:
                for what in ("rss", "anon", "disk"):
                    bench.add(case, name, f"{what}_{tenth}0%", "bytes", marks[tenth - 1][what])
            bench.params[case, name] = f"{count} commands of 64 B, 1,000 at a time"
            check_growth(marks)
            if status(bench, server.port)["commands_buried"] != 1:
                raise Failed("the buried command is gone")
        except Failed as error:
            bench.failed(case, name, error)
        finally:
            server.close()


CASES = [acknowledged, whole_lives, waiting, recoveries, passing]


def best_that_syncs(bench, case):
    rates = [(bench.median(case, name, "rate"), name) for name in RIVALS if bench.systems[name]["syncs"]]
    return max((pair for pair in rates if pair[0]), default=(None, None))[1]


def bars(bench):
    """name, value, sense, bar: as in run.py."""
    one, life = "durable-depth1-64B", "durable-roundtrip-64B-depth1000"
    name = best_that_syncs(bench, life)
    share = bench.ratio((life, LOCAL, "rate"), (life, name, "rate"))
    rows = [
        ("durable depth-1 p50 / fdatasync", bench.ratio((one, LOCAL, "p50"), (one, DISK, "p50")), "<=", 2.0),
        (f"{life}: throughput / best that syncs ({name})", share, ">=", 1.0),
        (f"aim: {life}: throughput / best that syncs", share, ">=", 2.0),
        (f"{life}: throughput / our memory class", bench.ratio((life, LOCAL, "rate"), (life, MUSTER, "rate")), ">=", 0.4),
        ("bytes of memory per waiting command, mem", bench.median("waiting-64B", MUSTER, "memory"), "<=", BYTES_MAX),
        ("bytes of memory per waiting command, local", bench.median("waiting-64B", LOCAL, "memory"), "<=", BYTES_MAX),
    ]
    rows += [(f"seconds per 100,000 commands, recovery of {count:,}",
              bench.median(f"recovery-{count}", LOCAL, "start_100k"), "<=", 1.0) for count in RECOVERED]
    for kind in ("rss", "disk"):
        ends = [bench.median("passing-10M", LOCAL, f"{kind}_{tenth}0%") for tenth in (1, 10)]
        rows.append((f"passing: {kind} after all / after a tenth", ends[1] / ends[0] if all(ends) else None, "<=", PASSING_BAR))
    return rows
