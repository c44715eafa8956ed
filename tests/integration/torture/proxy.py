"""The fault proxy, held by the harness: links by name, switched by orders that are answered."""
import os
import subprocess

PASS, HOLD = "pass", "hold"


class Proxy:
    def __init__(self, program, frames):
        self.links = {}  # name -> port
        self.process = subprocess.Popen([program, frames], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, orders):
        """All at once, so that what one fault does to several links happens in one moment."""
        self.process.stdin.write("".join(f"{order}\n" for order in orders))
        self.process.stdin.flush()
        answers = [self.process.stdout.readline().strip() for _ in orders]
        assert "" not in answers and "what?" not in answers, f"{orders}: {answers}"
        return answers

    def link(self, name, target, is_watched, host="127.0.0.1"):
        """The address through which `target` is reached over that link, by whom reaches us as `host`."""
        self.links[name] = int(self.ask([f"link {name} {target} {int(is_watched)}"])[0])
        return f"{host}:{self.links[name]}"

    def set(self, names, there=PASS, back=PASS, delay_ms=0):
        self.ask([f"set {name} {there} {back} {delay_ms}" for name in names])

    def reset(self, names):
        self.ask([f"reset {name}" for name in names])

    def heal(self):
        self.set(self.links)

    def end(self):
        """All frames are written down afterwards."""
        self.process.stdin.close()
        self.process.wait(10)


def program_in(parts):
    return os.path.join(parts, "fault_proxy")
