# SPDX-License-Identifier: ISC
"""cycles.py - slot-cycle: users of a real XMPP server, against the servers' own modules; slots: how many slot requests
Stoa answers when a driver plays the server, and what each costs it."""
import hashlib
import re
import socket
import threading
import time

import figures
import house
import slots
from harness import base, servers, stoa, xmpp

ANSWER = re.compile(rb"<iq\b.*?</iq>", re.S)
ERROR = re.compile(rb"<error")


class Driver:
    """An XMPP server of which only one component's stream exists, and which costs next to nothing."""
    kind, domain, secret = "driver", servers.DOMAIN, servers.SECRET
    c2s = c2s_tls = pid = ca = None

    def __init__(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((base.LOOPBACK, 0))
        self.listener.listen(4)
        self.component = self.listener.getsockname()[1]
        self.sock, self.up = None, threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = b""
            while b"<stream:stream" not in data or not data.rstrip().endswith(b">"):
                data += sock.recv(4096)
            sock.sendall(b"<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' id='d1' from='upload.localhost'>" % (
                xmpp.COMPONENT.encode(), xmpp.STREAMS.encode()))
            data = b""
            while b"</handshake>" not in data:
                data += sock.recv(4096)
            if hashlib.sha1(("d1" + self.secret).encode()).hexdigest().encode() not in data:
                raise base.Failed("the driver was shown a wrong handshake")
            sock.sendall(b"<handshake/>")
            self.sock = sock
            self.up.set()

    def ask(self, count, at_once, size):
        """(seconds, [(PUT path, GET path)]) for so many slots, so many under way at any time."""
        if not self.up.wait(20):
            raise base.Failed("Stoa did not connect to the driver")
        payload = xmpp.request_xml("photo.jpg", size, "application/octet-stream").encode()
        sent, out, buffer = 0, [], b""
        self.sock.settimeout(30)

        def more(wish):
            nonlocal sent
            wish = min(wish, count - sent)
            self.sock.sendall(b"".join(b"<iq type='get' id='s%d' from='user%d@localhost/x' to='upload.localhost'>%s</iq>" % (
                sent + i, (sent + i) % 1000, payload) for i in range(wish)))
            sent += wish

        begin = time.perf_counter()
        more(at_once)
        texts = []
        while len(texts) < count:
            buffer += self.sock.recv(1 << 18)
            found = [m for m in ANSWER.finditer(buffer)]
            if found:
                texts += [m.group(0) for m in found if b"type='result'" in m.group(0) or b'type="result"' in m.group(0) or ERROR.search(
                    m.group(0))]
                buffer = buffer[found[-1].end():]
                more(len(found))
        spent = time.perf_counter() - begin
        for text in texts:
            put, get = slots.PUT.search(text), slots.GET.search(text)
            if not put or not get:
                raise base.Failed("no slot: %r" % text[:300])
            out.append(tuple("/" + m.group(1).decode().replace("&amp;", "&").split("/", 3)[3] for m in (put, get)))
        return spent, out

    def stop(self):
        self.listener.close()
        if self.sock:
            self.sock.close()


def driven(bench, driver, name="driven", more=()):
    """A Stoa whose XMPP server is the driver."""
    return stoa.Stoa(bench.place(name), driver, house.SETS + list(more), components=("upload.localhost",)).start()


def shared(bench):
    """(driver, Stoa) that several workloads use."""
    driver = bench.once("driver", Driver)
    return driver, bench.once("driven", lambda: driven(bench, driver))


def fill(front, pairs, size):
    """Stores a file in each slot; their GET paths."""
    body = b"x" * size
    with front.conn() as conn:
        for put, _ in pairs:
            reply = conn.request("PUT", put, [("Content-Type", "application/octet-stream")], body)
            if reply.status != 201:
                raise base.Failed("PUT %s: %r" % (put, reply))
    return [get for _, get in pairs]


class SlotCycle(house.Workload):
    """16 users: slot by XMPP, PUT and GET of 10 KB, and again."""
    name = "slot-cycle"
    SECONDS = 4

    def start(self):
        bench = self.house
        self.sides = []
        for kind in ("prosody", "ejabberd"):
            server = bench.server(kind)
            self.sides.append((kind, server, bench.stoa(server, "stoa-" + kind)))

    def round(self, turn):
        users = ["user%d" % i for i in range(16)]
        for kind, server, front in self.sides:
            for who, service in (("stoa", "upload.localhost"), (kind, "share.localhost"))[::1 if turn % 2 else -1]:
                pids = [server.pid] + ([front.pid] if who == "stoa" else [])
                before = sum(house.cpu_seconds(p) for p in pids)
                rate = slots.run(server, users, service, self.SECONDS)
                self.house.results.add("slot-cycle " + kind, who, per_s=rate, cpu_ms=(
                    sum(house.cpu_seconds(p) for p in pids) - before) / (rate * self.SECONDS) * 1e3)

    def rows(self):
        r, out = self.house.results, []
        goals = {"prosody": (">=", 8), "ejabberd": None}
        for kind, _, _ in self.sides:
            name = "slot-cycle " + kind
            out.append(figures.Row.against(r, "%s / its own module, 16 users" % name, name, "per_s", "/s", kind, goals[kind]))
            out.append(figures.Row.against(r, "  CPU of a cycle, server included", name, "cpu_ms", "ms", kind))
        mine, theirs = r.values["slot-cycle prosody", "stoa", "per_s"], r.values["slot-cycle ejabberd", "ejabberd", "per_s"]
        ratios = sorted(a / b for a, b in zip(mine, theirs))
        middle = ratios[len(ratios) // 2]
        out.append(figures.Row("  through Prosody / ejabberd's own module", r.median("slot-cycle prosody", "stoa", "per_s"), "/s",
                               r.median("slot-cycle ejabberd", "ejabberd", "per_s"), "ejabberd", middle, (">=", 2)))
        return out

    def stop(self):
        for kind in ("prosody", "ejabberd"):
            self.house.end("stoa-" + kind)
            self.house.end(kind)


class Slots(house.Workload):
    """Slot requests, 256 under way, from a driver that plays the server."""
    name = "slots"
    COUNT = 30000

    def start(self):
        self.driver = self.keep(Driver())
        self.front = self.keep(driven(self.house, self.driver, "slots"))

    def round(self, turn):
        before = house.cpu_seconds(self.front.pid)
        spent, _ = self.driver.ask(self.COUNT, 256, 10240)
        self.house.results.add(self.name, "stoa", per_s=self.COUNT / spent,
                               cpu_us=(house.cpu_seconds(self.front.pid) - before) / self.COUNT * 1e6)

    def rows(self):
        r = self.house.results
        return [figures.Row.alone(r, "slots, fed by a driver, 256 under way", self.name, "per_s", "/s", (">=", 10000)),
                figures.Row.alone(r, "  CPU of a slot", self.name, "cpu_us", "us", ("<=", 30))]
