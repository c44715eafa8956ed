#!/usr/bin/env python3
"""gap_redis.py RATE ADDRESS... : as bench_gap, for redis. Each ADDRESS is a sentinel's, or, with one address only, that of
whoever serves (a virtual address that moves).

Everything that is due goes out as SETs of 256 bytes and one WAIT for a second copy, and counts when the WAIT has its answer,
even if it says that there is no second copy. Whoever is not answered for a quarter of a second asks the sentinels again,
twenty times a second, and goes where they say; so does whoever loses the connection, at once."""
import json
import select
import socket
import sys
import time

BODY = b"x" * 256
WAIT_MS, DOUBT_S, ASK_S, DIAL_S, TURN_S = 20, 0.25, 0.05, 0.25, 0.001
SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$256\r\n" + BODY + b"\r\n"
WAIT, NO_WAIT = b"WAIT 1 %d\r\n" % WAIT_MS, b"DBSIZE\r\n"  # both are answered with a number
GET_MASTER = b"SENTINEL get-master-addr-by-name pair\r\n"


def dial(address):
    connection = socket.create_connection(address, DIAL_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(DIAL_S)
    return connection


def master_of(sentinels):
    """As most of the sentinels say; None when none of them answers."""
    said = []
    for address in sentinels:
        try:
            with dial(address) as connection:
                connection.sendall(GET_MASTER)
                words = connection.recv(256).split(b"\r\n")
                said.append((words[2].decode(), int(words[4])))
        except (OSError, IndexError, ValueError):
            continue
    return max(set(said), key=said.count) if said else None


class Client:
    def __init__(self, rate, addresses):
        self.rate, self.addresses = rate, addresses
        self.last = WAIT if len(addresses) > 1 else NO_WAIT  # behind a virtual address there is nothing to wait for
        self.connection, self.address, self.answer = None, None, b""
        self.begun = self.started = self.acked = time.monotonic()
        self.sent = self.on_their_way = self.acks = 0
        self.asked = self.sent_at = self.longest = self.longest_at = 0.0

    def lose(self):
        if self.connection is not None:
            self.connection.close()
        self.connection, self.answer = None, b""
        self.sent -= self.on_their_way  # they are sent again
        self.on_their_way = 0

    def look_for_master(self, now):
        if now < self.asked + ASK_S:
            return
        self.asked = now
        address = self.addresses[0] if len(self.addresses) == 1 else master_of(self.addresses)
        if self.connection is not None and (address in (None, self.address) and len(self.addresses) > 1):
            return
        self.lose()
        if address is not None:
            try:
                self.connection, self.address = dial(address), address
                self.connection.setblocking(False)
            except OSError:
                self.connection = None

    def submit(self, now):
        due = int((now - self.started) * self.rate) - self.sent
        if self.on_their_way == 0 and due > 0:
            self.on_their_way, self.sent_at = min(due, 200), now
            self.sent += self.on_their_way
            try:
                self.connection.setblocking(True)
                self.connection.settimeout(DIAL_S)
                self.connection.sendall(SET * self.on_their_way + self.last)
                self.connection.setblocking(False)
            except OSError:
                self.lose()

    def read(self, now):
        try:
            got = self.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        self.answer += got
        if got == b"" or b"-" in self.answer:  # closed, or READONLY: it is no master any more
            self.lose()
        elif self.answer.count(b"\r\n") == self.on_their_way + 1:
            if now - self.acked > self.longest:
                self.longest, self.longest_at = now - self.acked, self.acked
            self.acked = now
            self.acks += self.on_their_way
            self.on_their_way, self.answer = 0, b""

    def turn(self):
        """A thousandth of a second, or until somebody says something; False at the end of the input."""
        readable, _, _ = select.select([sys.stdin, *([self.connection] if self.connection else [])], [], [], TURN_S)
        now = time.monotonic()
        if sys.stdin in readable and not self.obey(sys.stdin.readline(), now):
            return False
        if self.connection is not None and self.connection in readable:
            self.read(now)
        if self.connection is None or (self.on_their_way > 0 and now > self.sent_at + DOUBT_S):
            self.look_for_master(now)
        if self.connection is not None:
            self.submit(now)
        return True

    def obey(self, line, now):
        if line == "begin\n":
            self.begun, self.longest, self.longest_at, self.acks = now, 0.0, 0.0, 0
        open_s = now - self.acked
        longest, since = (open_s, self.acked) if open_s > self.longest else (self.longest, self.longest_at)
        print(json.dumps(dict(gap_ms=round(longest * 1000, 2), at_ms=round((since - self.begun) * 1000, 2),
                              open_ms=round(open_s * 1000, 2), acks=self.acks, failed=0)), flush=True)
        return line != ""


def main():
    addresses = [(word.split(":")[0], int(word.split(":")[1])) for word in sys.argv[2:]]
    client = Client(float(sys.argv[1]), addresses)
    while client.turn():
        pass


if __name__ == "__main__":
    main()
