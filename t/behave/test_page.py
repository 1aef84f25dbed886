# SPDX-License-Identifier: ISC
"""What all pages have in common, and the page at /: in a browser, without JavaScript, and as bytes (contract 1.10, R30)."""
import json
import re

import pytest

from harness import base, browser as chromium

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def listed(house, **more):
    reply = house.request("GET", "/", dict({"Accept": "application/json"}, **more))
    assert (reply.status, reply["content-type"]) == (200, "application/json"), reply
    return {m["path"]: m for m in json.loads(reply.body)["modules"]}


def start(house):
    return "http://localhost:%d/" % house.http


# ---- the page at / ----

def test_the_list_says_what_is_served(house):
    modules = listed(house)
    assert modules["/rest/"]["title"] and modules["/rest/"]["sentence"]
    assert modules["/upload/"]["is_for_programs"] is True
    assert "/" not in modules and not [p for p in modules if p.startswith("/assets")]
    assert "/dns-webservice/" not in modules, "it is not switched on"
    assert list(modules) == sorted(modules)
    names = [m["name"] for m in modules.values()]
    assert len(names) == len(set(names)), "one entry for each module"


def test_html_and_json(house):
    for accept in (HTML["Accept"], "*/*", None, "text/html, application/json"):
        reply = house.request("GET", "/", {"Accept": accept} if accept else {})
        assert (reply.status, reply["content-type"]) == (200, "text/html; charset=utf-8"), (accept, reply)
        assert "accept" in reply["vary"].lower()
    assert house.request("HEAD", "/", HTML).body == b""
    assert house.request("POST", "/", HTML).status == 405
    assert house.request("GET", "/nothing-here", HTML).status == 404


def test_fields_of_a_page(house):
    reply = house.request("GET", "/", HTML)
    policy = dict(p.strip().split(" ", 1) for p in reply["content-security-policy"].split(";"))
    assert policy == {"default-src": "'none'", "style-src": "'self'", "script-src": "'self'", "img-src": "'self'",
                      "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
                      "require-trusted-types-for": "'script'", "trusted-types": "'none'"}
    assert reply["x-content-type-options"] == "nosniff"
    assert reply["cache-control"] == "no-store"
    assert reply["referrer-policy"] == "same-origin"
    assert reply["cross-origin-opener-policy"] == "same-origin"


def test_R30_no_foreign_assets(house):
    """Tailwind and HTMX came from other hosts: here all is ours, named by its digest, and nothing is inline."""
    text = house.request("GET", "/", HTML).body.decode()
    named = re.findall(r"(?:src|href)=\"([^\"]*\.(?:css|js|svg))\"", text)
    assert len(set(named)) == 3
    for address in set(named):
        assert re.fullmatch(r"\./assets/[a-z]+\.[0-9a-f]{16}\.(css|js|svg)", address), address
        reply = house.request("GET", address[1:])
        assert reply.status == 200 and reply["cache-control"] == "public, max-age=31536000, immutable", reply
        assert reply["content-type"].split(";")[0] == {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[
            address.rsplit(".", 1)[1]]
        assert "://" not in re.sub(r"http://www\.w3\.org/\S+", "", reply.body.decode()), "an address within " + address
        wrong = address[1:].replace(".", ".0", 1)
        assert house.request("GET", wrong).status == 404
    reply = house.request("GET", "/favicon.ico")
    assert reply.status == 302 and reply["location"] in named
    assert "<style" not in text and " style=" not in text and not re.search(r"<[^>]* on[a-z]+=", text)
    assert not re.search(r"<script(?![^>]* src=)", text)


def test_modules_of_other_hosts_are_not_listed(make):
    house = make("http/rest/vhosts=[ 'api.localhost' ]", server=False)
    assert "/rest/" not in listed(house)
    reply = house.request("GET", "/", {"Host": "api.localhost", "Accept": "application/json"})
    assert "/rest/" in [m["path"] for m in json.loads(reply.body)["modules"]]


def test_nothing_is_served(house, make, browser):
    names = {m["name"] for m in listed(house).values()}
    house = make(*["%s/vhosts=[ 'other.localhost' ]" % ("upload/httpModule" if n == "upload" else "http/" + n)
                   for n in sorted(names)], server=False)
    assert listed(house) == {}
    browser.open(start(house))
    assert browser.has("Nothing is open here")
    browser.inspect()


def test_no_index(make):
    house = make(server=False, more="\nhttp {\n    index (active: false) {\n    }\n}\n")
    assert house.request("GET", "/", HTML).status == 404


def test_another_module_at_the_root_goes_before(make):
    house = make("upload/httpModule/context-path=/", server=False)
    assert house.request("GET", "/", {"Accept": "application/json"}).status != 200


def test_below_another_path(make):
    house = make("http/index/context-path=/a/b", server=False)
    reply = house.request("GET", "/a/b/", HTML)
    assert reply.status == 200 and b'href="../../rest/"' in reply.body and b'src="../../assets/' in reply.body
    reply = house.request("GET", "/a/b", HTML)
    assert reply.status == 200 and b'href="../rest/"' in reply.body


# ---- in a browser ----

def test_in_a_browser(house, browser):
    browser.open(start(house))
    assert browser.text("h1") == "Services of localhost"
    browser.inspect()
    browser.go(listed(house)["/rest/"]["title"])
    assert browser.url.endswith("/rest/")


def test_without_javascript(house, browser):
    with browser.without_script():
        browser.open(start(house))
        assert browser.text("h1") == "Services of localhost"
        assert browser.css("html.js") is None
        browser.inspect(axe=False)


def test_with_the_keyboard_alone(house, browser):
    """The first stop leads past the navigation; every stop can be seen."""
    browser.open(start(house))
    browser.js("document.body.focus()")
    keys = chromium.Keys
    browser.focused().send_keys(keys.TAB)
    assert browser.focused().text == "Skip to content" and browser.focused().rect["x"] >= 0
    browser.focused().send_keys(keys.ENTER)
    browser.wait(lambda: browser.focused().get_attribute("id") == "content")
    browser.focused().send_keys(keys.TAB)
    outline = browser.js("return getComputedStyle(document.activeElement.closest('.card')).outlineStyle")
    assert outline == "solid"


def test_over_tls_and_http2(house, browser):
    browser.open("https://localhost:%d/" % house.https)
    assert browser.js("return performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    browser.inspect()


# ---- the harness itself sees what it should ----

def test_a_complaint_fails(house, browser):
    browser.open(start(house))
    browser.js("const s = document.createElement('style'); s.textContent = 'body { color: red }'; document.head.append(s)")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        base.wait_for(lambda: browser.check() is not None, "the complaint", seconds=5)
    with pytest.raises(AssertionError, match="inline"):
        browser.check_assets()


def test_no_script_makes_a_page_of_text(house, browser):
    browser.open(start(house))
    with browser.expects("TrustedHTML|Trusted Types|trusted"):
        failed = browser.js("try { document.body.innerHTML = '<b>x</b>'; return '' } catch (e) { return e.name }")
        assert failed == "TypeError"
        failed = browser.js("try { trustedTypes.createPolicy('stoa', {}); return '' } catch (e) { return e.name }")
        assert failed == "TypeError"


def test_axe_finds_faults(house, browser):
    browser.open(start(house))
    browser.js("const i = document.createElement('input'); document.querySelector('main').append(i)")
    with pytest.raises(AssertionError, match="label"):
        browser.axe()
