# SPDX-License-Identifier: ISC
"""dns.py - a name server that says what the test tells it to: over UDP and TCP, on a port of its own.

    server = DnsServer()
    server.add("_xmpp-client._tcp.example.org", "SRV", 5, 0, 5222, "xmpp.example.org", ttl=60)
    server.add("xmpp.example.org", "A", "192.0.2.1")

Names that were not added do not exist (NXDOMAIN with a SOA of negative_ttl); server.silent, server.rcode,
server.truncate, server.mangle and server.gate change how it behaves."""
import socket
import struct
import threading

from . import base

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28, "SRV": 33}
NAMES = {v: k for k, v in TYPES.items()}


def wire_name(name):
    out = b""
    for label in name.rstrip(".").split(".") if name.rstrip(".") else []:
        label = label.encode("ascii")
        out += bytes([len(label)]) + label
    return out + b"\0"


def wire_data(kind, values):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, values[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, values[0])
    if kind == "CNAME":
        return wire_name(values[0])
    if kind == "SRV":
        return struct.pack("!HHH", *values[:3]) + wire_name(values[3])
    if kind == "SOA":
        return wire_name("ns.invalid") + wire_name("root.invalid") + struct.pack("!IIIII", 1, 2, 3, 4, values[0])
    strings = [v if isinstance(v, bytes) else v.encode() for v in values]
    pieces = [s[i:i + 255] for s in strings for i in range(0, max(len(s), 1), 255)]
    return b"".join(bytes([len(p)]) + p for p in pieces)


def record(name, kind, ttl, data):
    return wire_name(name) + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


class DnsServer:
    def __init__(self):
        self.records = {}  # (name, type) -> [(ttl, rdata)]
        self.asked = []  # (name, type) in the order in which they came
        self.negative_ttl = 60
        self.silent = lambda name, kind: False
        self.rcode = lambda name, kind: None  # a number instead of an answer
        self.truncate = False  # over UDP: come back by TCP
        self.mangle = None  # bytes -> bytes, of a whole reply
        self.gate = threading.Event()  # nothing is answered before it is set
        self.gate.set()
        self.over_tcp = 0
        self.closed = False
        while True:
            self.port = base.free_port()
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self.udp.bind((base.LOOPBACK, self.port))
                self.tcp.bind((base.LOOPBACK, self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(16)
        self.threads = [threading.Thread(target=self._serve_udp, daemon=True),
                        threading.Thread(target=self._serve_tcp, daemon=True)]
        for thread in self.threads:
            thread.start()

    @property
    def where(self):
        return "127.0.0.1:%d" % self.port

    def add(self, name, kind, *values, ttl=300):
        self.records.setdefault((name, kind), []).append((ttl, wire_data(kind, values)))
        return self

    def remove(self, name, kind):
        del self.records[(name, kind)]

    def count(self, name, kind=None):
        return sum(1 for n, k in list(self.asked) if n == name and kind in (None, k))

    def close(self):
        self.closed = True
        self.gate.set()
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (base.LOOPBACK, self.port))
        for thread in self.threads:
            thread.join(10)
        self.udp.close()
        self.tcp.close()

    # -- answers --
    def _answers(self, name, kind):
        """Aliases on the way, then the records."""
        out = []
        for _ in range(20):
            if kind != "CNAME" and (name, "CNAME") in self.records:
                ttl, data = self.records[(name, "CNAME")][0]
                out.append(record(name, "CNAME", ttl, data))
                name = _text_name(data)
                continue
            break
        for ttl, data in self.records.get((name, kind), []):
            out.append(record(name, kind, ttl, data))
        return out, any(n == name for n, _ in self.records)

    def answer(self, query, stream=False):
        """The reply to a query, or None for silence."""
        ident, flags, questions = struct.unpack("!HHH", query[:6])
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
            at += 1 + query[at]
        number = struct.unpack("!H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        name, kind = ".".join(labels), NAMES.get(number, str(number))
        self.asked.append((name, kind))
        self.gate.wait(60)
        if self.silent(name, kind):
            return None
        code = self.rcode(name, kind)
        if code is not None:
            return struct.pack("!HHHHHH", ident, 0x8180 | code, 1, 0, 0, 0) + question
        if self.truncate and not stream:
            return struct.pack("!HHHHHH", ident, 0x8380, 1, 0, 0, 0) + question
        records, exists = self._answers(name, kind)
        authority = [] if any(records) else [record("invalid", "SOA", 3600, wire_data("SOA", [self.negative_ttl]))]
        out = struct.pack("!HHHHHH", ident, 0x8180 | (0 if exists or records else 3), 1, len(records), len(authority),
                          0) + question + b"".join(records) + b"".join(authority)
        if not stream and len(out) > 1232:
            return struct.pack("!HHHHHH", ident, 0x8380, 1, 0, 0, 0) + question
        return self.mangle(out) if self.mangle else out

    def _serve_udp(self):
        while not self.closed:
            try:
                query, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if len(query) < 17 or self.closed:
                continue
            reply = self.answer(query)
            if reply is not None and not self.closed:
                self.udp.sendto(reply, peer)

    def _serve_tcp(self):
        while not self.closed:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_conn, args=(conn,), daemon=True).start()

    def _serve_conn(self, conn):
        conn.settimeout(60)
        try:
            with conn, conn.makefile("rb") as file:
                while True:
                    head = file.read(2)
                    if len(head) < 2:
                        return
                    query = file.read(struct.unpack("!H", head)[0])
                    self.over_tcp += 1
                    reply = self.answer(query, stream=True)
                    if reply is not None:
                        conn.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            return


def _text_name(data):
    labels, at = [], 0
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
        at += 1 + data[at]
    return ".".join(labels)
