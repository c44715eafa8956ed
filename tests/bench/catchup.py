"""How long a standby that was killed and started again is not in S, and what crosses the link for it: the cases of
`run.py --only catchup`. See README.md."""
import json
import re
import subprocess
import time

from durable import fill
from harness import PLACES, START_S, Failed
from sync import SYNC, PairServer, prepare

WAITING = (100000, 1000000)
BACK_S = 60


def copies(bench, server):
    """On how many disks the active has everything; 0 when it does not answer."""
    done = subprocess.run([bench.bins + "/bin/muster", "--master", f"127.0.0.1:{server.port}", "pair", "--json"],
                          capture_output=True, text=True, check=False)
    return json.loads(done.stdout)[0].get("copies", 0) if done.stdout else 0


def await_copies(bench, server, wanted, span_s):
    end = time.monotonic() + span_s
    while copies(bench, server) != wanted:
        if time.monotonic() > end:
            raise Failed(f"not {wanted} copies in {span_s} s")
        time.sleep(0.02)


def sent(server):
    """Bytes that the active has sent on its largest connection: all of the others are of `muster` itself."""
    lines = subprocess.run(["ss", "-Htinp", "state", "established"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return max((int(found.group(1)) for at, line in zip(lines, lines[1:]) if f"pid={server.pid}," in at
                for found in [re.search(r"bytes_acked:(\d+)", line)] if found), default=0)


def back(bench, server):
    """Kills the standby and starts it again: seconds from exec until it is in S, and bytes."""
    command = server.standby.args
    server.standby.kill()
    server.standby.wait()
    await_copies(bench, server, 1, START_S)
    begun = time.monotonic()
    server.standby = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await_copies(bench, server, 2, BACK_S)
    return time.monotonic() - begun, sent(server)


def cases(bench):
    for commands in WAITING:
        case, count = f"catchup-{commands}", bench.count(commands)
        if not bench.only or bench.only not in case:
            continue
        prepare(bench)
        if not bench.present([SYNC]):
            return
        server = PairServer(bench.systems[SYNC], PLACES["split"][0], 64)
        try:
            fill(bench, server, count)
            await_copies(bench, server, 2, START_S)
            for _ in range(bench.runs):
                seconds, size = back(bench, server)
                bench.add(case, SYNC, "back", "s", seconds)
                bench.add(case, SYNC, "sent", "bytes", size)
            bench.params[case, SYNC] = f"{count} x 64 B wait, standby killed"
        except Failed as error:
            bench.failed(case, SYNC, error)
        finally:
            server.close()


CASES = [cases]
