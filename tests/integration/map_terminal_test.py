#!/usr/bin/env python3
"""muster map and muster dev on a terminal: the bar, and Ctrl-C, which every process of the terminal gets."""

import os
import pty
import re
import select
import sys
import tempfile
import time

MUSTER = os.path.join(os.environ["MS_BIN_DIR"], "muster")
PATIENCE = 60


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *argv):
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(argv[0], argv)

    def read(self):
        """False at the end."""
        if not select.select([self.fd], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.output += data
        return data != b""

    def await_(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.output):
            assert time.monotonic() < deadline and self.read(), (pattern, self.output)

    def type(self, keys):
        os.write(self.fd, keys)

    def end(self):
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, self.output
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def dev(line, work):
    return Terminal(MUSTER, "dev", "--slaves", "1", "--slots", "2", "--", "sh", "-c",
                    f"cd '{work}'; exec \"$0\" map {line}", MUSTER)


def main():
    with tempfile.TemporaryDirectory() as work:
        # Bar and output share the terminal: the bar is erased before each output, and complete at the end.
        terminal = dev("--bar -k 'echo out{}; echo err{} >&2' ::: 1 2 3", work)
        assert terminal.end() == 0, terminal.output
        assert b"#" * 40 + b" 100% 3/3" in terminal.output, terminal.output
        assert b"3 commands, 0 failed, 0 retries" in terminal.output, terminal.output
        for word in (b"out1", b"err1", b"out2", b"err2", b"out3", b"err3"):
            assert re.search(rb"(^|\n|\x1b\[K)" + word + b"\r\n", terminal.output), (word, terminal.output)

        # No bar was asked for: nothing but the output.
        terminal = dev("-k echo ::: a b", work)
        assert terminal.end() == 0, terminal.output
        assert b"\x1b" not in terminal.output and b"a\r\nb\r\n" in terminal.output, terminal.output

        # One Ctrl-C: what runs is finished, nothing else is started; the cluster stays until then.
        go = os.path.join(work, "go")
        line = "-j 1 'touch started.{}; until test -f go; do sleep 0.02; done; echo done{}' ::: 1 2 3"
        terminal = dev(line, work)
        while not os.path.exists(os.path.join(work, "started.1")):
            assert terminal.read(), terminal.output
        terminal.type(b"\x03")
        terminal.await_(rb"interrupted: waiting for 1 commands")
        with open(go, "w", encoding="ascii"):
            pass
        assert terminal.end() == 130, terminal.output
        assert b"done1" in terminal.output and b"done2" not in terminal.output, terminal.output

        # Two: it is cancelled.
        os.remove(go)
        os.remove(os.path.join(work, "started.1"))
        terminal = dev(line, work)
        while not os.path.exists(os.path.join(work, "started.1")):
            assert terminal.read(), terminal.output
        terminal.type(b"\x03")
        terminal.await_(rb"interrupted: waiting for 1 commands")
        terminal.type(b"\x03")
        assert terminal.end() == 130, terminal.output
        assert b"done1" not in terminal.output, terminal.output
    print("map_terminal_test: ok")


if __name__ == "__main__":
    sys.exit(main())
