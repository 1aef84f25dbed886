# SPDX-License-Identifier: ISC
"""Registration by mail: an account is made when the mail was answered, and not before (contract 8.4, 8.5)."""
import os

import pytest

import conftest
from harness import account, base, servers, stoa

REGISTER = "/account/register"
BY_ADMIN = "    admin-jid = 'admin@localhost'\n    admin-password = 'admin-secret'\n"


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def home(request, certificates):
    """(Stoa, its mail server)"""
    kind = servers.KINDS[request.param]
    server = kind(conftest.folder(request.param)).start()
    mails = account.mail_server(conftest.folder("mails"))
    house = stoa.Stoa(conftest.folder("register"), server, conftest.NO_LOGIN_LIMIT, certificates=certificates,
                      more=account.config(mails, BY_ADMIN + "    registration = true\n"))
    house.start()
    house.streams_up()
    yield house, mails
    house.stop()
    mails.stop()
    server.stop()
    house.check_sanitizers()


def wish(name=None, **more):
    name = name or "r" + os.urandom(4).hex()
    return dict({"username": name, "domain": "localhost", "email": name + "@m.example"}, **more)


def asked(home, kind="json", name=None):
    """A registration that was asked for: (name, path of the link)."""
    house, mails = home
    values = wish(name)
    count = len(account.mails_to(mails, values["email"]))
    assert account.Visitor(house, kind).post(REGISTER, values)[0] == 200
    return values["username"], account.path(account.wait_mail(mails, values["email"], count + 1))


@pytest.mark.parametrize("kind", ["html", "json", "xml"])
def test_from_the_form_to_the_new_account(home, kind):
    house, mails = home
    visitor = account.Visitor(house, kind)
    assert visitor.get(REGISTER)[0] == 200
    name, path = asked(home, kind)
    assert path.startswith("/rest/user/confirm/")
    assert not account.logs_in(house, name + "@localhost", "long-enough")
    for _ in range(2):  # opening the link makes nothing (R25)
        assert visitor.get(path)[0] == 200
    assert not account.logs_in(house, name + "@localhost", "long-enough")
    status, told, _ = visitor.choose(path, "long-enough")
    assert status == 200
    if kind == "html":
        assert "Account confirmation successful." in told.text
    else:
        assert told == {"account": {"jid": name + "@localhost", "status": "active"}}
    assert account.logs_in(house, name + "@localhost", "long-enough")
    assert name + "@m.example" in house.ctl("account", "show", name + "@localhost").stdout
    status, told, _ = visitor.choose(path, "long-enough")
    assert status == 404 and (kind == "html" or told == {"error": {"message": "Unknown token"}})


def test_an_account_that_is_there_stays_as_it_is(home):
    house, _ = home
    _, path = asked(home, name="alice")
    assert account.Visitor(house).choose(path, "stolen-secret")[0] == 409
    assert account.logs_in(house, "alice@localhost", "alice-secret")
    assert not account.logs_in(house, "alice@localhost", "stolen-secret")


def test_a_name_is_kept_for_who_asked_first(home):
    house, mails = home
    name, first = asked(home)
    visitor = account.Visitor(house)
    status, told, _ = visitor.post(REGISTER, wish(name, email="thief@m.example"))
    assert status == 409 and told["errors"] == ["That name is taken. Please choose another one."]
    _, second = asked(home, name=name)  # lost the mail
    assert visitor.get(first)[0] == 404
    assert visitor.choose(second, "long-enough")[0] == 200
    assert not account.mails_to(mails, "thief@m.example")


@pytest.mark.parametrize("change", [
    {"username": ""}, {"username": "a b"}, {"username": "a@b"}, {"username": "a/b"}, {"username": "a" * 2000},
    {"username": "a\r\nb"}, {"username": "ADMIN"}, {"username": "postmaster"}, {"domain": "elsewhere.example"},
    {"domain": ""}, {"email": ""}, {"email": "a\r\nBcc: b@m.example"}, {"email": "a" * 10240 + "@m.example"}])
def test_what_cannot_be(home, change):
    house, mails = home
    before = len(mails.accepted)
    status, told, _ = account.Visitor(house).post(REGISTER, dict(wish(), **change))
    assert status == 400 and len(told["errors"]) == 1
    assert len(mails.accepted) == before


def test_off_unless_switched_on(make):
    mails = account.mail_server(make.folder("mails"))
    house = make(server=False, more=account.config(mails, BY_ADMIN))
    visitor = account.Visitor(house)
    try:
        assert visitor.get(REGISTER)[0] == 404 and visitor.post(REGISTER, wish())[0] == 404
        assert visitor.get("/rest/user/confirm/" + "a" * 43)[:2] == (
            404, {"error": {"message": "Account confirmation is not enabled. Please contact server administrator."}})
    finally:
        mails.stop()


def test_limit_by_client_address(make):
    mails = account.mail_server(make.folder("mails"))
    lines = BY_ADMIN + "    registration = true\n    registrations-per-address = 2\n"
    house = make(server=False, more=account.config(mails, lines, free=False))
    visitor = account.Visitor(house)
    try:
        for _ in range(2):
            assert visitor.post(REGISTER, wish())[0] == 200
        assert visitor.post(REGISTER, wish())[0] == 429
    finally:
        mails.stop()


def test_in_a_browser(home, browser):
    house, mails = home
    name, start = "b" + os.urandom(4).hex(), "http://localhost:%d" % house.http
    browser.open(start + REGISTER)
    browser.inspect()
    browser.fill("Name", name)
    browser.fill("Mail address", name + "@m.example")
    browser.go("Send me the link")
    browser.inspect()
    browser.open(start + account.path(account.wait_mail(mails, name + "@m.example")))
    browser.inspect()
    browser.fill("New password", "browser-secret")
    browser.fill("The same once more", "browser-secret")
    browser.go("Make the account")
    browser.inspect()
    base.wait_for(lambda: account.logs_in(house, name + "@localhost", "browser-secret"), "the new account")
