# SPDX-License-Identifier: ISC
"""What went wrong elsewhere with APIs like this one and must not here: R5, R17 to R20; and what specifications ask that
is commonly missed: C17 to C26. The API keys' own are in test_rest_keys.py, R18's broken bodies in test_rest_formats.py."""
import base64
import itertools
import json
import os
import re
import socket
import subprocess
from xml.sax.saxutils import quoteattr

import pytest

import conftest
from harness import base, fake_c2s, rest, stoa, xmpp

LIST = "/rest/adhoc/localhost"
FORM = "jabber:x:data"
COMMANDS = fake_c2s.COMMANDS


@pytest.fixture(scope="module")
def home(certificates):
    host = fake_c2s.FakeHost(certificate=certificates + "/localhost.pem")
    house = stoa.Stoa(conftest.folder("incidents"), host, ["log/level=debug"], certificates=certificates, components=("http.localhost",))
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


def admin(house, **more):
    return rest.Api(house, rest.ADMIN, **more)


numbers = itertools.count(1)
last = [0]


def message(to="carol@localhost", sender=None, more=""):
    """One that can be told from all others."""
    last[0] = next(numbers)
    return "<message xmlns='jabber:client' type='chat' to=%s%s><body>number %d</body>%s</message>" % (
        quoteattr(to), " from=" + quoteattr(sender) if sender is not None else "", last[0], more)


def arrived(host):
    """The message that was made last, when it has come to the server."""
    while True:
        stanza = host.inbox.others.get(timeout=base.WAIT)
        if stanza.findtext("{%s}body" % xmpp.COMPONENT) == "number %d" % last[0]:
            return stanza


# ---- R5: secrets in logs ----

PLANTED = {
    "good-password": "planted-good-password", "wrong-password": "planted-wrong-password", "header-key": "planted-header-key",
    "parameter-key": "planted-parameter-key", "form-value": "planted-form-value", "body-text": "planted-body-text",
    "malformed-basic": "planted-malformed-basic", "bearer": "planted-bearer-token", "good-key": rest.KEY,
    "component-secret": "component-secret", "cookie": "planted-cookie",
}


@pytest.mark.parametrize("shape", ["combined", "json"])
def test_R5_no_secret_in_any_log(make, certificates, shape):
    """Sown in all places where callers put them; then every file that the daemon writes is read, at level debug."""
    host = make.host(certificate=certificates + "/localhost.pem")
    host.accounts["alice"] = PLANTED["good-password"]
    house = make("log/level=debug", "log/access-format=" + shape, server=host, components=("http.localhost",))
    api = rest.Api(house, rest.ALICE)
    good, wrong = PLANTED["good-password"], PLANTED["wrong-password"]
    assert api.get(LIST, password=good).status == 200
    assert api.get(LIST, password=wrong).status == 401
    assert api.get(LIST, key=PLANTED["header-key"], password=good).status == 403
    assert api.get(LIST + "?api-key=" + PLANTED["parameter-key"], key=None, password=good).status == 403
    assert api.get(LIST + "?a=b&api-key=%s&c=d" % rest.KEY, key=None, password=good).status == 200
    assert api.get("/nowhere?api-key=" + PLANTED["parameter-key"], key=None).status == 404
    api.get(LIST + "?%61pi-key=" + PLANTED["parameter-key"], key=None)
    api.get(LIST + "?api-key=" + PLANTED["parameter-key"].replace("p", "%70"), key=None)
    for kind in ("json", "xml"):
        api.command("localhost", "n", {"password": PLANTED["form-value"]}, kind, password=good)
        api.post(LIST, "<broken " + PLANTED["body-text"], kind, password=good)
        api.post(LIST, '{"broken": "%s' % PLANTED["body-text"], kind, password=good)
    api.get(LIST, fields=[("Authorization", "Basic " + PLANTED["malformed-basic"])], user=None)
    api.get(LIST, fields=[("Authorization", "Basic " + base64.b64encode(PLANTED["malformed-basic"].encode()).decode())], user=None)
    api.get(LIST, fields=[("Authorization", "Bearer " + PLANTED["bearer"])], user=None)
    api.get(LIST, fields=[("Cookie", "session=" + PLANTED["cookie"])], password=good)
    with house.conn() as conn:  # a head that is refused as a whole
        conn.send("GET %s?api-key=%s HTTP/1.1\r\nHost: localhost\r\nApi-Key: %s\r\nbroken line\r\n\r\n" % (
            LIST, PLANTED["parameter-key"], PLANTED["header-key"]))
        assert conn.reply().status == 400
    host.cut()
    host.doors = "shut"
    api.get(LIST, password=good)
    house.stop()
    found = []
    for folder in ("logs", "run", "data", ""):
        for name in os.listdir(os.path.join(house.folder, folder)):
            path = os.path.join(house.folder, folder, name)
            if os.path.isfile(path) and name not in ("config.tdsl", "overrides"):
                with open(path, "rb") as file:
                    text = file.read()
                for what, secret in PLANTED.items():
                    forms = [secret, base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
                             base64.b64encode(("alice@localhost:" + secret).encode()).decode()]
                    found += [(name, what) for f in forms if f.encode() in text]
    assert found == []
    assert LIST in house.access_log()


def test_R5_no_secret_on_the_command_line_or_in_status(place):
    house, host = place
    assert rest.Api(house, rest.ALICE).get(LIST).status == 200
    shown = house.ctl("status").stdout + house.ctl("status", "--json").stdout
    shown += "".join(base.cmdline(p) for p in base.family(house.pid))
    for secret in ("alice-secret", rest.KEY, "component-secret"):
        assert secret not in shown


# ---- R17: from ----

@pytest.mark.parametrize("sender", ["bob@localhost", "bob@localhost/phone", "localhost", "example.com", "x@example.com",
                                    "http.localhost.example.com", "xhttp.localhost", "upload.localhost", "BOB@LOCALHOST"])
def test_R17_a_foreign_from_is_refused_and_never_sent(place, sender):
    house, host = place
    before = len(host.streams["http.localhost"].raw)
    reply = admin(house).post("/rest/stream/", message(sender=sender), "xml")
    assert reply.status == 403, reply
    assert admin(house).post("/rest/stream/", message(), "xml").status == 200
    assert arrived(host).get("from").endswith("http.localhost")
    assert b"from='%s'" % sender.encode() not in bytes(host.streams["http.localhost"].raw[before:])


@pytest.mark.parametrize("sender", ["http.localhost", "robot@http.localhost", "robot@http.localhost/x", "ROBOT@HTTP.localhost"])
def test_R17_a_from_of_our_own_is_kept(place, sender):
    house, host = place
    assert admin(house).post("/rest/stream/", message(sender=sender), "xml").status == 200
    assert arrived(host).get("from").lower() == sender.lower()


@pytest.mark.parametrize("sender", ["@http.localhost", "a@@http.localhost", "a b@http.localhost", "http.localhost/", "a\u0000@x"])
def test_R17_a_from_that_is_no_jid_is_400(place, sender):
    house, host = place
    reply = admin(house).post("/rest/stream/", message(sender=sender), "xml")
    assert reply.status in (400, 403), reply


def test_R17_a_key_limits_from(place):
    house, host = place
    done = house.ctl("key", "add", "--label", "robot", "--from", "robot@http.localhost")
    key = re.search(r"stoa_[A-Za-z0-9_-]{43}", done.stdout).group(0)
    api = admin(house, key=key)
    assert api.post("/rest/stream/", message(sender="robot@http.localhost"), "xml").status == 200
    assert arrived(host).get("from") == "robot@http.localhost"
    reply = api.post("/rest/stream/", message(sender="other@http.localhost"), "xml")
    assert reply.status == 403 and b"from" in reply.body


@pytest.mark.parametrize("to", ["bob%40localhost", "bob@localhost%2Fphone", "bob@localhost/phone", "localhost"])
def test_R17_the_path_gives_the_recipient(place, to):
    house, host = place
    reply = admin(house).post("/rest/stream/" + to, message("alice@localhost"), "xml")
    if "%2F" in to:  # refused before any route sees it, R4
        assert reply.status in (200, 400)
        if reply.status == 400:
            return
    assert reply.status == 200, reply
    assert arrived(host).get("to") == to.replace("%40", "@").replace("%2F", "/")


INJECTED = [
    "<message to='bob@localhost'/><message to='alice@localhost'/>", "<message to='bob@localhost'><body>&x;</body></message>",
    "<!DOCTYPE m><message to='bob@localhost'/>", "<message to='bob@localhost'><!-- c --></message>",
    "<message to='bob@localhost'><?pi x?></message>", "<message to='bob@localhost'><x:y/></message>",
    "<message to='bob@localhost'><body>\x01</body></message>", "<message to='bob@localhost'>", "</stream:stream>",
    "<message to='bob@localhost' xmlns='http://example.com/'/>", "<presence to='a@@b'/>", "<other to='bob@localhost'/>",
    "<stream:error xmlns:stream='http://etherx.jabber.org/streams'/>", "<handshake/>", "<iq type='result' id='x' to='bob@localhost'/>",
    "<iq type='odd' to='bob@localhost'><a/></iq>", "<message to=''/>", "<message/>", "text", "", " ",
    "<message to='bob@localhost'><body>" + "<a>" * 2000 + "</a>" * 2000 + "</body></message>",
]


@pytest.mark.parametrize("body", INJECTED, ids=range(len(INJECTED)))
def test_one_callers_bytes_never_end_the_stream(place, body):
    """xmpp-facts 1.5: each of these would cost everybody the component's stream, or be taken for something else."""
    house, host = place
    stream = host.streams["http.localhost"]
    assert admin(house).post("/rest/stream/", message(), "xml").status == 200
    arrived(host)
    before = len(stream.raw)
    reply = admin(house).post("/rest/stream/", body, "xml")
    assert reply.status == 400, reply
    assert admin(house).post("/rest/stream/", message(), "xml").status == 200
    arrived(host)
    assert host.streams["http.localhost"] is stream
    assert re.findall(rb"<(\w+)", bytes(stream.raw[before:])) == [b"message", b"body"]


def test_R17_marks_of_the_server_pass_only_as_what_they_are(place):
    """What is sent is a stanza of ours with a from of ours: a carbon in it is one of http.localhost, not of the server."""
    house, host = place
    carbon = ("<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
              "from='admin@localhost' to='bob@localhost'><body>pay</body></message></forwarded></received>")
    reply = admin(house).post("/rest/stream/", message(more=carbon), "xml")
    if reply.status == 200:
        assert arrived(host).get("from").endswith("http.localhost")
    else:
        assert reply.status in (400, 403)


# ---- R18: hashes and depth ----

def test_R18_thousands_of_names_are_refused_or_cheap(place):
    house, host = place
    body = json.dumps({"command": dict({"node": "uptime"}, **{"k%d" % i: i for i in range(4000)})})
    reply = rest.Api(house, rest.ALICE).post(LIST, body)
    assert reply.status in (200, 400, 413), reply
    assert rest.Api(house, rest.ALICE).get(LIST).status == 200


# ---- R19: no URL of a stranger is ever asked ----

@pytest.mark.parametrize("scheme", ["http", "https", "file", "data-http"])
def test_R19_avatar_addresses_are_not_fetched(place, scheme):
    house, host = place
    trap = socket.socket()
    trap.bind(("127.0.0.1", 0))
    trap.listen(1)
    url = "%s://127.0.0.1:%d/a.png" % (scheme.replace("data-http", "http"), trap.getsockname()[1])
    if scheme == "file":
        url = "file:///etc/passwd"

    def on_stanza(stream, stanza):
        if xmpp.local(stanza) == "iq" and len(stanza) and stanza[0].tag.startswith("{vcard-temp}"):
            stream.send("<iq type='result' id=%s from=%s to=%s><vCard xmlns='vcard-temp'><PHOTO><EXTVAL>%s</EXTVAL></PHOTO></vCard></iq>" % (
                quoteattr(stanza.get("id")), quoteattr(stanza.get("to")), quoteattr(stanza.get("from")), url))
            return True
        return False
    host.on_stanza = on_stanza
    reply = rest.Api(house).get("/rest/avatar/%s@localhost/vcard-temp" % scheme.replace("-", ""))
    assert reply.status in (302, 404), reply
    if reply.status == 302:
        assert scheme in ("http", "https", "data-http") and reply["location"] == url
    trap.settimeout(0.3)
    with pytest.raises((socket.timeout, TimeoutError)):
        trap.accept()
    trap.close()


# ---- R20: what is reflected ----

MARKUP = "%3Cscript%3Ealert(1)%3C/script%3E%22%27"


@pytest.mark.parametrize("path", ["/rest/" + MARKUP, "/rest/adhoc/" + MARKUP, "/rest/avatar/x?source=" + MARKUP, "/rest/adhoc/x?type=" + MARKUP,
                                  "/rest/adhoc/x?callback=" + MARKUP])
@pytest.mark.parametrize("accept", ["text/html", "application/json", None])
def test_R20_nothing_reflected_is_markup(place, path, accept):
    house, _ = place
    for api in (rest.Api(house, rest.ALICE), rest.Api(house, key=None)):
        reply = api.get(path, accept=accept)
        assert b"<script>alert" not in reply.body and b"\"'" not in reply.body
        assert reply["x-content-type-options"] == "nosniff"
        if (reply["content-type"] or "").startswith("text/html"):
            assert "default-src 'none'" in (reply["content-security-policy"] or "")


def test_R20_a_nodes_name_from_the_server_is_text(place):
    house, host = place
    host.on_client = lambda session, stanza: session.answer(
        stanza, "<query xmlns='%s' node='%s'><item jid='localhost' node='&lt;b&gt;' name='&lt;script&gt;alert(1)&lt;/script&gt;'/></query>" % (
            xmpp.DISCO_ITEMS, COMMANDS)) or True
    for kind in ("xml", "json"):
        reply = rest.Api(house, rest.ALICE).get(LIST, kind=kind)
        assert rest.tree(reply)["items"][0]["name"] == "<script>alert(1)</script>"
        assert kind == "json" or b"<script>" not in reply.body
    reply = rest.Api(house, rest.ALICE).get(LIST, accept="text/html")
    assert not reply["content-type"].startswith("text/html") or b"<script>alert" not in reply.body


# ---- C17 to C20: commands of several steps ----

class Wizard:
    """A command of two steps at the fake server; what it was sent is kept in .seen as (action, sessionid, {var: values})."""

    def __init__(self, host, actions="<actions execute='next'><prev/><next/><complete/></actions>", step="", more=""):
        self.actions, self.step, self.more, self.seen = actions, step, more, []
        host.on_client = self.take

    def take(self, session, stanza):
        command = stanza[0]
        if not command.tag.endswith("}command"):
            return False
        form = command.find("{%s}x" % FORM)
        fields = {f.get("var"): [v.text or "" for v in f] for f in form} if form is not None else None
        self.seen.append((command.get("action"), command.get("sessionid"), fields))
        if command.get("action") == "cancel":
            status, inside = "canceled", ""
        elif fields is None:
            status = "executing"
            inside = self.actions + ("<x xmlns='%s' type='form'><field var='FORM_TYPE' type='hidden'><value>urn:wizard</value></field>"
                                     "<field var='secret-state' type='hidden'><value>kept &amp; sound</value></field>"
                                     "<field var='name' type='text-single'><required/></field><field var='many' type='text-multi'/>"
                                     "<field var='list' type='list-multi'><option><value>1</value></option><option><value>2</value>"
                                     "</option></field><field var='jids' type='jid-multi'/><field var='yes' type='boolean'/>"
                                     "<field var='kept' type='text-single'><value>default</value></field></x>" % FORM)
        else:
            status, inside = "completed", "<note type='info'>%s</note>" % "done" + self.more
        session.answer(stanza, "<command xmlns='%s' node=%s sessionid='wizard-1' status='%s'>%s</command>" % (
            COMMANDS, quoteattr(command.get("node")), status, inside))
        return True


def test_C17_a_sessionid_is_of_one_requester(place):
    house, host = place
    wizard = Wizard(host)
    reply = admin(house).command("localhost", "w", more={"action": "execute"})
    assert reply.status == 200, reply
    ident = rest.tree(reply)["command"]["sessionid"]
    assert ident and ident != "wizard-1"  # nothing that one could guess or make up
    count = len(wizard.seen)
    for who, given in ((rest.BOB, ident), (rest.ADMIN, "wizard-1"), (rest.ADMIN, ident[:-1] + ("0" if ident[-1] != "0" else "1")),
                       (rest.ADMIN, "")):
        reply = rest.Api(house, who).command("localhost", "w", {"name": "x"}, more={"sessionid": given, "action": "complete"})
        if given:
            assert reply.status in (400, 403, 404, 409), (who, given, reply)
            assert len(wizard.seen) == count
    reply = admin(house).command("localhost", "other", {"name": "x"}, more={"sessionid": ident, "action": "complete"})
    assert reply.status in (400, 403, 404, 409)  # nor of another command
    reply = admin(house).command("localhost", "w", {"name": "x"}, more={"sessionid": ident, "action": "complete"})
    assert reply.status == 200 and rest.note(reply) == "done"
    assert wizard.seen[-1][:2] == ("complete", "wizard-1")


@pytest.mark.parametrize("action", ["cancel", "next", "prev", "complete"])
def test_C18_actions_are_those_that_the_caller_says(place, action):
    house, host = place
    wizard = Wizard(host)
    ident = rest.tree(admin(house).command("localhost", "w", more={"action": "execute"}))["command"]["sessionid"]
    fields = None if action == "cancel" else {"name": "x"}
    reply = admin(house).command("localhost", "w", fields, more={"sessionid": ident, "action": action})
    assert reply.status == 200, reply
    assert wizard.seen[-1][0] == action and wizard.seen[-1][1] == "wizard-1"


@pytest.mark.parametrize("actions,wanted", [
    ("<actions execute='complete'><prev/><complete/></actions>", "complete"), ("<actions execute='next'><next/></actions>", "next"),
    ("<actions><next/></actions>", "next"), ("<actions><complete/></actions>", "complete"), ("", "complete"),
    ("<actions execute='complete'><next/><complete/></actions>", "complete")])
def test_C18_the_default_action_is_that_of_the_form(place, actions, wanted):
    """Fields in one call: the step in between is ours, and never a bare "execute" that breaks wizards."""
    house, host = place
    wizard = Wizard(host, actions)
    reply = admin(house).command("localhost", "w", {"name": "x"})
    assert reply.status == 200, reply
    assert wizard.seen[-1][0] == wanted or (wanted == "complete" and wizard.seen[-1][0] in (None, "execute") and not actions)


def test_C18_a_form_that_was_only_looked_at_is_cancelled(place):
    """Nothing is left open at the server by a caller who asked for the form and went away."""
    house, host = place
    wizard = Wizard(host)
    reply = admin(house).command("localhost", "w")
    assert reply.status == 200
    assert [f["var"] for f in rest.tree(reply)["command"]["fields"]][-2:] == ["yes", "kept"]
    base.wait_for(lambda: wizard.seen[-1][0] == "cancel" or len(wizard.seen) == 1 and "sessionid" in rest.tree(reply)["command"],
                  "the end of the session behind it")


def test_C19_hidden_fields_come_back_and_lists_stay_lists(place):
    house, host = place
    wizard = Wizard(host)
    reply = admin(house).command("localhost", "w", {
        "name": "x", "many": ["line 1", "line 2", ""], "list": ["1", "2"], "jids": ["a@b.example", "c@d.example"], "yes": "true"})
    assert reply.status == 200, reply
    fields = wizard.seen[-1][2]
    assert fields["FORM_TYPE"] == ["urn:wizard"] and fields["secret-state"] == ["kept & sound"]
    assert fields["many"] == ["line 1", "line 2", ""] and fields["list"] == ["1", "2"] and fields["jids"] == ["a@b.example", "c@d.example"]
    assert fields["yes"] in (["1"], ["true"]) and fields["kept"] == ["default"]


def test_C19_fields_that_are_none_and_fields_that_miss(place):
    house, host = place
    wizard = Wizard(host, "<actions execute='complete'><complete/></actions>")
    reply = admin(house).command("localhost", "w", {"name": "x", "nmae": "y"})
    assert reply.status == 400 and b"nmae" in reply.body
    reply = admin(house).command("localhost", "w", {"many": ["x"]})
    assert reply.status == 400 and b"name" in reply.body
    assert all(action != "complete" for action, _, fields in wizard.seen if fields)


def test_C19_an_answer_without_a_form(place):
    house, host = place
    reply = admin(house).command("localhost", "ping")
    assert reply.status == 200 and rest.tree(reply)["command"]["fields"] == "" and rest.note(reply) == "done"


def test_C20_private_values_are_neither_logged_nor_returned(place):
    """Set to debug, the daemon tells much; not this."""
    house, host = place
    Wizard(host)
    for kind in ("json", "xml"):
        reply = admin(house).command("localhost", "w", {"name": "planted-in-form"}, kind)
        assert reply.status == 200 and b"planted-in-form" not in reply.body
    assert "planted-in-form" not in house.log() + house.access_log()


# ---- C21 to C26: components ----

def test_C21_one_stream_with_a_handshake_in_lower_case(make, certificates):
    """Of the id as it is, markup unescaped; and two workers have one stream."""
    host = make.host(certificate=certificates + "/localhost.pem")
    host.behaviour = "odd-id"
    house = make(server=host, components=("http.localhost",), start=False)
    house.start()
    raw = bytes(host.wait_up("http.localhost").raw)
    shake = re.search(rb"<handshake[^>]*>([^<]*)</handshake>", raw).group(1)
    assert re.fullmatch(rb"[0-9a-f]{40}", shake) and host.attempts == 1
    for _ in range(10):
        assert rest.Api(house, rest.ALICE).get(LIST).status == 200
    assert host.attempts == 1


@pytest.mark.parametrize("payload", ["<query xmlns='%s'/>" % xmpp.DISCO_INFO, "<query xmlns='%s'/>" % xmpp.DISCO_ITEMS,
                                     "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:version'/>"])
def test_C22_the_component_of_the_api_answers(place, payload):
    house, host = place
    assert host.iq("http.localhost", payload).get("type") == "result"


def test_C22_answers_nobody_asked_for_are_not_answered(place):
    house, host = place
    before = len(host.streams["http.localhost"].raw)
    for kind in ("result", "error"):
        host.send("http.localhost", "<iq type='%s' id='stray' from='bob@localhost/x' to='http.localhost'/>" % kind)
    host.iq("http.localhost", "<ping xmlns='urn:xmpp:ping'/>")
    assert b"stray" not in bytes(host.streams["http.localhost"].raw[before:])


def asked_by_component(host, house, count):
    """Calls by the component that the server does not answer: [conn]."""
    host.on_stanza = lambda stream, stanza: xmpp.local(stanza) == "iq" and bool(host.questions.append(stanza)) or xmpp.local(stanza) == "iq"
    head = "".join("%s: %s\r\n" % f for f in rest.Api(house, rest.ADMIN).fields(kind="xml"))
    body = "<iq xmlns='jabber:client' type='get' to='localhost'><query xmlns='%s'/></iq>" % xmpp.DISCO_INFO
    conns = [house.conn() for _ in range(count)]
    for conn in conns:
        conn.send("POST /rest/stream/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), head, body))
    base.wait_for(lambda: len(host.questions) >= count, "all questions at the server")
    return conns


def test_C23_a_lost_stream_is_503_with_retry_after_at_once(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/iq-timeout=PT1H", "httpServer/request-timeout=PT2H", server=host, components=("http.localhost",))
    conns = asked_by_component(host, house, 60)
    host.drop()
    replies = [conn.reply() for conn in conns]
    assert {r.status for r in replies} == {503} and all(int(r["retry-after"]) > 0 for r in replies)


def test_C23_without_a_stream_calls_fail_at_once_and_it_comes_back(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.3S", "xmpp/iq-timeout=PT1H", server=host,
                 components=("http.localhost",))
    listener, host.listener = host.listener, None
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    host.drop()
    base.wait_for(lambda: not host.streams, "the end of the stream")
    reply = base.wait_for(lambda: (lambda r: r.status == 503 and r)(admin(house).post("/rest/stream/", message(), "xml")), "a 503")
    assert int(reply["retry-after"]) > 0
    host.open()
    host.wait_up("http.localhost")
    base.wait_for(lambda: admin(house).post("/rest/stream/", message(), "xml").status == 200, "messages again")


def test_C24_a_component_port_elsewhere_is_warned_of(make):
    house = make("xmpp/host=192.0.2.1", server=False, start=False)
    done = subprocess.run([base.program("stoad"), "-t"] + house.options(), env=house.env(), capture_output=True, text=True, check=False)
    assert "192.0.2.1" in done.stdout + done.stderr


def test_C25_from_is_of_our_domain_in_all_that_is_sent(place):
    house, host = place
    before = len(host.streams["http.localhost"].raw)
    for body in (message(), message(sender="robot@http.localhost"), message(sender="bob@localhost"),
                 "<presence to='bob@localhost'/>", "<iq type='get' to='localhost'><query xmlns='%s'/></iq>" % xmpp.DISCO_INFO):
        admin(house).post("/rest/stream/", body, "xml")
    rest.Api(house).get("/rest/avatar/bob@localhost")
    sent = bytes(host.streams["http.localhost"].raw[before:]).decode()
    senders = re.findall(r"<(?:message|presence|iq)\b[^>]*?\bfrom=['\"]([^'\"]*)['\"]", sent)
    assert len(senders) >= 4 and all(s.split("/")[0].split("@")[-1] == "http.localhost" for s in senders)


def test_C26_no_privilege_is_used_that_was_not_given(place):
    """No <perm/> message came, so nothing is wrapped in one; and one from a user counts for nothing."""
    house, host = place
    before = len(host.streams["http.localhost"].raw)
    host.send("http.localhost", "<message from='mallory@localhost/x' to='http.localhost'><privilege xmlns='urn:xmpp:privilege:2'>"
                                "<perm access='message' type='outgoing'/><perm access='iq'/></privilege></message>")
    assert admin(house).post("/rest/stream/", message(sender="bob@localhost"), "xml").status == 403
    rest.Api(house).get("/rest/avatar/alice@localhost")
    assert b"urn:xmpp:privilege" not in bytes(host.streams["http.localhost"].raw[before:])
