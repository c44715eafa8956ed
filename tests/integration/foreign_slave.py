"""A slave of muster in Python, written from docs/protocol.md alone: foreign_slave.py HOST:PORT.

It serves "echo" and "reverse", resumes its session, and drains on SIGTERM; SIGUSR1 makes it lose its connection.
muster_pb2 is what protoc makes of proto/muster.proto."""
import os
import random
import select
import signal
import socket
import struct
import sys
import time

import muster_pb2 as pb

HEADER = struct.Struct(">2sBBIIQ")
HELLO, WELCOME, BEAT, BEAT_ACK, ERROR, GOAWAY = 1, 2, 3, 4, 5, 6
ANNOUNCE, PULL, COMMAND, RESULT, RESULT_ACK, REVOKE, ROLL, VERDICT, BYE = 16, 17, 18, 20, 21, 22, 24, 25, 26
SLOTS = 16
HANDLERS = {"echo": lambda payload: payload, "reverse": lambda payload: payload[::-1]}


def type_of(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value + 1024 if value < 1024 else value


class Slave:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.address, self.node, self.token, self.epoch = (host, int(port)), os.urandom(16), b"", 0
        self.handlers = {type_of(name): handler for name, handler in HANDLERS.items()}
        self.held = {}  # (epoch, n) -> (Command, its Result that is not acknowledged)
        self.pause, self.beats, self.is_stopping, self.is_cut = 0.01, 0, False, False

    def send(self, kind, message):
        body = message.SerializeToString()
        self.socket.sendall(HEADER.pack(b"MS", 1, kind, 0, len(body), self.epoch) + body)

    def frames(self, timeout):
        """What has arrived within timeout seconds, as (kind, body) pairs."""
        if select.select([self.socket], [], [], timeout)[0]:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("closed")
            self.input += data
            self.heard = time.monotonic()
        while len(self.input) >= HEADER.size:
            magic, version, kind, _flags, length, epoch = HEADER.unpack_from(self.input)
            if magic != b"MS" or version != 1 or epoch < self.epoch:
                raise ConnectionError("not a frame for us")
            if len(self.input) < HEADER.size + length:
                break
            body, self.input = self.input[HEADER.size:HEADER.size + length], self.input[HEADER.size + length:]
            self.epoch = epoch
            yield kind, body

    def await_frame(self, wanted, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for kind, body in self.frames(0.1):
                if kind == wanted:
                    return body
                if kind == ERROR:
                    self.fail(body)
        raise ConnectionError("no answer")

    def fail(self, body):
        error = pb.Goodbye.FromString(body)
        if error.error == 12:  # SESSION_DEAD
            self.token = b""
        raise ConnectionError(error.detail)

    def greet(self):
        self.input, self.heard = b"", time.monotonic()
        self.socket = socket.create_connection(self.address, timeout=10)
        self.send(HELLO, pb.Hello(role=1, version_min=1, version_max=1, features=3, node=self.node, token=self.token,
                                  epoch=self.epoch, slots=SLOTS, name="foreign", build="python"))
        welcome = pb.Welcome.FromString(self.await_frame(WELCOME, 1))
        self.token, self.beat, self.dead = welcome.token, welcome.beat_interval / 1e6, welcome.dead_after / 1e6
        print("resumed" if welcome.resumed else "new session", flush=True)
        if welcome.resumed:
            self.resume()
        else:
            self.held = {}
        self.send(ANNOUNCE, pb.Announce(types=[pb.Announce.Type(type=t, name=n)
                                               for n, t in ((n, type_of(n)) for n in HANDLERS)]))
        self.send(PULL, pb.Pull(count=SLOTS))

    def resume(self):
        held = [pb.Roll.Held(token=n, epoch=e, client=command.client, seq=command.seq, type=command.type,
                             attempt=command.attempt) for (e, n), (command, _result) in self.held.items()]
        self.send(ROLL, pb.Roll(held=held, last=True))
        while True:
            verdict = pb.Tokens.FromString(self.await_frame(VERDICT, 5))
            for token in verdict.tokens:
                self.held.pop((token.epoch or self.epoch, token.token), None)
            if verdict.last:
                break
        results = [result for _command, result in self.held.values()]
        for result in results:
            result.credit = 0  # credit is not resumed
        self.send(RESULT, pb.Results(results=results))

    def run(self, command):
        result = pb.Results.Result(token=command.token, epoch=self.epoch, credit=1)
        if command.type in self.handlers:
            result.payload = self.handlers[command.type](command.payload)
        else:
            result.status, result.detail = 2, "no such handler"
        self.held[self.epoch, command.token] = command, result
        return result

    def handle(self, kind, body):
        if kind == COMMAND:
            self.send(RESULT, pb.Results(results=[self.run(c) for c in pb.Commands.FromString(body).commands]))
        elif kind == RESULT_ACK:
            acks = pb.Acks.FromString(body)
            for run in acks.runs:
                last = run.first + (run.count or 1) - 1
                for token in [t for t in self.held if t[0] == (acks.epoch or self.epoch) and run.first <= t[1] <= last]:
                    del self.held[token]
        elif kind == BEAT:
            self.send(BEAT_ACK, pb.Beat.FromString(body))
        elif kind == BEAT_ACK:
            self.pause = 0.01
        elif kind == ERROR:
            self.fail(body)
        # REVOKE needs no answer: every command is over before the next frame is read.

    def serve(self):
        next_beat = 0
        while not (self.is_stopping and not self.held):
            if self.is_cut:
                self.is_cut = False
                raise ConnectionError("cut")
            if time.monotonic() >= next_beat:
                next_beat, self.beats = time.monotonic() + self.beat, self.beats + 1
                self.send(BEAT, pb.Beat(number=self.beats))
            for kind, body in self.frames(min(self.beat, 0.05)):
                self.handle(kind, body)
            if time.monotonic() - self.heard > self.dead:
                raise ConnectionError("silence")
        self.send(BYE, pb.Bye())

    def work(self):
        while not self.is_stopping:
            try:
                self.greet()
                self.serve()
            except OSError as error:
                print("connection lost:", error, flush=True)
                time.sleep(random.uniform(0, self.pause))
                self.pause = min(2 * self.pause, 1)


if __name__ == "__main__":
    slave = Slave(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: setattr(slave, "is_stopping", True))
    signal.signal(signal.SIGUSR1, lambda *_: setattr(slave, "is_cut", True))
    slave.work()
