# SPDX-License-Identifier: ISC
"""stoa.py - a Stoa of one's own: its folder, its config.tdsl, its start and its end."""
import json
import os
import shlex
import signal
import subprocess

from . import base, certs, rest, servers, web

CONFIG = """# Written by the harness; overrides lie in the file beside it.
httpServer {{
    connections {{
        {http} {{
            addresses = [ '127.0.0.1' ]
        }}
        {https} {{
            socket = ssl
            addresses = [ '127.0.0.1' ]
        }}
    }}
    certs-dir = '{folder}/certs'
}}
xmpp {{
    host = '127.0.0.1'
    port = {component}
    c2s-port = {c2s}
{security}
    domains = [ '{domain}' ]
    admins = [ 'admin@{domain}' ]
    components {{
{components}
    }}
}}
http {{
    rest {{
        api-keys = [ '{key}' ]
    }}
}}
upload () {{
    logic {{
        server-name = '127.0.0.1'
        protocol = http
        port = {http}
    }}
}}
log {{
    directory = '{folder}/logs'
}}
processes {{
    workers = {workers}
{user}
    pid-file = '{folder}/run/stoad.pid'
    control-socket = '{folder}/run/ctl.sock'
    data-dir = '{folder}/data'
}}
"""


def daemon_user(folder):
    """Whom the daemon shall become when started as root: nobody, if that one can reach the folder at all."""
    if os.getuid() != 0:
        return None
    at = os.path.dirname(os.path.realpath(folder))
    os.chmod(folder, os.stat(folder).st_mode | 0o711)
    while True:
        if not os.stat(at).st_mode & 0o001:
            return "root"
        if at == "/":
            return "nobody"
        at = os.path.dirname(at)


class Stoa:
    """server: a started Server, a FakeServer, or None for nobody at the component port.

    sets: overrides, "path/in/config=value". more: text put at the end of config.tdsl. security: how clients' logins
    go to the server (starttls, direct, plain); None: by STARTTLS where the harness knows who signed its certificate."""

    def __init__(self, folder, server=None, sets=(), workers=2, more="", config=None, certificates=None,
                 components=("upload.localhost", "http.localhost"), env=None, security=None):
        self.folder, self.server, self.sets = os.path.realpath(folder), server, list(sets)
        self.workers, self.more, self.text, self.certificates = workers, more, config, certificates
        self.components, self.extra_env, self.security = components, env or {}, security
        self.process, self.pid = None, None
        self.http = self.https = None
        self.clock_file = os.path.join(self.folder, "clock")
        for name in ("", "certs", "logs", "run", "data"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.config = os.path.join(self.folder, "config.tdsl")

    # -- what is written before the start --
    def choose_ports(self):
        self.http, self.https = base.free_port(), base.free_port()

    def write(self):
        if not self.http:
            self.choose_ports()
        server = self.server
        user = daemon_user(self.folder)
        self.user = user or ""
        lines = "".join("        '%s' {\n            secret = '%s'\n            service = '%s'\n        }\n" % (
            jid, server.secret if server else servers.SECRET, "upload" if jid.startswith("upload") else "http")
            for jid in self.components)
        text = self.text or CONFIG
        group = "nogroup" if user == "nobody" else user
        values = dict(http=self.http, https=self.https, folder=self.folder, workers=self.workers,
                      component=server.component if server else base.free_port(),
                      c2s=(server.c2s_tls if self.security == "direct" else server.c2s if server else 0) or 5222, domain=server.domain if server else servers.DOMAIN,
                      components=lines.rstrip("\n"), key=rest.KEY, security=self.security_lines(),
                      user="    user = '%s'\n    group = '%s'" % (user, group) if user else "")
        with open(self.config, "w") as file:
            os.chmod(self.config, 0o600)
            file.write(text.format(**values) + self.more)
        pem = os.path.join(self.folder, "certs", "localhost.pem")
        if self.certificates:
            for name in os.listdir(self.certificates):
                if name.endswith(".pem") and name != "ca.pem":
                    _copy(os.path.join(self.certificates, name), os.path.join(self.folder, "certs", name))
            self.ca = os.path.join(self.certificates, "ca.pem")
        else:
            self.ca = certs.authority(self.folder)
            if not os.path.exists(pem):
                certs.certificate(self.folder, pem, ["localhost", "*.localhost"])
        self.save_overrides()

    def security_lines(self):
        ca = getattr(self.server, "ca", None)
        if self.security == "plain" or not ca or not os.path.exists(ca):
            return "    c2s-security = plain"
        copy = os.path.join(self.folder, "server-ca.pem")
        _copy(ca, copy)
        os.chmod(copy, 0o644)
        return "    c2s-security = %s\n    c2s-ca-file = '%s'" % (self.security or "starttls", copy)

    def save_overrides(self):
        """The overrides beside the configuration, and a stoactl that knows both: any later call sees the same."""
        with open(os.path.join(self.folder, "overrides"), "w") as file:
            file.writelines(line + "\n" for line in self.sets)
        path = os.path.join(self.folder, "stoactl")
        command = " ".join(shlex.quote(w) for w in [base.program("stoactl")] + self.options())
        with open(path, "w") as file:
            os.chmod(path, 0o755)
            file.write("#!/bin/sh\nexec %s \"$@\"\n" % command)

    def options(self):
        out = ["-c", self.config]
        for override in self.sets:
            out += ["-o", override]
        return out

    def env(self):
        return base.sanitizer_env(self.folder, dict({"STOA_TEST_CLOCK_FILE": self.clock_file}, **self.extra_env))

    # -- life --
    def start(self, wait=True, **more):
        """In the foreground, as our child; returns when all its children serve."""
        for attempt in range(4):
            self.write()
            log = os.path.join(self.folder, "console.log")
            open(log, "w").close()
            self.process = base.spawn([base.program("stoad"), "-f"] + self.options(), log, env=self.env(), **more)
            self.pid = self.process.pid
            if not wait:
                return self
            base.wait_for(lambda: self.process.poll() is not None or self.ready(),
                          lambda: "stoad in %s; it said:\n%s" % (self.folder, self.said()))
            if self.process.poll() is None:
                return self
            if "in use" not in self.said() or attempt == 3:
                break
            self.choose_ports()  # somebody took our port between the look and the bind
        raise base.Failed("stoad ended with %s:\n%s" % (self.process.returncode, self.said()))

    def daemonise(self):
        """As an operator starts it; the command returns when it serves. For ./dev up."""
        for attempt in range(4):
            self.write()
            log = os.path.join(self.folder, "console.log")
            with open(log, "wb") as out:
                done = subprocess.run([base.program("stoad")] + self.options(), stdin=subprocess.DEVNULL, stdout=out,
                                      stderr=out, env=self.env(), cwd="/", start_new_session=True, check=False)
            if done.returncode == 0:
                base.wait_for(self.ready, lambda: "stoad in %s:\n%s" % (self.folder, self.said()))
                self.pid = self.status()["master_pid"]
                return self
            if "in use" not in self.said() or attempt == 3:
                break
            self.choose_ports()
        raise base.Failed("stoad does not start:\n" + self.said())

    def ready(self):
        status = self.status()
        if not status:
            return False
        kinds = [p["kind"] for p in status["processes"] if p["state"] == "live"]
        return kinds.count("worker") >= self.workers_wanted() and "router" in kinds and "keeper" in kinds

    def workers_wanted(self):
        for override in self.sets:
            if override.startswith("processes/workers="):
                return int(override.split("=")[1]) or 1
        return self.workers

    def streams_up(self, seconds=base.WAIT):
        """Waits until every component stream is up."""
        base.wait_for(lambda: all(s["state"] == "up" for s in (self.status() or {}).get("streams", [{"state": ""}])),
                      lambda: "component streams; %s" % (self.status() or {}).get("streams"), seconds)
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process:
            pids = base.family(self.process.pid)
            base.end(self.process.pid, first=how)
            self.process.wait()
            left = [p for p in pids if base.alive(p)]
            self.process = None
            if left:
                raise base.Failed("processes outlived master: %s" % left)

    # -- looking at it --
    def said(self):
        return base.tail(os.path.join(self.folder, "console.log")) + base.tail(self.log_path("stoa.log"))

    def log_path(self, name):
        return os.path.join(self.folder, "logs", name)

    def log(self):
        return base.read(self.log_path("stoa.log")) + base.read(os.path.join(self.folder, "console.log"))

    def access_log(self):
        return base.read(self.log_path("access.log"))

    def ctl(self, *arguments, check=True, seconds=60, text=True):
        done = subprocess.run([base.program("stoactl")] + self.options() + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, timeout=seconds,
                              env=self.env(), check=False)
        if check and done.returncode != 0:
            raise base.Failed("stoactl %s: status %d\n%s%s" % (" ".join(arguments), done.returncode, done.stdout,
                                                              done.stderr))
        return done

    def status(self):
        """What stoactl status --json says; None when it is not running."""
        done = self.ctl("status", "--json", check=False)
        if done.returncode != 0:
            return None
        return json.loads(done.stdout)

    def pids(self, kind):
        return [p["pid"] for p in (self.status() or {"processes": []})["processes"]
                if p["kind"] == kind and p["state"] in ("live", "starting", "draining")]

    def counter(self, name):
        return self.status()["counters"][name]

    def check_sanitizers(self):
        reports = base.sanitizer_reports(self.folder)
        if reports:
            raise base.Failed("sanitizer reports:\n" + "\n".join(reports))

    def offset_clock(self, seconds):
        """Developer builds only: the wall clock of all processes jumps."""
        temporary = self.clock_file + ".new"
        with open(temporary, "w") as file:
            file.write("%d\n" % seconds)
        os.chmod(temporary, 0o644)
        os.rename(temporary, self.clock_file)

    # -- asking it --
    @property
    def where(self):
        return (base.LOOPBACK, self.http)

    def url(self, path="/"):
        return "http://127.0.0.1:%d%s" % (self.http, path)

    def conn(self, **more):
        return web.Conn(self.where, **more)

    def tls(self, **settings):
        return web.context(self.ca, **settings)

    def request(self, method, target, fields=(), body=None, **more):
        with self.conn() as conn:
            return conn.request(method, target, fields, body, **more)

    def slot(self, name="a.txt", size=3, kind=None, **more):
        """A slot by way of the fake server."""
        return self.server.slot(name, size, kind, **more)

    def slot_by_ctl(self, name="a.txt", size=3, owner="alice@localhost"):
        done = self.ctl("slot", "new", "--owner", owner, "--name", name, "--size", str(size))
        values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        return values["PUT"], values["GET"]

    def store(self, body, name="a.txt", kind=None, **more):
        """A slot, filled; the slot."""
        slot = self.slot(name, len(body), kind, **more)
        reply = web.put(slot.put, body, kind, slot.headers)
        assert reply.status == 201, reply
        return slot


def _copy(source, target):
    with open(source, "rb") as file:
        data = file.read()
    with open(target, "wb") as file:
        os.chmod(target, 0o600)
        file.write(data)
