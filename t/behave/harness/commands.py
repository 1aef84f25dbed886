# SPDX-License-Identifier: ISC
"""commands.py - ad-hoc commands (XEP-0050) as an XMPP client runs them: lists, steps, forms, errors."""
from xml.sax.saxutils import escape, quoteattr

from . import xmpp

NS, DATA = "http://jabber.org/protocol/commands", "jabber:x:data"
STATE = "stoa#state"


class Refused(Exception):
    """An IQ error: .type, .condition, .text, and .special, the condition of XEP-0050 or None."""

    def __init__(self, iq):
        self.type, self.condition, self.text, element = xmpp.error_of(iq)
        special = [xmpp.local(c) for c in element if c.tag.startswith("{%s}" % NS)]
        self.special = special[0] if special else None
        Exception.__init__(self, "%s/%s %s: %s" % (self.type, self.condition, self.special, self.text))


class Answer:
    """What a <command/> says."""

    def __init__(self, iq):
        if iq.get("type") == "error":
            raise Refused(iq)
        self.iq, self.element = iq, iq.find("{%s}command" % NS)
        self.node, self.session, self.status = (self.element.get(n) for n in ("node", "sessionid", "status"))
        self.notes = [(n.get("type"), n.text or "") for n in self.element.findall("{%s}note" % NS)]
        actions = self.element.find("{%s}actions" % NS)
        self.actions = [xmpp.local(a) for a in actions] if actions is not None else []
        self.usual = actions.get("execute") if actions is not None else None
        self.form = self.element.find("{%s}x" % DATA)
        self.fields = {}
        self.rows, self.columns = [], []
        if self.form is not None:
            for field in self.form.findall("{%s}field" % DATA):
                self.fields[field.get("var")] = field
            reported = self.form.find("{%s}reported" % DATA)
            self.columns = [f.get("var") for f in reported] if reported is not None else []
            for item in self.form.findall("{%s}item" % DATA):
                self.rows.append({f.get("var"): f.findtext("{%s}value" % DATA) or "" for f in item})

    def values(self, var):
        return [v.text or "" for v in self.fields[var].findall("{%s}value" % DATA)]

    def value(self, var):
        return (self.values(var) or [None])[0]

    def kind(self, var):
        return self.fields[var].get("type")

    def options(self, var):
        return [o.findtext("{%s}value" % DATA) for o in self.fields[var].findall("{%s}option" % DATA)]

    @property
    def note(self):
        return self.notes[0][1] if self.notes else None

    @property
    def failed(self):
        return any(kind == "error" for kind, _ in self.notes)


def submit(values):
    """<x type='submit'/> of {var: text or list}."""
    out = "<x xmlns='%s' type='submit'>" % DATA
    for var, value in values.items():
        inside = "".join("<value>%s</value>" % escape(v) for v in ([value] if isinstance(value, str) else value))
        out += "<field var=%s>%s</field>" % (quoteattr(var), inside)
    return out + "</x>"


class Client:
    """stream: a client's Stream; to: whose commands."""

    def __init__(self, stream, to):
        self.stream, self.to = stream, to

    def list(self):
        """{node: {jid, node, name, group}}."""
        iq = self.stream.iq("get", self.to, "<query xmlns='%s' node='%s'/>" % (xmpp.DISCO_ITEMS, NS))
        if iq.get("type") == "error":
            raise Refused(iq)
        return {i.get("node"): dict(i.attrib) for i in iq.find("{%s}query" % xmpp.DISCO_ITEMS)}

    def info(self, node=None):
        iq = self.stream.iq("get", self.to, "<query xmlns='%s'%s/>" % (
            xmpp.DISCO_INFO, " node=" + quoteattr(node) if node else ""))
        if iq.get("type") == "error":
            raise Refused(iq)
        return iq.find("{%s}query" % xmpp.DISCO_INFO)

    def send(self, node, action=None, session=None, inside=""):
        """One step exactly as said."""
        return Answer(self.stream.iq("set", self.to, "<command xmlns='%s' node=%s%s%s>%s</command>" % (
            NS, quoteattr(node), " action=" + quoteattr(action) if action else "",
            " sessionid=" + quoteattr(session) if session is not None else "", inside)))

    def start(self, node):
        return self.send(node, "execute")

    def go_on(self, answer, values, action=None):
        """The next step: the form's own values, and those given in their place."""
        said = {var: answer.values(var) for var in answer.fields if var and answer.kind(var) != "fixed"}
        said.update(values)
        return self.send(answer.node, action or answer.usual, answer.session, submit(said))

    def run(self, node, *steps):
        """All steps; each {var: value}."""
        answer = self.start(node)
        for values in steps:
            answer = self.go_on(answer, values)
        return answer
