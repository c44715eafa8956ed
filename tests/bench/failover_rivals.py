"""Others' hot standbys in the place of the pair of failover.py: two redis servers that three sentinels watch, and two
redis servers behind an address that keepalived moves. See README.md."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

from failover import NODES, RATE, Client, Host
from harness import Failed
from network import EVERYBODY, HUB, Network

REDIS_PORT, SENTINEL_PORT, SENTINELS = 6379, 26379, 3
SENTINEL, KEEPALIVED = "redis, sentinel", "keepalived"
VIRTUAL = f"{EVERYBODY}.100"
NEEDS = {SENTINEL: ("redis-server", "redis-sentinel"), KEEPALIVED: ("redis-server", "keepalived")}


class Redis(Host):
    """Two servers, and a client that finds the one that serves."""

    def __init__(self, bench):
        self.bins, self.network = bench.bins, Network(NODES)
        self.folder = tempfile.mkdtemp(prefix="muster-bench-")
        self.masters, self.others, self.client = {}, [], None
        self.led_at = {name: 0.0 for name in NODES}
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def talk(self, host, *words):
        """What a redis server or sentinel on that host answers; empty when it does not."""
        done = subprocess.run(self.network.inside(HUB, "redis-cli", "-h", host, *words), capture_output=True, text=True,
                              check=False, timeout=10)
        return done.stdout if done.returncode == 0 else ""

    def start_server(self, name, *more):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        self.masters[name] = self.spawn(name, [
            "redis-server", "--port", str(REDIS_PORT), "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0", "--dir", folder, *more])

    def close(self):
        super().close()
        self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sentinels(Redis):
    """As its documentation has it, but with a failure noticed after a second, as ours."""

    def begin(self):
        first, second = NODES
        self.start_server(first)
        self.start_master(second)
        self.wait("the servers run", lambda: all(self.is_up(name) for name in NODES))
        for number in range(SENTINELS):
            self.start_sentinel(number, self.network.address(first))
        self.wait("both are in sync", self.safe_active)
        self.client = Client(self.network.inside(HUB, sys.executable, os.path.join(os.path.dirname(__file__), "gap_redis.py"),
                                                 str(RATE), *(f"{self.network.address(HUB)}:{SENTINEL_PORT + number}"
                                                              for number in range(SENTINELS))))

    def start_sentinel(self, number, address):
        path = os.path.join(self.folder, f"sentinel-{number}.conf")
        with open(path, "w") as file:
            file.write(f"port {SENTINEL_PORT + number}\nbind {self.network.address(HUB)}\nprotected-mode no\n"
                       f"dir {self.folder}\nsentinel monitor pair {address} {REDIS_PORT} 2\n"
                       "sentinel down-after-milliseconds pair 1000\nsentinel failover-timeout pair 3000\n")
        self.others.append(self.spawn(HUB, ["redis-sentinel", path]))

    def start_master(self, name):
        """It comes back as the replica of the other one; a sentinel would tell it so ten seconds later."""
        self.start_server(name, "--replicaof", self.network.address(NODES[1 - NODES.index(name)]), str(REDIS_PORT))

    def is_up(self, name):
        return "PONG" in self.talk(self.network.address(name), "-p", str(REDIS_PORT), "ping")

    def safe_active(self):
        """The master that all sentinels name, when it has its replica, and all see both."""
        hub = self.network.address(HUB)
        named = {self.talk(hub, "-p", str(SENTINEL_PORT + number), "sentinel", "get-master-addr-by-name", "pair").split("\n")[0]
                 for number in range(SENTINELS)}
        name = next((name for name in NODES if named == {self.network.address(name)}), None)
        if name is None or "state=online" not in self.talk(self.network.address(name), "-p", str(REDIS_PORT), "info",
                                                             "replication"):
            return None
        for number in range(SENTINELS):
            seen = self.talk(hub, "-p", str(SENTINEL_PORT + number), "sentinel", "master", "pair").split("\n")
            facts = dict(zip(seen[::2], seen[1::2]))
            if facts.get("flags") != "master" or facts.get("num-other-sentinels") != str(SENTINELS - 1) or \
                    facts.get("num-slaves") != "1":
                return None
        return name

    def switch_over(self):
        if "OK" not in self.talk(self.network.address(HUB), "-p", str(SENTINEL_PORT), "sentinel", "failover", "pair"):
            raise Failed("sentinel failover is refused")


class Keepalived(Redis):
    """Only the address moves: nothing is copied, so this is what any service behind it needs at least."""

    def begin(self):
        for name in NODES:
            self.start_master(name)
            self.others.append(self.spawn(name, ["keepalived", "--dont-fork", "--log-console", "--use-file",
                                                 self.configuration(name), *(f"--{word}={self.folder}/{name}.{word}"
                                                                             for word in ("pid", "vrrp_pid"))]))
        self.wait("the address is there", self.safe_active)
        self.client = Client(self.network.inside(HUB, sys.executable, os.path.join(os.path.dirname(__file__), "gap_redis.py"),
                                                 str(RATE), f"{VIRTUAL}:{REDIS_PORT}"))

    def start_master(self, name):
        self.start_server(name)

    def configuration(self, name):
        path = os.path.join(self.folder, f"{name}.conf")
        with open(path, "w") as file:
            file.write("global_defs {\n script_user root\n enable_script_security\n}\n"
                       "vrrp_script serves {\n"
                       f' script "/usr/bin/redis-cli -h {self.network.address(name)} -p {REDIS_PORT} -e ping"\n'
                       " interval 1\n timeout 1\n fall 1\n rise 1\n}\n"
                       "vrrp_instance pair {\n state BACKUP\n interface everybody0\n virtual_router_id 51\n priority 100\n"
                       f" nopreempt\n advert_int 1\n virtual_ipaddress {{\n  {VIRTUAL}/24\n }}\n track_script {{\n  serves\n }}\n}}\n")
        return path

    def holds(self, name):
        done = subprocess.run(self.network.inside(name, "ip", "-4", "address", "show", "dev", "everybody0"), capture_output=True,
                              text=True, check=False)
        return VIRTUAL in done.stdout

    def safe_active(self):
        holders = [name for name in NODES if self.holds(name)]
        return holders[0] if len(holders) == 1 and all(
            "PONG" in self.talk(self.network.address(name), "-p", str(REDIS_PORT), "ping") for name in NODES) else None

    def become_safe(self):
        active = super().become_safe()
        time.sleep(2)  # until the other one's check has found its server well again
        return active


SYSTEMS = {SENTINEL: (Sentinels, ("kill", "host-lost", "stopped", "isolated", "standby-killed", "switchover")),
           KEEPALIVED: (Keepalived, ("kill", "host-lost", "isolated"))}
