"""Hosts that can be lost: network namespaces on two bridges, one for everybody, one between the two masters. Nothing of
the machine's own network is touched, and the kernel takes all of it away with the processes that hold it."""
import os
import signal
import subprocess

from harness import Failed, stop

HUB = "hub"
EVERYBODY, BETWEEN = "10.77.0", "10.78.0"
HUB_NUMBER = 10
FORWARDS, DISABLED = "3", "0"


def is_possible():
    """Namespaces want root, or a kernel that lets users have them."""
    try:
        Network(["one"]).close()
    except (Failed, OSError):
        return False
    return True


class Network:
    """Hosts by name, and one more, the hub, where everybody else is: clients, slaves, sentinels."""

    def __init__(self, names):
        self.holders = {}
        self.numbers = {name: number + 1 for number, name in enumerate(names)}
        try:
            self.hold(HUB)
            self.make()
        except Failed:
            self.close()
            raise

    def make(self):
        self.do(HUB, "ip", "link", "set", "lo", "up")
        for bridge, network in (("everybody", EVERYBODY), ("between", BETWEEN)):
            self.do(HUB, "ip", "link", "add", bridge, "type", "bridge")
            self.do(HUB, "ip", "address", "add", f"{network}.{HUB_NUMBER}/24", "dev", bridge)
            self.do(HUB, "ip", "link", "set", bridge, "up")
        for name in self.numbers:
            self.hold(name)
            self.do(name, "ip", "link", "set", "lo", "up")
            self.plug(name, "everybody", self.address(name))
            self.plug(name, "between", self.address(name, BETWEEN))

    def plug(self, name, bridge, address):
        here, there = f"{name}-{bridge[0]}", f"{bridge}0"
        self.do(HUB, "ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", str(self.holders[name].pid))
        self.do(HUB, "ip", "link", "set", here, "master", bridge)
        self.do(HUB, "ip", "link", "set", here, "up")
        self.do(name, "ip", "address", "add", f"{address}/24", "dev", there)
        self.do(name, "ip", "link", "set", there, "up")

    def hold(self, name):
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        self.holders[name] = holder
        if holder.stdout.readline() != b"\n":
            raise Failed("no network namespaces here")

    def inside(self, name, *command):
        """The command line that runs a command on that host; its process has the pid that was started."""
        return ["nsenter", f"--net=/proc/{self.holders[name].pid}/ns/net", "--", *command]

    def do(self, name, *command):
        done = subprocess.run(self.inside(name, *command), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")

    def address(self, name, network=EVERYBODY):
        return f"{network}.{HUB_NUMBER if name == HUB else self.numbers[name]}"

    def pass_frames(self, name, passes, bridges="eb"):
        """Everything to and from a host is dropped without a word, on those bridges, or is passed again."""
        for bridge in bridges:
            self.do(HUB, "bridge", "link", "set", "dev", f"{name}-{bridge}", "state", FORWARDS if passes else DISABLED)

    def close(self):
        for holder in self.holders.values():
            os.kill(holder.pid, signal.SIGKILL)
            stop(holder)
            holder.stdout.close()
