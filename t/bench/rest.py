# SPDX-License-Identifier: ISC
"""rest.py - rest: what a call of the REST API costs, beside what its parts cost without us.

The round trip is a ping IQ to the server, sent by POST /rest/stream/ with key and login; the peers are a bridge of
slixmpp and aiohttp, ejabberd's own HTTP API, and the bare IQ over a component stream."""
import json
import os
import statistics
import subprocess
import sys
import time

import bare
import figures
import house
from harness import base, rest, servers, stoa, web

HERE = os.path.dirname(os.path.realpath(__file__))
CROWDS = (1, 16, 64, 128)
SECONDS = 3
USERS = 40  # first logins per round and server
PING = "<iq xmlns='jabber:client' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
BRIDGE, RAW = "bridge.localhost", "raw.localhost"
SCRIPT = """return {
    regex = "/now",
    api_key = true,
    exec_get = function (service, callback) callback("now") end,
}
"""


def wrk(port, crowd, method, path, body="", fields=()):
    """{per_s, p50_ms, p99_ms} of calls that were all answered well."""
    argv = ["wrk", "-t1", "-c%d" % crowd, "-d%ds" % SECONDS, "-s", os.path.join(HERE, "call.lua"), "http://127.0.0.1:%d" % port,
            "--", method, path, body] + ["%s: %s" % f for f in fields]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    line = [x for x in done.stdout.splitlines() if x.startswith("RESULT ")]
    if not line:
        raise base.Failed("wrk said: %s%s" % (done.stdout, done.stderr))
    out = json.loads(line[0][7:])
    out["calls_bad"] = out.pop("bad")
    return out


def well(measured, what):
    if measured.pop("calls_bad"):
        raise base.Failed("%s: calls failed" % what)
    return measured


class Bridge:
    """The bridge as a process."""

    def __init__(self, server, folder):
        self.port, log = base.free_port(), os.path.join(folder, server.kind + "-bridge.log")
        self.process = base.spawn([sys.executable, "-B", os.path.join(HERE, "bridge.py"), BRIDGE, server.secret, str(server.component),
                                   str(self.port), rest.KEY, "%s:%s" % (rest.ADMIN, rest.PASSWORDS[rest.ADMIN])], log)
        base.wait_for(lambda: base.listening(self.port) or self.process.poll() is not None, "the bridge")
        if self.process.poll() is not None:
            raise base.Failed("the bridge ended: " + base.tail(log))

    def stop(self):
        base.end(self.process.pid)


def round_trips(results, server, front, bridge):
    """The same IQ by Stoa, by the bridge, and bare; with ejabberd its own API's cheapest command too."""
    who = rest.Api(front, rest.ADMIN)
    fields = who.fields(kind="xml")
    for crowd in CROWDS:
        name = "%s %d" % (server.kind, crowd)
        per_s, p50 = bare.pings(server, RAW, crowd, SECONDS)
        results.add("iq " + name, "bare", per_s=per_s, p50_ms=p50)
        cpu = house.cpu_seconds(front.pid)
        measured = well(wrk(front.http, crowd, "POST", "/rest/stream/", PING, fields), "stoa")
        measured["cpu_us"] = (house.cpu_seconds(front.pid) - cpu) / measured["calls"] * 1e6
        results.add("iq " + name, "stoa", **measured)
        cpu = house.cpu_seconds(bridge.process.pid)
        measured = well(wrk(bridge.port, crowd, "POST", "/stream", PING, fields), "bridge")
        measured["cpu_us"] = (house.cpu_seconds(bridge.process.pid) - cpu) / measured["calls"] * 1e6
        results.add("iq " + name, "bridge", **measured)
        if server.kind == "ejabberd":
            results.add("iq " + name, "own-api", **well(wrk(server.web, crowd, "POST", "/api/connected_users_number", "{}", [
                ("Content-Type", "application/json")]), "mod_http_api"))


def answers_at_once(results, front):
    """No XMPP: what a script costs over an answer of our own, and a login that was proved before over none."""
    key = [("Api-Key", rest.KEY)]
    login = rest.Api(front, rest.ADMIN).fields(kind="xml")
    for crowd in (1, 64):
        results.add("at once %d" % crowd, "script", **well(wrk(front.http, crowd, "GET", "/rest/bench/now", "", key), "script"))
        for name, fields in (("refused", key), ("login", login)):
            # 401 without a login, 400 for no stanza behind it: both are answers of our own; wrk counts them as bad
            measured = wrk(front.http, crowd, "POST", "/rest/stream/", "x", fields)
            if measured.pop("calls_bad") != measured["calls"]:
                raise base.Failed("%s: an answer of another kind came" % name)
            results.add("at once %d" % crowd, name, **measured)


def first_logins(results, server, front, turn):
    """Each account's first call, against the bare login to the same server; one after the other."""
    context, spent, plain = bare.trusting(server), [], []
    for number in range(turn * USERS, (turn + 1) * USERS):
        user, password = "user%d" % number, "secret%d" % number
        plain.append(bare.login(server, user, password, context))
        api = rest.Api(front, "%s@%s" % (user, server.domain))
        with front.conn() as conn:
            begin = time.perf_counter()
            reply = api.get("/rest/adhoc/%s" % server.domain, password=password, conn=conn)
            spent.append(time.perf_counter() - begin)
        if reply.status != 200:
            raise base.Failed("the first call of %s was answered with %r" % (user, reply))
    results.add("first login " + server.kind, "stoa", ms=statistics.median(spent) * 1e3)
    results.add("first login " + server.kind, "bare", ms=statistics.median(plain) * 1e3)


def scripts_folder(folder):
    where = os.path.join(folder, "scripts", "bench")
    os.makedirs(where, exist_ok=True)
    with open(os.path.join(where, "Now.lua"), "w") as file:
        file.write(SCRIPT)
    for path in (os.path.dirname(where), where):
        os.chmod(path, 0o755)
    return os.path.dirname(where)


class Rest(house.Workload):
    """Calls through Prosody and through ejabberd; the servers of both stay up, so that rounds interleave."""
    name = "rest"

    def start(self):
        self.sides = []
        for kind in ("prosody", "ejabberd"):
            folder = self.house.place("rest-" + kind)
            server = servers.KINDS[kind](os.path.join(folder, "server"), components=["http.localhost", BRIDGE, RAW])
            server.accounts.update({"user%d" % i: "secret%d" % i for i in range(USERS * self.house.rounds)})
            self.keep(server.start())
            where = scripts_folder(os.path.join(folder, "front"))
            front = stoa.Stoa(os.path.join(folder, "front"), server, house.SETS + ["http/rest/rest-scripts-dir=" + where],
                              components=("http.localhost",)).start()
            self.keep(front)
            front.streams_up()
            bridge = Bridge(server, folder)
            self.keep(bridge)
            if web.fetch("POST", front.url("/rest/stream/"), rest.Api(front, rest.ADMIN).fields(kind="xml"),
                         PING.encode()).status != 200:
                raise base.Failed("the first ping through Stoa failed:\n" + front.said())
            self.sides.append((server, front, bridge))

    def round(self, turn):
        for server, front, bridge in self.sides:
            first_logins(self.house.results, server, front, turn)
            round_trips(self.house.results, server, front, bridge)
        answers_at_once(self.house.results, self.sides[0][1])

    def rows(self):
        r, out = self.house.results, []
        for server, _, _ in self.sides:
            for crowd in CROWDS:
                name = "iq %s %d" % (server.kind, crowd)
                text = "rest, %s, %d connections" % (server.kind, crowd)
                if server.kind == "ejabberd":
                    out.append(figures.Row.against(r, text + ", calls", name, "per_s", "/s", "own-api", {
                        16: (">=", 1.7), 128: (">=", 2.5)}.get(crowd)))
                out.append(figures.Row.against(r, text + ", calls", name, "per_s", "/s", "bridge", (">=", 5) if crowd == 64 else None))
                out.append(figures.Row.against(r, "  median", name, "p50_ms", "ms", "bare"))
            out.append(figures.Row.alone(r, "  CPU of a call, 64 connections", "iq %s 64" % server.kind, "cpu_us", "us", ("<=", 25)))
            out.append(figures.Row.against(r, "first call of an account: login and command list", "first login " + server.kind, "ms",
                                           "ms", "bare"))
        for crowd in (1, 64):
            name = "at once %d" % crowd
            out.append(figures.Row.against(r, "a script that answers at once, %d connections / our own answer" % crowd, name, "per_s",
                                           "/s", "refused", who="script"))
        return out
