#!/usr/bin/env python3
"""Runs the model of the pair of masters and compares what spin finds with what must be found.

check.py [--quick] [--only TEXT] [-k 3] [--jobs N] [--show] [--build DIR]

Three kinds of runs: the rules as they stand (no error may be found, and the search must be complete), the rules with
one removed (the named invariant must break), and probes (the state must be reachable). Prints a table; the exit status
is 0 only if every line is as expected. --show prints the shortest way to each error that was found.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = HERE / "pair.pml"
SKIPPED = 77
MEMORY_MAX_MB = 3500
SECONDS_MAX = 3000
SOUND = None

# Lists of witnesses as sets of bits.
ONE, OTHER, THREE, NEXT_THREE = 1, 2, 7, 14
PAIR_WORKS = "act[1] > 1 && prom[1] == act[1] && IS_PAIR(set[act[1]]) && acked2 && (log[0] & acked2)"


def change(old, new, witnesses, **sizes):
    return {"NW": witnesses, "L0": old, "L1": new, **sizes}


class Case:
    """One run: sizes and switches of the model, and the invariant that must break, or SOUND."""

    def __init__(self, title, expect, quick=False, k=None, **defines):
        self.title, self.expect, self.is_quick, self.k = title, expect, quick, k
        self.defines = defines

    def is_breadth_first(self):
        """Counter-examples shall be the shortest; to reach a state, any way will do."""
        return self.expect not in (SOUND, "REACHED")

    def source(self):
        """A file that includes the model. Not -D flags: spin hands those to a shell."""
        switches = {**self.defines, "SHORTEST": True} if self.is_breadth_first() else dict(self.defines)
        lines = [f"#define {name}{'' if value is True else f' ({value})'}" for name, value in switches.items()]
        return "\n".join([*lines, f'#include "{MODEL}"', ""])

    def sizes(self):
        return " ".join(f"{name}={value}" for name, value in self.defines.items()
                        if value is not True and name != "PROBE")


def sound_cases():
    fixed = "fixed list"
    yield Case(fixed, SOUND, quick=True, K=0, E=4)
    yield Case(fixed, SOUND, K=0, E=5)
    yield Case(fixed, SOUND, quick=True, K=1, E=3)
    yield Case(fixed, SOUND, K=1, E=4)
    yield Case(fixed, SOUND, K=1, E=3, NC=2)
    yield Case(fixed, SOUND, K=2, E=4)
    wiped = "wiped disks"
    yield Case(wiped, SOUND, quick=True, K=0, E=3, WIPES=1)
    yield Case(wiped, SOUND, K=0, E=4, WIPES=2)
    yield Case(wiped, SOUND, quick=True, K=1, E=3, WIPES=1)
    yield Case(wiped, SOUND, K=1, E=4, WIPES=1)
    yield Case(wiped, SOUND, K=1, E=4, WIPES=2, NC=0)
    yield Case(wiped, SOUND, K=2, E=3, WIPES=1)
    yield Case("bootstrap", SOUND, quick=True, K=0, E=3, BOOT=True)
    yield Case("bootstrap, wiped disks", SOUND, K=0, E=4, WIPES=1, BOOT=True)
    yield Case("bootstrap, wiped disks", SOUND, K=1, E=4, WIPES=1, BOOT=True)
    yield Case("list {} to {1}", SOUND, **change(0, ONE, 1, E=3))
    yield Case("list {} to {1}", SOUND, **change(0, ONE, 1, E=4, NC=0))
    yield Case("list {1} to {}", SOUND, quick=True, **change(ONE, 0, 1, E=3, NC=0))
    yield Case("list {1} to {}", SOUND, **change(ONE, 0, 1, E=4, NC=0))
    yield Case("list {1} to {2}", SOUND, **change(ONE, OTHER, 2, E=3))
    yield Case("list {1} to {2}", SOUND, **change(ONE, OTHER, 2, E=4, NC=0))
    yield Case("list {1} to {2}, wiped disks", SOUND, **change(ONE, OTHER, 2, E=3, NC=0, WIPES=1))
    yield Case("lists {1}, {2}, {}, two changes", SOUND, **change(ONE, OTHER, 2, L2=0, VERSIONS=4, E=3, NC=0))
    yield Case("list {1} to {1,2,3}", SOUND, **change(ONE, THREE, 3, E=3, NC=0))
    yield Case("list {1,2,3} to {2,3,4}", SOUND, **change(THREE, NEXT_THREE, 4, E=3, NC=0))
    yield Case(fixed, SOUND, k=3, K=3, E=3)
    yield Case(fixed, SOUND, k=3, K=3, E=4)
    yield Case(wiped, SOUND, k=3, K=3, E=3, WIPES=1)


def broken_cases():
    yield Case("active degrades without a vote", "I1|I6", quick=True, K=1, E=3, MUT_DEGRADE=True)
    yield Case("candidates need not be in S", "I1|I6", quick=True, K=1, E=3, MUT_ELIGIBLE=True)
    yield Case("a proposer goes on serving", "I1|I6", K=1, E=4, MUT_IGNORE=True)
    yield Case("a witness forgets its promise", "I2", quick=True, K=1, E=3, MUT_AMNESIA=True)
    yield Case("half is a majority", "I2", quick=True, K=2, E=3, MUT_HALF=True)
    yield Case("one of three witnesses is enough", "I2", quick=True, K=3, E=3, MUT_EVIDENCE=True)
    yield Case("k = 0: the standby goes alone", "I2|I6", quick=True, K=0, E=3, MUT_INCUMBENT=True)
    yield Case("k = 0: a candidate names itself incumbent", "I2|I6", quick=True, K=0, E=3, MUT_SELFNAME=True)
    yield Case("CONSENT decided with witnesses", "I1|I6", K=1, E=4, MUT_CONSENT=True)
    yield Case("a fresh node votes", "I2", quick=True, K=0, E=3, WIPES=1, MUT_FRESH_VOTES=True)
    yield Case("a fresh node votes", "I2", K=1, E=3, WIPES=1, MUT_FRESH_VOTES=True)
    yield Case("a fresh node serves", "I2|I6", K=1, E=3, WIPES=1, MUT_FRESH_SERVES=True)
    yield Case("a wiped node keeps its name and votes", "I2", quick=True, K=1, E=3, WIPES=1, MUT_IDENTITY=True)
    yield Case("who is caught up is a member", "I2", K=1, E=3, WIPES=1, MUT_CAUGHT_UP=True)
    yield Case("a newcomer votes on its admission", "I2", K=1, E=3, WIPES=1, MUT_NEWCOMER_VOTES=True)
    yield Case("bootstrap: silence is consent", "I2", quick=True, K=0, E=3, BOOT=True, MUT_BOOT_SILENCE=True)
    yield Case("bootstrap: who answers is not bound", "I2", quick=True, K=0, E=3, BOOT=True, MUT_BOOT_UNBOUND=True)
    yield Case("list changed by one master alone", "I2", **change(ONE, OTHER, 2, E=3, NC=0), MUT_LIST_ALONE=True)
    yield Case("dead witness removed by one master", "I2", quick=True, **change(ONE, 0, 1, E=3, NC=0),
               MUT_LIST_ALONE=True)
    yield Case("two of three removed by one master", "I2", **change(THREE, ONE, 3, E=3, NC=0), MUT_LIST_ALONE=True)
    yield Case("a fresh node confirms a list", "I2", **change(ONE, OTHER, 2, E=3, NC=0, WIPES=1), MUT_LIST_FRESH=True)
    yield Case("no joint majority: only the new list", "I2", **change(ONE, OTHER, 2, E=3, NC=0), MUT_JOINT_NEW=True)
    yield Case("no joint majority: only the old list", "I2", **change(ONE, OTHER, 2, E=3, NC=0), MUT_JOINT_OLD=True)
    yield Case("who follows stays a candidate", "I2", **change(ONE, OTHER, 2, E=3, NC=0), MUT_CANDIDATE=True)
    yield Case("a list is taken before the configuration", "I2", **change(ONE, 0, 1, E=4, NC=0), MUT_UNLED=True)


def probe_cases():
    def probe(title, condition, **options):
        return Case(title, "REACHED", PROBE=condition, **options)

    yield probe("B serves a pair that has acknowledged", PAIR_WORKS, quick=True, K=1, E=3)
    yield probe("the same, no witness", PAIR_WORKS, K=0, E=3)
    yield probe("a decided CONSENT is served", "act[0] == 3 && kind[SLOT(3, 0)] == CONSENT", quick=True, K=0, E=3)
    yield probe("the active was wiped; B serves and has admitted it",
                "inc[0] == 1 && state[0] == MEMBER && act[1] == 3 && IS_PAIR(set[3]) && acked2", K=1, E=3, WIPES=1)
    yield probe("and the admitted one serves alone, with what was acknowledged",
                "inc[0] == 1 && act[0] == 4 && set[4] == ME(0) && inc[1] == 0 && acked2", K=1, E=4, WIPES=1)
    yield probe("no witness: a wiped standby is admitted and handed the role",
                "inc[1] == 1 && act[1] == 3", K=0, E=3, WIPES=1)
    yield probe("a cluster is made of two empty nodes", "act[0] == 2 && acked2", quick=True, K=0, E=3, BOOT=True)
    yield probe("both know only the new list, B was elected by it",
                "act[1] == 2 && set[2] == ME(1) && cfg[0] == CFG(1, NO_LIST, 2) && cfg[1] == cfg[0]",
                **change(ONE, OTHER, 2, E=3, NC=0))
    yield probe("an election while the list is being changed",
                "act[1] == 2 && set[2] == ME(1) && NXT(cfg[1]) == 1 && NXT(cfg[0]) == 1",
                **change(ONE, OTHER, 2, E=3, NC=0))
    yield probe("a second change after the first", "CUR(cfg[0]) == 2 && cfg[1] == cfg[0]",
                **change(ONE, OTHER, 2, L2=0, VERSIONS=4, E=3, NC=0))


class Runner:
    """Runs commands in a folder, one after the other, and adds up the processor time they take."""

    def __init__(self, folder):
        self.folder, self.seconds = folder, 0.0

    def __call__(self, command, log):
        with open(self.folder / log, "w", encoding="utf-8") as out:
            process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=subprocess.STDOUT)
            timer = threading.Timer(SECONDS_MAX, process.kill)
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds += usage.ru_utime + usage.ru_stime
        return process.returncode


class Result:
    def __init__(self, case, states="-", found="", text=""):
        self.case, self.states, self.found, self.text = case, states, found, text
        self.seconds, self.cpu_seconds, self.megabytes = 0.0, 0.0, 0

    def is_expected(self):
        if self.case.expect is SOUND:
            return self.found == "none"
        return re.fullmatch(self.case.expect, self.found) is not None


def explore(case, run, show):
    """Makes spin's verifier for the case, runs it, and reads its report."""
    (run.folder / "run.pml").write_text(case.source(), encoding="utf-8")
    # Small runs spend their time in the compiler.
    optimise = "-O0" if case.is_quick else "-O1"
    breadth = ["-DBFS"] if case.is_breadth_first() else []
    compiler = os.environ.get("CC") or "gcc"
    if run(["spin", "-a", "run.pml"], "spin.log") != 0:
        return Result(case, found=f"spin failed, see {run.folder}/spin.log")
    if run([compiler, "-w", optimise, "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MAX_MB}", *breadth, "-o", "pan",
            "pan.c"], "compiler.log") != 0:
        return Result(case, found=f"compiler failed, see {run.folder}/compiler.log")
    if run(["./pan", "-m1000000", "-w22"], "pan.log") < 0:
        return Result(case, found="no end")
    result = read_report(case, (run.folder / "pan.log").read_text(encoding="utf-8"))
    if show and (run.folder / "run.pml.trail").exists():
        run(["spin", "-t", "run.pml"], "trail.log")
        steps = (run.folder / "trail.log").read_text(encoding="utf-8").split("spin: trail ends")[0]
        result.text = "\n".join(line for line in steps.splitlines()
                                if line.strip() and not line.startswith("spin: text"))
    for leftover in ("pan", *(path.name for path in run.folder.glob("pan.[a-z]"))):
        (run.folder / leftover).unlink(missing_ok=True)
    return result


def read_report(case, report):
    states = re.search(r"^\s*(\d+) states, stored", report, re.M)
    memory = re.search(r"^\s*([\d.]+)\s+total actual memory usage", report, re.M)
    errors = re.search(r"errors: (\d+)", report)
    broken = re.search(r"assertion violated \(*(I\d+|REACHED)", report)
    is_whole = not re.search(r"Search not completed|max search depth too small|out of memory|aborted", report)
    if broken:
        found = broken.group(1)
    elif errors and errors.group(1) == "0" and is_whole:
        found = "none"
    else:
        found = "incomplete"
    result = Result(case, states.group(1) if states else "-", found)
    result.megabytes = round(float(memory.group(1))) if memory else 0
    return result


def timed(case, folder, show):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin = time.monotonic()
    run = Runner(folder)
    result = explore(case, run, show)
    result.seconds, result.cpu_seconds = time.monotonic() - begin, run.seconds
    return result


def chosen(arguments):
    groups = [("the rules as they stand: no error", list(sound_cases())),
              ("one rule removed: the invariant that breaks", list(broken_cases())),
              ("probes: states that must be reachable", list(probe_cases()))]
    for title, cases in groups:
        kept = [case for case in cases if case.k == arguments.k and (case.is_quick or not arguments.quick)
                and (arguments.only or "") in case.title]
        if kept:
            yield title, kept


def row(result):
    states = f"{int(result.states):,}" if result.states.isdigit() else result.states
    mark = "" if result.is_expected() else "   <-- expected " + (result.case.expect or "none")
    return (f"  {result.case.title:64} {result.case.sizes():44} {states:>12} {result.found:>8} "
            f"{result.seconds:7.1f} {result.cpu_seconds:6.1f} {result.megabytes:6}{mark}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only what takes seconds")
    parser.add_argument("--only", help="only cases whose title contains this")
    parser.add_argument("-k", type=int, choices=[3], help="the long runs instead, with three witnesses")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", action="store_true", help="print the way to each error")
    parser.add_argument("--build", type=Path, default=HERE.parent.parent / "build" / "model")
    arguments = parser.parse_args()
    if shutil.which("spin") is None:
        print("no spin here; scripts/install-deps test brings it")
        return SKIPPED
    begin = time.monotonic()
    failed = count = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for title, cases in chosen(arguments):
            print(f"{title}\n  {'':64} {'sizes':44} {'states':>12} {'found':>8} {'seconds':>7} {'CPU s':>6} {'MB':>6}")
            jobs = [pool.submit(timed, case, arguments.build / f"{case.expect or 'sound'}-{number}".replace("|", "-"),
                                arguments.show) for number, case in enumerate(cases)]
            for job in jobs:
                result = job.result()
                count += 1
                failed += not result.is_expected()
                print(row(result), flush=True)
                if result.text:
                    print(result.text)
    print(f"{count} runs, {failed} not as expected, {time.monotonic() - begin:.0f} s")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
