#!/usr/bin/env python3
"""Measures muster beside its rivals in one run: interleaved, same placement, medians.

    run.py [--quick] [--runs N] [--trials N] [--only TEXT] [--bin DIR] [--out FILE] [--disk DIR]

Ends with 1 when a run of muster failed: it lost or repeated a command, grew beyond bounds, or did not come to
its end.

Servers are started here on 127.0.0.1 and free ports, and stopped by their own pids. A rival that is
not installed is left out and named. Prints a table, then every bar as a ratio, and writes rows of
case, system, metric, unit, median, min, max, runs to build/bench/results.json. See README.md."""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import behind
import catchup
import dispatch
import durable
import failover
import full
import handout
import merge
import steady
import sync
from harness import (MUSTER, PLACES, RELAY, ROOT, START_S, Bench, Failed, Server, finished, pinned, process_cpu_s,
                     stop)

# What each system is given: commands to send (about a second's worth), and how many a worker asks for
# at once. The batches are those with which each was fastest in a sweep (README.md).
SPEED = {MUSTER: 2000000, "gearmand -t 0": 1000000, "nats core": 1500000, "redis lists": 400000,
         "jetstream mem": 200000, "beanstalkd": 20000, RELAY: 3000000}
BATCH = {"beanstalkd": 8, "jetstream mem": 1000}
RIVALS = ["gearmand -t 0", "nats core", "redis lists", "jetstream mem", "beanstalkd"]


def round_trips(bench):
    for size, label in ((64, "64B"), (1024, "1KiB")):
        for depth in (128, 1000, 10000):
            def run(case, name, size=size, depth=depth):
                slow = (0.4 if size > 64 else 1.0) * (0.5 if depth == 128 else 1.0)
                producers = 4 if name in ("beanstalkd", "jetstream mem") else 1
                flags = ["-r", "-d", depth, "-k", BATCH.get(name, 128), "-p", producers,
                         "-n", bench.count(SPEED[name] * slow)]
                take_load(bench, case, name, bench.load(case, name, flags, size=size))
            bench.interleave(f"roundtrip-{label}-depth{depth}", [MUSTER, RELAY, *RIVALS], run)


def take_load(bench, case, name, got):
    bench.add(case, name, "rate", "commands/s", got["rate"])
    bench.add(case, name, "server_cpu", "us/command", got["srv_cpu_s"] / got["n"] * 1e6)


def one_at_a_time(bench):
    def run(case, name):
        flags = ["-r", "-d", 1000, "-k", 1, "-n", bench.count(20000 if name == "beanstalkd" else 100000)]
        take_load(bench, case, name, bench.load(case, name, flags))
    bench.interleave("one-at-a-time-64B-depth1000", [MUSTER, "gearmand -t 0", "redis lists", "beanstalkd"], run)


def latency(bench):
    def run(case, name):
        workers = ["-w", 1] if name.startswith(RELAY) else []
        got = bench.load(case, name, ["-l", "-d", 1, "-q", 1, "-k", 1, "-r", "-f", "-n", bench.count(8000), *workers])
        bench.add(case, name, "p50", "us", got["result_p50_us"])
        bench.add(case, name, "p99", "us", got["result_p99_us"])
    bench.interleave("depth1-64B", [MUSTER, "muster busy-poll", RELAY, "relay spin", *RIVALS], run)


def herd(bench):
    """Depth 1 while 5,000 more slaves with credit sit idle, beside four slaves alone."""
    for extra in (0, 5000):
        def run(case, name, extra=extra):
            flags = ["-l", "-r", "-d", 1, "-q", 1, "-k", 1, "-H", extra, "-a", 200, "-n", bench.count(4000)]
            got = bench.load(case, name, flags)
            bench.add(case, name, "p50", "us", got["result_p50_us"])
            bench.add(case, name, "server_cpu", "us/command", got["srv_cpu_s"] / got["n"] * 1e6)
        names = [MUSTER, "beanstalkd", "redis lists"] + ([] if extra else ["gearmand -t 0"])
        bench.interleave(f"depth1-idle-slaves{4 + extra}", names, run)


def idle(bench):
    def run(case, name):
        got = bench.load(case, name, ["-i", "-w", 10000, "-a", 200], place="free")
        bench.add(case, name, "connect", "s", got["connect_s"])
        bench.add(case, name, "memory", "KiB/connection", (got["rss_after_kb"] - got["rss_before_kb"]) / got["conns"])
        bench.add(case, name, "threads", "threads", got["threads"])
        bench.add(case, name, "idle_cpu", "%", got["idle_cpu_pct"])
    bench.interleave("idle-10000", [MUSTER, "gearmand -t 0", "nats core", "redis lists", "beanstalkd"], run)


SLAVES = 4
SLOTS = 256


def start_slaves(programs, address, cpu):
    return [subprocess.Popen(pinned(cpu, [
        programs + "/muster-slave", "--slots", str(SLOTS), "--mode", "push", "--name", f"bench{number}",
        "--log-level", "error", address]), stderr=subprocess.DEVNULL) for number in range(SLAVES)]


def real_library(bench):
    """`muster bench` on the public library, and four muster-slave processes with the echo handler: the
    slaves on the generator's CPU and the client on the master's, or where the scheduler puts them."""
    programs = os.path.join(bench.bins, "bin")

    def run(case, name, place):
        server_cpu, slaves_cpu = PLACES[place]
        server = Server(bench.systems[MUSTER], "0", 64)
        address = f"127.0.0.1:{server.port}"
        slaves = []
        try:
            slaves = start_slaves(programs, address, slaves_cpu)
            wait_for_slots(programs, address, SLAVES * SLOTS)
            begun = process_cpu_s(server.pid), sum(process_cpu_s(slave.pid) for slave in slaves)
            got = json.loads(finished(pinned(server_cpu, [
                programs + "/muster", "--master", address, "bench", "--depth", "1000",
                "--count", str(bench.count(1000000)), "--json"])))
            ended = process_cpu_s(server.pid), sum(process_cpu_s(slave.pid) for slave in slaves)
        finally:
            for slave in slaves:
                stop(slave)
            server.close()
        if got["failed"] != 0:
            raise Failed(f"{got['failed']} commands failed")
        bench.params[case, name] = f"{SLAVES} x muster-slave --slots {SLOTS} --mode push, {place}"
        bench.add(case, name, "rate", "commands/s", got["commands_per_second"])
        bench.add(case, name, "p50", "us", got["p50_us"])
        bench.add(case, name, "p99", "us", got["p99_us"])
        bench.add(case, name, "server_cpu", "us/command", (ended[0] - begun[0]) / got["commands"] * 1e6)
        bench.add(case, name, "slaves_cpu", "us/command", (ended[1] - begun[1]) / got["commands"] * 1e6)
        bench.add(case, name, "client_cpu", "us/command", got["client_cpu_us_per_command"])

    bench.interleave("library-64B-depth1000", [MUSTER], lambda case, name: run(case, name, "split"))
    bench.interleave("library-64B-depth1000-free", [MUSTER], lambda case, name: run(case, name, "free"))


def wait_for_slots(programs, address, count):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        done = subprocess.run([programs + "/muster", "--master", address, "status", "--json"],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0 and json.loads(done.stdout).get("slots", 0) >= count:
            return
        time.sleep(0.05)
    raise Failed("the slaves do not serve")


def no_op_map(bench):
    """A command that does nothing, by four at a time: `muster map`, bare fork + exec + wait, GNU parallel."""
    programs = os.path.join(bench.bins, "bin")
    count = bench.count(8000)

    def timed(command, share=1):
        part = count // share
        begun = time.monotonic()
        finished(command, input="".join(f"{number}\n" for number in range(part)))
        return (time.monotonic() - begun) / part * 1e6

    def run(case, name):
        if name == "fork+exec+wait":
            bench.add(case, name, "cost", "us/command", timed([bench.bins + "/bench/bench_spawn", "4", str(count)]))
        elif name == "GNU parallel":
            bench.add(case, name, "cost", "us/command", timed(["parallel", "-j4", "true", "{}"], 8))
        else:
            bench.add(case, name, "cost", "us/command", timed(
                [programs + "/muster", "dev", "--slaves", "4", "--slots", "1", "--", programs + "/muster", "map",
                 "--progress", "none", "--", "true", "{}"]))
    names = ["fork+exec+wait", "muster map"] + (["GNU parallel"] if shutil.which("parallel") else [])
    bench.interleave("map-no-op", names, run)


CASES = [round_trips, one_at_a_time, latency, herd, idle, real_library, no_op_map, *durable.CASES, *handout.CASES]
OF_A_PAIR = [sync, catchup, steady, failover, dispatch, full, behind, merge]
CASES += [case for module in OF_A_PAIR for case in module.CASES]


def bars(bench):
    """name, value, bar; value <= bar when the bar is an upper one."""
    ratio = bench.ratio
    rows = []
    for label in ("64B", "1KiB"):
        case = f"roundtrip-{label}-depth1000"
        rows.append((f"{case}: throughput / gearmand -t 0", ratio((case, MUSTER, "rate"), (case, "gearmand -t 0", "rate")), ">=", 1.0))
        rows.append((f"{case}: CPU / gearmand -t 0", ratio((case, MUSTER, "server_cpu"), (case, "gearmand -t 0", "server_cpu")), "<=", 1.0))
    lean = "roundtrip-64B-depth1000"
    one, depth, idle_case = "one-at-a-time-64B-depth1000", "depth1-64B", "idle-10000"
    rows += [
        ("aim: throughput / gearmand -t 0", ratio((lean, MUSTER, "rate"), (lean, "gearmand -t 0", "rate")), ">=", 2.0),
        ("aim: throughput / nats core", ratio((lean, MUSTER, "rate"), (lean, "nats core", "rate")), ">=", 1.0),
        ("real library / lean", ratio(("library-64B-depth1000", MUSTER, "rate"), (lean, MUSTER, "rate")), ">=", 0.5),
        ("one at a time / redis lists", ratio((one, MUSTER, "rate"), (one, "redis lists", "rate")), ">=", 1.0),
        ("depth-1 p50 / relay", ratio((depth, MUSTER, "p50"), (depth, RELAY, "p50")), "<=", 1.2),
        ("depth-1 p50 with busy-poll / relay", ratio((depth, "muster busy-poll", "p50"), (depth, RELAY, "p50")), "<=", 0.6),
        ("depth-1 with 5,000 idle slaves / with 4", ratio(("depth1-idle-slaves5004", MUSTER, "p50"), ("depth1-idle-slaves4", MUSTER, "p50")), "<=", 1.2),
        ("KiB per idle session", bench.median(idle_case, MUSTER, "memory"), "<=", 2.0),
        ("seconds for 10,000 connections", bench.median(idle_case, MUSTER, "connect"), "<=", 2.0),
        ("map no-op / fork+exec+wait", ratio(("map-no-op", "muster map", "cost"), ("map-no-op", "fork+exec+wait", "cost")), "<=", 1.5),
    ]
    rows += durable.bars(bench) + handout.bars(bench)
    for module in OF_A_PAIR:
        rows += getattr(module, "bars", lambda _: [])(bench)
    return rows


def report(bench, path):
    rows = []
    for (case, system, metric), values in bench.samples.items():
        rows.append(dict(case=case, system=system, metric=metric, unit=bench.units[metric],
                         median=round(statistics.median(values), 4), min=round(min(values), 4),
                         max=round(max(values), 4), runs=len(values),
                         params=bench.params.get((case, system), "")))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
    print(f"{'case':30} {'system':18} {'metric':11} {'median':>14} {'min':>14} {'max':>14} unit")
    for row in rows:
        digits = 0 if row["median"] >= 1000 else 2
        print(f"{row['case']:30} {row['system']:18} {row['metric']:11} {row['median']:14,.{digits}f} "
              f"{row['min']:14,.{digits}f} {row['max']:14,.{digits}f} {row['unit']}")
    print()
    for name, value, sense, bar in bars(bench):
        if value is None:
            if not bench.only:
                print(f"  not measured  {name}")
            continue
        held = value >= bar if sense == ">=" else value <= bar
        print(f"  {'holds      ' if held else 'FALLS SHORT'}  {name}: {value:.2f} (bar {sense} {bar})")
    for name, reason in sorted(bench.left_out.items()):
        print(f"  left out       {name}: {reason}")
    if bench.failures:
        print(f"  FAILED         {bench.failures} runs of muster; why is in the lines on standard error")
    print(f"\n{len(rows)} rows in {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two short runs of everything")
    parser.add_argument("--runs", type=int, help="repetitions; 5, or 2 when quick")
    parser.add_argument("--trials", type=int, help="of each kind of failover; 10, 5 when quick, 100 when they are asked for")
    parser.add_argument("--only", help="only cases whose name contains TEXT")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release"), help="a build tree")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "bench", "results.json"))
    parser.add_argument("--disk", help="where servers keep their data: on a real disk; the folder of --out")
    arguments = parser.parse_args()
    if not os.path.exists(os.path.join(arguments.bin, "bench", "bench_load")):
        sys.exit(f"run.py: no drivers in {arguments.bin}: make bench builds them")
    tempfile.tempdir = os.path.abspath(arguments.disk or os.path.dirname(os.path.abspath(arguments.out)))
    os.makedirs(tempfile.tempdir, exist_ok=True)
    bench = Bench(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for case in CASES:
        case(bench)
    report(bench, os.path.abspath(arguments.out))
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
