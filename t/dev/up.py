# SPDX-License-Identifier: ISC
"""up.py - ./dev up and ./dev down: an XMPP server and a Stoa beside it in one folder, in the background."""
import argparse
import json
import os
import sys

import paths  # noqa: F401
from harness import base, rest, servers, stoa


def state_file(folder):
    return os.path.join(folder, "up.json")


def owned(mark):
    """The number of a process that up started, if it is still that one; a recycled number was born later."""
    return mark and base.alive(mark[0]) and base.born(mark[0]) == mark[1] and mark[0]


def down(folder):
    """Ends what runs there; nothing to end is no error."""
    folder = os.path.realpath(folder)
    try:
        with open(state_file(folder)) as file:
            state = json.load(file)
    except (OSError, ValueError):
        return
    for name in ("stoa", "server"):  # the daemon first: it need not complain about a server that goes away
        pid = owned(state.get(name))
        if pid:
            base.end(pid)
    os.unlink(state_file(folder))


def remember(folder, **pids):
    with open(state_file(folder), "w") as file:
        json.dump({name: [pid, base.born(pid)] if pid else None for name, pid in pids.items()}, file)


def lines_of(house, server):
    """The KEY=VALUE lines, in the order in which people read them."""
    host = base.LOOPBACK
    account = servers.ACCOUNTS
    domain = servers.DOMAIN
    return [
        ("HTTP_URL", "http://%s:%d" % (host, house.http)),
        ("HTTPS_URL", "https://localhost:%d" % house.https),
        ("UPLOAD_JID", "upload." + domain),
        ("HTTP_JID", "http." + domain),
        ("DOMAIN", domain),
        ("XMPP_C2S", "%s:%d" % (host, server.c2s) if server else ""),
        ("XMPP_COMPONENT", "%s:%d" % (host, server.component) if server else ""),
        ("ADMIN_JID", "admin@" + domain), ("ADMIN_PASSWORD", account["admin"]),
        ("USER_JID", "alice@" + domain), ("USER_PASSWORD", account["alice"]),
        ("USER2_JID", "bob@" + domain), ("USER2_PASSWORD", account["bob"]),
        ("CONFIG", house.config),
        ("LOG_DIR", os.path.join(house.folder, "logs")),
        ("DATA_DIR", os.path.join(house.folder, "data")),
        ("CTL", os.path.join(house.folder, "stoactl")),
        ("MASTER_PID", house.pid),
        ("CA_FILE", house.ca),
        ("REST_URL", "http://%s:%d/rest" % (host, house.http)),
        ("API_KEY", rest.KEY),
    ]


class Nobody:
    """No XMPP server: only its place is known, where somebody may start one later."""
    kind, domain, secret = "none", servers.DOMAIN, servers.SECRET

    def __init__(self):
        self.component, self.c2s, self.pid = base.free_port(), base.free_port(), None


def up(folder, kind, sets):
    """Starts both and returns (stoa, server)."""
    os.makedirs(folder, exist_ok=True)
    folder = os.path.realpath(folder)
    if os.path.exists(state_file(folder)):
        with open(state_file(folder)) as file:
            state = json.load(file)
        if any(owned(mark) for mark in state.values()):
            raise base.Failed("already up in %s; ./dev down %s ends it" % (folder, folder))
    where = os.path.join(folder, "xmpp")
    server = Nobody() if kind == "none" else servers.KINDS[kind](
        where, components=["upload.localhost", "http.localhost"]).start()
    house = stoa.Stoa(folder, server, sets)
    remember(folder, server=server.pid, stoa=None)
    try:
        house.daemonise()
        remember(folder, server=server.pid, stoa=house.pid)
        if kind != "none":
            house.streams_up()
    except BaseException:
        down(folder)
        raise
    if house.user == "root":
        print("up: the folder cannot be reached by ordinary users, so Stoa runs as root here", file=sys.stderr)
    return house, server


def main():
    parser = argparse.ArgumentParser(prog="./dev")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("up")
    one.add_argument("--server", choices=("prosody", "ejabberd", "none"), default="prosody")
    one.add_argument("--set", action="append", default=[], metavar="path/in/config=value", dest="sets")
    one.add_argument("dir", metavar="DIR")
    two = commands.add_parser("down")
    two.add_argument("dir", metavar="DIR")
    given = parser.parse_args()
    folder = os.path.join(os.environ.get("STOA_INVOKED_FROM", os.getcwd()), given.dir)
    try:
        if given.command == "down":
            down(folder)
            return
        house, server = up(folder, given.server, given.sets)
    except base.Failed as error:
        sys.exit("dev: %s" % error)
    for name, value in lines_of(house, server):
        print("%s=%s" % (name, value))


if __name__ == "__main__":
    main()
