# SPDX-License-Identifier: ISC
"""people.py - what a browser does with cookies and forms, without one."""
import html
import re
import urllib.parse

from . import base, servers, web

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


class Browser:
    """Cookies, forms and nothing else: each request on a connection of its own, so that any worker may get it."""

    def __init__(self, house, tls=False, fields=()):
        self.house, self.tls, self.always = house, tls, list(fields)
        self.cookies, self.page, self.path = {}, None, None

    def send(self, method, path, fields=None, body=None, kind="application/x-www-form-urlencoded", accept=HTML, more=()):
        head = [("Accept", accept)] + self.always + list(more)
        if self.cookies:
            head.append(("Cookie", "; ".join("%s=%s" % item for item in self.cookies.items())))
        if fields is not None:
            body = urllib.parse.urlencode(fields)
        if body is not None:
            head.append(("Content-Type", kind))
            body = body if isinstance(body, bytes) else body.encode()
        with self.connect() as conn:
            reply = conn.request(method, path, head, body, host="localhost:%d" % self.port)
        for cookie in reply.all("set-cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
            if "Max-Age=0" in cookie:
                del self.cookies[name]
        self.page, self.path = reply, path
        return reply

    @property
    def port(self):
        return self.house.https if self.tls else self.house.http

    def connect(self):
        return web.Conn((base.LOOPBACK, self.port), self.house.tls() if self.tls else None)

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def hidden(self, name, page=None):
        return dict(hidden(page or self.page)).get(name)

    def login(self, user="alice", password=None, next="/session/confirm", **more):
        self.get("/session/login?next=" + urllib.parse.quote(next), **more)
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
    return [(n, html.unescape(v))
            for n, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', text)]


INSIDE = "/session/confirm"  # a page for those who are logged in


def is_in(browser):
    reply = browser.get(INSIDE)
    assert reply.status in (200, 401), reply
    return reply.status == 200


def copy_of(browser):
    """Another one with the same cookies: whoever stole them, or kept them."""
    other = Browser(browser.house, browser.tls, browser.always)
    other.cookies = dict(browser.cookies)
    return other


def logout_token(page):
    return re.search(r'action="[^"]*session/logout">\s*<input type="hidden" name="token" value="([0-9a-f]+)"', page.body.decode())[1]


RUN = {"_jid": "http.localhost", "_node": "list-commands"}


def run_token(browser):
    """Of the form of another command: it is good for all forms of that module."""
    reply = browser.get("/admin/?" + urllib.parse.urlencode(dict(RUN, _node="hello")))
    assert reply.status == 200, reply
    return dict(hidden(reply))["token"]
