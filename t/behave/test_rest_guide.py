# SPDX-License-Identifier: ISC
"""The guide's examples of the REST API (1.2.2, 2.1, 2.4), as it prints them, on Prosody and ejabberd, in XML and JSON.

Names are adapted where the guide's are of a server that is not here: test-domain.com is localhost, sess-man@domain.com
(a part of that server) is the domain itself, get-active-users is get-online-users-list, which these servers have."""
import base64
import hashlib
import json
import os
import re

import pytest

import conftest
from harness import base, rest, stoa, xmpp

PIXEL = base64.b64decode(b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
ONLINE, END = rest.ADMIN_NODE + "get-online-users-list", rest.ADMIN_NODE + "end-user-session"
formats = pytest.mark.parametrize("kind", ["xml", "json"])


@pytest.fixture
def phone(front):
    """bob's own client, available at the server; its full JID is bob.jid."""
    out = xmpp.client(front.server, "bob", "phone" + os.urandom(4).hex())
    out.send("<presence/>")
    while xmpp.local(out.next()) != "presence":
        pass
    yield out
    out.close()


def message(stream):
    """The next message with a body that arrives there."""
    while True:
        stanza = stream.next()
        if xmpp.local(stanza) == "message" and stanza.find("{jabber:client}body") is not None:
            return stanza


# ---- 2.1.1, 2.4.1: avatars ----

def test_guide_avatar_of_the_vcard(front):
    alice = xmpp.client(front.server, "alice", "v" + os.urandom(4).hex())
    answer = alice.iq("set", None, "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>%s</BINVAL></PHOTO></vCard>" % (
        base64.b64encode(PIXEL).decode()))
    assert answer.get("type") == "result"
    alice.close()
    reply = front.nobody.get("/rest/avatar/alice@localhost?api-key=" + rest.KEY, key=None)
    assert reply.status == 200 and reply.body == PIXEL
    assert reply["content-type"] == "image/png" and reply["content-length"] == str(len(PIXEL))


@pytest.mark.parametrize("access", ["open", "presence"])
def test_guide_avatar_published_by_pep(front, access):
    """4096 bytes that are to come as they are. Those who may not see it by PEP are not shown it by us."""
    user, caller = ("bob", front.bob) if access == "open" else ("alice", front.alice)
    picture = PIXEL + os.urandom(4096 - len(PIXEL))
    owner = xmpp.client(front.server, user, "p" + os.urandom(4).hex())
    ident = hashlib.sha1(picture).hexdigest()
    options = ("<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
               "http://jabber.org/protocol/pubsub#publish-options</value></field><field var='pubsub#access_model'><value>%s"
               "</value></field></x></publish-options>" % access)
    data = "<data xmlns='urn:xmpp:avatar:data'>%s</data>" % base64.b64encode(picture).decode()
    info = "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='%s' type='image/png' bytes='4096'/></metadata>" % ident
    for node in ("data", "metadata"):
        owner.iq("set", None, "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='urn:xmpp:avatar:%s'/></pubsub>" % node)
    for node, payload in (("data", data), ("metadata", info)):
        answer = owner.iq("set", None, "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:avatar:%s'>"
                        "<item id='%s'>%s</item></publish>%s</pubsub>" % (node, ident, payload, options))
        assert answer.get("type") == "result", xmpp.ET.tostring(answer)
    owner.close()
    reply = caller.get("/rest/avatar/%s@localhost/avatar" % user)
    assert reply.status == 200 and reply.body == picture
    reply = front.nobody.get("/rest/avatar/%s@localhost/avatar" % user)
    if access == "open":
        assert reply.status == 200 and reply.body == picture
    else:  # nor from what its owner was shown just now
        assert reply.status == 404


def test_guide_no_avatar_is_404(front):
    assert front.nobody.get("/rest/avatar/admin@localhost").status == 404
    assert front.nobody.get("/rest/avatar/no-such-user@localhost").status == 404


# ---- 2.1.2: the list of commands ----

def test_guide_list_of_commands_in_xml(front):
    reply = front.admin.get("/rest/adhoc/localhost")
    assert reply.status == 200 and reply["content-type"].startswith("application/xml")
    text = reply.body.decode()
    assert text.startswith("<items>\n  <item>\n    <jid>localhost</jid>\n    <node>") and text.endswith("</item>\n</items>")
    assert re.search(r"  <item>\n    <jid>localhost</jid>\n    <node>%s</node>\n    <name>[^<]+</name>\n  </item>\n" % ONLINE, text)


@pytest.mark.parametrize("way", ["Content-Type", "type"])
def test_guide_list_of_commands_in_json(front, way):
    if way == "type":
        reply = front.admin.get("/rest/adhoc/localhost?type=application/json")
    else:
        reply = front.admin.get("/rest/adhoc/localhost", kind="json")
    assert reply.status == 200 and reply["content-type"].startswith("application/json")
    text = reply.body.decode()
    assert text.startswith('{\n    "items": [\n        {\n            "jid": "localhost",\n            "node": "')
    items = json.loads(text)["items"]
    assert [list(i) for i in items] == [["jid", "node", "name"]] * len(items)
    assert {"jid", "node", "name"} == set(items[0]) and END in [i["node"] for i in items]


@formats
def test_guide_each_user_sees_his_own_commands(front, kind):
    mine = rest.tree(front.alice.get("/rest/adhoc/localhost", kind=kind))["items"]
    all_ = rest.tree(front.admin.get("/rest/adhoc/localhost", kind=kind))["items"]
    assert 0 < len(mine) < len(all_) and END not in [i["node"] for i in mine]


# ---- 2.1.3: commands ----

@formats
@pytest.mark.parametrize("page", ["application", "text"])
def test_guide_active_users(front, phone, kind, page):
    """text/xml is the guide's own Content-Type for this one."""
    fields = {"max_items": "25"}
    reply = front.admin.post("/rest/adhoc/localhost", rest.command(ONLINE, fields, kind), page + "/" + kind)
    assert reply.status == 200, reply
    answer = rest.tree(reply)["command"]
    assert list(answer)[:3] == ["jid", "node", "fields"]
    assert answer["jid"] == "localhost" and answer["node"] == ONLINE
    shown = rest.many(rest.fields_of(reply)["onlineuserjids"])
    assert "bob@localhost" in shown
    assert [f["type"] for f in answer["fields"] if f["var"] == "onlineuserjids"][0] in ("text-multi", "jid-multi")


def test_guide_one_value_is_text_and_several_are_items(front, phone):
    """As it comes in XML: <value> with one text, or with an <item> for each."""
    ask = rest.command(ONLINE, {"max_items": "25"}, "xml")
    other = xmpp.client(front.server, "alice", "two" + os.urandom(4).hex())
    other.send("<presence/>")
    base.wait_for(lambda: "alice@localhost" in rest.many(rest.fields_of(
        front.admin.post("/rest/adhoc/localhost", ask, "xml"))["onlineuserjids"]), "alice among those online")
    text = front.admin.post("/rest/adhoc/localhost", ask, "xml").body.decode()
    other.close()
    assert re.search(r"      <value>\n        <item>[^<]+</item>\n        <item>[^<]+</item>\n", text), text


def test_guide_xml_request_is_taken_word_by_word(front, phone):
    """The guide's own layout, blanks and all, with the node behind the fields too."""
    form = "<fields>\n    <item>\n      <var>max_items</var>\n      <value>25</value>\n    </item>\n  </fields>"
    node = "<node>%s</node>" % ONLINE
    for inside in (node + "\n  " + form, form + "\n  " + node):
        reply = front.admin.post("/rest/adhoc/localhost", "<command>\n  %s\n</command>\n" % inside, "xml")
        assert reply.status == 200 and "bob@localhost" in rest.many(rest.fields_of(reply)["onlineuserjids"])


@formats
def test_guide_end_user_session(front, phone, kind):
    """accountjids, a list, as the guide has it; ejabberd's form has accountjid, a single one."""
    reply = front.admin.command("localhost", END, {"accountjids": ["bob@localhost"]}, kind)
    assert reply.status == 200, reply
    answer = rest.tree(reply)["command"]
    assert answer["jid"] == "localhost" and answer["node"] == END and "fields" in answer
    if front.kind == "prosody":
        assert "bob@localhost" in rest.note(reply)
    with pytest.raises((xmpp.Closed, OSError)):  # his client is out
        while True:
            phone.next()
    base.wait_for(lambda: not front.server.resources("bob"), "the end of bob's sessions")


@formats
def test_guide_end_session_of_one_who_is_not_connected(front, kind):
    assert not front.server.resources("bob")
    reply = front.admin.command("localhost", END, {"accountjids": ["bob@localhost"]}, kind)
    assert reply.status == 200, reply
    assert rest.tree(reply)["command"]["fields"] == ""
    if kind == "xml":
        assert b"<fields />" in reply.body
    else:
        assert b'"fields": []' in reply.body


@formats
def test_guide_commands_need_a_login(front, kind):
    reply = front.nobody.command("localhost", ONLINE, {"max_items": "25"}, kind)
    assert reply.status == 401 and reply["www-authenticate"].startswith('Basic realm="')


@formats
def test_guide_commands_are_run_with_the_callers_rights(front, phone, kind):
    reply = front.alice.command("localhost", END, {"accountjids": ["bob@localhost"]}, kind)
    assert reply.status in (403, 404), reply
    assert front.server.resources("bob")


# ---- 2.1.4, 2.4.3: any stanza ----

def stanza(to, number, sender=None):
    return '<message xmlns="jabber:client" type="chat"%s to="%s">\n    <body>Example message %d</body>\n</message>' % (
        ' from="%s"' % sender if sender else "", to, number)


def stream_url(to=""):
    return "/rest/stream/%s?api-key=%s" % (to, rest.KEY)


def test_guide_message_to_a_full_jid(front, phone):
    reply = front.admin.post(stream_url(), stanza(phone.jid, 1), "xml", key=None)
    assert reply.status == 200 and reply.body == b""
    got = message(phone)
    assert (got.get("type"), got.get("to")) == ("chat", phone.jid)
    assert got.findtext("{jabber:client}body") == "Example message 1"
    assert got.get("from").split("/")[0].split("@")[-1] == "http.localhost"


def test_guide_message_to_a_bare_jid(front, phone):
    reply = front.admin.post(stream_url(), stanza("bob@localhost", 2), "xml", key=None)
    assert reply.status == 200
    assert message(phone).findtext("{jabber:client}body") == "Example message 2"


def test_guide_message_with_a_from_of_the_component(front, phone):
    reply = front.admin.post(stream_url(), stanza(phone.jid, 3, "sender@http.localhost"), "xml", key=None)
    assert reply.status == 200, reply
    got = message(phone)
    assert got.get("from") == "sender@http.localhost" and got.findtext("{jabber:client}body") == "Example message 3"


def test_guide_message_with_a_foreign_from_is_refused(front, phone):
    """sender@example.com of the guide: these servers end the component's stream for it, so it never gets there."""
    reply = front.admin.post(stream_url(), stanza(phone.jid, 4, "sender@example.com"), "xml", key=None)
    assert reply.status == 403, reply
    assert front.admin.post(stream_url(), stanza(phone.jid, 5), "xml", key=None).status == 200
    assert message(phone).findtext("{jabber:client}body") == "Example message 5"


def test_guide_iq_without_from_is_answered_with_its_answer(front):
    ask = '<iq xmlns="jabber:client" type="get" to="localhost" id="mine"><query xmlns="%s"/></iq>' % xmpp.DISCO_INFO
    reply = front.admin.post(stream_url(), ask, "xml", key=None)
    assert reply.status == 200 and reply["content-type"].startswith("application/xml")
    answer = xmpp.ET.fromstring(reply.body)
    assert xmpp.local(answer) == "iq" and answer.get("type") == "result" and answer.get("from") == "localhost"
    features = [f.get("var") for f in answer.iter("{%s}feature" % xmpp.DISCO_INFO)]
    assert xmpp.DISCO_INFO in features


def test_guide_iq_that_is_refused_is_answered_with_the_error(front):
    ask = '<iq xmlns="jabber:client" type="get" to="localhost"><query xmlns="no:such:thing"/></iq>'
    reply = front.admin.post(stream_url(), ask, "xml", key=None)
    assert reply.status == 200
    assert xmpp.error_of(xmpp.ET.fromstring(reply.body)) is not None


def test_guide_recipient_in_the_path(front, phone):
    reply = front.admin.post(stream_url(phone.jid), stanza("alice@localhost", 6), "xml", key=None)
    assert reply.status == 200
    got = message(phone)
    assert got.get("to") == phone.jid and got.findtext("{jabber:client}body") == "Example message 6"


def test_guide_stanzas_are_sent_for_administrators_only(front):
    assert front.alice.post(stream_url(), stanza("bob@localhost", 7), "xml", key=None).status == 403
    assert front.nobody.post(stream_url(), stanza("bob@localhost", 7), "xml", key=None).status == 401
    assert front.admin.post("/rest/stream/", stanza("bob@localhost", 7), "xml", key=None).status == 403


# ---- 1.2.2: API keys ----

@pytest.fixture(scope="module")
def keyed(certificates):
    """A Stoa with the guide's three keys; no XMPP server is needed to be let in or not."""
    house = stoa.Stoa(conftest.folder("keyed"), None, [
        "http/rest/api-keys=['test1','test2:domain=api.example.com;rest.example.com:regex=/rest/.*',"
        "'open_access:regex=/rest/avatar/.*']"], certificates=certificates)
    house.start()
    yield rest.Api(house, key=None)
    house.stop()
    house.check_sanitizers()


def test_guide_keys_let_in_whom_they_should(keyed):
    """401: the key is good, and the login is asked for."""
    adhoc, avatar = "/rest/adhoc/localhost", "/rest/avatar/nobody@localhost"
    assert keyed.get(adhoc).status == 403
    assert keyed.get(adhoc + "?api-key=test1").status == 401
    assert keyed.get(adhoc, key="test1").status == 401
    assert keyed.get(adhoc + "?api-key=test2").status == 403
    for host in ("api.example.com", "rest.example.com", "rest.example.com:8080"):
        assert keyed.get(adhoc + "?api-key=test2", host=host).status == 401
    assert keyed.get(adhoc + "?api-key=test2", host="example.com").status == 403
    assert keyed.get(avatar).status != 403
    assert keyed.get(avatar + "?api-key=wrong").status == 403  # a wrong key is refused even where none is needed
