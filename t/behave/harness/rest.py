# SPDX-License-Identifier: ISC
"""rest.py - calls of the REST API as its users make them, and its answers in a shape that XML and JSON share."""
import base64
import json
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from . import servers

KEY = "harness-key-2f8c"
FORMATS = {"xml": "application/xml", "json": "application/json"}
PASSWORDS = {"%s@%s" % (u, servers.DOMAIN): p for u, p in servers.ACCOUNTS.items()}
ADMIN, ALICE, BOB = ("%s@%s" % (u, servers.DOMAIN) for u in ("admin", "alice", "bob"))
ADMIN_NODE = "http://jabber.org/protocol/admin#"


SAME = object()  # in place of a user or key: who or what the caller usually is


def basic(jid, password):
    return "Basic " + base64.b64encode(("%s:%s" % (jid, password)).encode()).decode()


class Api:
    """house: a Stoa. user: who calls unless a call says otherwise; None: nobody. source: the address they come from."""

    def __init__(self, house, user=None, key=KEY, source=None):
        self.house, self.user, self.key, self.source = house, user, key, source

    def fields(self, user=SAME, password=None, key=SAME, kind=None, accept=None, fields=()):
        user, key = self.user if user is SAME else user, self.key if key is SAME else key
        out = list(fields)
        if key is not None:
            out.append(("Api-Key", key))
        if user is not None:
            out.append(("Authorization", basic(user, PASSWORDS.get(user, "") if password is None else password)))
        if kind is not None:
            out.append(("Content-Type", FORMATS.get(kind, kind)))
        if accept is not None:
            out.append(("Accept", accept))
        return out

    def __call__(self, method, path, body=None, host="localhost", conn=None, **who):
        """One request; body may be text. conn: a connection to use, else a new one."""
        body = body.encode() if isinstance(body, str) else body
        fields = self.fields(**who)
        if conn:
            return conn.request(method, path, fields, body, host=host)
        with self.house.conn(source=self.source) as conn:
            return conn.request(method, path, fields, body, host=host)

    def get(self, path, **more):
        return self("GET", path, **more)

    def post(self, path, body, kind="json", **more):
        return self("POST", path, body, kind=kind, **more)

    def command(self, to, node, fields=None, kind="json", more=None, **who):
        """POST /rest/adhoc/TO of a command; fields: {var: text or list}."""
        return self.post("/rest/adhoc/" + to, command(node, fields, kind, more), kind, **who)


def command(node, fields=None, kind="json", more=None):
    """The request as the guide writes it. more: further members of it."""
    if kind == "json":
        inside = dict({"node": node}, **(more or {}))
        if fields is not None:
            inside["fields"] = [{"var": k, "value": v} for k, v in fields.items()]
        return json.dumps({"command": inside})
    text = "<command>\n  <node>%s</node>\n" % escape(node)
    for name, value in (more or {}).items():
        text += "  <%s>%s</%s>\n" % (name, escape(value), name)
    if fields is not None:
        text += "  <fields>\n"
        for name, value in fields.items():
            inside = escape(value) if isinstance(value, str) else (
                "\n        " + "".join("<item>%s</item>" % escape(v) for v in value) + "\n      ")
            text += "    <item>\n      <var>%s</var>\n      <value>%s</value>\n    </item>\n" % (escape(name), inside)
        text += "  </fields>\n"
    return text + "</command>\n"


def tree(reply):
    """The map that an answer holds, of XML as of JSON: {root: {...}}. None and "" look the same in XML: both are ""."""
    kind = (reply["content-type"] or "").split(";")[0]
    if kind in ("application/json", "application/problem+json"):
        return _plain(json.loads(reply.body))
    if kind not in ("application/xml", "application/problem+xml"):
        raise AssertionError("neither XML nor JSON: %r" % reply)
    root = ET.fromstring(reply.body)
    return {root.tag: _value(root)}


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value] or ""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else str(value)


def _value(element):
    if not len(element):
        return element.text or ""
    if all(child.tag == "item" for child in element):
        return [_value(child) for child in element]
    return {child.tag: _value(child) for child in element}


def fields_of(reply):
    """{var: value} of a command's answer; a single value as text, more as a list."""
    fields = tree(reply)["command"]["fields"] or []
    return {f["var"]: f.get("value", "") for f in fields}


def many(value):
    """The values of a field that may hold one or several."""
    return value if isinstance(value, list) else [value] if value else []


def note(reply):
    """The text of a command's note, "" without one."""
    return (tree(reply)["command"].get("note") or {"value": ""})["value"]
