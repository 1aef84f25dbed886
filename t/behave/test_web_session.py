# SPDX-License-Identifier: ISC
"""People in browsers: log-in by form, sessions behind a cookie, forms that nobody else can send (R6, R7), pages of
administrators from the loopback only (R26)."""
import re
import urllib.parse

import pytest

import conftest
from harness import base, fake_c2s, rest, servers, stoa

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


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


class Browser:
    """Cookies, forms and nothing else: each request on a connection of its own, so that any worker may get it."""

    def __init__(self, house, tls=False, **more):
        self.house, self.tls, self.more = house, tls, more
        self.cookies, self.page, self.path = {}, None, None

    def send(self, method, path, fields=None, body=None, kind="application/x-www-form-urlencoded", accept=HTML, more=()):
        head = [("Accept", accept)] + list(more)
        if self.cookies:
            head.append(("Cookie", "; ".join("%s=%s" % item for item in self.cookies.items())))
        if fields is not None:
            body = urllib.parse.urlencode(fields)
        if body is not None:
            head.append(("Content-Type", kind))
            body = body if isinstance(body, bytes) else body.encode()
        with self.house.conn(tls=self.tls, **self.more) as conn:
            reply = conn.request(method, path, head, body, host="localhost")
        for cookie in reply.all("set-cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
            if "Max-Age=0" in cookie:
                del self.cookies[name]
        self.page, self.path = reply, path
        return reply

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def hidden(self, name, page=None):
        return dict(hidden(page or self.page)).get(name)

    def login(self, user="alice", password=None, next="/session/confirm", **more):
        self.get("/session/login?next=" + urllib.parse.quote(next))
        return self.send("POST", "/session/login", dict(
            self.fields(), jid=user, password=servers.ACCOUNTS.get(user, "") if password is None else password), **more)

    def fields(self):
        return dict(hidden(self.page))

    @property
    def secret(self):
        return self.cookies.get("__Host-stoa" if self.tls else "stoa")


def hidden(page):
    """[(name, value)] of the hidden fields of the page's own form, not of the layout's."""
    text = page.body.decode()
    text = text[text.index("<main"):] if "<main" in text else text
    return [(n, re.sub("&(amp|lt|gt|quot|#39);", lambda m: {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "#39": "'"}[m[1]], v))
            for n, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', text)]


INSIDE = "/session/confirm"  # a page for those who are logged in


def is_in(browser):
    reply = browser.get(INSIDE)
    assert reply.status in (200, 401), reply
    return reply.status == 200


def test_login_and_out(place):
    house, host = place
    browser = Browser(house)
    assert not is_in(browser)
    reply = browser.login()
    assert (reply.status, reply["location"]) == (303, "../session/confirm")
    assert is_in(browser) and b"alice@localhost" in browser.page.body
