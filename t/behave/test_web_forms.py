# SPDX-License-Identifier: ISC
"""Forms that nobody else can send, and that are acted on once (R6); places to go to afterwards (R7)."""
import json
import urllib.parse

import pytest

import conftest
from harness import fake_c2s, rest, servers, stoa
from harness.people import INSIDE, RUN, Browser, hidden, is_in, logout_token, run_token


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


# ---- R6: forms ----

def test_R6_login_needs_the_token_of_this_browser(place):
    house, host = place
    good, other = Browser(house), Browser(house)
    for browser in (good, other):
        browser.get("/session/login")
    token, foreign = good.fields()["token"], other.fields()["token"]
    sent = {"jid": "alice", "password": servers.ACCOUNTS["alice"]}
    for wrong in (None, "", foreign, token[:-1] + ("0" if token[-1] != "0" else "1"), token.upper(), "00" + token[2:], token + "00"):
        fields = dict(sent) if wrong is None else dict(sent, token=wrong)
        assert good.send("POST", "/session/login", fields).status == 403, wrong
    assert host.proofs == [] and good.secret is None
    alone = Browser(house)
    assert alone.send("POST", "/session/login", dict(sent, token=token)).status == 403
    assert good.send("POST", "/session/login", dict(sent, token=token)).status == 303


def test_R6_tokens_are_of_one_session_and_one_purpose(place):
    house, _ = place
    alice, bob = Browser(house), Browser(house)
    alice.login("alice")
    bob.login("bob")
    assert is_in(alice) and is_in(bob)
    mine, foreign, logout = alice.fields()["token"], bob.fields()["token"], logout_token(alice.page)
    sent = {"password": servers.ACCOUNTS["alice"], "next": "/x"}
    for wrong in (foreign, logout):
        assert alice.send("POST", INSIDE, dict(sent, token=wrong)).status == 403
    assert alice.send("POST", "/session/logout", {"token": mine}).status == 403
    reply = alice.send("POST", INSIDE, dict(sent, token=mine))
    assert (reply.status, reply["location"]) == (303, "../x")
    again = Browser(house)
    again.login("alice")
    assert again.send("POST", INSIDE, dict(sent, token=mine)).status == 403  # same account, another session
    assert is_in(alice) and is_in(bob)


def test_R6_old_forms_are_refused(place, later):
    house, host = place
    browser = Browser(house)
    browser.get("/session/login")
    later(2 * 3600 - 60)
    sent = dict(browser.fields(), jid="alice", password="wrong-three")
    assert browser.send("POST", "/session/login", sent).status == 401
    later(2 * 3600 + 1)
    reply = browser.send("POST", "/session/login", sent)
    assert reply.status == 403 and b"too long" in reply.body


@pytest.mark.parametrize("fields, good", [
    ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True), ({}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "x"}, False),
    ({"Origin": "http://localhost:{port}"}, True), ({"Origin": "http://LOCALHOST:{port}"}, True),
    ({"Origin": "null"}, False), ({"Origin": "http://evil.example"}, False), ({"Origin": "http://localhost"}, False),
    ({"Origin": "http://localhost:{port}.evil.example"}, False), ({"Origin": "http://x.localhost:{port}"}, False),
    ({"Origin": "http://localhost:{port}@evil.example"}, False), ({"Origin": ""}, False),
    ({"Origin": "http://localhost:{port}", "Sec-Fetch-Site": "cross-site"}, False)])
def test_R6_forms_come_from_our_own_pages(place, fields, good):
    house, _ = place
    browser = Browser(house)
    browser.get("/session/login")
    more = [(n, v.format(port=house.http)) for n, v in fields.items()]
    reply = browser.send("POST", "/session/login", dict(browser.fields(), jid="alice", password=servers.ACCOUNTS["alice"]), more=more)
    assert reply.status == (303 if good else 403)
    assert (browser.secret is not None) == good


def test_R6_basic_from_another_site_is_refused(place):
    """A browser that was told of Basic sends it along wherever a foreign page sends it."""
    house, _ = place
    proof = ("Authorization", rest.basic(rest.ALICE, servers.ACCOUNTS["alice"]))
    sent = {"password": servers.ACCOUNTS["alice"]}
    assert Browser(house).send("POST", INSIDE, sent, more=[proof]).status == 303
    for bad in (("Sec-Fetch-Site", "cross-site"), ("Origin", "http://evil.example")):
        assert Browser(house).send("POST", INSIDE, sent, more=[proof, bad]).status == 403


def test_R6_no_get_has_an_effect(place):
    house, host = place
    browser = Browser(house)
    browser.login()
    is_in(browser)
    token = logout_token(browser.page)
    assert browser.get("/session/logout?token=" + token).status == 405
    assert is_in(browser)
    other = Browser(house)
    other.get("/session/login")
    host.forget()
    other.get("/session/login?" + urllib.parse.urlencode(dict(other.fields(), jid="bob", password=servers.ACCOUNTS["bob"])))
    assert other.secret is None and host.proofs == []


def test_R6_a_form_is_acted_on_once(place):
    house, _ = place
    browser = Browser(house)
    browser.login("admin")
    form = dict(RUN, token=run_token(browser))
    first = browser.send("POST", "/admin/", form)
    assert first.status == 200
    for _ in range(6):
        again = browser.send("POST", "/admin/", form)
        assert again.status == 409 and b"sent already" in again.body
    assert browser.send("POST", "/admin/", dict(RUN, token=run_token(browser))).status == 200


def test_R6_grave_acts_ask_for_the_password_again(place, later):
    house, host = place
    browser = Browser(house)
    browser.login("admin")
    later(11 * 60)
    sent = dict(RUN, token=run_token(browser), hostile='"><script>\r\n&amp;')
    reply = browser.send("POST", "/admin/confirmed", sent)
    assert reply.status == 403 and b"stoa-confirm-password" in reply.body and b"<script>\r" not in reply.body
    carried = browser.fields()
    assert {k: v.replace("\r", "").replace("\n", "") for k, v in carried.items()} == {
        k: v.replace("\r", "").replace("\n", "") for k, v in sent.items()}
    wrong = browser.send("POST", "/admin/confirmed", dict(carried, **{"stoa-confirm-password": "wrong-four"}))
    assert wrong.status == 401 and b'class="errors"' in wrong.body and is_in(browser)
    reply = browser.send("POST", "/admin/confirmed", dict(carried, **{"stoa-confirm-password": servers.ACCOUNTS["admin"]}))
    assert reply.status == 200 and b"stoa-confirm-password" not in reply.body
    assert browser.send("POST", "/admin/confirmed", dict(RUN, token=run_token(browser))).status == 200  # fresh now


# ---- R7 ----

@pytest.mark.parametrize("wish", [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "http://evil.example", "https:evil.example",
    "javascript:alert(1)", "/x\r\nSet-Cookie: a=b", "/\tx", "/%2f..", "/%2fevil.example", "/%5cevil.example", "/..//evil.example",
    "/a/../..//evil.example", "/./x", "/%0d%0aX", "/a//b", "evil.example", "", "@evil.example", "/x#@evil.example", "/" + "x" * 3000,
    "/\x7f", "/x?a=\\b"])
def test_R7_next_is_a_path_of_ours_or_the_start(place, wish):
    house, _ = place
    browser = Browser(house)
    browser.get("/session/login?" + urllib.parse.urlencode({"next": wish}))
    assert browser.hidden("next") == "/"
    reply = browser.send("POST", "/session/login", dict(browser.fields(), jid="alice", password=servers.ACCOUNTS["alice"], next=wish))
    assert (reply.status, reply["location"]) == (303, "../") and reply["x"] is None


@pytest.mark.parametrize("wish, where", [("/admin/?q=a%20b&c=/d", "../admin/?q=a%20b&c=/d"), ("/", "../"), ("/%c3%a4", "../%c3%a4"),
                                         ("/a%20b", "../a%20b")])
def test_R7_good_places_are_gone_to(place, wish, where):
    house, _ = place
    browser = Browser(house)
    reply = browser.login(next=wish)
    assert (reply.status, reply["location"]) == (303, where)


# ---- bodies ----

def multipart(fields, boundary="b0undary"):
    body = "".join('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, n, v) for n, v in fields.items())
    return body + "--%s--\r\n" % boundary, "multipart/form-data; boundary=" + boundary


def test_forms_of_both_kinds_are_taken_and_others_not(place):
    house, _ = place
    browser = Browser(house)
    browser.get("/session/login")
    sent = dict(browser.fields(), jid="alice", password=servers.ACCOUNTS["alice"])
    body, kind = multipart(sent)
    assert browser.send("POST", "/session/login", body=json.dumps(sent), kind="application/json").status == 415
    assert browser.send("POST", "/session/login", body=body[:-10], kind=kind).status == 400
    assert browser.send("POST", "/session/login", body=body, kind="multipart/form-data").status == 415
    assert browser.send("POST", "/session/login", body=body, kind="multipart/form-data; boundary=other").status == 400
    assert browser.send("POST", "/session/login", body="a=%ff&b=%", kind="application/x-www-form-urlencoded").status == 400
    assert browser.send("POST", "/session/login", body="").status in (403, 415)
    assert browser.send("POST", "/session/login", body=body, kind=kind).status == 303


def test_forms_beyond_limits_are_413(place):
    house, _ = place
    browser = Browser(house)
    browser.get("/session/login")
    token = browser.fields()["token"]
    assert browser.send("POST", "/session/login", body="&".join(["token=" + token] + ["a=b"] * 2000)).status == 413
    assert browser.send("POST", "/session/login", body="&".join(["token=" + token] + ["a=b"] * 1999)).status == 400  # no account
    assert browser.send("POST", "/session/login", body="a=" + "x" * 70000).status == 413
    with browser.connect() as conn:
        conn.send("POST /session/login HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nContent-Type: "
                  "application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(100):
                conn.send("1000\r\n" + "x" * 4096 + "\r\n")
        except OSError:
            pass
        assert conn.reply("POST").status == 413
