# SPDX-License-Identifier: ISC
"""People in browsers: log-in by form, sessions behind a cookie (R6), and what they outlive."""
import os
import re
import signal

import pytest

import conftest
from harness import base, fake_c2s, rest, servers, stoa
from harness.people import INSIDE, RUN, Browser, copy_of, is_in, logout_token, run_token


@pytest.fixture(scope="module")
def home(certificates):
    """(Stoa of two workers, fake server); no limit on failed logins but where a test sets one."""
    host = fake_c2s.FakeHost(certificate=certificates + "/localhost.pem")
    house = stoa.Stoa(conftest.folder("home"), host, ["httpServer/max-connections-per-address=0"] + conftest.NO_LOGIN_LIMIT,
                      certificates=certificates, components=("http.localhost",))
    house.start()
    host.wait_up("http.localhost")
    yield house, host
    house.stop()
    house.check_sanitizers()
    host.close()


@pytest.fixture
def place(home):
    house, host = home
    host.accounts = dict(servers.ACCOUNTS)
    host.forget()
    yield house, host
    house.check_sanitizers()


@pytest.fixture
def later(place):
    """Moves the wall clock of all processes; it is put right behind the test."""
    house, _ = place
    yield house.offset_clock
    house.offset_clock(0)


# ---- log-in ----

def test_login_and_logout(place):
    house, host = place
    browser = Browser(house)
    assert not is_in(browser)
    reply = browser.login()
    assert (reply.status, reply["location"]) == (303, "../session/confirm")
    assert is_in(browser) and b"alice@localhost" in browser.page.body and host.proofs == [("alice", True)]
    reply = browser.send("POST", "/session/logout", {"token": logout_token(browser.page)})
    assert reply.status == 303 and browser.secret is None
    assert not is_in(browser)


@pytest.mark.parametrize("name", ["alice", " alice ", "alice@localhost", "ALICE@LOCALHOST"])
def test_an_account_is_written_as_people_write_it(place, name):
    house, host = place
    browser = Browser(house)
    assert browser.login(name, servers.ACCOUNTS["alice"]).status == 303
    assert is_in(browser) and b"alice@localhost" in browser.page.body


@pytest.mark.parametrize("name, password, status", [
    ("alice", "wrong-one", 401), ("nobody-here", "x", 401), ("", "x", 400), ("a b", "x", 400), ("alice@localhost/phone", "x", 400),
    ("alice", "", 400), ("alice", "a\x01b", 400), ("x" * 2000, "x", 400)])
def test_a_login_that_fails_says_why_and_keeps_the_name(place, name, password, status):
    house, host = place
    browser = Browser(house)
    reply = browser.login(name, password, next="/session/confirm?next=%2Fx")
    assert reply.status == status and browser.secret is None
    assert b'class="errors"' in reply.body and browser.hidden("next") == "/session/confirm?next=%2Fx"
    if status == 401:
        assert reply["www-authenticate"].startswith("Session ") and name.encode() in reply.body
    assert password == "" or len(password) < 4 or password.encode() not in reply.body


def test_a_page_for_users_shows_the_form_to_people_only(place):
    house, _ = place
    browser = Browser(house)
    reply = browser.get(INSIDE + "?next=%2Fa%20b")
    assert reply.status == 401 and reply["www-authenticate"].startswith("Session ")
    assert browser.hidden("next") == INSIDE + "?next=%2Fa%20b"
    assert reply["cache-control"] == "no-store"
    for accept in ("application/json", "*/*", "text/plain"):
        reply = browser.get(INSIDE, accept=accept)
        assert reply.status == 401 and reply["www-authenticate"].startswith("Basic "), accept
    reply = browser.get(INSIDE, more=[("Authorization", rest.basic(rest.ALICE, "wrong-two"))])
    assert reply.status == 401 and reply["www-authenticate"].startswith("Basic ")
    reply = browser.get(INSIDE, more=[("Authorization", rest.basic(rest.ALICE, servers.ACCOUNTS["alice"]))])
    assert reply.status == 200 and b"alice@localhost" in reply.body


def test_the_rest_interface_knows_no_cookies(place):
    """Other sites of the same domain can make a browser send them."""
    house, _ = place
    browser = Browser(house)
    browser.login()
    reply = browser.get("/rest/adhoc/localhost", accept="application/json", more=[("Api-Key", rest.KEY)])
    assert reply.status == 401 and reply["www-authenticate"].startswith("Basic ")


def test_too_many_wrong_passwords_are_429_with_a_page(make):
    host = make.host()
    house = make("xmpp/login-failures-per-account=2", server=host, components=("http.localhost",), security="plain")
    browser = Browser(house)
    statuses = [browser.login("alice", "wrong-%d" % i).status for i in range(4)]
    assert statuses[:2] == [401, 401] and statuses[3] == 429
    assert int(browser.page["retry-after"]) > 0 and b'class="errors"' in browser.page.body


def test_no_password_is_in_any_log(make):
    host = make.host()
    house = make("log/level=debug", server=host, components=("http.localhost",), security="plain")
    browser = Browser(house)
    browser.login("alice", "planted-wrong-9f")
    browser.login()
    assert is_in(browser)
    text = house.log() + house.access_log()
    for secret in ("planted-wrong-9f", servers.ACCOUNTS["alice"], browser.secret, browser.cookies["stoa-form"]):
        assert secret not in text


# ---- R6: the cookie ----

def test_R6_cookie_over_tls_and_on_the_loopback(place):
    house, _ = place
    for tls, name in ((True, "__Host-stoa"), (False, "stoa")):
        browser = Browser(house, tls)
        reply = browser.login()
        assert reply.status == 303
        cookie, = [c for c in reply.all("set-cookie") if c.startswith(name + "=")]
        words = [w.strip() for w in cookie.split(";")]
        assert re.fullmatch(name + "=[0-9a-f]{64}", words[0])
        assert set(words[1:]) == {"Path=/", "HttpOnly", "SameSite=Strict"} | ({"Secure"} if tls else set())
        assert is_in(browser)
        browser.get("/session/login")
        assert all("SameSite=Strict" in c and "HttpOnly" in c for c in browser.page.all("set-cookie"))


def test_R6_forged_cookies_open_nothing(place):
    house, _ = place
    browser = Browser(house)
    browser.login()
    good = browser.secret
    for value in ("", "0" * 64, good[:-1], good + "0", good.upper() if good.upper() != good else "g" * 64, good[::-1], '"%s"' % good,
                  "f" * 63 + "e", good[:32] + "0" * 32, "x" * 5000):
        browser.cookies["stoa"] = value
        assert not is_in(browser), value
    browser.cookies["stoa"] = good
    assert is_in(browser)
    for name in ("__Host-stoa", "Stoa", "stoa-form", "xstoa"):
        other = Browser(house)
        other.cookies[name] = good
        assert not is_in(other), name


def test_R6_sessions_expire_unused_and_at_the_end_of_their_life(place, later):
    house, _ = place
    used, unused = Browser(house), Browser(house)
    used.login()
    unused.login()
    for minutes in range(25, 12 * 60, 25):
        later(60 * minutes)
        assert is_in(used), minutes
    assert not is_in(unused)
    later(12 * 3600 + 5)
    assert not is_in(used)


def test_R6_each_login_has_a_new_name(place):
    """Nobody can give a browser the name of a session that he knows (fixation)."""
    house, _ = place
    attacker = Browser(house)
    attacker.login("bob")
    victim = copy_of(attacker)
    victim.login("alice")
    assert victim.secret != attacker.secret
    assert not is_in(attacker)  # the old one ended with the new log-in
    victim.cookies["stoa"], made_up = "a" * 64, "a" * 64
    victim.login("alice")
    assert victim.secret != made_up and is_in(victim)


def test_R6_logout_ends_it_on_all_workers(place):
    house, _ = place
    browser, other = Browser(house), Browser(house)
    browser.login()
    other.login()
    thief = copy_of(browser)
    assert is_in(thief) and is_in(browser)
    browser.send("POST", "/session/logout", {"token": logout_token(browser.page)})
    for _ in range(12):
        assert not is_in(copy_of(thief))
    assert is_in(other)


# ---- what outlives what ----

def test_a_changed_password_ends_the_session(make):
    """login-cache = 0: the server is asked each time, as it else is every three minutes."""
    host = make.host()
    house = make("xmpp/login-cache=0", *conftest.NO_LOGIN_LIMIT, server=host, components=("http.localhost",), security="plain")
    browser = Browser(house)
    browser.login()
    assert is_in(browser)
    host.accounts["alice"] = "another"
    assert not is_in(browser) and b"changed" in browser.page.body and browser.secret is None
    assert browser.login("alice", "another").status == 303 and is_in(browser)


def test_sessions_go_on_while_the_server_is_away(make):
    host = make.host()
    house = make("xmpp/login-cache=0", *conftest.NO_LOGIN_LIMIT, server=host, components=("http.localhost",), security="plain")
    browser = Browser(house)
    browser.login("admin", next="/")
    assert is_in(browser)
    host.close_door()
    assert is_in(browser)
    assert browser.get("/admin/").status == 200  # named in xmpp/admins
    other = Browser(house)
    reply = other.login("alice")
    assert reply.status in (503, 504) and b'class="errors"' in reply.body


def test_an_account_that_was_changed_by_rest_is_logged_out(front):
    """Whatever road the change took: the same call tells all workers."""
    house = front.house
    browser = Browser(house)
    assert browser.login("bob").status == 303 and is_in(browser)
    node = rest.ADMIN_NODE + "change-user-password"
    reply = front.admin.command("localhost", node, {"accountjid": "bob@localhost", "password": servers.ACCOUNTS["bob"]})
    assert reply.status == 200, reply
    house.offset_clock(0)
    base.wait_for(lambda: browser.get(INSIDE).status in (200, 401), "an answer")
    again = Browser(house)
    assert again.login("bob").status == 303 and is_in(again)


def test_two_browsers_three_workers_one_killed(make):
    host = make.host()
    house = make(server=host, components=("http.localhost",), security="plain", workers=3)
    one, two = Browser(house), Browser(house)
    one.login("alice")
    two.login("bob")
    for _ in range(3):
        victim = house.pids("worker")[0]
        os.kill(victim, signal.SIGKILL)
        base.wait_for(lambda v=victim: v not in house.pids("worker") and len(house.pids("worker")) == 3, "a new worker")
        for _ in range(9):
            assert is_in(one) and b"alice@localhost" in one.page.body
            assert is_in(two) and b"bob@localhost" in two.page.body
    host.forget()
    assert len(host.proofs) == 0


def test_a_reload_keeps_sessions_and_a_new_router_gets_its_own(make):
    host = make.host()
    house = make(server=host, components=("http.localhost",), security="plain")
    browser = Browser(house)
    browser.login("admin")
    token = run_token(browser)
    house.ctl("reload")
    assert is_in(browser)
    assert browser.send("POST", "/admin/", dict(RUN, token=token)).status == 200  # made before
    old, = house.pids("router")
    os.kill(old, signal.SIGKILL)
    base.wait_for(lambda: house.pids("router") not in ([], [old]) and house.status() and host.wait_up("http.localhost"), "a new router")
    assert is_in(browser)
    assert browser.get("/admin/").status == 200
