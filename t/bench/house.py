# SPDX-License-Identifier: ISC
"""house.py - what several workloads share: servers that are started when first asked for, and what they cost."""
import json
import os
import subprocess
import tempfile

import peers
from harness import base, certs, stoa

TICK = os.sysconf("SC_CLK_TCK")
SETS = ["upload/limits/burst=1000000", "upload/limits/rate-period=PT1S", "upload/logic/max-file-size=2G", "processes/workers=2",
        "httpServer/max-connections-per-address=0", "httpServer/max-connections=20000", "httpServer/max-requests=0",
        "httpServer/idle-timeout=10m", "processes/data-map-size=4G", "xmpp/login-failures-most=0",
        "xmpp/login-failures-per-address=0", "xmpp/login-failures-per-account=0", "log/access=true"]


def cpu_seconds(pid):
    """Of a process and all its living descendants."""
    ticks = 0
    for member in base.family(pid):
        try:
            with open("/proc/%d/stat" % member) as file:
                words = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(words[11]) + int(words[12])
    return ticks / TICK


def pss_kib(pid):
    total = 0
    for member in base.family(pid):
        try:
            with open("/proc/%d/smaps_rollup" % member) as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


class House:
    """folder, results, rounds; servers by name, each started once."""

    def __init__(self, folder, results, rounds):
        self.folder, self.results, self.rounds = folder, results, rounds
        self.started = {}
        self.certificate = certs.certificate(os.path.join(folder, "certs"), os.path.join(folder, "certs", "localhost.pem"),
                                             ["localhost"])
        os.chmod(self.certificate, 0o644)

    def place(self, name):
        out = os.path.join(self.folder, name)
        os.makedirs(out, exist_ok=True)
        os.chmod(out, 0o755)
        return out

    def once(self, name, make):
        if name not in self.started:
            self.started[name] = make()
        return self.started[name]

    def end(self, name):
        """Its memory and its files are wanted no more."""
        if name in self.started:
            self.started.pop(name).stop()

    def stop(self):
        for name in list(reversed(self.started)):
            self.end(name)

    # ---- peers ----
    def nginx(self):
        return self.once("nginx", lambda: peers.Nginx(self.place("nginx"), self.certificate).start())

    def h2o(self):
        return self.once("h2o", lambda: peers.H2o(self.place("h2o"), self.certificate).start())

    def lighttpd(self):
        return self.once("lighttpd", lambda: peers.Lighttpd(self.place("lighttpd"), self.certificate).start())

    def server(self, kind):
        return self.once(kind, lambda: getattr(peers, kind)(self.place(kind)))

    # ---- Stoa ----
    def stoa(self, server=None, name="stoa", more=()):
        """Beside that server, or beside nobody."""
        def make():
            out = stoa.Stoa(self.place(name), server, SETS + list(more)).start()
            return out.streams_up() if server else out
        return self.once(name, make)


class Workload:
    """What is measured together: start, round, rows; what it keeps ends with it, in reverse."""
    name = None

    def __init__(self, bench):
        self.house, self.kept = bench, []

    def keep(self, one):
        self.kept.append(one)
        return one

    def stop(self):
        while self.kept:
            self.kept.pop().stop()


def stored(front, size, owner="alice@localhost"):
    """The path of a file of that size that Stoa serves."""
    put, get = front.slot_by_ctl("file.bin", size, owner)
    with tempfile.NamedTemporaryFile() as source:
        for _ in range(max(1, size >> 20)):
            source.write(os.urandom(min(size, 1 << 20)))
        source.flush()
        done = subprocess.run(["curl", "-s", "-f", "-o", "/dev/null", "-H", "Expect:", "-T", source.name, put], check=False)
    if done.returncode:
        raise base.Failed("a file of %d bytes could not be stored" % size)
    return "/" + get.split("/", 3)[3]


def wrk(url, script, arguments, crowd, seconds=3, threads=1):
    """{per_s, p50_ms, p99_ms, calls} of calls that were all answered well."""
    here = os.path.dirname(os.path.realpath(__file__))
    done = subprocess.run(["wrk", "-t%d" % threads, "-c%d" % crowd, "-d%ds" % seconds, "-s", os.path.join(here, script), url, "--"] +
                          list(arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    line = [x for x in done.stdout.splitlines() if x.startswith("RESULT ")]
    if not line:
        raise base.Failed("wrk said: %s%s" % (done.stdout, done.stderr))
    out = json.loads(line[0][7:])
    if out.pop("bad"):
        raise base.Failed("%s: some calls failed: %s" % (url, done.stdout))
    return out
