# SPDX-License-Identifier: ISC
"""/admin/ in a real browser, beside Prosody and beside ejabberd: log in, find and run commands, log out (contract 5, 9.1)."""
import os

import pytest
from selenium.common import exceptions

import conftest
from harness import browser as chromium, rest, stoa, xmpp


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def site(request, certificates):
    """A Stoa of two workers beside a real server."""
    server = request.getfixturevalue(request.param)
    house = stoa.Stoa(conftest.folder("site"), server, conftest.NO_LOGIN_LIMIT, certificates=certificates)
    house.start()
    house.streams_up()
    house.address = "http://localhost:%d/admin/" % house.http
    yield house
    house.stop()
    house.check_sanitizers()


def log_in(browser, house, user="admin"):
    with browser.expects("401"):
        browser.open(house.address)
    browser.fill("Account", "%s@localhost" % user)
    browser.fill("Password", house.server.password(user))
    browser.go("Log in")
    browser.wait_text("Most common actions")


def new_user():
    return "u%s@localhost" % os.urandom(4).hex()


def press(browser):
    """The button that sends the form of a command; with a script only a part of the page is another one then."""
    old = browser.css("#command h1")
    browser.css("#command button[name=submit]").click()

    def is_gone():
        try:
            return not old.is_enabled()
        except exceptions.WebDriverException:
            return True
    browser.wait(is_gone, "an answer to the form")
    browser.wait(lambda: browser.css("#command h1"), "the answer")


def type_in(browser, **values):
    """By the names of fields, which servers share; their labels differ."""
    for name, value in values.items():
        control = browser.wait(lambda n=name: browser.css("#command [name='%s']" % n.replace("_", "-")))
        control.clear()
        control.send_keys(value)


def open_command(browser, house, part):
    """A command by the end of its node, over its group in the menu, as people do."""
    browser.open(house.address)
    link = browser.wait(lambda: browser.css("#all a[href$='%s']" % part), "a command " + part)
    with browser.goes():
        link.click()


def add_user(browser, house, jid, password):
    open_command(browser, house, "admin%23add-user")
    type_in(browser, accountjid=jid, password=password, password_verify=password)
    press(browser)


def rest_status(house, jid, password):
    return house.request("GET", "/rest/adhoc/localhost", {
        "Authorization": rest.basic(jid, password), "Api-Key": rest.KEY, "Accept": "application/json"}).status


def delete(browser, house, jid, axe=True):
    open_command(browser, house, "admin%23delete-user")
    type_in(browser, accountjids=jid)
    press(browser)
    browser.wait_text("Are you sure?")
    assert browser.has(jid), "the page names what will happen"
    browser.inspect(axe)
    press(browser)
    browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")


def test_tts_admin_ui_authorization(site, browser):
    """Without a login 401 and a form, with one the page."""
    reply = site.request("GET", "/admin/", {"Accept": "text/html"})
    assert reply.status == 401 and b"<form" in reply.body and not reply["www-authenticate"].startswith("Basic")
    log_in(browser, site)
    browser.inspect()


def test_tts_admin_ui_commands_availability(site, browser):
    log_in(browser, site)
    browser.go("Users")
    names = [e.text for e in browser.all("#command .list a")]
    assert {"Add User", "Change User Password", "Delete User", "End User Session"} <= set(names), names
    browser.inspect()
    browser.go("Add User")
    assert browser.css("form input[name=accountjid]") is not None
    browser.inspect()


def test_tts_admin_ui_add_and_delete_user(site, browser):
    jid = new_user()
    log_in(browser, site)
    add_user(browser, site, jid, "first-secret")
    browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")
    browser.inspect()
    assert rest_status(site, jid, "first-secret") == 200
    add_user(browser, site, jid, "other-secret")
    browser.wait(lambda: browser.css(".note.error"), "the refusal")
    assert browser.css("[name=accountjid]").get_attribute("value") == jid, "what was typed is kept"
    assert browser.css("[name=password]").get_attribute("value") == "", "secrets are not"
    browser.inspect()
    delete(browser, site, jid)
    assert rest_status(site, jid, "first-secret") == 401


def test_change_password(site, browser):
    jid = new_user()
    log_in(browser, site)
    add_user(browser, site, jid, "first-secret")
    assert rest_status(site, jid, "first-secret") == 200
    open_command(browser, site, "admin%23change-user-password")
    type_in(browser, accountjid=jid, password="second-secret")
    press(browser)
    browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")
    assert rest_status(site, jid, "second-secret") == 200
    assert rest_status(site, jid, "first-secret") == 401, "what was proved before counts no more"


def test_online_users_and_end_session(site, browser):
    phone = xmpp.client(site.server, "bob", "phone" + os.urandom(4).hex())
    phone.send("<presence/>")
    while xmpp.local(phone.next()) != "presence":
        pass
    log_in(browser, site)
    open_command(browser, site, "admin%23get-online-users-list")
    if browser.css("#command [name=max_items]"):
        browser.fill("Maximum number of users", "25")
        press(browser)
    shown = browser.wait(lambda: browser.css("#command [name=onlineuserjids]"), "the list")
    assert "bob@localhost" in shown.get_attribute("value")
    browser.inspect()
    open_command(browser, site, "admin%23end-user-session")
    name = "accountjids" if browser.css("#command [name=accountjids]") else "accountjid"
    type_in(browser, **{name: "bob@localhost"})
    press(browser)
    browser.wait_text("Are you sure?")
    press(browser)
    browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")
    with pytest.raises((xmpp.Closed, OSError)):
        while True:
            phone.next()


def test_announce(site, browser):
    phone = xmpp.client(site.server, "alice", "phone" + os.urandom(4).hex())
    phone.send("<presence/>")
    while xmpp.local(phone.next()) != "presence":
        pass
    log_in(browser, site)
    open_command(browser, site, "admin%23announce")
    name = "announcement" if browser.css("#command [name=announcement]") else "body"
    type_in(browser, subject="Hello", **{name: "One line\nand another"})
    press(browser)
    browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")
    heard = phone.next()
    while xmpp.local(heard) != "message":
        heard = phone.next()
    assert "and another" in "".join(heard.itertext())
    phone.close()


def test_own_command_and_search(site, browser):
    log_in(browser, site)
    with browser.goes():
        browser.css("#menu-search").send_keys("configuration in force", chromium.Keys.ENTER)
    assert browser.has("Commands found: 1")
    browser.inspect()
    browser.go("Get configuration in force")
    text = browser.wait(lambda: browser.css("#command textarea"), "the configuration").get_attribute("value")
    assert "httpServer" in text and site.server.secret not in text
    browser.inspect()


def test_each_form_is_acted_on_once(site, browser):
    """The same form, sent again by going back: a page says so, and nothing happens."""
    jid = new_user()
    log_in(browser, site)
    with browser.without_script():
        add_user(browser, site, jid, "first-secret")
        browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")
        logged = site.said().count("admin#add-user")
        with browser.expects("409"):
            browser.driver.refresh()
            browser.wait_text("sent already")
    assert site.said().count("admin#add-user") == logged


def test_without_javascript(site, browser):
    jid = new_user()
    log_in(browser, site)
    with browser.without_script():
        add_user(browser, site, jid, "first-secret")
        browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")
        delete(browser, site, jid, axe=False)


def test_log_out(site, browser):
    log_in(browser, site)
    browser.go("Log out")
    with browser.expects("401"):
        browser.open(site.address)
    assert browser.css("input[type=password]") is not None


def test_users_are_no_admins(site, browser):
    """Whoever is no administrator is told so; http/admin/access = users lets everybody in."""
    reply = site.request("GET", "/admin/", {"Authorization": rest.basic("alice@localhost", site.server.password("alice")), "Accept": "text/html"})
    assert reply.status == 403
    reply = site.request("GET", "/admin/", {"Authorization": rest.basic("admin@localhost", site.server.password("admin")), "Accept": "text/html"})
    assert reply.status == 200 and b"Most common actions" in reply.body
