# SPDX-License-Identifier: ISC
"""crowds.py - idle-connections, slow-clients, tls-handshake: what many clients cost who hardly ask for anything."""
import re
import socket
import ssl
import subprocess
import threading
import time

import cycles
import figures
import files
import house
from harness import base


def trusting():
    """A client that believes any certificate: what is measured is the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask_once(sock, path):
    """One small GET, so that the connection is kept alive and has been used."""
    sock.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(4096)
        if not piece:
            raise base.Failed("a connection was closed: %r" % data)
        data += piece


class IdleConnections(house.Workload):
    """10,000 connections kept alive after one request each: memory of each, all processes."""
    name = "idle-connections"
    COUNT = 10000

    def start(self):
        bench = self.house
        self.front = bench.stoa(name="idle")
        self.nginx = bench.nginx()
        self.nginx.put("none.bin", b"x")

    def _grow(self, pid, port, path, context, count):
        socks = []
        try:
            for number in range(200):  # pools that are filled once are no cost of a connection
                socks.append(self._one(port, path, context, number))
            before = house.pss_kib(pid)
            for number in range(count):
                socks.append(self._one(port, path, context, number))
            return (house.pss_kib(pid) - before) * 1024 / count
        finally:
            for sock in socks:
                sock.close()

    @staticmethod
    def _one(port, path, context, number):
        sock = socket.socket()
        sock.bind(("127.0.1.%d" % (number % 200 + 1), 0))  # one address has too few ports for all rounds
        sock.settimeout(20)
        sock.connect((base.LOOPBACK, port))
        if context:
            sock = context.wrap_socket(sock, server_hostname="localhost")
        ask_once(sock, path)
        return sock

    def round(self, turn):
        if turn:
            return  # memory does not depend on what else the machine does
        for scheme, context in (("http", None), ("https", trusting())):
            for who, pid, port, path in (
                    ("stoa", self.front.pid, self.front.https if context else self.front.http, "/none"),
                    ("nginx", self.nginx.pid, self.nginx.tls if context else self.nginx.port, "/none.bin")):
                self.house.results.add("%s %s" % (self.name, scheme), who, bytes=self._grow(pid, port, path, context, self.COUNT))

    def rows(self):
        r = self.house.results
        return [figures.Row.against(r, "idle connections, %s, memory of each (judged alone)" % s, "%s %s" % (self.name, s), "bytes", "B",
                                    "nginx") for s in ("http", "https")] + \
               [figures.Row.alone(r, "  %s" % s, "%s %s" % (self.name, s), "bytes", "B", ("<=", most))
                for s, most in (("http", 4096), ("https", 12288))]

    def stop(self):
        self.house.end("idle")


class SlowClients(house.Workload):
    """1,000 uploads at 1 KB/s beside small GETs: what is left of their rate, and of their slowest hundredth."""
    name = "slow-clients"
    COUNT, SIZE = 1000, 100 * 1024

    def start(self):
        self.driver = self.keep(cycles.Driver())
        # a kilobyte a second is just the least that is taken by default
        self.front = self.keep(cycles.driven(self.house, self.driver, "slow", ["httpServer/min-body-rate=0"]))
        _, pairs = self.driver.ask(files.NAMES, 64, files.SMALL)
        self.paths = files.write_paths(self.house.folder, "slow.paths", cycles.fill(self.front, pairs, files.SMALL))

    def _get(self):
        return house.wrk("http://127.0.0.1:%d" % self.front.http, "paths.lua", ["GET", self.paths], files.CROWD)

    def round(self, turn):
        self.house.results.add(self.name, "alone", **self._get())
        _, pairs = self.driver.ask(self.COUNT, 64, self.SIZE)
        socks, over = [], threading.Event()
        for number, (put, _) in enumerate(pairs):
            sock = socket.create_connection((base.LOOPBACK, self.front.http), 20, source_address=("127.0.2.%d" % (number % 200 + 1), 0))
            sock.sendall(b"PUT %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % (
                put.encode(), self.SIZE))
            socks.append(sock)

        def drip():
            """A twentieth of them each 50 ms, 1 KB each: 1 KB a second for all."""
            at, piece = 0, b"x" * 1024
            while not over.wait(0.05):
                for sock in socks[at::20]:
                    sock.send(piece)
                at = (at + 1) % 20

        thread = threading.Thread(target=drip)
        thread.start()
        self.house.results.add(self.name, "stoa", **self._get())
        over.set()
        thread.join()
        for sock in socks:
            sock.close()

    def rows(self):
        r = self.house.results
        return [figures.Row.against(r, "small GET beside 1,000 uploads of 1 KB/s / alone", self.name, "per_s", "/s", "alone", (">=", 0.9)),
                figures.Row.against(r, "  slowest hundredth", self.name, "p99_ms", "ms", "alone", ("<=", 1.11))]


class TlsHandshake(house.Workload):
    """Full and resumed handshakes, TLS 1.3, four clients of openssl's s_time at once."""
    name = "tls-handshake"
    SECONDS = 3
    RATE = re.compile(r"(\d+) connections in (\d+) real seconds")

    def start(self):
        self.front, self.nginx, self.h2o = self.house.stoa(), self.house.nginx(), self.house.h2o()
        for peer in (self.nginx, self.h2o):
            peer.put("hello.txt", b"hello\n")

    def _rate(self, port, path, how):
        argv = ["openssl", "s_time", "-connect", "127.0.0.1:%d" % port, how, "-www", path, "-time", str(self.SECONDS)]
        jobs = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                for _ in range(4)]
        total = 0
        for job in jobs:
            said = job.communicate()[0]
            found = self.RATE.search(said)
            if not found:
                raise base.Failed("s_time said: " + said)
            total += int(found.group(1)) / max(1, int(found.group(2)))
        return total

    def round(self, turn):
        who = [("stoa", self.front.pid, self.front.https, "/none"), ("nginx", self.nginx.pid, self.nginx.tls, "/hello.txt"),
               ("h2o", self.h2o.pid, self.h2o.tls, "/hello.txt")]
        for how in ("new", "reuse"):
            for name, pid, port, path in who if turn % 2 else reversed(who):
                before, begin = house.cpu_seconds(pid), time.monotonic()
                rate = self._rate(port, path, "-" + how)
                spent = (house.cpu_seconds(pid) - before) / (rate * (time.monotonic() - begin)) * 1e6
                self.house.results.add("%s %s" % (self.name, how), name, per_s=rate, cpu_us=spent)

    def rows(self):
        r, out = self.house.results, []
        for how, text in (("new", "full"), ("reuse", "resumed")):
            name = "%s %s" % (self.name, how)
            out.append(figures.Row.against(r, "TLS handshakes, %s" % text, name, "per_s", "/s", "nginx", (">=", 1)))
            out.append(figures.Row.against(r, "TLS handshakes, %s" % text, name, "per_s", "/s", "h2o"))
            out.append(figures.Row.against(r, "  CPU of one", name, "cpu_us", "us", "nginx"))
        return out
