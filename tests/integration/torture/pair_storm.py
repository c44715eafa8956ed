"""The torture of a pair: two masters, slaves that are witnesses, clients under load, and a network that can be told to be
bad. One fault after another; after each all is well again, and the pair must be whole before the next."""
import json
import os
import shutil
import signal
import subprocess
import time

import spaces
from proxy import HOLD, PASS, Proxy, program_in
from torture import NS, Storm, live_commands, now

SAFE_S = 60  # from the end of a fault until both have everything again, on a machine that does much else
TAKEOVER_S = 30
TICK_MS = 500
DISK_MIB, LEFT_MIB = 96, 1
STANDBY, ACTIVE = "standby", "active"
SLAVE_KILL_SHARE, SLAVE_STOP_SHARE, SLAVE_CUT_SHARE, CLIENT_KILL_SHARE = 0.15, 0.08, 0.08, 0.15
SETTLED_S = 0.3  # of load between two faults
FLAP_S = 0.05
SLOTS = 4


class PairStorm(Storm):
    def __init__(self, arguments, harness):
        super().__init__(arguments, harness)
        self.is_small_disk = arguments.may_mount and self.rng.random() < 0.4
        self.is_spaced = arguments.has_spaces and self.rng.random() < 0.4
        self.count = self.rng.choice((3, 5))
        self.masters = [None, None]
        self.faults_done = 0
        self.cuts = []  # (moment of healing, slave, its place)
        self.safe_ms = []
        self.stuck = os.path.join(arguments.parts, "..", "preload", "stuck.so")

    # --- processes --------------------------------------------------------------------------------------

    def path(self, name):
        return os.path.join(self.folder, name)

    def hosts(self):
        """Where both masters listen. Everybody but the operator reaches them through the proxy."""
        if self.is_spaced:
            return [spaces.address(place) for place in (0, 1)]
        return [f"127.0.0.1:{port}" for port in self.harness.free_ports(2)]

    def lay_links(self):
        self.addresses = self.hosts()
        self.address = ",".join(self.addresses)
        self.proxy = Proxy(program_in(self.arguments.parts), self.path("frames.log"))
        self.peers = [self.proxy.link(f"p:{place}", self.addresses[place], False,
                                      spaces.outside(1 - place) if self.is_spaced else "127.0.0.1") for place in (0, 1)]
        self.ways = {
            f"{kind}{number}": ",".join(self.proxy.link(f"{kind}{number}:{place}", self.addresses[place], True)
                                        for place in (0, 1))
            for kind, count in (("s", self.count), ("c", self.arguments.clients)) for number in range(count)}

    def data(self, place):
        return os.path.join(self.path(f"disk-{place}"), "data")

    def start_master(self, place, is_first=False):
        self.lives += 1
        self.note("pair_started", place=place, life=self.lives)
        self.masters[place] = self.harness.Program(self, f"out-master-{place}-{self.lives}", [
            "muster-master", "--listen", self.addresses[place], "--tick", f"{TICK_MS}ms", "--data", self.data(place),
            "--store-reserve", "1MiB", "--role", ("primary", "backup")[place], "--peer", self.peers[1 - place],
            "--log-level", self.arguments.master_log, *(["--bootstrap"] if is_first else [])], {
                "LD_PRELOAD": f"{self.stuck}:{os.path.join(self.arguments.parts, 'sync_fails.so')}",
                "MS_STUCK": self.path(f"stuck-record-{place}"), "MS_STUCK_FILE": "pair.meta",
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""),
                "MS_SYNC_FAILS": self.path(f"bad-disk-{place}")}, spaces.prefix(place) if self.is_spaced else [])
        self.programs.append(self.masters[place])

    def kill_master(self, place, is_expected=True):
        if is_expected:
            self.expect_alive(self.masters[place])
        self.masters[place].kill()
        self.note("pair_killed", place=place)
        self.masters[place] = None
        self.kills += 1

    def start_slave(self, place):
        """Each process has a name of its own; the witness in it is what its state directory says."""
        generation = sum(program.name.startswith(f"out-slave-{place}-") for program in self.programs) + 1
        handler = os.path.join(self.arguments.parts, "torture.so") + ":" + self.folder
        options = ["--handler", handler + ",isolated", "--isolate"] if place == 0 else ["--handler", handler]
        name = f"s{place}-{generation}"
        slave = self.start(f"slave-{place}-{generation}", [
            "muster-slave", "--name", name, "--slots", str(SLOTS), "--state", self.path(f"state-{place}"),
            "--handlers", "", *options, self.ways[f"s{place}"]], {
                "LD_PRELOAD": self.stuck, "MS_STUCK": self.path(f"stuck-vote-{place}"),
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")})
        self.note("slave_started", name=name, pid=slave.pid)
        return slave

    def start_client(self, place):
        direct, self.address = self.address, self.ways[f"c{place}"]
        try:
            return super().start_client(place)
        finally:
            self.address = direct

    def tend(self):
        for program in [*self.masters, *self.slaves, *self.clients]:
            if program is not None:
                self.expect_alive(program)

    # --- what they say ----------------------------------------------------------------------------------

    def ask(self, *arguments):
        try:
            return subprocess.run([os.path.join(self.harness.BIN, "muster"), "--master", self.address, *arguments],
                                  capture_output=True, timeout=self.harness.LIMIT_S, check=False, text=True)
        except subprocess.TimeoutExpired:
            self.fail(f"muster {' '.join(arguments)} does not end; the pair: {self.rows()}")

    def rows(self):
        return json.loads(self.ask("pair", "--json").stdout)

    def active(self):
        serving = [place for place, row in enumerate(self.rows())
                   if row["role"] == "active" and row["state"] in ("PAIR", "SOLO")]
        return serving[0] if len(serving) == 1 else None

    def is_safe(self):
        """Both have everything, most witnesses vote, and all slaves serve."""
        self.tend()
        rows = self.rows()
        active = [row for row in rows if row["state"] == "PAIR"]
        return (len(active) == 1 and active[0]["copies"] == 2 and any(row["state"] == "SYNC" for row in rows) and
                2 * active[0]["witnesses_connected"] > active[0]["witnesses"] > 0 and self.slots() == SLOTS * self.count)

    def slots(self):
        done = self.ask("status", "--json", "--connect-timeout", "2s")
        return json.loads(done.stdout)["slots"] if done.returncode == 0 else 0

    def await_that(self, what, condition, limit_s):
        begun = now()
        while not condition():
            if now() - begun > limit_s * NS:
                self.fail(f"not within {limit_s} s: {what}; the pair: {self.rows()}")
            self.let_pass(now() + NS // 50)
        return (now() - begun) // 1_000_000

    def become_safe(self):
        self.safe_ms.append(self.await_that("the pair is whole", self.is_safe, SAFE_S))
        self.note("safe", ms=self.safe_ms[-1])

    def takeover(self, of):
        self.note("taken_over", ms=self.await_that(f"master {of} is active", lambda: self.active() == of, TAKEOVER_S))

    # --- faults of everybody else -----------------------------------------------------------------------

    def cut_slave(self):
        """A slave whose commands others may do: neither master hears it."""
        place = self.rng.randrange(self.count)
        if any(place == cut for _, _, cut in self.cuts):
            return
        slave = self.slaves[place]
        self.note("slave_cut", pid=slave.pid)
        self.proxy.set([f"s{place}:0", f"s{place}:1"], HOLD, HOLD)
        self.cuts.append((now() + int(self.rng.uniform(0.1, 4) * NS), slave, place))

    def heal_slaves(self, until=None):
        for moment, slave, place in list(self.cuts):
            if until is None or moment <= until:
                self.cuts.remove((moment, slave, place))
                self.note("slave_healed", pid=slave.pid)
                self.proxy.set([f"s{place}:0", f"s{place}:1"])

    def stop_slave(self):
        if not self.cuts:  # one of both reasons at a time
            super().stop_slave()

    def let_pass(self, until_ns):
        while self.cuts and min(moment for moment, _, _ in self.cuts) <= until_ns:
            moment = min(moment for moment, _, _ in self.cuts)
            super().let_pass(moment)
            self.heal_slaves(moment)
        super().let_pass(until_ns)

    def storm(self, length_s):
        """So long, with whatever else happens to slaves and clients."""
        begun = now()
        share = self.rng.random
        shares = ((SLAVE_KILL_SHARE, self.kill_slave), (SLAVE_STOP_SHARE, self.stop_slave),
                  (SLAVE_CUT_SHARE, self.cut_slave), (CLIENT_KILL_SHARE, self.kill_client))
        plan = sorted(((self.rng.uniform(0, length_s), action) for limit, action in shares if share() < limit),
                      key=lambda one: one[0])
        for moment, action in plan:
            self.let_pass(begun + int(moment * NS))
            action()
        self.let_pass(begun + int(length_s * NS))

    # --- faults of the pair -----------------------------------------------------------------------------

    def whose(self, who):
        """The place of the active or of the standby master, which is known because the pair is whole."""
        active = self.active()
        if active is None:
            self.fail(f"nobody is active in a pair that was whole: {self.rows()}")
        return active if who == ACTIVE else 1 - active

    def links_of(self, place):
        """All through which that master is reached, and its own to the other one."""
        return [name for name in self.proxy.links if name.endswith(f":{place}") or name.startswith("p:")]

    def fault_kill_active(self):
        place = self.whose(ACTIVE)
        self.kill_master(place)
        if self.rng.random() < 0.6:
            self.takeover(1 - place)
        self.storm(self.rng.uniform(0, 2))
        self.start_master(place)

    def fault_kill_standby(self):
        place = self.whose(STANDBY)
        self.kill_master(place)
        self.storm(self.rng.uniform(0, 3))
        self.start_master(place)

    def fault_kill_both(self):
        places = self.rng.sample((0, 1), 2)
        for place in places:
            self.kill_master(place)
            self.let_pass(now() + int(self.rng.choice((0, 0.05, 0.5)) * NS))
        self.storm(self.rng.uniform(0, 1))
        for place in self.rng.sample((0, 1), 2):
            self.start_master(place)
            self.let_pass(now() + int(self.rng.choice((0, 0.1, 2)) * NS))

    def freeze(self, who):
        place = self.whose(who)
        self.masters[place].stop()
        self.storm(self.rng.choice((self.rng.uniform(0.2, 1), self.rng.uniform(1, 5))))
        self.note("thawed", place=place)
        self.masters[place].go_on()

    def fault_stop_active(self):
        self.freeze(ACTIVE)

    def fault_stop_standby(self):
        self.freeze(STANDBY)

    def cut(self, names, there, back):
        """Silence; sometimes with a reset of what stood, before it or when it ends."""
        when = self.rng.choice(("never", "never", "before", "after"))
        self.note("cut", links=names, there=there, back=back, reset=when)
        self.proxy.set(names, there, back)
        if when == "before":
            self.proxy.reset(names)
        self.storm(self.rng.choice((self.rng.uniform(0.2, 1.2), self.rng.uniform(1, 6))))
        if when == "after":
            self.proxy.reset(names)

    def fault_isolate_active(self):
        self.cut(self.links_of(self.whose(ACTIVE)), HOLD, HOLD)

    def fault_isolate_standby(self):
        self.cut(self.links_of(self.whose(STANDBY)), HOLD, HOLD)

    def fault_host_loss(self):
        """Not through the proxy: packets go nowhere, as when a cable is pulled."""
        place = self.whose(self.rng.choice((ACTIVE, ACTIVE, STANDBY)))
        self.note("host_lost", place=place)
        spaces.set_link(place, False)
        self.storm(self.rng.choice((self.rng.uniform(0.2, 1.2), self.rng.uniform(1, 6))))
        spaces.set_link(place, True)
        self.note("host_back", place=place)

    def fault_cut_peer(self):
        self.cut(["p:0", "p:1"], HOLD, HOLD)

    def fault_peer_one_way(self):
        there, back = self.rng.sample((PASS, HOLD), 2)
        self.cut(["p:0", "p:1"], there, back)

    def fault_deaf_or_mute(self):
        """One master is not heard by anybody, or hears nobody."""
        place = self.whose(self.rng.choice((ACTIVE, STANDBY)))
        is_mute = self.rng.random() < 0.5
        self.note("one_way", place=place, mute=is_mute)
        names = self.links_of(place)
        to_it = [name for name in names if name.endswith(f":{place}")]
        from_it = [name for name in names if name not in to_it]
        self.proxy.set(to_it, *((PASS, HOLD) if is_mute else (HOLD, PASS)))
        self.proxy.set(from_it, *((HOLD, PASS) if is_mute else (PASS, HOLD)))
        self.storm(self.rng.uniform(0.3, 5))

    def fault_flap(self):
        names = self.rng.choice((["p:0", "p:1"], self.links_of(self.whose(ACTIVE))))
        is_resetting = self.rng.random() < 0.5
        self.note("flap", links=names, reset=is_resetting)
        unreached = self.slaves if "s0:0" in names or "s0:1" in names else []
        for slave in unreached:  # the other master does not take over, and this one cannot be held on to
            self.note("slave_cut", pid=slave.pid)
        for _ in range(self.rng.randrange(5, 40)):
            self.proxy.set(names, HOLD, HOLD)
            if is_resetting:
                self.proxy.reset(names)
            self.let_pass(now() + int(FLAP_S * NS))
            self.proxy.set(names)
            self.let_pass(now() + int(FLAP_S * NS))
        for slave in unreached:
            self.note("slave_healed", pid=slave.pid)

    def fault_delay(self):
        names = self.rng.choice((["p:0", "p:1"], list(self.proxy.links)))
        self.proxy.set(names, delay_ms=self.rng.choice((5, 50, 300)))
        self.storm(self.rng.uniform(1, 4))

    def wipe(self, place):
        shutil.rmtree(self.data(place))
        self.note("wiped", place=place)

    def fault_wipe_standby(self):
        place = self.whose(STANDBY)
        self.kill_master(place)
        self.storm(self.rng.choice((0, 1)))
        self.wipe(place)
        self.start_master(place)

    def fault_wipe_deposed(self):
        place = self.whose(ACTIVE)
        self.kill_master(place)
        self.takeover(1 - place)
        self.wipe(place)
        self.start_master(place)

    def fail_disk(self, who):
        place = self.whose(who)
        master, self.masters[place] = self.masters[place], None  # it may end by itself
        with open(self.path(f"bad-disk-{place}"), "w"):
            pass
        if who == ACTIVE:
            self.takeover(1 - place)
        self.storm(self.rng.uniform(0.2, 2))
        master.kill()
        self.note("pair_killed", place=place)
        self.kills += 1
        os.unlink(self.path(f"bad-disk-{place}"))
        if self.rng.random() < 0.4:
            self.wipe(place)
        self.start_master(place)

    def fault_fsync_active(self):
        self.fail_disk(ACTIVE)

    def fault_fsync_standby(self):
        self.fail_disk(STANDBY)

    def hang(self, what):
        """Syncs of that small record do not come back before release()."""
        os.mkfifo(self.path(f"stuck-{what}"))

    def release(self, what):
        gate = self.path(f"stuck-{what}")
        end = os.open(gate, os.O_RDWR)
        os.unlink(gate)
        os.close(end)

    def fault_slow_vote(self):
        """A takeover makes every witness write. Whoever's disk does not answer then works on beside it."""
        place, slow = self.whose(ACTIVE), self.rng.randrange(self.count)
        self.hang(f"vote-{slow}")
        self.kill_master(place)
        self.takeover(1 - place)
        self.storm(self.rng.uniform(0.5, 5))
        self.release(f"vote-{slow}")
        self.start_master(place)

    def slow_record(self, who):
        """The other master is lost, and this one has to write before it goes on, or takes over."""
        place = self.whose(who)
        self.hang(f"record-{place}")
        self.kill_master(1 - place)
        self.storm(self.rng.uniform(0.2, 3))
        self.release(f"record-{place}")
        self.start_master(1 - place)

    def fault_slow_record_active(self):
        self.slow_record(ACTIVE)

    def fault_slow_record_standby(self):
        self.slow_record(STANDBY)

    def fault_full_disk(self):
        place = self.whose(self.rng.choice((ACTIVE, STANDBY)))
        ballast = os.path.join(self.path(f"disk-{place}"), "ballast")
        with open(ballast, "wb") as file:
            stat = os.statvfs(self.path(f"disk-{place}"))
            size = stat.f_bavail * stat.f_frsize - LEFT_MIB * 2 ** 20
            if size > 0:
                os.posix_fallocate(file.fileno(), 0, size)
        self.note("full", place=place, ballast=size)
        self.storm(self.rng.uniform(1, 5))
        os.unlink(ballast)

    def fault_switchover(self):
        place = self.whose(ACTIVE)
        done = self.ask("switchover")
        if done.returncode != 0:
            self.fail(f"switchover ended with {done.returncode}: {done.stderr}; the pair: {self.rows()}")
        if self.active() != 1 - place:
            self.fail(f"switchover, and {1 - place} is not active: {self.rows()}")
        self.storm(self.rng.uniform(0, 0.5))

    def faults(self):
        names = [name for name in dir(self) if name.startswith("fault_")]
        if not self.is_small_disk:
            names.remove("fault_full_disk")
        if not self.is_spaced:
            names.remove("fault_host_loss")
        wanted = [name for name in names if name[len("fault_"):] in self.arguments.only] or names
        return [getattr(self, name) for name in wanted]

    # --- the storm --------------------------------------------------------------------------------------

    def one_fault(self):
        fault = self.rng.choice(self.faults())
        self.note("fault", name=fault.__name__[len("fault_"):], number=self.faults_done)
        fault()
        self.proxy.heal()
        self.heal_slaves()
        self.faults_done += 1
        self.become_safe()
        self.let_pass(now() + int(SETTLED_S * NS))

    def begin(self):
        self.note("plan", tick_ms=TICK_MS, slaves=self.count, small_disk=self.is_small_disk, spaced=self.is_spaced)
        for place in (0, 1):
            os.mkdir(self.path(f"disk-{place}"))
            if self.is_small_disk:
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", self.path(f"disk-{place}")],
                               check=True)
        self.lay_links()
        for place in (0, 1):
            self.start_master(place, place == 0)
        self.slaves = [self.start_slave(place) for place in range(self.count)]
        self.become_safe()
        self.safe_ms.clear()
        self.clients = [self.start_client(place) for place in range(self.arguments.clients)]
        self.let_pass(now() + int(SETTLED_S * NS))

    def run(self):
        self.begin()
        end = now() + int(self.arguments.seconds * NS)
        while self.faults_done < self.arguments.faults and now() < end:
            self.one_fault()
        self.come_to_rest()

    # --- afterwards -------------------------------------------------------------------------------------

    def restart_empty(self):
        """What is on both disks is as empty as what was in memory, and everybody goes in peace."""
        is_empty = live_commands(self.status()) == 0
        for place in (0, 1):
            self.kill_master(place)
        for place in (0, 1):
            self.start_master(place)
        self.become_safe()
        if is_empty and live_commands(self.status()) != 0:
            self.note("failed", text=f"commands rose from the dead: {self.status()}")
        standby = self.whose(STANDBY)
        programs = [*self.slaves, self.masters[standby], self.masters[1 - standby]]
        for program in programs:
            self.expect_alive(program)
            program.signal(signal.SIGTERM)
            self.expect_end(program, self.harness.LIMIT_S)
        self.slaves, self.masters = [], [None, None]

    def finish(self):
        super().finish()
        self.proxy.end()
        if self.is_small_disk:
            for place in (0, 1):
                subprocess.run(["umount", "-l", self.path(f"disk-{place}")], check=False)
