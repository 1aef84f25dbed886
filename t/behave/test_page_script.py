# SPDX-License-Identifier: ISC
"""What src/page/README.md promises of the script, on pages of the test's own under the policy that all pages have."""
import http.server
import threading
import time
import urllib.parse

import pytest

from harness import base

POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
          "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title><link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/stoa.css"><script src="/stoa.js" defer data-just-now="just now" data-shown="Shown"
data-sorted-up="Sorted, ascending" data-sorted-down="Sorted, descending" data-copied="Copied" data-selected="Selected"
data-go-on="Go on" data-cancel="Cancel" data-to-correct="Fields to correct" data-unreachable="Cannot be reached"
data-bad-answer="Status" data-waiting="Waiting" data-sent="Sent"></script></head><body><main id="content" tabindex="-1">
<h1>%s</h1>%s</main></body></html>"""

PAGES = {
    "filter": """<label for="q">Search</label><input id="q" type="search" data-filter="#all">
        <p data-filter-count="#all"></p><p data-filter-none="#all" hidden>Nothing fits</p>
        <div id="all"><section data-filter-group><h2>Users</h2><ul><li>Add user</li><li data-filter-text="remove">Delete user</li></ul>
        </section><section data-filter-group><h2>Other</h2><ul><li>Ping</li></ul></section></div>""",
    "table": """<div class="table" role="region" aria-label="T" tabindex="0"><table id="t"><thead><tr><th data-sort="text">Name</th>
        <th data-sort="number">Size</th></tr></thead><tbody><tr><td>b10</td><td data-value="5">5 KB</td></tr><tr><td>b9</td>
        <td data-value="1000">1 KB</td></tr><tr><td>a</td><td>none</td></tr></tbody></table></div>""",
    "check": """<form method="post" action="/posted" data-check><div class="field"><label for="jid">Account</label>
        <input id="jid" name="jid" required data-message="Write user@domain"></div><div class="field"><label for="n">Number</label>
        <input id="n" name="n" type="number" max="5" value="9"></div><button type="submit" name="go" value="1">Save</button></form>""",
    "parts": """<form method="post" action="/part" data-part="#result"><label for="a">Text</label><input id="a" name="a">
        <button type="submit" name="what" value="run">Run</button><button name="what" value="move">Move</button>
        <button name="what" value="none">Break</button>
        <button name="what" value="cut">Cut</button></form><div id="result"></div>
        <p><a href="/part?a=linked" data-part="#result">Show</a></p>""",
    "confirm": """<form method="post" action="/posted" data-confirm="Delete it?" data-confirm-yes="Delete"><button type="submit" class="danger"
        name="go" value="gone">Delete all</button></form>""",
    "twice": """<form method="post" action="/posted"><button type="submit" name="a" value="1">Send</button></form>""",
    "copy": """<pre id="code">a &lt;b&gt;</pre><button type="button" data-copy="#code">Copy</button>""",
    "time": """<p><time datetime="%s" data-relative>then</time> <time datetime="nonsense" data-relative>odd</time></p>""",
    "hidden": """<form method="post" action="/posted" data-part="#result" data-check><label for="x">Elements</label>
        <input id="x" name="elements" value="1"><input name="append" value="2" aria-label="b"><button type="submit">Send</button></form>
        <div id="result"></div>""",
    "refresh": """<div id="fresh" data-refresh="5" data-refresh-from="/count"><p>count 0</p></div>""",
    "menu": """<div class="split"><details class="side" open><summary>Menu</summary><nav aria-label="All"><ul><li><a href="/menu"
        aria-current="page">One</a></li></ul></nav></details><div class="stack"><p>Text</p></div></div>""",
}


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.posted, self.count = [], 0
        super().__init__((base.LOOPBACK, base.free_port()), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.at = "http://localhost:%d/" % self.server_address[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *ignored):
        pass

    def answer(self, text, kind="text/html; charset=utf-8", status=200, **fields):
        body = text.encode()
        self.send_response(status)
        for name, value in dict(fields, **{"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store",
                                           "Content-Security-Policy": POLICY}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def part(self, values):
        assert self.headers["Stoa-Part"] == "1"
        self.answer("<h2>Result</h2><p class='said'>%s</p><script>document.title = 'run'</script>"
                    "<time datetime='%s' data-relative>then</time>" % (values.get("a", [""])[0], stamp(0)))

    def do_GET(self):
        path, _, query = self.path.partition("?")
        name = path.strip("/")
        if name in ("stoa.css", "stoa.js", "icon.svg"):
            with open(base.TOP + "/src/page/static/" + name) as file:
                self.answer(file.read(), {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[name.split(".")[1]])
        elif name == "part":
            self.part(urllib.parse.parse_qs(query))
        elif name == "count":
            self.server.count += 1
            self.answer("<p>count %d</p>" % self.server.count)
        else:
            body = PAGES.get(name, "")
            self.answer(PAGE % (name, name, body % stamp(-3 * 86400) if name == "time" else body))

    def do_POST(self):
        values = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
        self.server.posted.append((self.path, values))
        if values.get("what") == ["cut"]:
            self.close_connection = True
        elif self.path == "/part" and values.get("what") == ["move"]:
            self.answer("", status=303, Location="/moved")
        elif self.path == "/part" and values.get("what") == ["none"]:
            self.answer("{}", "application/json", 500)
        elif self.path == "/part":
            self.part(values)
        else:
            self.answer(PAGE % ("posted", "posted", ""))


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@pytest.fixture
def site():
    out = Site()
    yield out
    out.shutdown()
    out.server_close()


def shown(browser, selector):
    return [e.text for e in browser.all(selector) if e.is_displayed()]


def test_filter(site, browser):
    browser.open(site.at + "filter")
    browser.fill("Search", "user")
    assert shown(browser, "li") == ["Add user", "Delete user"] and shown(browser, "h2") == ["Users"]
    assert browser.text("[data-filter-count]") == "2"
    browser.fill("Search", "user REMOVE")
    assert shown(browser, "li") == ["Delete user"]
    browser.fill("Search", "nonsense")
    assert shown(browser, "li") == [] and browser.has("Nothing fits")
    browser.wait(lambda: browser.js("return document.querySelector('[role=status]').textContent") == "Shown: 0")


def test_sorting(site, browser):
    browser.open(site.at + "table")
    column = lambda n: [r.split(" ")[n] for r in shown(browser, "tbody tr")]  # noqa: E731
    browser.click("Name")
    assert column(0) == ["a", "b9", "b10"] and browser.css("th").get_attribute("aria-sort") == "ascending"
    browser.click("Name")
    assert column(0) == ["b10", "b9", "a"]
    browser.click("Size")
    assert column(0) == ["b10", "b9", "a"], "what is no number comes last"
    browser.click("Size")
    assert column(0) == ["b9", "b10", "a"]
    assert [h.get_attribute("aria-sort") for h in browser.all("th")] == [None, "descending"]
    browser.axe()


def test_a_form_is_checked_before_it_is_sent(site, browser):
    browser.open(site.at + "check")
    browser.click("Save")
    assert "Account: Write user@domain" in browser.text(".errors") and "Fields to correct: 2" in browser.text(".errors")
    assert "errors" in browser.focused().get_attribute("class") and not site.posted
    assert browser.field("Account").get_attribute("aria-invalid") == "true"
    browser.axe()
    browser.click("Account: Write user@domain")
    assert browser.focused().get_attribute("name") == "jid"
    browser.fill("Account", "a@b")
    browser.wait(lambda: browser.field("Account").get_attribute("aria-invalid") is None)
    browser.fill("Number", "3")
    browser.go("Save")
    assert site.posted == [("/posted", {"jid": ["a@b"], "n": ["3"], "go": ["1"]})]


def test_a_part_takes_its_place(site, browser):
    browser.open(site.at + "parts")
    browser.fill("Text", "hello")
    browser.click("Run")
    assert browser.text("#result .said") == "hello"
    browser.wait(lambda: browser.focused().text == "Result")
    browser.wait_text("just now", "#result time")
    assert browser.title == "parts", "a script in an answer ran"
    assert site.posted[-1][1] == {"a": ["hello"], "what": ["run"]}
    browser.go("Move")
    assert browser.url == site.at + "moved"


def test_a_link_shows_a_part_and_what_goes_wrong_is_said(site, browser):
    browser.open(site.at + "parts")
    browser.click("Show")
    browser.wait_text("linked", "#result .said")
    with browser.expects("500"):
        browser.click("Break")
        browser.wait_text("Status 500", "#result .note.error")
    with browser.expects("ERR_"):
        browser.click("Cut")
        browser.wait_text("Cannot be reached", "#result .note.error")


def test_a_question_first(site, browser):
    browser.open(site.at + "confirm")
    browser.click("Delete all")
    browser.wait_text("Delete it?", "dialog")
    assert browser.focused().text == "Cancel"
    browser.axe()
    browser.click("Cancel")
    browser.wait(lambda: browser.css("dialog") is None)
    assert not site.posted
    browser.click("Delete all")
    with browser.goes():
        browser.click("Delete")
    assert site.posted == [("/posted", {"go": ["gone"]})]


def test_a_form_is_sent_once(site, browser):
    browser.open(site.at + "twice")
    with browser.goes():
        browser.js("const b = document.querySelector('button'); b.click(); b.click(); b.form.requestSubmit()")
    assert site.posted == [("/posted", {"a": ["1"]})]


def test_fields_that_hide_what_forms_have(site, browser):
    """Names of fields may be foreign: such a form is sent as without JavaScript."""
    browser.open(site.at + "hidden")
    browser.go("Send")
    assert site.posted == [("/posted", {"elements": ["1"], "append": ["2"]})]


def test_copying(site, browser):
    browser.open(site.at + "copy")
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {"origin": site.at.rstrip("/"), "permissions": [
        "clipboardReadWrite", "clipboardSanitizedWrite"]})
    browser.click("Copy")
    browser.wait(lambda: browser.css("[data-copy]").text == "Copied")
    assert browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == "a <b>"


def test_times(site, browser):
    browser.open(site.at + "time")
    assert browser.text("time") == "3 days ago" and browser.css("time").get_attribute("title")
    assert browser.all("time")[1].text == "odd"


def test_what_stays_fresh(site, browser):
    browser.open(site.at + "refresh")
    browser.wait(lambda: browser.text("#fresh") == "count 1")


def test_menus_are_open_where_there_is_room(site, browser):
    browser.open(site.at + "menu")
    is_open = lambda: browser.css(".side").get_attribute("open") is not None  # noqa: E731
    assert is_open() and not browser.css("summary").is_displayed()
    browser.look((390, 844))
    browser.wait(lambda: not is_open())
    browser.click("Menu")
    browser.wait(is_open)
    browser.axe()
