# SPDX-License-Identifier: ISC
"""account.py - a Stoa with accounts, mails and a real server behind it; what people do with links in mails."""
import html.parser
import json
import os
import re
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from . import base, certs, rest
from .smtp import MailServer

LINK_BASE = "http://mail.link.example:8088"
RESET = "/rest/user/resetPassword"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"
# No test shall meet a limit that it is not about.
FREE = "".join("    %s = 0\n" % name for name in ("requests-per-address", "mails-per-account", "mails-per-mailbox",
                                                  "registrations-per-address"))


def config(mails, lines="", captcha="none", free=True):
    return mails.config() + "account {\n    link-base = '%s'\n    captcha = %s\n%s%s}\n" % (
        LINK_BASE, captcha, FREE if free else "", lines)


def mail_server(folder):
    certs.authority(folder)
    os.chmod(folder, 0o755)
    return MailServer(folder).start()


class Forms(html.parser.HTMLParser):
    """The forms of a page: [{"action", "method", "fields": {name: value}, "buttons"}], and its text."""

    def __init__(self, page):
        super().__init__()
        self.forms, self.words, self.inside = [], [], False
        self.feed(page if isinstance(page, str) else page.decode())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attrs.get("action"), "method": attrs.get("method"), "fields": {}, "buttons": 0})
            self.inside = True
        elif tag in ("input", "select") and self.inside and attrs.get("name"):
            self.forms[-1]["fields"][attrs["name"]] = attrs.get("value") or ""
        elif tag == "button" and self.inside:
            self.forms[-1]["buttons"] += 1

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


class Visitor:
    """Somebody without a login who speaks HTML, JSON or XML; answers are (status, map or Forms, reply)."""

    def __init__(self, house, kind="json"):
        self.house, self.kind = house, kind

    def _read(self, reply):
        kind = (reply["content-type"] or "").split(";")[0]
        if kind == "application/json":
            return reply.status, json.loads(reply.body), reply
        if kind == "application/xml":
            return reply.status, _map(ET.fromstring(reply.body)), reply
        return reply.status, Forms(reply.body), reply

    def get(self, path, fields=(), method="GET"):
        accept = {"json": "application/json", "xml": "application/xml", "html": HTML}[self.kind]
        with self.house.conn() as conn:
            return self._read(conn.request(method, path, [("Accept", accept)] + list(fields)))

    def post(self, path, values, fields=()):
        if self.kind == "json":
            kind, body = "application/json", json.dumps(values)
        elif self.kind == "xml":
            kind, body = "application/xml", "<form>%s</form>" % "".join("<%s>%s</%s>" % (k, escape(v), k) for k, v in values.items())
        else:
            kind, body = FORM, urllib.parse.urlencode(values)
        return self.send(path, body.encode(), kind, fields)

    def send(self, path, body, kind, fields=()):
        with self.house.conn() as conn:
            return self._read(conn.request("POST", path, [("Content-Type", kind)] + list(fields), body))

    def ask(self, jid, address, **more):
        return self.post(RESET, dict({"jid": jid, "email": address}, **more))

    def choose(self, path, password, again=None):
        return self.post(path, {"password-entry": password, "password-reentry": password if again is None else again})


def _map(element):
    """XML as the map that it was made of, under its root's name unless that is <result>."""
    def value(e):
        if len(e) == 0:
            return e.text or ""
        if all(c.tag == "item" for c in e):
            return [value(c) for c in e]
        return {c.tag: value(c) for c in e}
    return value(element) if element.tag == "result" else {element.tag: value(element)}


def link(mail):
    """The link of a mail: alone on a line of its text."""
    found = re.search(r"(?m)^(http\S+)\r?$", mail.text())
    assert found, mail.text()
    return found.group(1)


def path(mail):
    address = link(mail)
    assert address.startswith(LINK_BASE + "/"), address
    return address[len(LINK_BASE):]


def mails_to(mails, address):
    return [m for m in list(mails.accepted) if m.recipients == [address]]


def wait_mail(mails, address, count=1):
    """The count-th mail to that address."""
    base.wait_for(lambda: len(mails_to(mails, address)) >= count,
                  lambda: "mail %d to %s; there are %s" % (count, address, [m.recipients for m in mails.accepted]))
    return mails_to(mails, address)[count - 1]


def wait_refused(house, jid, count=1):
    """The log says so for the count-th time that no link is mailed for that account."""
    base.wait_for(lambda: house.log().count("no link is mailed for %s:" % jid) >= count,
                  lambda: "a line of the log on %s: %s" % (jid, house.said()[-2000:]))


def new_account(house, name=None, address=None):
    """An account that an administrator makes, with a recovery address: (jid, password, address)."""
    name = name or "u" + os.urandom(4).hex()
    jid, password = name + "@localhost", "old-secret-" + name
    reply = rest.Api(house, rest.ADMIN).command("localhost", rest.ADMIN_NODE + "add-user", {
        "accountjid": jid, "password": password, "password-verify": password})
    assert reply.status == 200, reply.body
    address = address or name + "@m.example"
    house.ctl("account", "set", jid, address)
    return jid, password, address


def logs_in(house, jid, password):
    status = rest.Api(house).get("/rest/adhoc/localhost", user=jid, password=password).status
    assert status in (200, 401), status
    return status == 200
