# SPDX-License-Identifier: ISC
"""The page of who is logged in: recovery address, password, uploads; and nobody else's."""
import os
import re

import pytest

import conftest
from harness import account, base, rest, servers, stoa, xmpp

PAGE = "/account/"


@pytest.fixture(scope="module")
def home(certificates):
    """(Stoa beside Prosody, mail server)"""
    server = servers.Prosody(conftest.folder("prosody"), settings='admins = { "admin@localhost", "http.localhost" }').start()
    mails = account.mail_server(conftest.folder("mails"))
    house = stoa.Stoa(conftest.folder("page"), server, [conftest.NO_LIMIT] + conftest.NO_LOGIN_LIMIT,
                      certificates=certificates, more=account.config(mails))
    house.start()
    house.streams_up()
    yield house, mails
    house.stop()
    mails.stop()
    server.stop()
    house.check_sanitizers()


def basic(jid, password):
    return [("Authorization", rest.basic(jid, password))]


def upload(house, jid, password, name, content):
    """A file of that account, by its own client."""
    house.server.accounts[jid.split("@")[0]] = password
    client = xmpp.client(house.server, jid.split("@")[0], "up" + os.urandom(3).hex())
    slot = xmpp.Slot(client.iq("get", "upload.localhost", xmpp.request_xml(name, len(content), "text/plain")))
    client.close()
    path = re.sub(r"^https?://[^/]+", "", slot.put)
    with house.conn() as conn:
        assert conn.request("PUT", path, [("Content-Type", "text/plain")], content).status == 201
    return re.sub(r"^https?://[^/]+", "", slot.get)


def log_in(browser, house, jid, password):
    browser.open("http://localhost:%d%s" % (house.http, PAGE))
    browser.fill("Account", jid)
    browser.fill("Password", password)
    browser.go("Log in")


def test_a_login_is_needed(home):
    house, _ = home
    for method, path in (("GET", PAGE), ("GET", "/account"), ("POST", "/account/address"), ("POST", "/account/password"),
                         ("POST", "/account/uploads/delete"), ("POST", "/account/address/forget")):
        with house.conn() as conn:
            assert conn.request(method, path, [("Accept", account.HTML)], b"" if method == "POST" else None).status == 401


def test_whoever_was_there_before_is_forgotten(home):
    """A page for everybody after one for somebody, on a connection of its own: no name stands on it."""
    house, _ = home
    for _ in range(20):
        with house.conn() as conn:
            assert b"alice@localhost" in conn.request("GET", PAGE, basic("alice@localhost", "alice-secret")).body
        with house.conn() as conn:
            reply = conn.request("GET", account.RESET, [("Accept", account.HTML)])
            assert reply.status == 200 and b"alice" not in reply.body and b"Log out" not in reply.body


def test_an_address_counts_when_its_mail_was_answered(home, browser):
    house, mails = home
    jid, password, old = account.new_account(house)
    new = "new-" + old
    with browser.expects("401"):
        browser.open("http://localhost:%d%s" % (house.http, PAGE))
    browser.fill("Account", jid)
    browser.fill("Password", password)
    browser.go("Log in")
    browser.inspect()
    assert old in browser.text("main")
    browser.fill("New address", new)
    browser.go("Mail a link to it")
    browser.wait_text("It counts once you have followed the link.")
    browser.inspect()
    assert old + "\t" in house.ctl("account", "show", jid).stdout
    path = account.path(account.wait_mail(mails, new))
    assert path.startswith("/account/confirm/")
    browser.open("http://localhost:%d%s" % (house.http, path))
    browser.inspect()
    assert jid + "\t" + old in house.ctl("account", "show", jid).stdout  # opening it does nothing
    browser.go("Yes, use this address")
    browser.inspect()
    assert jid + "\t" + new in house.ctl("account", "show", jid).stdout
    assert account.wait_mail(mails, old).message["Subject"] == "Your recovery address was changed"
    assert account.Visitor(house).post(path, {})[0] == 404


def test_another_password(home, browser):
    house, mails = home
    jid, password, address = account.new_account(house)
    with browser.expects("401"):
        browser.open("http://localhost:%d%s" % (house.http, PAGE))
    browser.fill("Account", jid)
    browser.fill("Password", password)
    browser.go("Log in")
    browser.fill("New password", "page-secret-1")
    browser.fill("The same once more", "page-secret-1")
    browser.go("Set the password")
    assert "Password changed!" in browser.text("h1")
    assert not browser.has("Log out")
    browser.inspect()
    assert account.logs_in(house, jid, "page-secret-1") and not account.logs_in(house, jid, password)
    assert account.wait_mail(mails, address).message["Subject"] == "Your password was changed"
    with browser.expects("401"):
        browser.open("http://localhost:%d%s" % (house.http, PAGE))
    browser.field("Password")


def test_own_uploads_are_shown_and_deleted(home, browser):
    house, _ = home
    jid, password, _ = account.new_account(house)
    other, secret, _ = account.new_account(house)
    mine = upload(house, jid, password, "my <b>file</b>.txt", b"mine" * 500)
    theirs = upload(house, other, secret, "theirs.txt", b"theirs")
    with browser.expects("401"):
        browser.open("http://localhost:%d%s" % (house.http, PAGE))
    browser.fill("Account", jid)
    browser.fill("Password", password)
    browser.go("Log in")
    assert browser.has("my <b>file</b>.txt") and browser.has("2.0 kB") and not browser.has("theirs.txt")
    browser.inspect()
    browser.js("document.querySelector('form[data-confirm-yes]').removeAttribute('data-confirm')")
    browser.go("Delete")
    browser.wait_text("The file is deleted.")
    assert not browser.has("my <b>file</b>.txt")
    with house.conn() as conn:
        assert conn.request("GET", mine).status == 410
        assert conn.request("GET", theirs).status == 200


def test_nobody_deletes_what_is_not_his(home):
    house, _ = home
    jid, password, _ = account.new_account(house)
    other, secret, _ = account.new_account(house)
    theirs = upload(house, other, secret, "theirs.txt", b"theirs")
    page = house.request("GET", PAGE, dict(basic(other, secret))).body.decode()
    slot = re.search(r'name="slot" value="([0-9a-f-]{36})"', page).group(1)
    token = re.search(r'name="token" value="([^"]+)"', house.request("GET", PAGE, dict(basic(jid, password))).body.decode())
    assert token
    reply = house.request("POST", "/account/uploads/delete",
                          dict(basic(jid, password), **{"Content-Type": account.FORM}), ("slot=" + slot).encode())
    assert reply.status == 404
    with house.conn() as conn:
        assert conn.request("GET", theirs).status == 200


def test_foreign_pages_change_nothing(home):
    house, _ = home
    jid, password, address = account.new_account(house)
    for path in ("/account/address", "/account/password", "/account/uploads/delete", "/account/address/forget"):
        reply = house.request("POST", path, dict(basic(jid, password), **{"Content-Type": account.FORM,
                                                                           "Sec-Fetch-Site": "cross-site"}), b"email=x%40m.example")
        assert reply.status == 403
    assert address in house.ctl("account", "show", jid).stdout
    assert base.alive(house.pid)
