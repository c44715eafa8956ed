#!/usr/bin/env python3
"""The fault proxy: what passes, what is held and comes later, what breaks, and what it notes of a master's words."""
import os
import socket
import struct
import tempfile
import time
import unittest

from proxy import HOLD, PASS, Proxy, program_in

PARTS = os.path.join(os.environ["MS_BUILD_DIR"], "tests/integration/torture")
LIMIT_S = 20
QUIET_S = 0.2  # nothing has come in that time, where it would take a fraction of it
HEADER = struct.Struct(">2sBBIIQ")


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="muster-proxy-")
        self.frames = os.path.join(self.folder.name, "frames.log")
        self.proxy = Proxy(program_in(PARTS), self.frames)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(LIMIT_S)
        target = f"127.0.0.1:{self.server.getsockname()[1]}"
        self.address = self.proxy.link("s0:1", target, True).split(":")
        self.opened = [self.server]

    def tearDown(self):
        for one in self.opened:
            one.close()
        if self.proxy.process.poll() is None:
            self.proxy.end()
        self.proxy.process.stdout.close()
        self.folder.cleanup()

    def dial(self):
        mine = socket.create_connection(self.address, timeout=LIMIT_S)
        self.opened.append(mine)
        return mine

    def accept(self):
        other, _ = self.server.accept()
        other.settimeout(LIMIT_S)
        self.opened.append(other)
        return other

    def both(self):
        mine = self.dial()
        return mine, self.accept()

    def is_quiet(self, one):
        one.settimeout(QUIET_S)
        try:
            return one.recv(1) is None
        except TimeoutError:
            return True
        finally:
            one.settimeout(LIMIT_S)

    @staticmethod
    def receive(one, size):
        data = b""
        while len(data) < size:
            more = one.recv(size - len(data))
            assert more, f"ended after {len(data)} of {size}"
            data += more
        return data

    def noted(self):
        with open(self.frames) as file:
            return [line.split() for line in file]

    def test_it_passes_everything_and_the_end(self):
        mine, other = self.both()
        much = os.urandom(3 << 20)
        mine.sendall(b"hello")
        self.assertEqual(self.receive(other, 5), b"hello")
        other.sendall(much[:100000])
        self.assertEqual(self.receive(mine, 100000), much[:100000])
        mine.shutdown(socket.SHUT_WR)
        self.assertEqual(other.recv(1), b"")
        other.sendall(b"bye")
        other.close()
        self.assertEqual(self.receive(mine, 3), b"bye")
        self.assertEqual(mine.recv(1), b"")

    def test_one_direction_on_hold(self):
        mine, other = self.both()
        for there, back, mute, heard in ((HOLD, PASS, mine, other), (PASS, HOLD, other, mine)):
            self.proxy.set(["s0:1"], there, back)
            mute.sendall(b"later")
            self.assertTrue(self.is_quiet(heard))
            heard.sendall(b"now")
            self.assertEqual(self.receive(mute, 3), b"now")
            self.proxy.heal()
            self.assertEqual(self.receive(heard, 5), b"later")

    def test_nothing_of_an_end_gets_through_a_hold_and_much_is_kept(self):
        mine, other = self.both()
        self.proxy.set(["s0:1"], HOLD, HOLD)
        much = os.urandom(3 << 20)
        mine.sendall(much)
        mine.close()
        self.assertTrue(self.is_quiet(other))
        self.proxy.heal()
        self.assertEqual(self.receive(other, len(much)), much)
        self.assertEqual(other.recv(1), b"")

    def test_nobody_comes_through_a_hold(self):
        self.proxy.set(["s0:1"], PASS, HOLD)
        mine = self.dial()
        mine.sendall(b"me")
        self.server.settimeout(QUIET_S)
        self.assertRaises(TimeoutError, self.server.accept)
        self.server.settimeout(LIMIT_S)
        self.proxy.heal()
        self.assertEqual(self.receive(self.accept(), 2), b"me")

    def test_a_reset_breaks_what_stands_and_nothing_else(self):
        mine, other = self.both()
        self.proxy.reset(["s0:1"])
        self.assertRaises(ConnectionResetError, mine.recv, 1)
        self.assertRaises(ConnectionResetError, other.recv, 1)
        self.both()

    def test_a_target_that_is_not_there_refuses(self):
        self.server.close()
        self.assertRaises(ConnectionResetError, lambda: self.dial().recv(1))

    def test_delay(self):
        mine, other = self.both()
        self.proxy.set(["s0:1"], delay_ms=150)
        begun = time.monotonic()
        mine.sendall(b"slowly")
        self.assertEqual(self.receive(other, 6), b"slowly")
        self.assertGreaterEqual(time.monotonic() - begun, 0.14)

    def test_frames_of_the_target_are_noted_when_they_arrive(self):
        mine, other = self.both()
        self.proxy.set(["s0:1"], PASS, HOLD)
        text = b"".join(HEADER.pack(b"MS", 1, kind, 0, size, epoch) + b"x" * size
                        for kind, size, epoch in ((2, 3, 7), (3, 0, 7), (18, 70000, 7), (33, 0, 1 << 40)))
        for at in range(0, 100):  # whichever way it is cut
            other.sendall(text[at:at + 1])
        other.sendall(text[100:])
        mine.sendall(text)  # what goes there is not looked at
        self.receive(other, len(text))
        end = time.monotonic() + LIMIT_S
        while len(self.noted()) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        before_heal = time.monotonic_ns()
        self.proxy.heal()
        self.assertEqual(self.receive(mine, len(text)), text)
        self.proxy.end()
        lines = self.noted()
        self.assertEqual([line[1:] for line in lines],
                         [["s0:1", "2", "7"], ["s0:1", "18", "7"], ["s0:1", "33", str(1 << 40)]])
        self.assertTrue(all(int(line[0]) < before_heal for line in lines))


if __name__ == "__main__":
    unittest.main()
