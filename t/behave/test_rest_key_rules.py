# SPDX-License-Identifier: ISC
"""The rules of API keys: who is let in, to what, and that nobody else is. No XMPP server is needed: a good key is seen by
the 401 that asks for a login behind it. How operators make and end keys is in test_rest_keys.py."""
import json
import re
import subprocess
import threading

import pytest

import conftest
from harness import base, rest, stoa

ADHOC, AVATAR = "/rest/adhoc/localhost", "/rest/avatar/nobody@localhost"
SECRET = re.compile(r"stoa_[A-Za-z0-9_-]{43}")


def with_keys(*entries):
    return "http/rest/api-keys=[%s]" % ",".join("'%s'" % e for e in entries)


@pytest.fixture
def keyed(make):
    """keyed(entry...): a caller of a Stoa with these api-keys."""
    def one(*entries, more=()):
        return rest.Api(make(with_keys(*entries), *more, server=False), key=None)
    return one


# ---- keys of the configuration ----

def test_nothing_is_open_by_itself(keyed):
    api = keyed()
    for method in ("GET", "POST", "PUT", "DELETE"):
        for path in (ADHOC, AVATAR, "/rest/stream/", "/rest/stream/bob@localhost"):
            reply = api(method, path, b"x" if method != "GET" else None)
            assert reply.status in (403, 405), (method, path, reply)
    assert api.get(ADHOC, key="anything").status == 403
    assert api.get(ADHOC, key="").status == 403


def test_a_key_comes_as_header_or_parameter(keyed):
    api = keyed("k1")
    assert api.get(ADHOC).status == 403
    for reply in (api.get(ADHOC, key="k1"), api.get(ADHOC + "?api-key=k1"), api.get(ADHOC + "?x=y&api-key=k1&z=0"),
                  api.get(ADHOC + "?api-key=%6b1"), api.get(ADHOC, fields=[("API-KEY", "k1")]), api.get(ADHOC + "?api-key=no", key="k1")):
        assert reply.status == 401, reply
    for reply in (api.get(ADHOC, key="K1"), api.get(ADHOC + "?api-key=K1"), api.get(ADHOC + "?api-key="), api.get(ADHOC, key="k1x"),
                  api.get(ADHOC, key="k"), api.get(ADHOC + "?API-KEY=k1"), api.get(ADHOC + "?api-key=k1", key="no")):
        assert reply.status == 403, reply


def test_the_key_is_looked_at_before_the_login_and_the_role(keyed):
    api = keyed("k1")
    assert api.get(ADHOC, user=rest.ALICE, password="wrong").status == 403
    assert api.get("/rest/nowhere/at/all").status in (403, 404)


def test_domains_and_expressions(keyed):
    api = keyed("d:domain=one.example;two.example", "r:regex=/rest/adhoc/.*;/rest/avatar/a.*",
                "b:domain=one.example:regex=/rest/avatar/.*", "c:regex=/rest/avatar/x:y.*")
    for key, host, path, good in [
            ("d", "one.example", ADHOC, True), ("d", "two.example:8080", ADHOC, True), ("d", "ONE.example", ADHOC, True),
            ("d", "localhost", ADHOC, False), ("d", "x.one.example", ADHOC, False),
            ("r", "any.example", ADHOC, True), ("r", "any.example", "/rest/avatar/alice@localhost", True),
            ("r", "any.example", "/rest/avatar/bob@localhost", False), ("r", "any.example", "/rest/stream/", False),
            ("b", "one.example", AVATAR, True), ("b", "two.example", AVATAR, False), ("b", "one.example", ADHOC, False),
            ("c", "any.example", "/rest/avatar/bob@localhost", False)]:
        method, body = ("POST", b"<message/>") if "stream" in path else ("GET", None)
        reply = api(method, path, body, host=host, key=key)
        assert (reply.status != 403) == good, (key, host, path, reply)


def test_an_expression_matches_the_whole_path(keyed):
    api = keyed("r:regex=/rest/adhoc/local", "s:regex=adhoc/localhost", "t:regex=/rest/adhoc/localhost")
    assert [api.get(ADHOC, key=k).status for k in "rst"] == [403, 403, 401]
    assert api.get(ADHOC + "?x=1", key="t").status == 401  # the query string is no part of it


def test_open_access_is_a_key_with_limits(keyed):
    api = keyed("open_access:regex=/rest/avatar/.*", "k1:domain=one.example")
    assert api.get(AVATAR).status != 403
    assert api.get(ADHOC).status == 403
    assert api.get(AVATAR, key="unknown").status == 403
    assert api.get(AVATAR, key="k1").status == 403  # looked up as that key only
    assert api.get(AVATAR, key="").status == 403


def test_open_access_of_the_setting_lets_everybody_in(keyed):
    api = keyed(more=["http/rest/open-access=true"])
    assert api.get(ADHOC).status == 401 and api.get(ADHOC, key="whatever").status == 401


def checked(make, *entries):
    house = make(with_keys(*entries), server=False, start=False)
    return subprocess.run([base.program("stoad"), "-t"] + house.options(), env=house.env(), capture_output=True, text=True, check=False)


def test_a_pattern_that_cannot_be_meant_is_warned_of(make):
    done = checked(make, "test2:domain=api.example.com;rest.example.com:regex=/rest/*")
    assert done.returncode == 0 and "warning: api-keys" in done.stderr and "/.*" in done.stderr


@pytest.mark.parametrize("entry", [":regex=/x", "", "k:regex=(", "k:what=ever", "k:regex=", "k:domain="])
def test_entries_that_are_no_key_are_refused(make, entry):
    done = checked(make, entry)
    assert done.returncode != 0 and "api-keys" in done.stdout + done.stderr


def test_printed_configuration_holds_no_key(make):
    house = make(with_keys("planted-config-key"), server=False, start=False)
    done = subprocess.run([base.program("stoad"), "-T"] + house.options(), env=house.env(), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "api-keys" in done.stdout and "planted-config-key" not in done.stdout


# ---- what needs a key, and what does not ----

def test_the_index_needs_no_key(keyed):
    api = keyed()
    for path in ("/rest/", "/rest"):
        reply = api.get(path)
        assert reply.status in (200, 301, 302, 308), reply
    assert api.get("/rest/").status == 200


def test_other_methods_are_405_and_HEAD_goes_with_GET(keyed):
    api = keyed("k1")
    reply = api("PATCH", ADHOC, b"x", key="k1")
    assert reply.status == 405 and {"GET", "POST"} <= set(re.split(r",\s*", reply["allow"]))
    assert api("DELETE", ADHOC, key="k1").status == 405
    assert api("HEAD", ADHOC, key="k1").status == 401
    options = api("OPTIONS", ADHOC)
    assert options.status in (200, 204) and "GET" in options["allow"]
    assert api.get("/rest/no-such-folder/x", key="k1").status == 404
    assert api.get("/rest/adhoc/a@b@c", key="k1").status == 404


# ---- keys of stoactl ----

@pytest.fixture(scope="module")
def shop(certificates):
    """A running Stoa with one key in its configuration; tests add others by stoactl."""
    house = stoa.Stoa(conftest.folder("keys"), None, certificates=certificates)
    house.start()
    yield house
    house.stop()
    house.check_sanitizers()


def add(house, *options):
    """(id, key)"""
    before = {k["id"] for k in listed(house)}
    done = house.ctl("key", "add", "--label", "made by a test", *options)
    key = SECRET.search(done.stdout)
    assert key, done.stdout
    ident, = {k["id"] for k in listed(house)} - before
    return ident, key.group(0)


def listed(house):
    return [json.loads(line) for line in house.ctl("key", "list", "--json").stdout.splitlines()]


def everywhere(house, key, path=ADHOC, method="GET", **more):
    """The status of the same call on many connections, so that each worker was asked."""
    statuses = {rest.Api(house, key=key)(method, path, **more).status for _ in range(16)}
    assert len(statuses) == 1, statuses
    return statuses.pop()


@pytest.mark.parametrize("options,good,bad", [
    (["--path", "/rest/adhoc/.*"], ("GET", ADHOC, {}), ("GET", AVATAR, {})),
    (["--path", "/rest/adhoc/.*", "--path", "/rest/avatar/.*"], ("GET", AVATAR, {}), ("POST", "/rest/stream/", {"body": b"<message/>"})),
    (["--method", "GET"], ("GET", ADHOC, {}), ("POST", ADHOC, {"body": b"{}"})),
    (["--host", "api.example.com"], ("GET", ADHOC, {"host": "api.example.com:80"}), ("GET", ADHOC, {"host": "example.com"})),
    (["--network", "127.0.0.0/8"], ("GET", ADHOC, {}), None),
    (["--network", "192.0.2.0/24", "--network", "2001:db8::/32"], None, ("GET", ADHOC, {})),
])
def test_scopes(shop, options, good, bad):
    _, key = add(shop, *options)
    if good:
        method, path, more = good
        assert everywhere(shop, key, path, method, **more) == (503 if path == AVATAR else 401)  # that one needs no login
    if bad:
        method, path, more = bad
        assert everywhere(shop, key, path, method, **more) == 403


def test_a_refusal_says_what_is_missing_and_never_the_key(shop):
    _, key = add(shop, "--method", "GET")
    reply = rest.Api(shop, key=key)("PUT", AVATAR, b"x", kind="image/png")
    assert reply.status == 403 and b"PUT" in reply.body and key.encode() not in reply.body
    reply = rest.Api(shop, key="planted-unknown-key").get(ADHOC)
    assert reply.status == 403 and b"planted-unknown-key" not in reply.body


@pytest.mark.parametrize("options", [["--path", "("], ["--network", "nowhere"], ["--expires", "yesterday"], ["--method", "FETCH"]])
def test_scopes_that_are_none_are_refused(shop, options):
    before = len(listed(shop))
    done = shop.ctl("key", "add", "--label", "x", *options, check=False)
    assert done.returncode != 0 and done.stderr and len(listed(shop)) == before


def test_many_callers_while_keys_come_and_go(shop):
    """A key that is good is never refused while others are added and revoked."""
    _, key = add(shop)
    end, statuses = threading.Event(), set()

    def call():
        while not end.is_set():
            statuses.add(rest.Api(shop, key=key).get(ADHOC).status)
    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            ident, _ = add(shop)
            shop.ctl("key", "revoke", ident)
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert statuses == {401}
