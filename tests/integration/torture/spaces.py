"""A network namespace for each master, so that one can be lost with its host: its link is down, and nobody is told. Only
for who is root, in a mount and network namespace of his own, with which all of it ends."""
import os
import subprocess

NETNS = "/run/netns"
PORT = 7400


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def address(place):
    return f"10.77.{place}.2:{PORT}"


def outside(place):
    """Where that master reaches the rest of the world."""
    return f"10.77.{place}.1"


def prefix(place):
    """Before a program that is to run there."""
    return ["ip", "netns", "exec", f"m{place}"]


def set_link(place, is_up):
    ip("-n", f"m{place}", "link", "set", f"w{place}", "up" if is_up else "down")


def make():
    """False where it is not possible."""
    try:
        ip("link", "set", "lo", "up")
        os.makedirs(NETNS, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", NETNS], check=True)
        for place in (0, 1):
            ip("netns", "add", f"m{place}")
            ip("link", "add", f"v{place}", "type", "veth", "peer", "name", f"w{place}", "netns", f"m{place}")
            ip("addr", "add", f"{outside(place)}/24", "dev", f"v{place}")
            ip("link", "set", f"v{place}", "up")
            ip("-n", f"m{place}", "addr", "add", f"10.77.{place}.2/24", "dev", f"w{place}")
            ip("-n", f"m{place}", "link", "set", "lo", "up")
            set_link(place, True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no network namespaces: {error}", flush=True)
        return False
    return True
