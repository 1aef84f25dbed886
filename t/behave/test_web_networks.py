# SPDX-License-Identifier: ISC
"""Who may come near: plain connections, and pages of administrators from the loopback only (R26)."""
import re
import subprocess

import pytest

from harness import base, rest, servers
from harness.people import INSIDE, Browser, is_in


@pytest.fixture
def behind_proxy(make):
    """(house, browser of a client at that address, by TLS or not)"""
    def build(*sets):
        host = make.host()
        house = make("httpServer/trusted-proxies=127.0.0.1", *sets, server=host, components=("http.localhost",), security="plain")

        def browser(address, proto="http", **more):
            return Browser(house, fields=[("X-Forwarded-For", address), ("X-Forwarded-Proto", proto), ("X-Forwarded-Host", "localhost")], **more)
        return house, browser
    return build


def test_no_password_goes_over_plain_http_from_outside(behind_proxy):
    house, browser = behind_proxy()
    far = browser("192.0.2.7")
    reply = far.get("/session/login")
    assert reply.status == 200 and b"not encrypted" in reply.body and b'name="password"' not in reply.body and not far.cookies
    reply = far.send("POST", "/session/login", {"jid": "alice", "password": servers.ACCOUNTS["alice"]})
    assert reply.status == 403 and not far.cookies
    near = browser("127.0.0.1")
    assert near.login().status == 303 and near.secret
    far.cookies = dict(near.cookies)
    assert not is_in(far)
    safe = browser("192.0.2.7", "https")
    assert safe.login().status == 303 and "__Host-stoa" in safe.cookies
    assert is_in(safe)


def test_plain_login_always(behind_proxy):
    house, browser = behind_proxy("http/plain-login=always")
    far = browser("192.0.2.7")
    assert far.login().status == 303 and is_in(far)


def test_R26_pages_of_administrators_are_reached_from_here_only(behind_proxy):
    house, browser = behind_proxy()
    proof = ("Authorization", rest.basic(rest.ADMIN, servers.ACCOUNTS["admin"]))
    assert browser("127.0.0.1").get("/admin/", more=[proof]).status == 200
    assert browser("::1").get("/admin/", more=[proof]).status == 200
    for method in ("GET", "POST"):
        for more in ([], [proof]):
            reply = browser("192.0.2.7", "https").send(method, "/admin/", more=more)
            assert reply.status == 403 and b"http/admin-networks" in reply.body
    far = browser("192.0.2.7", "https")
    assert far.login("admin").status == 303 and far.get("/admin/").status == 403
    assert b"/admin/" not in far.get(INSIDE).body  # nor is it offered
    reply = browser("192.0.2.7", "https").get("/rest/adhoc/localhost", accept="application/json", more=[proof, ("Api-Key", rest.KEY)])
    assert reply.status == 200  # of another interface, with keys and roles of its own


def test_R26_other_networks_when_the_file_says_so(behind_proxy):
    house, browser = behind_proxy("http/admin-networks=192.0.2.0/24")
    proof = ("Authorization", rest.basic(rest.ADMIN, servers.ACCOUNTS["admin"]))
    assert browser("192.0.2.7", "https").get("/admin/", more=[proof]).status == 200
    assert browser("198.51.100.7", "https").get("/admin/", more=[proof]).status == 403
    assert browser("127.0.0.1").get("/admin/", more=[proof]).status == 403


def test_R26_who_is_no_administrator_is_refused(behind_proxy):
    house, browser = behind_proxy()
    browser = browser("127.0.0.1")
    browser.login("alice")
    reply = browser.get("/admin/")
    assert reply.status == 403 and b"administrators" in reply.body
    assert is_in(browser)


@pytest.mark.parametrize("addresses, sets, good", [
    ("'127.0.0.1'", ("http/admin-networks=10.0.0.0/8",), True), ("'0.0.0.0'", ("http/admin-networks=10.0.0.0/8",), False),
    ("'127.0.0.1', '192.0.2.1'", ("http/admin-networks=10.0.0.0/8",), False), ("'0.0.0.0'", (), True),
    ("'0.0.0.0'", ("http/admin-networks=127.0.0.0/8, ::1, unix",), True),
    ("'0.0.0.0'", ("http/admin-networks=10.0.0.0/8", "httpServer/trusted-proxies=127.0.0.1"), True),
    ("'0.0.0.0'", ("http/admin-networks=::/0",), False)])
def test_R26_passwords_of_administrators_over_a_plain_public_connection(make, addresses, sets, good):
    house = make(*sets, start=False)
    with open(house.config) as file:
        text = file.read()
    with open(house.config, "w") as file:
        file.write(text.replace("addresses = [ '127.0.0.1' ]", "addresses = [ %s ]" % addresses, 1))
    done = subprocess.run([base.program("stoad"), "-t"] + house.options(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    assert (done.returncode == 0) == good, done.stdout
    if not good:
        assert re.search(r"config\.tdsl:\d+:\d+: error: http/admin-networks", done.stdout), done.stdout
