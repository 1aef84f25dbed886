# SPDX-License-Identifier: ISC
"""upload.py - ./dev bench upload [ROUNDS]: slot cycles, large PUT and GET, memory."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import peers  # noqa: E402
import slots  # noqa: E402
from harness import base  # noqa: E402

LARGE = 100 * 1024 * 1024
GIB = 1 << 30
PUTS, GETS = 4, 16  # per round and peer: CPU seconds come in hundredths
SETS = ["upload/limits/burst=1000000", "upload/limits/rate-period=PT1M", "upload/logic/max-file-size=2G",
        "processes/workers=2"]


class Results:
    """Medians of named measurements; every single one goes to the JSON lines too."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.file = open(path, "w")
        self.values = {}

    def add(self, workload, who, **measured):
        self.file.write(json.dumps(dict(workload=workload, who=who, **measured)) + "\n")
        self.file.flush()
        for name, value in measured.items():
            self.values.setdefault((workload, who, name), []).append(value)

    def median(self, workload, who, name):
        return statistics.median(self.values[workload, who, name])


def measured(peer_pids, work):
    """(result of work(), CPU seconds that it cost those processes)"""
    before = sum(peers.cpu_seconds(pid) for pid in peer_pids)
    result = work()
    return result, sum(peers.cpu_seconds(pid) for pid in peer_pids) - before


def large(results, who, source):
    """PUT and GET of a large file, several times, over HTTP."""
    places = [who.place(LARGE) for _ in range(PUTS)]

    def put():
        spent = 0
        for put_url, _ in places:
            seconds, status = peers.curl("-T", source, "-H", "Expect:", put_url)
            if status not in (201, 204):
                raise base.Failed("%s: PUT answered %d" % (who.name, status))
            spent += seconds
        return spent

    def get():
        spent = 0
        for _, get_url in places * (GETS // PUTS):
            seconds, status = peers.curl(get_url)
            if status != 200:
                raise base.Failed("%s: GET answered %d" % (who.name, status))
            spent += seconds
        return spent

    for name, work, count in (("large-put", put, PUTS), ("large-get", get, GETS)):
        seconds, cpu = measured([who.pid], work)
        size = LARGE * count
        results.add(name, who.name, mb_s=size / 1e6 / seconds, cpu_s_gb=cpu / (size / 1e9))


def cycles(results, server, front):
    """One round of slot cycles each way."""
    users = ["user%d" % i for i in range(peers.USERS)]
    for who, service, own in (("stoa", "upload.localhost", [front.pid]), ("prosody", "share.localhost", [])):
        spent_own = sum(peers.cpu_seconds(p) for p in own)
        rate, cpu = measured([server.pid], lambda s=service: slots.run(server, users, s, 4))
        spent_own = sum(peers.cpu_seconds(p) for p in own) - spent_own
        results.add("slot-cycle", who, per_s=rate, prosody_cpu_ms=cpu / (rate * 4) * 1e3,
                    own_cpu_ms=spent_own / (rate * 4) * 1e3)


def memory(results, front, folder):
    idle = peers.pss_kib(front.pid)
    put, _ = front.place(GIB)
    source = os.path.join(folder, "gib")
    with open(source, "wb") as file:
        file.truncate(GIB)
    peak = idle
    with open(os.devnull, "w") as null:
        job = subprocess.Popen(["curl", "-s", "-f", "-T", source, put], stdout=null)
        while job.poll() is None:
            peak = max(peak, peers.pss_kib(front.pid))
    if job.returncode:
        raise base.Failed("the upload of 1 GiB failed")
    results.add("memory", "stoa", idle_mib=idle / 1024, raised_mib=(peak - idle) / 1024)


def table(results):
    m = results.median
    rows = [("", "Stoa", "peer", "ratio", "goal")]

    def row(text, mine, peer, unit, goal):
        rows.append((text, "%.2f %s" % (mine, unit), "%.2f %s" % (peer, unit),
                     "%.2f" % (mine / peer) if peer else "-", goal))

    row("slot cycles, through Prosody / its own module", m("slot-cycle", "stoa", "per_s"),
        m("slot-cycle", "prosody", "per_s"), "/s", ">= 1")
    row("  CPU per cycle: Stoa / Prosody's module", m("slot-cycle", "stoa", "own_cpu_ms"),
        m("slot-cycle", "prosody", "prosody_cpu_ms"), "ms", "< 0.5")
    for name in ("large-put", "large-get"):
        row("%s 100 MB, against nginx" % name, m(name, "stoa", "mb_s"), m(name, "nginx", "mb_s"), "MB/s", ">= 0.9")
        row("  CPU per GB", m(name, "stoa", "cpu_s_gb"), m(name, "nginx", "cpu_s_gb"), "s", "<= 1.1")
    rows.append(("memory, idle, 2 workers (PSS of all)", "%.1f MiB" % m("memory", "stoa", "idle_mib"), "", "", "< 25"))
    rows.append(("  raised by an upload of 1 GiB", "%.1f MiB" % m("memory", "stoa", "raised_mib"), "", "", "< 2"))
    widths = [max(len(r[i]) for r in rows) for i in range(5)]
    for r in rows:
        print("  ".join(r[i].ljust(widths[i]) if i == 0 else r[i].rjust(widths[i]) for i in range(5)))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    folder = tempfile.mkdtemp(prefix="stoa-bench-")
    os.chmod(folder, 0o755)
    results = Results(os.path.join(base.TOP, "build", "bench", "upload.jsonl"))
    source = os.path.join(folder, "large")
    with open(source, "wb") as file:
        file.write(os.urandom(LARGE))
    started = []
    try:
        server = peers.prosody(os.path.join(folder, "xmpp"))
        started.append(server)
        front = peers.Stoa(os.path.join(folder, "stoa"), server, SETS).start()
        started.append(front)
        nginx = peers.Nginx(os.path.join(folder, "nginx")).start()
        started.append(nginx)
        front.streams_up()
        memory(results, front, folder)
        for number in range(rounds):
            print("round %d of %d" % (number + 1, rounds), file=sys.stderr)
            for who in (front, nginx) if number % 2 else (nginx, front):
                large(results, who, source)
            cycles(results, server, front)
        table(results)
    finally:
        for who in reversed(started):
            who.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
