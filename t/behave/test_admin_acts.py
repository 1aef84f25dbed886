# SPDX-License-Identifier: ISC
"""What an administrator changes from the browser acts at once on all workers, and drops no request (Done when 4)."""
import os

import pytest

from harness import base, rest, servers
from harness.load import Load
from test_admin import log_in, press
from test_manage import HTTP, der_of, pem_of, realm_of, shown_to

NODE = "http://jabber.org/protocol/admin#"
SCRIPT = """return {
    name = "Answer",
    group = "Tests",
    access = "user",
    run = function(service, values, who) return { note = "forty-two" } end,
}
"""


@pytest.fixture
def site(make):
    """Three workers, an administrator, and users who upload and download all the while."""
    host = make.host(mechanisms=("PLAIN",))
    house = make(server=host, security="plain", workers=3)
    host.password = servers.ACCOUNTS.get
    house.address = "http://localhost:%d/admin/" % house.http
    with Load(house, host) as load:
        yield house
        assert load.uploads > 0
    assert load.problems == [], "a request was dropped"


def begin(browser, house, name):
    """A command, found by its name."""
    browser.open(house.address)
    link = browser.wait(lambda: next((e for e in browser.all("#all a") if e.text == name), None), "the command " + name)
    with browser.goes():
        link.click()
    browser.wait(lambda: browser.css("#command form"), "its form")


def put(browser, name, text):
    """As a script of the page's would: typing a certificate letter by letter takes minutes."""
    control = browser.wait(lambda: browser.css("#command [name=\"%s\"]" % name), "the field " + name)
    if control.tag_name == "select":
        browser.js("arguments[0].value = arguments[1]", control, text)
    elif control.get_attribute("type") == "checkbox":
        if control.is_selected() != (text == "true"):
            control.click()
    elif control.get_attribute("type") == "radio":
        browser.css("#command [name=\"%s\"][value=\"%s\"]" % (name, text)).click()
    else:
        control.clear()
        browser.js("arguments[0].value = arguments[1]", control, text)


def is_well(browser):
    browser.wait(lambda: browser.css(".note.good, .note.info"), "the good news")


def test_a_directive_is_changed(site, browser):
    log_in(browser, site)
    begin(browser, site, "Update item configuration")
    put(browser, "section", "http")
    press(browser)
    put(browser, "realm", "From the browser")
    press(browser)
    is_well(browser)
    assert realm_of(site) == {"From the browser"}


def test_a_module_is_switched_off_and_on(site, browser):
    log_in(browser, site)
    for wish, status in (("false", 404), ("true", 200)):
        begin(browser, site, "Manage plugins")
        put(browser, "index", wish)
        press(browser)
        is_well(browser)
        assert {site.request("GET", "/").status for _ in range(9)} == {status}


def test_a_certificate_is_replaced(site, make, browser):
    pem = pem_of(make, ["chat.localhost"])
    log_in(browser, site)
    begin(browser, site, "Add SSL certificate")
    put(browser, "VHost", "chat.localhost")
    put(browser, "Certificate in PEM format", pem)
    press(browser)
    is_well(browser)
    assert {shown_to(site, "chat.localhost") for _ in range(9)} == {der_of(pem)}
    assert "PRIVATE KEY" not in browser.driver.page_source


def test_a_script_is_added(site, browser):
    log_in(browser, site)
    begin(browser, site, "New command script")
    put(browser, "id", "answer")
    put(browser, "text", SCRIPT)
    press(browser)
    browser.wait_text("Are you sure?")
    press(browser)
    is_well(browser)
    alice = rest.Api(site, rest.ALICE)
    for _ in range(9):  # whichever worker is asked
        assert b"forty-two" in alice.command(HTTP, "answer").body
    browser.open(site.address)
    browser.go("Ask for the commands again")
    begin(browser, site, "Remove command script")


def test_a_log_tracker_is_started(site, browser):
    newest = os.path.join(site.folder, "logs", "alice.0")
    log_in(browser, site)
    begin(browser, site, "Activate log tracker for a user")
    put(browser, "accountjid", rest.ALICE)
    put(browser, "file-name", "alice")
    press(browser)
    is_well(browser)
    alice = rest.Api(site, rest.ALICE)
    for _ in range(9):
        alice.command(HTTP, "hello", {"name": "x"})
    base.wait_for(lambda: base.read(newest).count("http POST") >= 9, lambda: base.read(newest))
