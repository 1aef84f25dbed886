# SPDX-License-Identifier: ISC
"""/admin/ beside servers that do not behave: hostile text, huge forms and tables, silence, answers of other sessions;
and what must not be in the log. By Basic, which needs no token: tokens are test_web_session's."""
import base64
import html
import re
import urllib.parse

import pytest

from harness import rest
from test_web_session import Browser

COMMANDS, DATA = "http://jabber.org/protocol/commands", "jabber:x:data"
ITEMS = "http://jabber.org/protocol/disco#items"
NODE = rest.ADMIN_NODE + "add-user"  # known to begin with a form
DELETE = rest.ADMIN_NODE + "delete-user"
HOSTILE = "\"><script>alert(1)</script><b id='x' \u202egnp.exe\u2066 {{base}} &amp; \u2028"


class Visitor:
    def __init__(self, house, user="admin"):
        self.house = house
        self.fields = [("Authorization", rest.basic(user + "@localhost", user + "-secret")), ("Accept", "text/html")]

    def get(self, query=""):
        return self.house.request("GET", "/admin/" + ("?" + query if query else ""), self.fields)

    def post(self, values, path="/admin/", fields=()):
        head = self.fields + [("Content-Type", "application/x-www-form-urlencoded")] + list(fields)
        return self.house.request("POST", path, head, urllib.parse.urlencode(values).encode())

    def open(self, node=NODE):
        return self.get("_jid=localhost&_node=" + urllib.parse.quote(node, safe=""))


def esc(text):
    return html.escape(text, quote=True)


def form(inside, kind="form"):
    return "<x xmlns='%s' type='%s'>%s</x>" % (DATA, kind, inside)


def command(status, inside="", sessionid="s1", node=NODE):
    return "<command xmlns='%s' node='%s' sessionid='%s' status='%s'>%s</command>" % (
        COMMANDS, esc(node), esc(sessionid), status, inside)


USER_FORM = form("<field type='hidden' var='FORM_TYPE'><value>t</value></field><field var='accountjid' type='jid-single'/>"
                 "<field var='password' type='text-private'/><field var='lines' type='text-multi'/>")


@pytest.fixture
def rude(make):
    """(Visitor, Stoa, FakeHost, seen, script): script(node name, answers of its commands)."""
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/admin/discovery-timeout=1s", "http/admin/command-timeout=2s", server=host,
                 components=("http.localhost",))
    seen = []

    def script(*answers, items=((NODE, "Add User"), (DELETE, "Delete User")), components=()):
        left = list(answers)

        def on_client(session, stanza):
            asked = stanza.find("{%s}command" % COMMANDS)
            query = stanza.find("{%s}query" % ITEMS)
            if query is not None and query.get("node") is None:
                session.answer(stanza, "<query xmlns='%s'>%s</query>" % (ITEMS, "".join("<item jid='%s'/>" % c for c in components)))
            elif query is not None and stanza.get("to") in components:
                return True  # never answered
            elif query is not None:
                session.answer(stanza, "<query xmlns='%s' node='%s'>%s</query>" % (ITEMS, COMMANDS, "".join(
                    "<item jid='localhost' node='%s' name='%s'/>" % (esc(n), esc(name)) for n, name in items)))
            elif asked is not None:
                seen.append(asked)
                answer = left.pop(0) if left else command("canceled")
                if callable(answer):
                    answer(session, stanza)
                elif answer is not None:
                    session.answer(stanza, answer)
            else:
                return False
            return True
        host.on_client = on_client
    return Visitor(house), house, host, seen, script


def hidden(reply):
    """The hidden fields of the command's form."""
    part = reply.body.decode().split('id="command"', 1)[1]
    return {html.unescape(n): html.unescape(v) for n, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', part)}


def text_of(reply):
    return html.unescape(re.sub(r"<[^>]*>", " ", reply.body.decode()))


def test_C19_hidden_fields_come_back_and_many_stay_many(rude):
    visitor, _, _, seen, script = rude
    script(command("executing", USER_FORM), command("completed", "<note type='info'>well</note>"))
    reply = visitor.open()
    assert reply.status == 200, reply
    reply = visitor.post(dict(hidden(reply), accountjid="eve@localhost", password="p", lines="one\r\ntwo\r\n"))
    assert reply.status == 200 and b"well" in reply.body
    assert seen[0].get("action") == "execute" and seen[1].get("action") == "complete" and seen[1].get("sessionid") == "s1"
    sent = {f.get("var"): [v.text for v in f] for f in seen[1].iter("{%s}field" % DATA)}
    assert sent == {"FORM_TYPE": ["t"], "accountjid": ["eve@localhost"], "password": ["p"], "lines": ["one", "two"]}


def test_C18_steps_and_what_the_server_allows(rude):
    """next, prev and cancel; without actions one stage; an action that is not offered is not sent."""
    visitor, _, _, seen, script = rude
    step = form("<field var='a'/>")
    script(command("executing", step + "<actions execute='next'><next/></actions>"),
           command("executing", step + "<actions execute='next'><prev/><next/></actions>"),
           command("executing", step + "<actions><next/></actions>"),
           command("executing", step), command("canceled"))
    reply = visitor.open()
    assert b'value="prev"' not in reply.body and b">Next<" in reply.body.replace(b"<bdi>", b"").replace(b"</bdi>", b"")
    reply = visitor.post(dict(hidden(reply), a="1", _action="complete"))
    assert seen[-1].get("action") == "next", "complete is not allowed there"
    assert b'value="prev"' in reply.body
    reply = visitor.post(dict(hidden(reply), a="1", _action="prev"))
    assert seen[-1].get("action") == "prev" and seen[-1].find("{%s}x" % DATA) is not None
    reply = visitor.post(dict(hidden(reply), a="1"))
    assert seen[-1].get("action") == "next", "without execute the default is next"
    reply = visitor.post(dict(hidden(reply), a="1", _action="cancel"))
    assert seen[-1].get("action") == "cancel" and b"Cancelled" in reply.body


def test_C17_forms_of_others(rude):
    """What a page carries is good for its user, JID and node; an answer must be of the session that was asked."""
    visitor, house, _, seen, script = rude
    script(command("executing", USER_FORM), command("executing", USER_FORM, sessionid="another"))
    carried = hidden(visitor.open())
    count = len(seen)
    for change in ({"_node": DELETE}, {"_jid": "conference.localhost"}, {"_state": carried["_state"][:-8] + "AAAAAAAA"}, {"_state": "x"}):
        reply = visitor.post(dict(carried, accountjid="eve@localhost", **change))
        assert reply.status == 403 and "does not belong" in text_of(reply), change
    assert len(seen) == count, "nothing was sent"
    reply = visitor.post(dict(carried, accountjid="eve@localhost"))
    assert reply.status == 502 and "does not belong to this command" in text_of(reply)
    script(command("completed", node="other"))
    assert visitor.open().status == 502


def test_C17_waited_too_long(rude):
    visitor, house, _, seen, script = rude
    script(command("executing", USER_FORM))
    carried = hidden(visitor.open())
    with open(house.clock_file, "w") as file:
        file.write("2400")
    reply = visitor.post(dict(carried, accountjid="eve@localhost"))
    assert reply.status == 409 and "waited too long" in text_of(reply) and len(seen) == 1
    assert "Start anew" in text_of(reply)


def test_C17_the_servers_session_expired(rude):
    visitor, _, _, _, script = rude
    script(command("executing", USER_FORM), lambda session, stanza: session.answer(
        stanza, "<error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><session-expired xmlns='%s'/></error>"
        % COMMANDS, kind="error"))
    reply = visitor.post(dict(hidden(visitor.open()), accountjid="eve@localhost"))
    assert reply.status == 409 and "waited too long" in text_of(reply)


def test_C20_no_value_is_in_the_log_and_destructive_ones_are_confirmed(rude):
    visitor, house, _, seen, script = rude
    script(command("executing", USER_FORM), command("completed"),
           command("executing", form("<field var='accountjids' type='jid-multi'/><field var='password' type='text-private'/>"), node=DELETE),
           command("completed", node=DELETE))
    visitor.post(dict(hidden(visitor.open()), accountjid="planted-jid@localhost", password="planted-secret", lines="planted-line"))
    reply = visitor.post(dict(hidden(visitor.open(DELETE)), accountjids="eve@localhost\nadam@localhost", password="planted-secret"))
    assert "Are you sure?" in text_of(reply) and "eve@localhost" in text_of(reply) and len(seen) == 3
    assert b"planted-secret" not in reply.body
    assert b'action="../admin/confirmed"' in reply.body or b"admin/confirmed" in reply.body
    reply = visitor.post(dict(hidden(reply), password="planted-secret"), path="/admin/confirmed")
    assert reply.status == 200 and len(seen) == 4, reply
    sent = {f.get("var"): [v.text for v in f] for f in seen[3].iter("{%s}field" % DATA)}
    assert sent == {"accountjids": ["eve@localhost", "adam@localhost"], "password": ["planted-secret"]}
    with open(house.folder + "/logs/stoa.log") as file:
        log = file.read()
    with open(house.folder + "/logs/access.log") as file:
        assert "planted" not in file.read() + house.said()
    assert "planted" not in log and log.count("ran " + NODE) == 1 and log.count("ran " + DELETE) == 1
    line = [one for one in log.splitlines() if "ran " + DELETE in one][0]
    assert "notice" in line and "admin@localhost" in line and "127.0.0.1" in line and line.rstrip().endswith("completed")


def test_hostile_text_is_text(rude):
    visitor, _, _, _, script = rude
    bad = esc(HOSTILE)
    fields = "".join("<field type='%s' var='v%d%s' label='%s'><desc>%s</desc><value>%s</value><option label='%s'><value>%s</value></option></field>" % (
        kind, i, bad, bad, bad, bad, bad, bad) for i, kind in enumerate(
            ("text-single", "boolean", "fixed", "hidden", "list-single", "list-multi", "text-multi", "jid-multi", "text-private", bad)))
    inside = form("<title>%s</title><instructions>%s</instructions>%s" % (bad, bad, fields))
    table = "<reported label='%s'><field var='a' label='%s'/></reported><item><field var='a'><value>%s</value></field></item>" % (bad, bad, bad)
    script(command("executing", inside + "<note type='%s'>%s</note>" % (bad, bad)), command("completed", form(fields + table, "result")),
           items=((NODE, HOSTILE), ("n" + HOSTILE, HOSTILE)))
    for reply in (visitor.get(), visitor.get("q=%3Cscript%3E"), visitor.get("_group=%22%3E%3Cscript%3E"), visitor.open(), visitor.open(),
                  visitor.open("n" + HOSTILE), visitor.get("_jid=%22%3E%3Cscript%3E@x&_node=%22%3E%3Cscript%3E")):
        text = reply.body.decode()
        assert "<script>" not in text and "id='x'" not in text and "<b " not in text, text[:3000]
        assert reply["content-security-policy"].startswith("default-src 'none'")


def test_ten_thousand_fields(rude):
    visitor, _, _, _, script = rude
    many = "".join("<field var='f%d'/>" % i for i in range(10000))
    script(command("executing", form(many)), command("completed", form(many, "result")))
    reply = visitor.open()
    assert reply.status == 502 and "too large to be filled in" in text_of(reply) and "10000" in text_of(reply)
    reply = visitor.open()
    assert reply.status == 200 and "first 500 of 10000" in text_of(reply)


def test_a_table_of_many_rows(rude):
    visitor, _, _, _, script = rude
    rows = "".join("<item><field var='a'><value>%d</value></field></item>" % i for i in range(4000))
    script(command("completed", form("<reported><field var='a' label='Number'/></reported>" + rows, "result")))
    reply = visitor.open()
    assert reply.status == 200 and "first 1000 of 4000" in text_of(reply)
    assert reply.body.count(b"<tr>") == 1001


def test_silence_is_told_and_holds_up_nobody(rude):
    visitor, house, _, seen, script = rude
    script(command("executing", USER_FORM), None)
    reply = visitor.post(dict(hidden(visitor.open()), accountjid="eve@localhost"))
    assert reply.status == 504 and "did not answer in 2 s" in text_of(reply) and "may or may not" in text_of(reply)
    assert len(seen) == 2, "it was not sent again"
    with open(house.folder + "/logs/stoa.log") as file:
        assert "no answer in time" in file.read()
    script(None)
    reply = visitor.open()
    assert reply.status == 504 and "Nothing was carried out" in text_of(reply)


def test_a_late_answer_is_dropped(rude):
    visitor, _, host, seen, script = rude
    late = []
    script(lambda session, stanza: late.append((session, stanza)), command("executing", USER_FORM))
    assert visitor.open().status == 504
    session, stanza = late[0]
    session.answer(stanza, command("completed", "<note type='info'>stale words</note>"))
    reply = visitor.open()
    assert reply.status == 200 and b"stale words" not in reply.body and b'name="accountjid"' in reply.body


def test_who_does_not_answer_is_named(rude):
    visitor, _, _, _, script = rude
    script(components=("slow.localhost", "conference.localhost"))
    reply = visitor.get()
    assert reply.status == 200 and "Add User" in text_of(reply)
    assert re.search(r"slow\.localhost\s+did not answer in 1 s", text_of(reply)), text_of(reply)


def test_own_commands_without_a_server(rude):
    """Who is logged in stays so, and Stoa's own commands are listed and run."""
    _, house, host, _, script = rude
    script()
    person = Browser(house)
    person.login("admin", next="/admin/")
    assert "Add User" in text_of(person.get("/admin/"))
    host.close_door()
    host.drop()
    reply = person.get("/admin/?_fresh=1")
    assert reply.status == 200 and "Get configuration in force" in text_of(reply), reply
    assert re.search(r"localhost\s+could not be asked", text_of(reply)), text_of(reply)
    reply = person.get("/admin/?_jid=http.localhost&_node=get-config-tdsl")
    assert reply.status == 200 and "httpServer" in text_of(reply)


def test_a_get_starts_nothing_that_acts(rude):
    """Unknown commands, and those that are not on the list, only get a button."""
    visitor, _, _, seen, script = rude
    script(items=((NODE, "Add User"), ("mystery", "Mystery")))
    for node in ("mystery", DELETE, "http://prosody.im/protocol/config#reload"):
        reply = visitor.open(node)
        assert reply.status == 200 and b">Start<" in reply.body, node
    assert not seen
    reply = visitor.house.request("HEAD", "/admin/?_jid=localhost&_node=" + urllib.parse.quote(NODE, safe=""), visitor.fields)
    assert reply.status == 200 and not seen


def test_other_sites_cannot_send_forms(rude):
    visitor, _, _, seen, script = rude
    script(command("executing", USER_FORM))
    for field in (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "https://evil.example")):
        assert visitor.post({"_jid": "localhost", "_node": NODE}, fields=[field]).status == 403
    assert not seen


def test_what_programs_send(rude):
    """Contract 5.4: all values in one POST, with no form seen before."""
    visitor, _, _, seen, script = rude
    script(command("executing", USER_FORM), command("completed", "<note>made</note>"))
    reply = visitor.post({"_jid": "localhost", "_node": NODE, "accountjid": "eve@localhost", "password": "p", "lines": ""})
    assert reply.status == 200 and b"made" in reply.body and len(seen) == 2


def test_parts_for_scripts(rude):
    visitor, _, _, _, script = rude
    script(command("executing", USER_FORM))
    reply = visitor.house.request("GET", "/admin/?_jid=localhost&_node=" + urllib.parse.quote(NODE, safe=""),
                                  visitor.fields + [("Stoa-Part", "1")])
    assert reply.status == 200 and b"<html" not in reply.body and b'name="accountjid"' in reply.body


def test_bad_addresses(rude):
    visitor, _, _, seen, script = rude
    script()
    assert visitor.get("_jid=a@b@c&_node=x").status == 400
    assert visitor.post({"_jid": "", "_node": "x"}).status == 400
    assert visitor.post({"_jid": "localhost"}).status == 400
    assert visitor.house.request("GET", "/admin", visitor.fields).status == 303
    assert visitor.house.request("GET", "/admin/confirmed", visitor.fields).status == 303
    assert visitor.house.request("PUT", "/admin/", visitor.fields).status == 405
    assert not seen
