# SPDX-License-Identifier: ISC
"""files.py - small-get, large-get, small-put, large-put: files over HTTP and HTTPS, against those who serve files for a living."""
import os
import socket
import ssl
import subprocess
import threading
import time

import cycles
import figures
import house
from harness import base

SMALL, LARGE = 10 * 1024, 100 << 20
NAMES = 64  # small files, asked for in turn
CROWD = 64


def write_paths(folder, name, paths):
    out = os.path.join(folder, name)
    with open(out, "w") as file:
        file.write("\n".join(paths) + "\n")
    return out


class SmallGet(house.Workload):
    """10 KB files, 64 connections, keep-alive."""
    name = "small-get"
    goal_rate, goal_cpu = 1.2, 0.8

    def start(self):
        bench = self.house
        driver, front = cycles.shared(bench)
        _, slots = driver.ask(NAMES, 64, SMALL)
        front_paths = cycles.fill(front, slots, SMALL)
        self.who = [("stoa", front.pid, front.http, front.https, write_paths(bench.folder, "stoa.paths", front_paths))]
        data = os.urandom(SMALL)
        for peer in (bench.nginx(), bench.h2o(), bench.lighttpd()):
            paths = [peer.put("s%d.bin" % i, data) for i in range(NAMES)]
            self.who.append((peer.name, peer.pid, peer.port, peer.tls, write_paths(bench.folder, peer.name + ".paths", paths)))

    def round(self, turn):
        for scheme in ("http", "https"):
            for name, pid, port, tls, paths in self.who if turn % 2 else reversed(self.who):
                before = house.cpu_seconds(pid)
                url = "%s://127.0.0.1:%d" % (scheme, port if scheme == "http" else tls)
                got = house.wrk(url, "paths.lua", ["GET", paths], CROWD)
                self.house.results.add("%s %s" % (self.name, scheme), name, cpu_us=(house.cpu_seconds(pid) - before) / got["calls"] * 1e6,
                                       **got)

    def rows(self):
        out = []
        for scheme in ("http", "https"):
            name = "%s %s" % (self.name, scheme)
            for peer in ("nginx", "h2o", "lighttpd"):
                held = peer == "nginx"
                out.append(figures.Row.against(self.house.results, "%s, 10 KB, 64 connections" % name, name, "per_s", "/s", peer,
                                               (">=", self.goal_rate) if held else None))
            out.append(figures.Row.against(self.house.results, "  CPU of a request", name, "cpu_us", "us", "nginx", ("<=", self.goal_cpu)))
        return out


def drain(port, path, context, seconds_r):
    """Takes one file and looks at none of its bytes: over HTTP the kernel throws them away without a copy."""
    sock = socket.create_connection((base.LOOPBACK, port), 20)
    if context:
        sock = context.wrap_socket(sock, server_hostname="localhost")
    begin = time.perf_counter()
    sock.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % (path.encode(), port))
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(4096)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise base.Failed("GET %s: %r" % (path, head[:60]))
    got, buffer = len(head.split(b"\r\n\r\n", 1)[1]), bytearray(1 << 20)
    while got < LARGE:
        size = sock.recv_into(buffer, len(buffer), 0 if context else socket.MSG_TRUNC)
        if not size:
            raise base.Failed("GET %s ended after %d bytes" % (path, got))
        got += size
    sock.close()
    seconds_r.append(time.perf_counter() - begin)


def four(work):
    """Four at once; seconds until the last is done."""
    failed = []

    def one(number):
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - told by the caller
            failed.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(4)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise base.Failed("%s" % failed[0])
    return time.perf_counter() - begin


class LargeGet(house.Workload):
    """100 MB, four clients at once, each four times."""
    name = "large-get"
    REPEAT = 4

    def start(self):
        bench = self.house
        front = bench.stoa()
        self.context = ssl.create_default_context(cafile=os.path.join(bench.folder, "certs", "ca.pem"))
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        data = os.urandom(1 << 20) * (LARGE >> 20)
        self.who = [("stoa", front.pid, front.http, front.https, house.stored(front, LARGE))]
        for peer in (bench.nginx(), bench.h2o()):
            self.who.append((peer.name, peer.pid, peer.port, peer.tls, peer.put("large.bin", data)))

    def round(self, turn):
        for scheme in ("http", "https"):
            for name, pid, port, tls, path in self.who if turn % 2 else reversed(self.who):
                before, secure = house.cpu_seconds(pid), scheme == "https"
                times = 1 if secure else self.REPEAT

                def work(_, port=tls if secure else port, path=path, secure=secure, times=times):
                    for _ in range(times):
                        drain(port, path, self.context if secure else None, [])

                spent = four(work)
                size = LARGE * 4 * times
                self.house.results.add("%s %s" % (self.name, scheme), name, mb_s=size / 1e6 / spent,
                                       cpu_s_gb=(house.cpu_seconds(pid) - before) / (size / 1e9))

    def rows(self):
        r = self.house.results
        return [figures.Row.against(r, "large-get http, 100 MB, 4 at once", "large-get http", "mb_s", "MB/s", "nginx", (">=", 1.2)),
                figures.Row.against(r, "large-get http, 100 MB, 4 at once", "large-get http", "mb_s", "MB/s", "h2o"),
                figures.Row.alone(r, "  CPU of a GB", "large-get http", "cpu_s_gb", "s", ("<=", 0.15)),
                figures.Row.against(r, "  CPU of a GB", "large-get http", "cpu_s_gb", "s", "nginx"),
                figures.Row.against(r, "large-get https", "large-get https", "mb_s", "MB/s", "h2o", (">=", 0.97)),
                figures.Row.against(r, "large-get https", "large-get https", "mb_s", "MB/s", "nginx"),
                figures.Row.against(r, "  CPU of a GB", "large-get https", "cpu_s_gb", "s", "nginx")]


class SmallPut(house.Workload):
    """10 KB each to a place of its own, 64 connections. Ours is durable before it is answered, nginx's is not."""
    name = "small-put"
    COUNT = 12000

    def start(self):
        self.driver, self.front = cycles.shared(self.house)
        self.nginx = self.house.nginx()
        self.number = 0

    def round(self, turn):
        bench = self.house
        _, slots = self.driver.ask(self.COUNT, 256, SMALL)
        self.number += 1
        work = [("stoa", self.front.pid, self.front.http, [s[0] for s in slots]),
                ("nginx", self.nginx.pid, self.nginx.port, ["/p%d-%d" % (self.number, i) for i in range(self.COUNT)])]
        for name, pid, port, paths in work if turn % 2 else reversed(work):
            before = house.cpu_seconds(pid)
            got = house.wrk("http://127.0.0.1:%d" % port, "paths.lua",
                            ["PUT", write_paths(bench.folder, "put.paths", paths), str(SMALL)], CROWD)
            bench.results.add(self.name, name, cpu_us=(house.cpu_seconds(pid) - before) / got["calls"] * 1e6, **got)

    def rows(self):
        r = self.house.results
        return [figures.Row.against(r, "small-put, 10 KB (ours durable, nginx's not)", self.name, "per_s", "/s", "nginx"),
                figures.Row.against(r, "  CPU of a request", self.name, "cpu_us", "us", "nginx")]


class LargePut(house.Workload):
    """100 MB, four at once; and the memory that it takes."""
    name = "large-put"

    def start(self):
        self.front, self.nginx = self.house.stoa(), self.house.nginx()
        self.source = os.path.join(self.house.folder, "large.put")
        with open(self.source, "wb") as file:
            file.write(os.urandom(1 << 20) * (LARGE >> 20))
        self.number = 0

    def _urls(self, name):
        if name == "stoa":
            return [self.front.slot_by_ctl("file.bin", LARGE)[0] for _ in range(4)]
        self.number += 1
        return ["http://127.0.0.1:%d/l%d-%d" % (self.nginx.port, self.number, i) for i in range(4)]

    def round(self, turn):
        for name, pid in (("stoa", self.front.pid), ("nginx", self.nginx.pid))[::1 if turn % 2 else -1]:
            urls, idle, peak, over = self._urls(name), house.pss_kib(pid), [0], threading.Event()

            def watch(pid=pid, peak=peak, over=over):
                while not over.wait(0.02):
                    peak[0] = max(peak[0], house.pss_kib(pid))

            def work(i, urls=urls):
                done = subprocess.run(["curl", "-s", "-f", "-o", "/dev/null", "-H", "Expect:", "-T", self.source, urls[i]], check=False)
                if done.returncode:
                    raise base.Failed("PUT %s failed" % urls[i])

            watcher = threading.Thread(target=watch)
            watcher.start()
            before = house.cpu_seconds(pid)
            spent = four(work)
            cpu = house.cpu_seconds(pid) - before
            over.set()
            watcher.join()
            size = 4 * LARGE / 1e6
            self.house.results.add(self.name, name, mb_s=size / spent, cpu_s_gb=cpu / (size / 1e3),
                                   raised_mib=max(0, peak[0] - idle) / 1024)

    def rows(self):
        r = self.house.results
        return [figures.Row.against(r, "large-put, 100 MB, 4 at once (ours durable)", self.name, "mb_s", "MB/s", "nginx", (">=", 2)),
                figures.Row.alone(r, "  CPU of a GB", self.name, "cpu_s_gb", "s", ("<=", 0.8)),
                figures.Row.against(r, "  CPU of a GB", self.name, "cpu_s_gb", "s", "nginx"),
                figures.Row.alone(r, "  memory above rest, all processes", self.name, "raised_mib", "MiB", ("<=", 8))]
