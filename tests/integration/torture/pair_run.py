"""torture.py --pair: randomised faults of a pair of masters. Each run is one fault, with what happens to slaves and clients
meanwhile; a new pair is made after a dozen of them, and its history is checked."""
import argparse
import os
import shutil
import subprocess
import sys
import time

import histories
import pair_checker
import spaces
from checker import show
from torture import Failed

PRIVATE = "MS_TORTURE_PRIVATE"
ENDLESS = 1 << 30


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--pair", action="store_true", required=True)
    parser.add_argument("--bin", default=os.environ.get("MS_BIN_DIR"), help="where muster-master is")
    parser.add_argument("--parts", help="where the parts of the torture are; default: in the same build")
    parser.add_argument("--seconds", type=float, default=ENDLESS, help="no new fault begins after them")
    parser.add_argument("--runs", type=int, default=ENDLESS, help="faults in all")
    parser.add_argument("--faults", type=int, default=12, help="for each pair that is made")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--only", action="append", default=[], help="a kind of fault; may be repeated")
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--window", type=int, default=60, help="of each client")
    parser.add_argument("--once", type=int, default=4, help="percent of the work that may be started once only")
    parser.add_argument("--master-log", default="info", help="level")
    parser.add_argument("--keep", action="store_true", help="keep the folders in any case")
    parser.add_argument("--exempt", action="store_true", help="list what was exempt, and why")
    arguments = parser.parse_args()
    if arguments.bin is None:
        parser.error("--bin or MS_BIN_DIR must say where the programs are")
    if arguments.seconds == ENDLESS and arguments.runs == ENDLESS:
        arguments.seconds = 60
    arguments.bin = os.path.abspath(arguments.bin)
    arguments.parts = arguments.parts or os.path.join(os.path.dirname(arguments.bin), "tests/integration/torture")
    arguments.backlog, arguments.isolated = 0, 1
    return arguments


def become_private():
    """Root mounts small disks and makes networks, where nobody else sees them and where they are gone when we are."""
    if os.geteuid() == 0 and PRIVATE not in os.environ and shutil.which("unshare"):
        if subprocess.run(["unshare", "--mount", "--net", "true"], check=False).returncode == 0:
            os.execvpe("unshare", ["unshare", "--mount", "--net", sys.executable, "-B", *sys.argv],
                       {**os.environ, PRIVATE: "1"})
    return PRIVATE in os.environ


def one_pair(arguments, harness):
    """(the verdict, the pauses of each kind of fault)"""
    from pair_storm import PairStorm  # after MS_BIN_DIR is set
    storm = PairStorm(arguments, harness)
    print(f"pair: seed {arguments.seed}, {storm.count} slaves, in {storm.folder}", flush=True)
    try:
        storm.run()
    except Failed as failure:
        print(f"FAILED: {failure}", flush=True)
    except AssertionError as failure:
        storm.note("failed", text=str(failure))
    finally:
        storm.finish()
    history = histories.read_folder(storm.folder)
    verdict = pair_checker.check(history)
    show(verdict, arguments.exempt)
    if verdict.violations:
        print(f"kept {storm.folder}\nlook again: {sys.executable} {os.path.abspath(pair_checker.__file__)} "
              f"{storm.folder}", flush=True)
    elif not arguments.keep:
        shutil.rmtree(storm.folder)
    return verdict, pair_checker.pauses_of(history)


def main():
    arguments = parse()
    arguments.may_mount = become_private()
    arguments.has_spaces = arguments.may_mount and spaces.make()
    os.environ["MS_BIN_DIR"] = arguments.bin
    import harness
    begun, first, wanted, seconds = time.monotonic(), arguments.seed, arguments.runs, arguments.seconds
    pauses, bad, pairs, count = {}, [], 0, 0
    while count < wanted and (pairs == 0 or time.monotonic() - begun < seconds):
        arguments.seconds = seconds - (time.monotonic() - begun)
        arguments.faults = min(arguments.faults, wanted - count)
        arguments.seed = first + pairs
        try:
            verdict, done = one_pair(arguments, harness)
        except KeyboardInterrupt:
            break
        pairs += 1
        for name, times in done.items():
            pauses.setdefault(name, []).extend(times)
            count += len(times)
        if verdict.violations:
            bad.append(arguments.seed)
    print(f"{count} faults in {pairs} pairs; of each kind the pauses without an outcome, in ms:", flush=True)
    for name, times in sorted(pauses.items()):
        times.sort()
        print(f"    {name:16} {len(times):5} times, median {times[len(times) // 2]}, longest {times[-1]}", flush=True)
    if bad:
        print(f"violations in pairs of seed {', '.join(map(str, bad))}; again: --pair --seed SEED", flush=True)
    sys.exit(1 if bad else 0)
