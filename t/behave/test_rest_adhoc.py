# SPDX-License-Identifier: ISC
"""/rest/adhoc/{jid}: commands of real servers as their users may run them, and servers that do not behave."""
import json
import os
import socket
import struct
from xml.sax.saxutils import quoteattr

import pytest

from harness import base, rest, xmpp

ADMIN = rest.ADMIN_NODE
ADD, END, ONLINE, ANNOUNCE = ADMIN + "add-user", ADMIN + "end-user-session", ADMIN + "get-online-users-list", ADMIN + "announce"
COMMANDS, DATA = "http://jabber.org/protocol/commands", "jabber:x:data"
formats = pytest.mark.parametrize("kind", ["xml", "json"])


def new_user():
    return "u%s@localhost" % os.urandom(4).hex()


def phone_of(server, user="bob"):
    out = xmpp.client(server, user, "phone" + os.urandom(4).hex())
    out.send("<presence/>")
    while xmpp.local(out.next()) != "presence":
        pass
    return out


def ended(stream):
    """Whether the server ends the stream now."""
    try:
        while True:
            stream.next()
    except (xmpp.Closed, OSError):
        return True


def problem(reply, kind="json"):
    """The members of a problem's body."""
    if kind == "json":
        return json.loads(reply.body)
    return {child.tag.rsplit("}", 1)[-1]: child.text for child in xmpp.ET.fromstring(reply.body)}


# ---- lists ----

@formats
def test_the_list_has_jid_node_and_name(front, kind):
    items = rest.tree(front.admin.get("/rest/adhoc/localhost", kind=kind))["items"]
    assert {ADD, END, ONLINE, ANNOUNCE} <= {i["node"] for i in items}
    assert all(list(i) == ["jid", "node", "name"] and i["jid"] == "localhost" and i["name"] for i in items)


def test_the_session_manager_of_the_guide_is_the_domain_here(front):
    theirs, ours = (rest.tree(front.admin.get("/rest/adhoc/%slocalhost" % who, kind="json")) for who in ("sess-man@", ""))
    assert theirs["items"] == ours["items"]
    reply = front.admin.command("sess-man@localhost", ADD)
    assert reply.status == 200 and rest.tree(reply)["command"]["jid"] == "sess-man@localhost"
    assert "accountjid" in rest.fields_of(reply)


def test_entities_without_commands_are_not_found(front):
    reply = front.alice.get("/rest/adhoc/nobody-at-all@localhost", kind="json")
    assert reply.status in (403, 404) and problem(reply)["condition"]


def test_addresses_that_are_none(front):
    assert front.alice.get("/rest/adhoc/a%22b@localhost").status == 400
    assert front.alice.get("/rest/adhoc/alice@localhost/phone").status == 404
    assert front.alice.get("/rest/adhoc/@localhost").status == 404
    assert front.alice.get("/rest/adhoc/").status == 404


def test_a_login_is_needed(front):
    assert front.nobody.get("/rest/adhoc/localhost").status == 401
    assert front.nobody.command("localhost", ONLINE).status == 401
    assert front.admin.get("/rest/adhoc/localhost", key=None).status == 403


# ---- forms ----

@formats
def test_without_fields_the_form_comes(front, kind):
    reply = front.admin.command("localhost", ADD, kind=kind)
    assert reply.status == 200
    command = rest.tree(reply)["command"]
    assert list(command)[:3] == ["jid", "node", "fields"] and "title" in command
    assert "sessionid" not in command and "status" not in command
    fields = {f["var"]: f for f in command["fields"]}
    assert {"FORM_TYPE", "accountjid", "password", "password-verify"} == set(fields)
    assert list(fields["FORM_TYPE"]) == ["var", "type", "value"] and fields["FORM_TYPE"]["type"] == "hidden"
    assert list(fields["accountjid"]) == ["var", "label", "type"] and fields["accountjid"]["type"] == "jid-single"


def test_options_of_a_form(front):
    reply = front.admin.command("localhost", ONLINE)
    fields = {f["var"]: f for f in rest.tree(reply)["command"]["fields"]}
    if front.kind == "prosody":
        assert {"value": "25", "label": "25"} in fields["max_items"]["options"]
    else:
        assert "onlineuserjids" in fields  # no form: it is executed at once


@formats
def test_users_are_listed(front, kind):
    fields = {"max_items": "25"} if front.kind == "prosody" else None
    reply = front.admin.command("localhost", ONLINE, fields, kind)
    assert reply.status == 200 and "onlineuserjids" in rest.fields_of(reply)
    phone = phone_of(front.server)
    reply = front.admin.command("localhost", ONLINE, fields, kind)
    assert any(v.startswith("bob@localhost") for v in rest.many(rest.fields_of(reply)["onlineuserjids"]))
    phone.close()


def test_numbers_and_truths_are_texts(front):
    fields = [{"var": "max_items", "value": 25}, {"var": "details", "value": True}] if front.kind == "prosody" else []
    body = {"command": {"node": ONLINE, "fields": fields}}
    reply = front.admin.post("/rest/adhoc/localhost", json.dumps(body))
    assert reply.status == 200, reply.body
    values = rest.many(rest.fields_of(reply)["onlineuserjids"])
    if front.kind == "prosody":
        assert any(" - " in v for v in values), values  # details were asked for


# ---- doing things ----

@formats
@pytest.mark.parametrize("name", ["accountjid", "accountjids"])
def test_sessions_are_ended_by_either_name_of_the_field(front, kind, name):
    phone = phone_of(front.server)
    reply = front.admin.command("localhost", END, {name: ["bob@localhost"]}, kind)
    assert reply.status == 200, reply.body
    assert ended(phone)


@formats
def test_an_account_is_made_and_removed(front, kind):
    jid, secret = new_user(), "pass<&'\" " + os.urandom(4).hex()
    fields = {"accountjid": jid, "password": secret, "password-verify": secret}
    reply = front.admin.command("localhost", ADD, fields, kind)
    assert reply.status == 200 and secret.split(" ")[1].encode() not in reply.body
    front.server.accounts[jid.split("@")[0]] = secret
    rest.PASSWORDS[jid] = secret
    assert front.alice.get("/rest/adhoc/localhost", user=jid).status == 200
    again = front.admin.command("localhost", ADD, fields, kind)
    if front.kind == "prosody":  # a result, with a note that is an error
        assert again.status == 422
        command = rest.tree(again)["command"]
        assert command["note"]["type"] == "error" and "exists" in command["note"]["value"]
        assert command["node"] == ADD and command["jid"] == "localhost"
    else:
        assert again.status == 409 and problem(again, kind)["condition"] == "conflict"
    assert secret.split(" ")[1].encode() not in again.body
    gone = front.admin.command("localhost", ADMIN + "delete-user", {"accountjids": [jid]}, kind)
    assert gone.status == 200
    assert secret.split(" ")[1] not in front.house.log() + front.house.access_log()


def test_announcements_reach_all(front):
    phone = phone_of(front.server)
    text = "meeting " + os.urandom(4).hex()
    reply = front.admin.command("localhost", ANNOUNCE, {"subject": "Hear", "body": text + "\nnow"})
    assert reply.status == 200, reply.body
    while True:
        stanza = phone.next()
        if xmpp.local(stanza) == "message" and stanza.findtext("{jabber:client}body"):
            assert stanza.findtext("{jabber:client}body").startswith(text + "\nnow")
            break
    phone.close()


# ---- refused ----

def test_a_field_that_the_form_lacks_is_named(front):
    jid = new_user()
    reply = front.admin.command("localhost", ADD, {"accountjid": jid, "passwort": "secret", "password-verify": "secret"})
    assert reply.status == 400
    detail = problem(reply)["detail"]
    assert '"passwort"' in detail and "accountjid, password, password-verify" in detail and "secret" not in detail


def test_a_required_field_is_named_before_anything_is_done(front):
    reply = front.admin.command("localhost", ADD, {"password": "secret", "password-verify": "secret"})
    assert reply.status == 400 and '"accountjid" is required' in problem(reply)["detail"]


def test_one_value_is_one_value(front):
    reply = front.admin.command("localhost", ADD, {"accountjid": [new_user(), new_user()]})
    assert reply.status == 400 and '"accountjid" takes one value only' in problem(reply)["detail"]


def test_an_unknown_node_is_not_found(front):
    reply = front.admin.command("localhost", "no such node")
    assert reply.status == 404 and problem(reply)["condition"] in ("item-not-found", "service-unavailable")


def test_what_a_user_may_not_do_is_forbidden(front):
    reply = front.alice.command("localhost", ADD, {"accountjid": new_user(), "password": "secret", "password-verify": "secret"})
    assert reply.status == 403 and problem(reply)["condition"] == "forbidden" and b"secret" not in reply.body


@pytest.mark.parametrize("body,status", [
    ('', 400), ('{}', 400), ('[]', 400), ('{"command":"x"}', 400), ('{"command":{}}', 404), ('{"command":{"node":""}}', 404),
    ('{"command":{"node":7}}', 400), ('{"command":{"node":"n","fields":{}}}', 400), ('{"command":{"node":"n","fields":[1]}}', 400),
    ('{"command":{"node":"n","action":"dance"}}', 400), ('{"command":{"node":"n","action":"complete"}}', 400),
    ('{"command":{"node":"n","action":7}}', 400), ('{"command":{"node":"n","sessionid":"made up"}}', 404),
    ('{"command":{"node":"%s"}}' % ("n" * 3000), 400), ('{"command":{"node":"n","fields":[{"var":"a","value":{}}]}}', 400),
])
def test_requests_that_make_no_sense(front, body, status):
    reply = front.alice.post("/rest/adhoc/localhost", body)
    assert reply.status == status and len(problem(reply)["detail"]) > 10


def test_a_body_of_another_type_is_refused(front):
    reply = front.alice.post("/rest/adhoc/localhost", '{"command":{"node":"n"}}', kind="text/plain")
    assert reply.status == 415


def test_xml_in_a_value_stays_text(front):
    """Where texts are put into stanzas as they are, a caller could write an IQ of his own."""
    evil = "x'/></command></iq><iq type='set' id='evil'><ping/></iq>"
    for name in ("accountjid", "password"):
        fields = {"accountjid": new_user(), "password": "a", "password-verify": "a"}
        fields[name] = evil
        assert front.admin.command("localhost", ADD, fields).status in (400, 404, 409, 422)
    assert front.admin.command("localhost", evil).status == 404
    assert front.admin.get("/rest/adhoc/localhost").status == 200


def test_a_key_for_some_commands(front):
    done = front.house.ctl("key", "add", "--label", "ends sessions", "--node", END, "--node", "urn:xmpp:invite#*")
    key = dict(line.split("=", 1) for line in done.stdout.splitlines())["KEY"]
    reply = front.admin.command("localhost", ADD, key=key)
    assert reply.status == 403 and ADD in problem(reply)["detail"] and key not in reply.body.decode()
    assert front.admin.command("localhost", END, key=key).status == 200


# ---- step by step ----

@formats
def test_step_by_step(front, kind):
    jid = new_user()
    first = front.admin.command("localhost", ADD, kind=kind, more={"action": "execute"})
    command = rest.tree(first)["command"]
    assert first.status == 200 and list(command)[-4:] == ["sessionid", "status", "actions", "form_type"]
    assert command["status"] == "executing" and "complete" in command["actions"] and command["form_type"] == "form"
    fields = {"FORM_TYPE": "http://jabber.org/protocol/admin", "accountjid": jid, "password": "pw1", "password-verify": "pw1"}
    done = front.admin.command("localhost", ADD, fields, kind, {"sessionid": command["sessionid"], "action": "complete"})
    assert done.status == 200 and rest.tree(done)["command"]["status"] == "completed", done.body
    rest.PASSWORDS[jid] = "pw1"
    assert front.alice.get("/rest/adhoc/localhost", user=jid).status == 200


def test_a_step_is_cancelled(front):
    command = rest.tree(front.admin.command("localhost", ADD, more={"action": "execute"}))["command"]
    reply = front.admin.command("localhost", ADD, more={"sessionid": command["sessionid"], "action": "cancel"})
    assert reply.status == 200 and rest.tree(reply)["command"]["status"] == "canceled"


def test_a_session_belongs_to_who_began_it(front):
    ident = rest.tree(front.admin.command("localhost", ADD, more={"action": "execute"}))["command"]["sessionid"]
    for api, to, node in ((front.alice, "localhost", ADD), (front.admin, "localhost", END), (front.admin, "conference.localhost", ADD)):
        reply = api.command(to, node, more={"sessionid": ident, "action": "cancel"})
        assert reply.status == 404 and "no such session" in problem(reply)["detail"]
    for wrong in (ident[:-1], ident.split(".", 1)[1], "0" + ident):
        assert front.admin.command("localhost", ADD, more={"sessionid": wrong, "action": "cancel"}).status == 404


def test_next_without_a_form_is_answered_all_the_same(front):
    """Prosody says nothing to a step without a form: so one is always sent."""
    ident = rest.tree(front.admin.command("localhost", ADD, more={"action": "execute"}))["command"]["sessionid"]
    reply = front.admin.command("localhost", ADD, more={"sessionid": ident, "action": "next"})
    assert reply.status in (200, 400, 404, 422), reply.body


# ---- servers that do not behave ----

@pytest.fixture
def rude(make):
    """(Stoa, FakeHost): a server whose answers to clients are the test's business."""
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/rest/api-keys=[ '%s' ]" % rest.KEY, "http/rest/adhoc-timeout=3s", server=host)
    return house, host, rest.Api(house, rest.ALICE)


def command_of(stanza):
    return stanza.find("{%s}command" % COMMANDS)


def form(fields, kind="form"):
    return "<x xmlns='%s' type='%s'>%s</x>" % (DATA, kind, fields)


def command_xml(status, inside="", sessionid="s1"):
    return "<command xmlns='%s' node='n' sessionid=%s status='%s'>%s</command>" % (COMMANDS, quoteattr(sessionid), status, inside)


def scripted(host, *answers):
    """The server answers each command with the next of these: text, or a function of (session, stanza)."""
    seen, left = [], list(answers)

    def on_client(session, stanza):
        if command_of(stanza) is None:
            return False
        seen.append(command_of(stanza))
        answer = left.pop(0) if left else command_xml("canceled")
        if callable(answer):
            answer(session, stanza)
        elif answer is not None:
            session.answer(stanza, answer)
        return True
    host.on_client = on_client
    return seen


def test_the_servers_own_form_is_filled(rude):
    _, host, alice = rude
    asked = form("<field type='hidden' var='FORM_TYPE'><value>t</value></field><field type='hidden' var='marker'><value>m</value></field>"
                 "<field type='fixed'><value>words</value></field><field type='list-multi' var='l'><value>d1</value><value>d2</value></field>"
                 "<field type='boolean' var='b'/><field type='text-multi' var='t'/>")
    seen = scripted(host, command_xml("executing", asked + "<actions execute='complete'><next/><complete/></actions>"),
                    command_xml("completed", "<note type='info'>it's &lt;done&gt;</note>"))
    reply = alice.command("localhost", "n", {"b": "true", "t": "one\ntwo"})
    assert reply.status == 200 and rest.note(reply) == "it's <done>"
    assert seen[0].get("action") == "execute" and seen[0].get("sessionid") is None and not len(seen[0])
    assert seen[1].get("action") == "complete" and seen[1].get("sessionid") == "s1"
    sent = {f.get("var"): [v.text or "" for v in f] for f in seen[1].iter("{%s}field" % DATA)}
    assert sent == {"FORM_TYPE": ["t"], "marker": ["m"], "l": ["d1", "d2"], "b": ["1"], "t": ["one", "two"]}


def test_a_form_nobody_fills_is_cancelled(rude):
    _, host, alice = rude
    seen = scripted(host, command_xml("executing", form("<field var='a'/>"), "s<&'9"))
    assert alice.command("localhost", "n").status == 200
    base.wait_for(lambda: len(seen) == 2, "the session to be cancelled")
    assert seen[1].get("action") == "cancel" and seen[1].get("sessionid") == "s<&'9"


def test_a_form_that_cannot_be_filled_is_cancelled(rude):
    _, host, alice = rude
    seen = scripted(host, command_xml("executing", form("<field var='a'/>")))
    reply = alice.command("localhost", "n", {"b": "secret"})
    assert reply.status == 400 and b"secret" not in reply.body
    base.wait_for(lambda: len(seen) == 2, "the session to be cancelled")
    assert seen[1].get("action") == "cancel"


def test_several_forms_share_the_fields(rude):
    _, host, alice = rude
    seen = scripted(host, command_xml("executing", form("<field var='a'/>") + "<actions execute='next'><next/></actions>"),
                    command_xml("executing", form("<field var='b'/>") + "<actions><prev/><complete/></actions>"),
                    command_xml("completed"))
    reply = alice.command("localhost", "n", {"a": "1", "b": "2"})
    assert reply.status == 200 and "status" not in rest.tree(reply)["command"]
    assert [c.get("action") for c in seen] == ["execute", "next", "complete"]
    assert [[f.get("var") for f in c.iter("{%s}field" % DATA)] for c in seen] == [[], ["a"], ["b"]]


def test_a_command_that_wants_more_shows_where_it_stands(rude):
    _, host, alice = rude
    more = command_xml("executing", form("<field var='z'><required/></field>") + "<actions><prev/><complete/></actions>")
    seen = scripted(host, command_xml("executing", form("<field var='a'/>")), more, command_xml("completed"))
    command = rest.tree(alice.command("localhost", "n", {"a": "1"}))["command"]
    assert command["status"] == "executing" and command["actions"] == ["prev", "complete"] and len(seen) == 2
    done = alice.command("localhost", "n", {"z": "2"}, more={"sessionid": command["sessionid"]})
    assert rest.tree(done)["command"]["status"] == "completed" and seen[2].get("sessionid") == "s1"


def test_a_server_that_never_comes_to_an_end(rude):
    _, host, alice = rude
    seen = scripted(host, *[command_xml("executing", form("<field var='a%d'/>" % i) + "<actions execute='next'><next/></actions>")
                            for i in range(20)])
    reply = alice.command("localhost", "n", {"a%d" % i: "1" for i in range(20)})
    assert rest.tree(reply)["command"]["status"] == "executing" and len(seen) == 9


@pytest.mark.parametrize("answer", [
    "", "<other xmlns='urn:x'/>", "<command xmlns='%s'/>" % COMMANDS, command_xml("perhaps"), command_xml("executing", sessionid=""),
])
def test_answers_that_are_none(rude, answer):
    _, host, alice = rude
    scripted(host, answer)
    reply = alice.command("localhost", "n", {"a": "1"})
    assert reply.status == 502 and problem(reply)["detail"]


def test_silence_is_a_timeout(rude):
    _, host, alice = rude
    scripted(host, None)
    assert alice.command("localhost", "n").status == 504
    scripted(host, command_xml("executing", form("<field var='a'/>")), None)
    assert alice.command("localhost", "n", {"a": "1"}).status == 504


def test_a_late_answer_and_a_second_one_are_nobodys(rude):
    house, host, alice = rude
    late = []
    scripted(host, lambda session, stanza: late.append((session, stanza)))
    assert alice.command("localhost", "n").status == 504
    session, stanza = late[0]
    session.answer(stanza, command_xml("completed", "<note>late</note>"))

    def twice(session, stanza):
        session.answer(stanza, command_xml("completed", "<note>first</note>"))
        session.answer(stanza, command_xml("completed", "<note>second</note>"))
    scripted(host, twice, command_xml("completed", "<note>next</note>"))
    assert rest.note(alice.command("localhost", "n")) == "first"
    assert rest.note(alice.command("localhost", "n")) == "next"
    assert len(host.of("alice")) == 1


def test_an_answer_from_another_jid_does_not_count(rude):
    _, host, alice = rude

    def forged(session, stanza):
        session.answer(stanza, command_xml("completed", "<note>forged</note>"), sender="evil@localhost/x")
        session.answer(stanza, command_xml("completed", "<note>true</note>"))
    scripted(host, forged)
    assert rest.note(alice.command("conference.localhost", "n")) == "true"


def test_errors_pass_on_nothing_but_condition_and_text(rude):
    _, host, alice = rude

    def echo(session, stanza):
        session.answer(stanza, "<command xmlns='%s'><x xmlns='%s'><field var='password'><value>s3cret</value></field></x></command>"
                       "<error type='cancel'><conflict xmlns='%s'/><text xmlns='%s'>It is &lt;there&gt;</text></error>" % (
                           COMMANDS, DATA, xmpp.STANZAS, xmpp.STANZAS), kind="error")
    scripted(host, command_xml("executing", form("<field var='password'/>")), echo)
    reply = alice.command("localhost", "n", {"password": "s3cret"})
    assert reply.status == 409 and problem(reply)["detail"] == "It is <there>" and b"s3cret" not in reply.body


def test_who_leaves_early_leaves_no_session_open(rude):
    house, host, alice = rude
    asked = []
    seen = scripted(host, lambda session, stanza: asked.append((session, stanza)))
    conn = house.conn()
    body = rest.command("n", {"a": "1"}).encode()
    conn.send("POST /rest/adhoc/localhost HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n" % (
        len(body), "".join("%s: %s\r\n" % f for f in alice.fields(kind="json"))))
    conn.send(body)
    base.wait_for(lambda: asked, "the command to arrive")
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset: nobody is there any more
    conn.close()
    base.wait_for(lambda: " 499 " in house.access_log(), "the caller's going to be seen")
    asked[0][0].answer(asked[0][1], command_xml("executing", form("<field var='a'/>")))
    base.wait_for(lambda: len(seen) == 2, "the session to be cancelled")
    assert seen[1].get("action") == "cancel"


def test_reference_errors_are_bare(make):
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/rest/api-keys=[ '%s' ]" % rest.KEY, "http/rest/reference-errors=true", server=host)
    alice = rest.Api(house, rest.ALICE)
    scripted(host, command_xml("completed", "<note type='error'>no</note>"))
    reply = alice.command("localhost", "n")
    assert reply.status == 200 and rest.note(reply) == "no"
    host.on_client = lambda session, stanza: session.answer(
        stanza, "<error type='auth'><forbidden xmlns='%s'/></error>" % xmpp.STANZAS, kind="error") or True
    reply = alice.command("localhost", "n")
    assert reply.status == 404 and not reply.body
