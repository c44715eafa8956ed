"""What tests of slaves share: a row of `muster slaves`, and `muster top` on a terminal of its own."""
import os
import pty
import re
import select

from harness import BIN, wait_until


def row_of(cluster, name, *arguments):
    return next((row for row in cluster.rows("slaves", *arguments) if row["name"] == name), None)


class Top:
    """muster top on a terminal of its own."""

    def __init__(self, address):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(os.path.join(BIN, "muster"), ["muster", "--master", address, "top", "--interval", "200ms"])
        self.text = ""

    def shows(self, pattern):
        """Whether it has been seen since it was asked last."""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                self.text += os.read(self.fd, 1 << 16).decode(errors="replace")
            except OSError:
                break
        found = re.search(pattern, self.text)
        if found:
            self.text = self.text[found.end():]
        return found

    def press(self, key):
        os.write(self.fd, key)

    def ends_with(self, code):
        def ended():
            self.shows("$^")  # whoever writes to a terminal that nobody reads waits
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (os.waitstatus_to_exitcode(status),) if pid else None
        assert wait_until("top ends", ended) == (code,)
        os.close(self.fd)
