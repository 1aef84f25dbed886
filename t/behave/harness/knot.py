# SPDX-License-Identifier: ISC
"""knot.py - a real name server (Debian's knot) for zones that a test writes, on a loopback port of its own."""
import os
import socket
import struct

from . import base


class Knot:
    def __init__(self, folder, zones):
        """zones: {"sure.im": text of the zone behind its SOA and NS}"""
        self.folder, self.zones, self.process = folder, zones, None

    def start(self):
        self.port = base.free_port()
        lines = ["server:", "    rundir: %s" % self.folder, "    listen: 127.0.0.1@%d" % self.port, "database:",
                 "    storage: %s" % self.folder, "log:", "  - target: stderr", "    any: warning", "template:",
                 "  - id: default", "    storage: %s" % self.folder, "    zonefile-sync: -1",
                 "    journal-content: none", "zone:"]
        for zone, text in self.zones.items():
            name = os.path.join(self.folder, zone + ".zone")
            with open(name, "w") as file:
                file.write("$ORIGIN %s.\n$TTL 300\n@ SOA ns root 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n%s" % (zone, text))
            lines += ["  - domain: %s" % zone, "    file: %s" % name]
        config = os.path.join(self.folder, "knot.conf")
        with open(config, "w") as file:
            file.write("\n".join(lines) + "\n")
        log = os.path.join(self.folder, "knot.log")
        self.process = base.spawn(["/usr/sbin/knotd", "-c", config], log)
        base.wait_for(self._answers, lambda: "knotd; it said:\n" + base.tail(log))
        return self

    @property
    def where(self):
        return "127.0.0.1:%d" % self.port

    def _answers(self):
        """Whether it knows the SOA of each zone."""
        if self.process.poll() is not None:
            raise base.Failed("knotd ended: " + base.tail(os.path.join(self.folder, "knot.log")))
        for zone in self.zones:
            name = b"".join(bytes([len(p)]) + p.encode() for p in zone.split(".")) + b"\0"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(1)
                try:
                    sock.sendto(struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + name + struct.pack("!HH", 6, 1),
                                (base.LOOPBACK, self.port))
                    reply = sock.recv(4096)
                except OSError:
                    return False
            if reply[3] & 15 != 0 or struct.unpack("!H", reply[6:8])[0] == 0:
                return False
        return True

    def stop(self):
        if self.process:
            base.end(self.process.pid)
            self.process.wait()
            self.process = None
