# SPDX-License-Identifier: ISC
"""What clients of the reference's REST API rely on, point by point (K1.1.1 and so on: sections of its description that this
project keeps), and the defects of it that must not come back (B...). Formats are in test_rest_formats.py, keys in
test_rest_keys.py, logins in test_rest_login.py; the guide's examples in test_rest_guide.py."""
import base64
import json
import os

import pytest

import conftest
from harness import base, fake_c2s, rest, stoa, xmpp

LIST = "/rest/adhoc/localhost"


@pytest.fixture(scope="module")
def home(certificates):
    host = fake_c2s.FakeHost(certificate=certificates + "/localhost.pem")
    house = stoa.Stoa(conftest.folder("contract"), host, certificates=certificates, components=("http.localhost",))
    house.start()
    host.wait_up("http.localhost")
    yield house, host
    house.stop()
    house.check_sanitizers()
    host.close()


@pytest.fixture
def place(home):
    house, host = home
    host.forget()
    yield house, host
    house.check_sanitizers()


# ---- K1.0: all modules ----

@pytest.mark.parametrize("sets,path,status", [
    (["http/rest/context-path=/api"], "/api/adhoc/localhost", 401), (["http/rest/context-path=/api"], LIST, 404),
    (["http/rest/vhosts=[api.example]"], LIST, 404), (["http/rest/active=false"], LIST, 404)])
def test_K1_0_context_path_vhosts_and_active(make, sets, path, status):
    """The guide's common settings of modules (1.1)."""
    house = make(*sets, server=False)
    assert rest.Api(house).get(path).status == status
    if "vhosts" in sets[0]:
        assert rest.Api(house).get(path, host="api.example").status == 401
        assert rest.Api(house).get(path, host="api.example:8080").status == 401


def test_K1_0_4_basic_with_a_realm_and_roles(place):
    house, _ = place
    reply = rest.Api(house).get(LIST)
    assert reply.status == 401 and reply["www-authenticate"].startswith('Basic realm="')
    assert rest.Api(house, rest.ALICE).post("/rest/stream/", "<message to='bob@localhost'/>", "xml").status == 403
    assert rest.Api(house, rest.ADMIN).post("/rest/stream/", "<message to='bob@localhost'/>", "xml").status == 200


def test_K1_0_4_no_login_page_for_programs(place):
    house, _ = place
    for accept in (None, "application/json", "application/xml", "*/*"):
        reply = rest.Api(house).get(LIST, accept=accept)
        assert reply.status == 401 and b"<html" not in reply.body.lower() and reply["location"] is None


def test_K1_0_7_other_methods_are_no_faults(place):
    house, _ = place
    api = rest.Api(house, rest.ALICE)
    for method in ("PATCH", "PROPFIND", "LINK"):
        assert api(method, LIST, b"x").status in (405, 501)
    assert api("HEAD", LIST).status == 200
    assert api("OPTIONS", LIST).status in (200, 204)


# ---- K1.1: routing ----

@pytest.mark.parametrize("path,status", [
    (LIST, 200), ("/rest/adhoc/local%68ost", 200), ("/rest/adhoc/bob@localhost", 200), ("/rest/adhoc/bob%40localhost", 200),
    ("/rest/adhoc/", 404), ("/rest/adhoc", 404), ("/rest/adhoc/localhost/", 404), ("/rest/adhoc/localhost/x", 404), ("/rest/adhoc/a@b@c", 404),
    ("/rest/ADHOC/localhost", 404), ("/rest/adhocs/localhost", 404), ("/rest/none/x", 404), ("/rest/stream", 404)])
def test_K1_1_1_the_whole_path_must_match(place, path, status):
    house, _ = place
    assert rest.Api(house, rest.ALICE).get(path).status == status


def test_K1_1_3_key_then_login_then_role_then_handler(place):
    house, host = place
    api = rest.Api(house)
    body = "<message to='bob@localhost'/>"
    assert api.post("/rest/stream/", body, "xml", key="wrong", user=rest.ALICE, password="also wrong").status == 403
    assert api.post("/rest/stream/", body, "xml").status == 401
    assert api.post("/rest/stream/", body, "xml", user=rest.ALICE).status == 403
    assert api.post("/rest/stream/", "", "xml", user=rest.ADMIN).status == 400
    assert not [s for _, s in host.asked if xmpp.local(s) == "message"]


def test_K1_1_4_the_index_needs_neither_key_nor_login_and_names_the_calls(place):
    house, _ = place
    reply = rest.Api(house, key=None).get("/rest/", accept="text/html")
    assert reply.status == 200 and reply["content-type"].startswith("text/html")
    for word in (b"/rest/adhoc/", b"/rest/stream/", b"/rest/avatar/", b"GET", b"POST"):
        assert word in reply.body


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_K1_1_5_a_body_is_read_by_its_content_type_alone(place, kind):
    house, _ = place
    api = rest.Api(house, rest.ALICE)
    other = "xml" if kind == "json" else "json"
    assert api.post(LIST + "?type=" + rest.FORMATS[other], rest.command("ping", None, kind), kind).status == 200
    assert api.post(LIST, rest.command("ping", None, kind), other).status == 400


# ---- K1.2: commands ----

@pytest.mark.parametrize("kind", ["xml", "json"])
def test_K1_2_the_list_has_jid_node_and_name(place, kind):
    house, _ = place
    items = rest.tree(rest.Api(house, rest.ALICE).get(LIST, kind=kind))["items"]
    assert items == [{"jid": "localhost", "node": "ping", "name": "Ping"}, {"jid": "localhost", "node": "uptime", "name": "Uptime"}]


def test_K1_2_an_empty_list(place):
    house, host = place
    host.on_client = lambda session, stanza: session.answer(stanza, "<query xmlns='%s' node='%s'/>" % (
        xmpp.DISCO_ITEMS, fake_c2s.COMMANDS)) or True
    assert rest.Api(house, rest.ALICE).get(LIST).body == b"<items />"
    assert json.loads(rest.Api(house, rest.ALICE).get(LIST, kind="json").body) == {"items": []}


def test_K1_2_no_commands_there_is_404(place):
    house, host = place
    host.on_client = lambda session, stanza: session.answer(
        stanza, "<error type='cancel'><item-not-found xmlns='%s'/></error>" % xmpp.STANZAS, "error") or True
    assert rest.Api(house, rest.ALICE).get(LIST).status == 404
    assert rest.Api(house, rest.ALICE).command("localhost", "n").status == 404


def test_K1_2_commands_go_to_the_jid_of_the_path_as_the_caller(place):
    house, host = place
    assert rest.Api(house, rest.BOB).command("alice@localhost", "ping").status == 200
    session, stanza = host.asked[-1]
    assert session.user == "bob" and stanza.get("to") == "alice@localhost" and stanza.get("type") == "set"
    assert stanza[0].get("node") == "ping" and stanza[0].get("sessionid") is None


def test_K1_2_a_form_is_had_by_a_call_without_fields(place):
    house, host = place
    form = ("<command xmlns='%s' node='n' sessionid='s' status='executing'><actions><complete/></actions><x xmlns='jabber:x:data' "
            "type='form'><title>T</title><field var='a' type='jid-single' label='A'><required/></field></x></command>" % fake_c2s.COMMANDS)
    host.on_client = lambda session, stanza: stanza[0].get("action") != "cancel" and (session.answer(stanza, form) or True)
    for kind in ("xml", "json"):
        answer = rest.tree(rest.Api(house, rest.ALICE).command("localhost", "n", kind=kind))["command"]
        assert answer["title"] == "T" and answer["fields"] == [{"var": "a", "label": "A", "type": "jid-single"}]


def test_K1_2_the_roster_of_a_form(place):
    house, host = place
    host.on_client = lambda session, stanza: session.answer(
        stanza, "<command xmlns='%s' node='n' status='completed'><x xmlns='jabber:x:data' type='result'><query xmlns='jabber:iq:roster'>"
        "<item jid='a@localhost' subscription='both' name='A &amp; B'><group>G</group></item><item jid='b@localhost' subscription='none'/>"
        "</query></x></command>" % fake_c2s.COMMANDS) or True
    for kind in ("xml", "json"):
        roster = rest.tree(rest.Api(house, rest.ALICE).command("localhost", "n", kind=kind))["command"]["roster"]
        assert roster == [{"jid": "a@localhost", "subscription": "both", "name": "A & B", "groups": ["G"]},
                          {"jid": "b@localhost", "subscription": "none"}]


def test_K1_2_silence_is_told_as_such(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/iq-timeout=PT1S", server=host, components=("http.localhost",))
    host.on_client = lambda session, stanza: stanza[0].tag.endswith("}command")
    assert rest.Api(house, rest.ALICE).command("localhost", "n").status == 504
    assert rest.Api(house, rest.ALICE).get(LIST).status == 200


@pytest.mark.parametrize("what", ["silent", "refused", "forbidden"])
def test_K1_2_reference_errors_are_all_404(make, certificates, what):
    """For clients that were written for the reference: whatever went wrong behind the login is a 404."""
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("http/rest/reference-errors=true", "xmpp/iq-timeout=PT1S", server=host, components=("http.localhost",))
    condition = {"refused": "conflict", "forbidden": "forbidden"}.get(what)
    host.on_client = lambda session, stanza: True if not condition else session.answer(
        stanza, "<error type='cancel'><%s xmlns='%s'/></error>" % (condition, xmpp.STANZAS), "error") or True
    assert rest.Api(house, rest.ALICE).command("localhost", "n").status == 404
    assert rest.Api(house, rest.ALICE).get(LIST).status == 404
    assert rest.Api(house).get(LIST).status == 401


# ---- K1.3: stanzas ----

def test_K1_3_empty_bodies_and_none(place):
    house, _ = place
    api = rest.Api(house, rest.ADMIN)
    for body in ("", None, "   ", "no element"):
        assert api.post("/rest/stream/", body, "xml").status == 400, body


def test_K1_3_the_content_type_does_not_matter(place):
    house, host = place
    api = rest.Api(house, rest.ADMIN)
    for kind in ("application/xml", "text/xml", "text/plain", "application/octet-stream", None):
        assert api.post("/rest/stream/", "<message to='bob@localhost'><body>%s</body></message>" % kind, kind).status == 200
        assert host.inbox.others.get(timeout=base.WAIT).findtext("{%s}body" % xmpp.COMPONENT) == str(kind)


def test_K1_3_an_id_is_filled_in_and_the_caller_sees_his_own(place):
    house, host = place
    api = rest.Api(house, rest.ADMIN)
    ask = "<iq xmlns='jabber:client' type='get' to='localhost'%s><query xmlns='%s'/></iq>"
    for given in (" id='mine'", ""):
        reply = api.post("/rest/stream/", ask % (given, xmpp.DISCO_INFO), "xml")
        assert reply.status == 200 and xmpp.ET.fromstring(reply.body).get("type") == "result"
    idents = [s.get("id") for s in host.questions[-2:]]
    assert all(idents) and len(set(idents)) == 2


def test_K1_3_type_to_and_body_arrive_as_they_were(place):
    house, host = place
    text = "säule 🏛 <&> \"quoted\" 'too'\n\t."
    body = xmpp.ET.Element("message", {"type": "chat", "to": "bob@localhost/a b"})
    xmpp.ET.SubElement(body, "body").text = text
    sent = xmpp.ET.tostring(body, "unicode")
    assert rest.Api(house, rest.ADMIN).post("/rest/stream/", sent, "xml").status == 200
    got = host.inbox.others.get(timeout=base.WAIT)
    assert (got.get("type"), got.get("to"), got.findtext("{%s}body" % xmpp.COMPONENT)) == ("chat", "bob@localhost/a b", text)


# ---- K9.1: what the reference's own tests do, as far as it is REST and of any server ----

def test_K9_1_node_behind_the_fields_with_key_header_and_admin(place):
    """Its privacy rules exist on that server only; the shape of the call is the point."""
    house, _ = place
    body = ("<command><fields><item><var>jid</var><value>alice@localhost</value></item></fields><node>ping</node></command>")
    reply = rest.Api(house, rest.ADMIN).post(LIST, body, "xml")
    assert reply.status == 200 and b"done" in reply.body


def test_K9_1_a_chat_message_to_a_full_jid(front):
    phone = xmpp.client(front.server, "alice", "phone" + os.urandom(4).hex())
    phone.send("<presence/>")
    body = "<message to='%s' type='chat'><body>some text</body></message>" % phone.jid
    assert front.admin.post("/rest/stream/", body, "application/xml").status == 200
    while True:
        got = phone.next()
        if xmpp.local(got) == "message" and got.findtext("{jabber:client}body"):
            break
    assert (got.get("type"), got.get("to"), got.findtext("{jabber:client}body")) == ("chat", phone.jid, "some text")
    phone.close()


def test_K9_1_basic_that_waits_to_be_asked(place):
    """A client that sends credentials only after a 401, on the same connection."""
    house, _ = place
    with house.conn() as conn:
        assert rest.Api(house).get(LIST, conn=conn).status == 401
        assert rest.Api(house, rest.ALICE).get(LIST, conn=conn).status == 200


# ---- B: the reference's defects ----

def test_B5_values_are_no_way_into_a_stanza(place):
    house, host = place
    evil = "</value></field></x></command></iq><iq type='set' to='localhost'><query xmlns='jabber:iq:register'><remove/></query></iq>"
    for kind in ("json", "xml"):
        for fields in ({"a": evil}, {evil: "a"}):
            rest.Api(house, rest.ALICE).command("localhost", "ping", fields, kind)
        rest.Api(house, rest.ALICE).command("localhost", evil, kind=kind)
    assert host.asked and all(len(s) == 1 and s[0].tag in ("{%s}command" % fake_c2s.COMMANDS, "{%s}query" % xmpp.DISCO_ITEMS)
                              for _, s in host.asked)
    assert rest.Api(house, rest.ALICE).get(LIST).status == 200 and len(host.of("alice")) == 1


def test_B7_a_missing_key_is_403_not_500(place):
    house, _ = place
    assert rest.Api(house, rest.ALICE, key=None).get(LIST).status == 403


def test_B8_an_avatar_is_set_by_its_owner_only(place):
    house, host = place
    picture = base64.b64decode(b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
    assert rest.Api(house)("PUT", "/rest/avatar/alice@localhost", picture, kind="image/png").status == 401
    assert rest.Api(house, rest.BOB)("PUT", "/rest/avatar/alice@localhost", picture, kind="image/png").status == 403
    assert host.asked == [] or all("BINVAL" not in xmpp.ET.tostring(s, "unicode") for _, s in host.asked)


def test_B9_a_login_without_the_role_does_not_pass(place):
    house, _ = place
    reply = rest.Api(house, rest.ALICE).post("/rest/stream/", "<message to='bob@localhost'/>", "xml")
    assert reply.status == 403 and reply["www-authenticate"] is None
