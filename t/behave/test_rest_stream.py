# SPDX-License-Identifier: ISC
"""/rest/stream/: any stanza, and nothing that could end the stream that all share."""
import os
import xml.etree.ElementTree as ET

import pytest

from harness import base, rest, xmpp

STANZAS = xmpp.STANZAS


@pytest.fixture
def phone(front):
    out = xmpp.client(front.server, "bob", "phone" + os.urandom(4).hex())
    out.send("<presence/>")
    while xmpp.local(out.next()) != "presence":
        pass
    yield out
    out.close()


def send(api, text, to="", kind="application/xml", **more):
    return api("POST", "/rest/stream/" + to, text, kind=kind, **more)


def message(stream, ident=None):
    """The next message with a body (of that id) that arrives there."""
    while True:
        stanza = stream.next()
        if xmpp.local(stanza) == "message" and stanza.find("{jabber:client}body") is not None and ident in (None, stanza.get("id")):
            return stanza


def body_of(stanza):
    return stanza.findtext("{jabber:client}body")


def detail(reply):
    return ET.fromstring(reply.body).findtext("{*}detail")


# ---- messages ----

@pytest.mark.parametrize("whom", ["full", "bare"])
@pytest.mark.parametrize("namespace", ["jabber:client", "jabber:component:accept", None])
def test_messages_arrive(front, phone, whom, namespace):
    ident = os.urandom(4).hex()
    text = "héllo <&>'\" \U0001f3db " + os.urandom(4).hex()
    declared = " xmlns='%s'" % namespace if namespace else ""
    to = phone.jid if whom == "full" else "bob@localhost"
    reply = send(front.admin, "<message%s type='chat' id='%s' to='%s'><subject>s</subject><body>%s</body></message>" % (
        declared, ident, to, rest.escape(text)))
    assert reply.status == 200 and reply.body == b"" and reply["content-length"] == "0"
    got = message(phone, ident)
    assert body_of(got) == text and got.get("from") == "http.localhost" and got.get("type") == "chat"
    assert got.findtext("{jabber:client}subject") == "s"


def test_the_path_overrides_to(front, phone):
    reply = send(front.admin, "<message id='p1' to='alice@localhost'><body>for bob</body></message>", phone.jid)
    assert reply.status == 200 and body_of(message(phone, "p1")) == "for bob"


def test_an_id_is_made(front, phone):
    text = "no id " + os.urandom(4).hex()
    assert send(front.admin, "<message to='%s'><body>%s</body></message>" % (phone.jid, text)).status == 200
    while True:
        got = message(phone)
        if body_of(got) == text:
            assert got.get("id")
            break


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8", "application/json", "text/plain", None])
def test_whatever_the_content_type(front, phone, kind):
    ident = os.urandom(4).hex()
    reply = send(front.admin, "<message id='%s' to='%s'><body>b</body></message>" % (ident, phone.jid), kind=kind)
    assert reply.status == 200 and message(phone, ident)


def test_from_below_the_component(front, phone):
    reply = send(front.admin, "<message id='n1' from='News@HTTP.localhost/x' to='%s'><body>b</body></message>" % phone.jid)
    assert reply.status == 200 and message(phone, "n1").get("from") == "news@http.localhost/x"


def test_from_oneself_goes_by_ones_own_session(front, phone):
    reply = send(front.admin, "<message id='o1' from='admin@localhost' to='%s'><body>mine</body></message>" % phone.jid)
    assert reply.status == 200
    got = message(phone, "o1")
    assert body_of(got) == "mine" and got.get("from").split("/")[0] == "admin@localhost"


def test_from_others_is_refused(front):
    for who in ("alice@localhost", "localhost", "sender@example.com", "upload.localhost", "x.http.localhost"):
        reply = send(front.admin, "<message from='%s' to='bob@localhost'><body>b</body></message>" % who)
        assert reply.status == 403 and "xmpp/foreign-from" in detail(reply)
    assert send(front.admin, "<message to='bob@localhost'><body>b</body></message>").status == 200


def test_from_that_a_key_does_not_cover(front, phone):
    done = front.house.ctl("key", "add", "--label", "news only", "--from", "news@http.localhost")
    key = dict(line.split("=", 1) for line in done.stdout.splitlines())["KEY"]
    good = send(front.admin, "<message id='k1' from='news@http.localhost' to='%s'><body>b</body></message>" % phone.jid, key=key)
    assert good.status == 200 and message(phone, "k1").get("from") == "news@http.localhost"
    for who in ("other@http.localhost", "admin@localhost"):
        reply = send(front.admin, "<message from='%s' to='bob@localhost'><body>b</body></message>" % who, key=key)
        assert reply.status == 403 and "key" in detail(reply)


# ---- questions ----

@pytest.mark.parametrize("namespace", ["jabber:client", "jabber:component:accept", None])
def test_the_answer_to_an_iq_comes_back(front, namespace):
    declared = " xmlns='%s'" % namespace if namespace else ""
    reply = send(front.admin, "<iq%s type='get' id='mine' to='localhost'><query xmlns='%s'/></iq>" % (declared, xmpp.DISCO_INFO))
    assert reply.status == 200 and reply["content-type"] == "application/xml"
    answer = ET.fromstring(reply.body)
    assert answer.tag == "{jabber:client}iq" and answer.get("type") == "result" and answer.get("id") == "mine"
    assert answer.get("from") == "localhost"
    assert answer.find("{%s}query/{%s}identity" % (xmpp.DISCO_INFO, xmpp.DISCO_INFO)) is not None


def test_an_error_is_an_answer_too(front):
    reply = send(front.admin, "<iq type='get' to='localhost'><query xmlns='urn:x-nobody'/></iq>")
    answer = ET.fromstring(reply.body)
    assert reply.status == 200 and answer.get("type") == "error"
    assert answer.find("{jabber:client}error/{%s}service-unavailable" % STANZAS) is not None


def test_an_iq_with_a_from_is_answered_empty(front):
    reply = send(front.admin, "<iq type='get' from='x@http.localhost/y' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert reply.status == 200 and reply.body == b""


# ---- what must never reach the stream ----

BAD = [
    ("empty", "", "No data"),
    ("text", "hello", "line 1"),
    ("no end", "<message to='bob@localhost'>", "line 1"),
    ("wrong nesting", "<message to='bob@localhost'>\n<a></b></a></message>", "line 2"),
    ("two roots", "<message to='bob@localhost'/><message to='bob@localhost'/>", "line 1"),
    ("stream end", "<message to='bob@localhost'/></stream:stream>", "line 1"),
    ("unbound prefix", "<message to='bob@localhost'><x:y/></message>", "line 1"),
    ("entity", "<message to='bob@localhost'><body>&nbsp;</body></message>", "line 1"),
    ("document type", "<!DOCTYPE m [<!ENTITY a 'b'>]><message to='bob@localhost'><body>&a;</body></message>", "line 1"),
    ("comment", "<message to='bob@localhost'><!-- c --></message>", "line 1"),
    ("processing instruction", "<message to='bob@localhost'><?php x?></message>", "line 1"),
    ("control character", "<message to='bob@localhost'><body>\x01</body></message>", "line 1"),
    ("another element", "<presents to='bob@localhost'/>", "message, presence or iq"),
    ("stream features", "<stream:features xmlns:stream='http://etherx.jabber.org/streams'/>", "message, presence or iq"),
    ("another namespace", "<message xmlns='urn:x' to='bob@localhost'/>", "jabber:client"),
    ("no to", "<message><body>b</body></message>", "no \"to\""),
    ("bad to", "<message to='bad@@jid'><body>b</body></message>", "\"to\" is no JID"),
    ("bad from", "<message from='bad@@jid' to='bob@localhost'><body>b</body></message>", "\"from\" is no JID"),
    ("result", "<iq type='result' id='1' to='localhost'/>", "get or set"),
    ("error", "<iq type='error' id='1' to='localhost'><error/></iq>", "get or set"),
    ("no type", "<iq to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "get or set"),
    ("empty iq", "<iq type='get' to='localhost'/>", "exactly one"),
    ("two questions", "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>", "exactly one"),
    ("nameless question", "<iq type='get' to='localhost'><ping/></iq>", "namespace of its own"),
    ("deep", "<message to='bob@localhost'>" + "<a>" * 100 + "</a>" * 100 + "</message>", "line 1"),
    ("many attributes", "<message to='bob@localhost'%s/>" % "".join(" a%d=''" % i for i in range(400)), "line 1"),
]


@pytest.mark.parametrize("text,said", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_stanzas_are_refused_with_the_place(front, text, said):
    lost = front.house.counter("streams_lost")
    reply = send(front.admin, text)
    assert reply.status == 400 and said in detail(reply), reply.body
    assert send(front.admin, "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>").status == 200
    assert front.house.counter("streams_lost") == lost


def test_bytes_that_are_no_utf8(front):
    assert front.admin("POST", "/rest/stream/", b"<message to='bob@localhost'><body>\xff\xfe</body></message>", kind="xml").status == 400
    assert front.admin("POST", "/rest/stream/", "<message to='b@c'/>".encode("utf-16"), kind="xml").status == 400


def test_too_large(front):
    assert send(front.admin, "<message to='bob@localhost'><body>%s</body></message>" % ("x" * 300000)).status == 413


def test_what_is_odd_but_good(front, phone):
    """What ends the stream, or is refused, when it is passed on as it came."""
    ident = os.urandom(4).hex()
    text = ("<?xml version='1.0' encoding='utf-8'?>\n<c:message xmlns:c='jabber:client' xmlns:z='urn:z' to='BOB@Localhost/%s' id='%s' z:a='1'>"
            "<c:body><![CDATA[<&]]></c:body><z:e xml:lang='de'/></c:message>\n" % (phone.jid.split("/")[1], ident))
    assert send(front.admin, text).status == 200
    got = message(phone, ident)
    assert body_of(got) == "<&" and got.find("{urn:z}e") is not None
    assert front.kind == "ejabberd" or got.get("{urn:z}a") == "1"  # which hands on attributes it knows


# ---- who may ----

def test_admins_only(front):
    text = "<message to='bob@localhost'><body>b</body></message>"
    assert send(front.nobody, text).status == 401
    assert send(front.alice, text).status == 403
    assert send(front.admin, text, key=None).status == 403
    assert front.admin.get("/rest/stream/").status == 405
    assert front.admin("POST", "/rest/stream", text, kind="xml").status == 404


@pytest.mark.parametrize("what", ["message", "unknown iq", "slot", "vCard"])
def test_no_user_can_end_the_stream_by_size(front, what):
    """Servers escape each quotation mark anew, so that a user's largest stanza reaches components six times as large."""
    lost, large = front.house.counter("streams_lost"), '"' * 240000
    alice = xmpp.client(front.server, "alice", "l" + os.urandom(4).hex())
    if what == "message":
        alice.send("<message to='http.localhost'><body>%s</body></message>" % large)
    elif what == "unknown iq":
        assert alice.iq("get", "http.localhost", "<query xmlns='urn:x'>%s</query>" % large).get("type") == "error"
    elif what == "slot":
        answer = alice.iq("get", "upload.localhost", "<request xmlns='%s' filename='a' size='1'>%s</request>" % (xmpp.UPLOAD, large))
        assert answer.get("type") in ("result", "error")
    else:
        alice.iq("set", None, "<vCard xmlns='vcard-temp'><NOTE>%s</NOTE></vCard>" % large)
        assert front.nobody.get("/rest/avatar/alice@localhost", user=rest.ALICE).status in (200, 404, 500, 502)
        assert front.nobody.get("/rest/avatar/alice@localhost").status in (200, 404, 500, 502)
    alice.iq("get", "http.localhost", "<ping xmlns='urn:xmpp:ping'/>")
    alice.close()
    assert front.house.counter("streams_lost") == lost
    assert send(front.admin, "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>").status == 200


@pytest.mark.parametrize("inside", ["<a>" * 300 + "</a>" * 300, "<a%s/>" % "".join(" a%d=''" % i for i in range(300)),
                                    "<a>" * 63 + "<b%s><c/>t</b>" % "".join(" a%d='/>'" % i for i in range(300)) + "</a>" * 63],
                         ids=["levels", "attributes", "both"])
def test_no_user_can_end_the_stream_by_its_shape(front, inside):
    lost = front.house.counter("streams_lost")
    alice = xmpp.client(front.server, "alice", "l" + os.urandom(4).hex())
    alice.send("<message to='http.localhost'><body>b</body>%s</message>" % inside)
    assert alice.iq("get", "http.localhost", "<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"
    alice.close()
    assert front.house.counter("streams_lost") == lost
    assert "was passed over" in front.house.log()
    assert send(front.admin, "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>").status == 200


# ---- servers that do not behave ----

@pytest.fixture
def rude(make):
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/rest/api-keys=[ '%s' ]" % rest.KEY, "xmpp/iq-timeout=2s", server=host)
    return house, host, rest.Api(house, rest.ADMIN)


PING = "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"


def test_silence_is_a_timeout(rude):
    _, host, admin = rude
    host.behaviour = "deaf"
    assert send(admin, PING).status == 504


def test_without_a_stream_it_is_unavailable(rude):
    house, host, admin = rude
    assert send(admin, "<message to='bob@localhost'><body>b</body></message>").status == 200
    super(type(host), host).close()  # the component listener alone
    base.wait_for(lambda: "http.localhost" not in host.streams, "the stream to be gone")
    base.wait_for(lambda: send(admin, PING).status == 503, "the loss to be seen")
    reply = send(admin, "<message to='bob@localhost'><body>b</body></message>")
    assert reply.status == 503 and reply["retry-after"]


def test_answers_late_twice_and_from_the_wrong_jid(rude):
    _, host, admin = rude
    held = []

    def on_stanza(stream, stanza):
        if xmpp.local(stanza) != "iq" or stanza.find("{urn:xmpp:ping}ping") is None:
            return False
        held.append(stanza)
        say = lambda sender, inside: stream.send("<iq type='result' id='%s' to='%s' from='%s'>%s</iq>" % (
            stanza.get("id"), stanza.get("from"), sender, inside))
        if len(held) == 1:
            return True  # never
        say("evil@localhost", "<forged xmlns='urn:x'/>")
        say("localhost", "<true xmlns='urn:x'/>")
        say("localhost", "<again xmlns='urn:x'/>")
        return True
    host.on_stanza = on_stanza
    assert send(admin, PING).status == 504
    for _ in range(2):
        reply = send(admin, PING)
        assert reply.status == 200 and ET.fromstring(reply.body)[0].tag == "{urn:x}true"


def test_foreign_from_where_the_server_does_not_look(make):
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/rest/api-keys=[ '%s' ]" % rest.KEY, "xmpp/foreign-from=true", server=host)
    admin = rest.Api(house, rest.ADMIN)
    reply = send(admin, "<message xmlns='jabber:client' type='chat' from='sender@example.com' to='test@example.com/resource-1'>"
                 "<body>Example message 1</body></message>")
    assert reply.status == 200
    got = host.inbox.others.get(timeout=base.WAIT)
    assert got.get("from") == "sender@example.com" and got.get("to") == "test@example.com/resource-1"
    assert got.findtext("{%s}body" % xmpp.COMPONENT) == "Example message 1"
