#!/usr/bin/env python3
"""kill -9 of the master at random moments, under load from clients and slaves: real processes, real signals.

torture.py --bin build/debug/bin --seconds 60 --seed 7 [--kills 200]. The first of both bounds that is reached
ends the storm; then the load stops, everything must come to its end, and checker.py looks at what the processes
wrote down. The seed fixes the plan of the storm and the commands, not the interleaving.

torture.py --pair ... does worse things to a pair of masters: pair_run.py.
"""
import argparse
import datetime
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import checker
import histories

NS = 1_000_000_000
ROUND_S = (0.2, 1.8)  # from serving to the next kill
EARLY_S = (0.0, 0.05)  # a kill that may hit the recovery itself
EARLY_SHARE, DOWN_SHARE = 0.08, 0.25
DOWN_S = 0.3  # the master stays away for up to so long, in DOWN_SHARE of the rounds
SLAVE_KILL_SHARE, SLAVE_STOP_SHARE, CLIENT_KILL_SHARE = 0.12, 0.10, 0.25
STOP_S = (0.05, 4.0)
WALK_TICKS = 5  # a dead slave holds up recovered commands so long; the round after its death is longer
CLIENT_END_S = 120
DRAIN_S = 90
POLL_S = 0.001


def now():
    return time.monotonic_ns()


class Failed(Exception):
    """A process did what it must not; the sentence is in the driver's history."""


class Storm:
    """Shaped like harness.Cluster, so that its programs and questions work, but with a master that dies."""

    def __init__(self, arguments, harness):
        self.arguments, self.harness = arguments, harness
        self.rng = random.Random(arguments.seed)
        self.folder = tempfile.mkdtemp(prefix="muster-torture-")
        self.history = open(os.path.join(self.folder, "driver.log"), "w")
        self.programs, self.slaves, self.clients, self.thaws = [], [], [], []
        self.master, self.port, self.address = None, 0, "127.0.0.1:0"
        self.lives = self.served = self.kills = 0
        self.is_walking = False  # a slave died, and no round since was long enough to find out
        self.question = None
        self.wall_offset = time.time_ns() - now()

    # --- processes --------------------------------------------------------------------------------------

    def note(self, what, **more):
        self.history.write(json.dumps({"t": now(), "what": what, **more}) + "\n")
        self.history.flush()

    def fail(self, text):
        self.note("failed", text=text)
        raise Failed(text)

    def start(self, name, arguments, environment=None):
        program = self.harness.Program(self, f"out-{name}", arguments, environment)
        self.programs.append(program)
        return program

    def expect_alive(self, program):
        if program.process.poll() is not None:
            self.fail(f"{program.name} ended with {program.process.returncode}: {program.log()[-2000:]}")

    def tend(self):
        """Everything that should live does."""
        for program in [self.master, *self.slaves, *self.clients]:
            if program is not None:
                self.expect_alive(program)

    def start_master(self):
        self.lives += 1
        port_file = os.path.join(self.folder, "port")
        data = ["--data", os.path.join(self.folder, "data")] if not self.arguments.mem else []
        self.note("master_started", life=self.lives)
        self.master = self.start(f"master-{self.lives}", [
            "muster-master", "--listen", self.address, "--port-file", port_file, "--tick", self.arguments.tick, *data,
            *self.arguments.master_option])
        if self.port == 0:
            self.harness.wait_until("the first master serves", lambda: (self.expect_alive(self.master),
                                                                       os.path.exists(port_file))[1])
            with open(port_file) as file:
                self.address = file.read().strip()
            self.port = int(self.address.rsplit(":", 1)[1])

    def serves_now(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def await_service(self, until_ns):
        """False when that moment comes before it serves."""
        while not self.serves_now():
            if now() >= until_ns:
                return False
            self.expect_alive(self.master)
            time.sleep(POLL_S)
        if self.served < self.lives:
            self.served = self.lives
            self.note("master_serving", life=self.lives)
        return True

    def kill_master(self):
        self.expect_alive(self.master)
        self.master.kill()
        self.note("master_killed", life=self.lives)
        self.master = None
        self.kills += 1

    def start_slave(self, place):
        """Each process has a name of its own, so that a session's end tells which one was meant."""
        generation = sum(program.name.startswith(f"out-slave-{place}-") for program in self.programs) + 1
        is_isolated = place < self.arguments.isolated
        handler = os.path.join(self.arguments.parts, "torture.so") + ":" + self.folder
        options = ["--handler", handler + ",isolated", "--isolate"] if is_isolated else ["--handler", handler]
        name = f"s{place}-{generation}"
        slave = self.start(f"slave-{place}-{generation}", [
            "muster-slave", "--name", name, "--slots", "4", "--handlers", "", *options, self.address])
        self.note("slave_started", name=name, pid=slave.pid)
        return slave

    def start_client(self, place):
        generation = sum(program.name.startswith(f"out-client-{place}-") for program in self.programs) + 1
        uuid = hashlib.md5(f"{self.arguments.seed} {place}".encode()).hexdigest()
        backlog = self.arguments.backlog // self.arguments.clients
        history = os.path.join(self.folder, f"client-{place}-{uuid}.log")
        numbers = [self.arguments.seed * 1000 + place, self.arguments.window, backlog,
                   int(self.arguments.seconds * 1000), self.arguments.once]
        client = self.start(f"client-{place}-{generation}", [
            os.path.join(self.arguments.parts, "torture_client"), history, self.address, uuid, *map(str, numbers)])
        self.note("client_started", client=place, pid=client.pid)
        return client

    # --- the storm --------------------------------------------------------------------------------------

    def kill_slave(self):
        place = self.rng.randrange(len(self.slaves))
        slave = self.slaves[place]
        self.expect_alive(slave)
        self.thaw(slave)
        slave.kill()
        self.note("slave_killed", pid=slave.pid)
        self.slaves[place] = self.start_slave(place)
        self.is_walking = True

    def stop_slave(self):
        slave = self.rng.choice(self.slaves)
        if any(stopped is slave for _, stopped in self.thaws):
            return
        self.note("slave_stopped", pid=slave.pid)
        slave.stop()
        self.thaws.append((now() + int(self.rng.uniform(*STOP_S) * NS), slave))
        self.is_walking = True

    def thaw(self, slave):
        if any(stopped is slave for _, stopped in self.thaws):
            self.thaws = [(t, stopped) for t, stopped in self.thaws if stopped is not slave]
            self.note("slave_continued", pid=slave.pid)  # before it is: what it then begins comes after
            slave.go_on()

    def kill_client(self):
        place = self.rng.randrange(len(self.clients))
        self.expect_alive(self.clients[place])
        self.clients[place].kill()
        self.note("client_killed", client=place)
        self.clients[place] = self.start_client(place)

    def let_pass(self, until_ns):
        """The storm blows on: nothing is waited for here but the planned moment."""
        while now() < until_ns:
            due = min([until_ns] + [t for t, _ in self.thaws])
            time.sleep(max(0, due - now()) / NS)
            for t, slave in list(self.thaws):
                if t <= now():
                    self.thaw(slave)

    def plan_round(self, length_s):
        share = self.rng.random
        actions = [action for limit, action in ((SLAVE_KILL_SHARE, self.kill_slave),
                                                (SLAVE_STOP_SHARE, self.stop_slave),
                                                (CLIENT_KILL_SHARE, self.kill_client)) if share() < limit]
        return sorted(((self.rng.uniform(0, length_s), action) for action in actions), key=lambda plan: plan[0])

    def ask_live(self):
        self.question = (self.lives, subprocess.Popen(
            [os.path.join(self.harness.BIN, "muster"), "--master", self.address, "status", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))

    def hear_live(self):
        """What the master answered, unless it was killed too early for that."""
        if self.question is None:
            return
        life, process = self.question
        self.question = None
        if process.poll() is None:
            process.kill()
        text = process.communicate()[0]
        if process.returncode == 0:
            self.note("live", life=life, live=live_commands(json.loads(text)))

    def round(self):
        length_s = self.rng.uniform(*ROUND_S)
        if self.rng.random() < EARLY_SHARE:
            early = now() + int(self.rng.uniform(*EARLY_S) * NS)
            if self.await_service(early):
                self.let_pass(early)
        else:
            if not self.await_service(now() + self.harness.LIMIT_S * NS):
                self.fail("the master does not serve")
            if self.is_walking:
                length_s += WALK_TICKS * self.tick_s()
                self.is_walking = False
            self.ask_live()
            begun = now()
            for moment, action in self.plan_round(length_s):
                self.let_pass(begun + int(moment * NS))
                action()
            self.let_pass(begun + int(length_s * NS))
        self.tend()
        self.hear_live()
        self.kill_master()
        if self.rng.random() < DOWN_SHARE:
            self.let_pass(now() + int(self.rng.uniform(0, DOWN_S) * NS))

    def tick_s(self):
        return float(self.arguments.tick[:-2]) / 1000

    def run(self):
        self.note("plan", tick_ms=int(self.arguments.tick[:-2]), arguments=sys.argv[1:])
        self.start_master()
        if not self.await_service(now() + self.harness.LIMIT_S * NS):
            self.fail("the first master does not serve")
        self.slaves = [self.start_slave(place) for place in range(self.arguments.slaves)]
        self.harness.wait_until("all slaves serve", lambda: (self.tend(), self.status()["slots"] ==
                                                            4 * self.arguments.slaves)[1])
        self.clients = [self.start_client(place) for place in range(self.arguments.clients)]
        end = now() + int(self.arguments.seconds * NS)
        while True:
            self.round()
            self.start_master()
            if now() >= end or self.kills >= self.arguments.kills:
                break
        self.calm()

    # --- afterwards -------------------------------------------------------------------------------------

    def status(self):
        done = subprocess.run([os.path.join(self.harness.BIN, "muster"), "--master", self.address, "status", "--json"],
                              capture_output=True, timeout=self.harness.LIMIT_S, check=False)
        if done.returncode != 0:
            self.fail(f"muster status: {done.returncode}: {done.stderr.decode()}")
        return json.loads(done.stdout)

    def calm(self):
        """The load stops, and all that was accepted comes to its end."""
        if not self.await_service(now() + self.harness.LIMIT_S * NS):
            self.fail("the last master does not serve")
        self.come_to_rest()

    def come_to_rest(self):
        for _, slave in list(self.thaws):
            self.thaw(slave)
        for client in self.clients:
            self.expect_alive(client)
            client.signal(signal.SIGTERM)
        for client in self.clients:
            self.expect_end(client, CLIENT_END_S)
        self.clients = []
        try:
            self.harness.wait_until("nothing is left", lambda: (self.tend(), live_commands(self.status()) == 0)[1],
                                    DRAIN_S)
        except AssertionError:
            pass  # the checker says so
        self.note("left", status=self.status())
        self.restart_empty()

    def restart_empty(self):
        """What is on the disk is as empty as what was in memory, and everybody goes in peace."""
        is_empty = live_commands(self.status()) == 0
        self.kill_master()
        self.start_master()
        if not self.await_service(now() + self.harness.LIMIT_S * NS):
            self.fail("the empty master does not serve")
        if is_empty and live_commands(self.status()) != 0:
            self.note("failed", text=f"commands rose from the dead: {self.status()}")
        for slave in self.slaves:
            self.expect_alive(slave)
            slave.signal(signal.SIGTERM)
        for slave in self.slaves:
            self.expect_end(slave, self.harness.LIMIT_S)
        self.slaves = []
        self.master.signal(signal.SIGTERM)
        self.expect_end(self.master, self.harness.LIMIT_S)
        self.master = None
        if not self.arguments.mem:
            self.look_at_data()

    def look_at_data(self):
        data = os.path.join(self.folder, "data")
        size = sum(os.stat(os.path.join(folder, name)).st_blocks * 512 for folder, _, names in os.walk(data)
                   for name in names)
        self.note("data", bytes=size)
        if self.arguments.verify:
            done = subprocess.run([os.path.join(self.harness.BIN, "muster"), "check", data], capture_output=True,
                                  timeout=self.harness.LIMIT_S, check=False)
            if done.returncode != 0:
                self.note("failed", text=f"muster check: {done.returncode}: {(done.stdout + done.stderr).decode()}")

    def expect_end(self, program, limit_s):
        try:
            program.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.fail(f"{program.name} did not end within {limit_s} s; status: {self.status()}")
        if program.process.returncode != 0:
            self.fail(f"{program.name} ended with {program.process.returncode}: {program.log()[-2000:]}")

    def finish(self):
        for program in self.programs:
            if program.process.poll() is None:
                program.go_on()
                program.kill()
        self.hear_live()
        for program in self.programs:
            if program.name.startswith("out-master-"):
                for line in program.log().splitlines():
                    self.note_death(*histories.death_in(line))
        self.history.close()

    def note_death(self, when, name):
        if name is None:
            return
        wall = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
        t = int(wall.timestamp() * 1000) * 1_000_000 - self.wall_offset
        self.history.write(json.dumps({"t": t, "what": "died", "name": name}) + "\n")


def live_commands(status):
    return sum(histories.unfinished(status).values())


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=os.environ.get("MS_BIN_DIR"), help="where muster-master is")
    parser.add_argument("--parts", help="where torture_client and torture.so are; default: in the same build")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--slaves", type=int, default=8)
    parser.add_argument("--isolated", type=int, default=2, help="slaves whose handlers may crash")
    parser.add_argument("--window", type=int, default=300, help="of each client")
    parser.add_argument("--backlog", type=int, default=0, help="commands that wait until the storm is over")
    parser.add_argument("--once", type=int, help="percent of the work that may be started once only [4, with --mem 0]")
    parser.add_argument("--tick", default="400ms")
    parser.add_argument("--recovery-ms", type=int, default=checker.Rules.recovery_ms, help="at least allowed")
    parser.add_argument("--master-option", action="append", default=[], help="handed on; may be repeated")
    parser.add_argument("--mem", action="store_true", help="without --data: only what such a master promises")
    parser.add_argument("--strict", action="store_true", help="unacknowledged work must not be repeated either")
    parser.add_argument("--verify", action="store_true", help="let muster check look at the data in the end")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    parser.add_argument("--exempt", action="store_true", help="list what was exempt, and why")
    arguments = parser.parse_args()
    if arguments.bin is None:
        parser.error("--bin or MS_BIN_DIR must say where the programs are")
    if not re.fullmatch(r"\d+ms", arguments.tick):
        parser.error("--tick is in ms")
    if arguments.once is None:
        arguments.once = 0 if arguments.mem else 4
    arguments.bin = os.path.abspath(arguments.bin)
    arguments.parts = arguments.parts or os.path.join(os.path.dirname(arguments.bin), "tests/integration/torture")
    return arguments


def main():
    if "--pair" in sys.argv:
        import pair_run
        pair_run.main()
    arguments = parse()
    os.environ["MS_BIN_DIR"] = arguments.bin
    import harness
    storm = Storm(arguments, harness)
    print(f"torture: seed {arguments.seed}, {'mem' if arguments.mem else 'durable'}, in {storm.folder}", flush=True)
    try:
        storm.run()
    except Failed as failure:
        print(f"FAILED: {failure}", flush=True)
    except AssertionError as failure:
        storm.note("failed", text=str(failure))
    finally:
        storm.finish()
    verdict = checker.check(histories.read_folder(storm.folder), checker.Rules(
        is_durable=not arguments.mem, is_strict=arguments.strict, recovery_ms=arguments.recovery_ms))
    checker.show(verdict, arguments.exempt)
    if verdict.violations:
        print(f"kept {storm.folder}\nlook again: {sys.executable} {os.path.join(HERE, 'checker.py')} {storm.folder}"
              f"{' --mem' if arguments.mem else ''}\nagain: {sys.executable} {' '.join(sys.argv)}"
              f"{'' if '--seed' in ' '.join(sys.argv) else f' --seed {arguments.seed}'}", flush=True)
    elif not arguments.keep:
        shutil.rmtree(storm.folder)
    sys.exit(1 if verdict.violations else 0)


if __name__ == "__main__":
    main()
