# SPDX-License-Identifier: ISC
"""/rest/avatar/{jid}: found where users put them, shown safely, set as oneself."""
import base64
import hashlib
import json
import os
import zlib

import pytest

from harness import base, rest, xmpp

PUBSUB = "http://jabber.org/protocol/pubsub"
AVATAR = "urn:xmpp:avatar:"


def png(seed=None, size=0):
    """A PNG of one pixel, different each time; size: bytes of a comment in it."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    note = (seed or os.urandom(4).hex()).encode() + b"\0" + os.urandom(size)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0])) + chunk(b"tEXt", note) +
            chunk(b"IDAT", zlib.compress(b"\0\x10\x20\x30")) + chunk(b"IEND", b""))


def client(front, user):
    return xmpp.client(front.server, user, "a" + os.urandom(4).hex())


def set_vcard(front, user, picture, kind="image/png", extra=""):
    stream = client(front, user)
    text = base64.encodebytes(picture).decode()  # with line breaks
    answer = stream.iq("set", None, "<vCard xmlns='vcard-temp'>%s<PHOTO><TYPE>%s</TYPE><BINVAL>%s</BINVAL></PHOTO></vCard>" % (extra, kind, text))
    stream.close()
    assert answer.get("type") == "result", xmpp.ET.tostring(answer)


def publish(front, user, picture, access=None):
    stream = client(front, user)
    ident = hashlib.sha1(picture).hexdigest()
    options = "" if access is None else (
        "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
        "%s#publish-options</value></field><field var='pubsub#access_model'><value>%s</value></field></x></publish-options>" % (PUBSUB, access))
    for node in ("data", "metadata"):
        stream.iq("set", None, "<pubsub xmlns='%s#owner'><delete node='%s%s'/></pubsub>" % (PUBSUB, AVATAR, node))
    data = "<data xmlns='%sdata'>%s</data>" % (AVATAR, base64.b64encode(picture).decode())
    info = "<metadata xmlns='%smetadata'><info id='%s' type='image/png' bytes='%d'/></metadata>" % (AVATAR, ident, len(picture))
    for node, payload in (("data", data), ("metadata", info)):
        answer = stream.iq("set", None, "<pubsub xmlns='%s'><publish node='%s%s'><item id='%s'>%s</item></publish>%s</pubsub>" % (
            PUBSUB, AVATAR, node, ident, payload, options))
        assert answer.get("type") == "result", xmpp.ET.tostring(answer)
    stream.close()


def new_user(front):
    name = "v" + os.urandom(4).hex()
    reply = front.admin.command("localhost", rest.ADMIN_NODE + "add-user", {
        "accountjid": name + "@localhost", "password": "pw-" + name, "password-verify": "pw-" + name})
    assert reply.status == 200, reply.body
    front.server.accounts[name] = rest.PASSWORDS[name + "@localhost"] = "pw-" + name
    return name


# ---- found ----

def test_the_vcard_of_a_user(front):
    user, picture = new_user(front), png()
    set_vcard(front, user, picture, "text/html")  # what it is called does not count
    for path in (user + "@localhost", user + "@localhost/vcard-temp", user + "@localhost/"):
        reply = front.nobody.get("/rest/avatar/" + path)
        assert reply.status == 200 and reply.body == picture, reply
        assert reply["content-type"] == "image/png" and reply["content-length"] == str(len(picture))
        assert reply["x-content-type-options"] == "nosniff" and "sandbox" in reply["content-security-policy"]
        assert reply["cache-control"] == "private, max-age=300" and reply["etag"]
    head = front.nobody("HEAD", "/rest/avatar/%s@localhost" % user)
    assert head.status == 200 and head["content-length"] == str(len(picture)) and head["etag"] == reply["etag"]
    same = front.nobody.get("/rest/avatar/%s@localhost" % user, fields=[("If-None-Match", 'W/"x", ' + reply["etag"])])
    assert same.status == 304 and same.body == b"" and same["etag"] == reply["etag"]


def test_what_was_published_by_pep(front):
    user, picture = new_user(front), png(size=4000)
    publish(front, user, picture)
    mine = front.nobody.get("/rest/avatar/%s@localhost/avatar" % user, user=user + "@localhost")
    assert mine.status == 200 and mine.body == picture
    others = front.nobody.get("/rest/avatar/%s@localhost/avatar" % user)  # presence access: not for strangers
    assert others.status == 404


def test_open_pep(front):
    user, picture = new_user(front), png(size=3000)
    publish(front, user, picture, "open")
    reply = front.nobody.get("/rest/avatar/%s@localhost" % user)
    assert reply.status == 200 and reply.body == picture


def test_the_key_in_the_address(front):
    user, picture = new_user(front), png()
    set_vcard(front, user, picture)
    reply = front.nobody.get("/rest/avatar/%s@localhost?api-key=%s" % (user, rest.KEY), key=None)
    assert reply.status == 200 and reply.body == picture
    assert front.nobody.get("/rest/avatar/%s@localhost" % user, key=None).status == 403


def test_none(front):
    for path in (new_user(front) + "@localhost", "no-such-user@localhost", "localhost", "no-such-user@localhost/vcard4"):
        reply = front.nobody.get("/rest/avatar/" + path, accept="application/json")
        assert reply.status == 404 and json.loads(reply.body)["detail"]
        assert reply["cache-control"] == "no-store"
    assert front.nobody.get("/rest/avatar/a%22@localhost").status == 400
    assert front.nobody.get("/rest/avatar/alice@localhost/other").status == 404


def test_wrong_credentials_are_told(front):
    assert front.nobody.get("/rest/avatar/alice@localhost", user=rest.ALICE, password="wrong").status == 401
    reply = front.nobody.get("/rest/avatar/no-such-user@localhost", fields=[("Authorization", "Bearer of-a-proxy")])
    assert reply.status == 404


@pytest.mark.parametrize("kind", ["svg", "html", "none"])
def test_what_is_no_picture_is_not_shown(front, kind):
    text = {"svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "html": b"<!DOCTYPE html><script>", "none": b""}[kind]
    user = new_user(front)
    stream = client(front, user)
    stream.iq("set", None, "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>%s</BINVAL></PHOTO></vCard>" % (
        base64.b64encode(text).decode()))
    stream.close()
    assert front.nobody.get("/rest/avatar/%s@localhost" % user).status == 404


# ---- set ----

@pytest.mark.parametrize("kind", ["xml", "json"])
def test_ones_own_is_set(front, kind):
    user = new_user(front)
    jid, picture = user + "@localhost", png(size=2000)
    set_vcard(front, user, png(), extra="<FN>Vera &amp; Co</FN><EMAIL><INTERNET/><USERID>v@mail.example</USERID></EMAIL>")
    assert front.nobody.get("/rest/avatar/" + jid).status == 200  # both workers may remember that one now
    target = "/rest/avatar/%s%s" % (jid, "?type=application/json" if kind == "json" else "")
    reply = front.nobody("PUT", target, picture, user=jid)
    assert reply.status == 200, reply.body
    assert rest.tree(reply) == {"user": {"jid": jid}} and reply["content-type"] == "application/" + kind
    for _ in range(6):  # whichever worker answers
        assert front.nobody.get("/rest/avatar/" + jid).body == picture
    for source in ("avatar", "vcard-temp"):
        assert front.nobody.get("/rest/avatar/%s/%s" % (jid, source), user=jid).body == picture
    stream = client(front, user)
    card = stream.iq("get", None, "<vCard xmlns='vcard-temp'/>")[0]
    assert card.findtext("{vcard-temp}FN") == "Vera & Co"
    assert card.findtext("{vcard-temp}EMAIL/{vcard-temp}USERID") == "v@mail.example"
    assert len(card.findall("{vcard-temp}PHOTO")) == 1
    items = stream.iq("get", None, "<pubsub xmlns='%s'><items node='%smetadata'/></pubsub>" % (PUBSUB, AVATAR))
    info = items.find(".//{%smetadata}info" % AVATAR)
    assert info.get("id") == hashlib.sha1(picture).hexdigest() and info.get("bytes") == str(len(picture))
    assert info.get("type") == "image/png" and (info.get("width"), info.get("height")) == ("1", "1")
    stream.close()


def test_another_ones_is_not(front):
    assert front.alice("PUT", "/rest/avatar/bob@localhost", png()).status == 403
    assert front.nobody("PUT", "/rest/avatar/bob@localhost", png()).status == 401
    assert front.admin("PUT", "/rest/avatar/bob@localhost", png()).status == 403


def test_what_may_not_be_set(front):
    put = lambda body, path="alice@localhost": front.alice("PUT", "/rest/avatar/" + path, body, kind="image/png").status
    assert put(b"") == 400
    assert put(b"<svg xmlns='http://www.w3.org/2000/svg'/>") == 415
    assert put(b"GIF00a" + bytes(100)) == 415
    assert put(png(size=400000)) == 413
    assert put(png(size=4000000)) == 413
    assert put(png(), "alice@localhost/vcard-temp") == 400


# ---- servers that do not behave ----

@pytest.fixture
def rude(make):
    """(Stoa, FakeHost, nobody): what is asked of the component is the test's business."""
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/rest/api-keys=[ '%s' ]" % rest.KEY, "xmpp/iq-timeout=2s", "http/rest/max-avatar=4K",
                 "http/rest/avatar-cache=0", server=host)
    return house, host, rest.Api(house)


def stored(host, answers, log=None):
    """The server answers each question by the node or the namespace that it is about."""
    def on_stanza(stream, stanza):
        if xmpp.local(stanza) != "iq" or not len(stanza):
            return False
        items = stanza.find("{%s}pubsub/{%s}items" % (PUBSUB, PUBSUB))
        name = stanza[0].tag[1:].split("}")[0] if items is None else items.get("node")
        if log is not None:
            log.append(name)
        head = "id='%s' to='%s' from='%s'" % (stanza.get("id"), stanza.get("from"), stanza.get("to"))
        answer = answers.get(name, "")
        if answer is not None:
            if answer:
                stream.send("<iq type='result' %s>%s</iq>" % (head, answer))
            else:
                stream.send("<iq type='error' %s><error type='cancel'><item-not-found xmlns='%s'/></error></iq>" % (head, xmpp.STANZAS))
        return True
    host.on_stanza = on_stanza


def item(node, payload):
    return "<pubsub xmlns='%s'><items node='%s'><item id='i'>%s</item></items></pubsub>" % (PUBSUB, node, payload)


def metadata(*infos):
    return item(AVATAR + "metadata", "<metadata xmlns='%smetadata'>%s</metadata>" % (AVATAR, "".join(infos)))


def data(picture):
    return item(AVATAR + "data", "<data xmlns='%sdata'>%s</data>" % (AVATAR, base64.b64encode(picture).decode()))


def vcard4(uri):
    return "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>A</text></fn><photo><uri>%s</uri></photo></vcard>" % uri


V4, TEMP = "urn:ietf:params:xml:ns:vcard-4.0", "vcard-temp"


def test_all_places_in_order(rude):
    _, host, nobody = rude
    log = []
    stored(host, {}, log)
    assert nobody.get("/rest/avatar/alice@localhost").status == 404
    assert log == [AVATAR + "metadata", "urn:xmpp:vcard4", V4, TEMP]
    for source, wanted in (("avatar", log[:1]), ("vcard4", log[1:3]), ("vcard-temp", log[3:])):
        asked = []
        stored(host, {}, asked)
        assert nobody.get("/rest/avatar/alice@localhost/" + source).status == 404 and asked == wanted


def test_the_rendering_that_lies_in_pep(rude):
    _, host, nobody = rude
    picture = png()
    stored(host, {AVATAR + "metadata": metadata("<info url='https://x.example/a' id='far' type='image/gif' bytes='1'/>",
                                                "<info id='n&lt;&apos;' type='image/png' bytes='1'/>"), AVATAR + "data": data(picture)})
    reply = nobody.get("/rest/avatar/alice@localhost")
    assert reply.status == 200 and reply.body == picture


@pytest.mark.parametrize("where", ["urn:xmpp:vcard4", V4])
def test_vcard4(rude, where):
    _, host, nobody = rude
    picture = png()
    card = vcard4("data:text/html;base64," + base64.b64encode(picture).decode())
    stored(host, {where: item(where, card) if where != V4 else card})
    reply = nobody.get("/rest/avatar/alice@localhost/vcard4")
    assert reply.status == 200 and reply.body == picture and reply["content-type"] == "image/png"


@pytest.mark.parametrize("uri,status", [
    ("https://pictures.example/a.png?x=1&amp;y=2", 302), ("http://pictures.example/a.png", 404), ("javascript:alert(1)", 404),
    ("data:image/png,plain", 404), ("https://u:p@pictures.example/", 404), ("file:///etc/passwd", 404), ("//pictures.example/", 404),
])
def test_addresses_in_vcards(rude, uri, status):
    _, host, nobody = rude
    for answers in ({V4: vcard4(uri)}, {TEMP: "<vCard xmlns='vcard-temp'><PHOTO><EXTVAL>%s</EXTVAL></PHOTO></vCard>" % uri}):
        stored(host, answers)
        reply = nobody.get("/rest/avatar/alice@localhost")
        assert reply.status == status
        if status == 302:
            assert reply["location"] == uri.replace("&amp;", "&") and reply["referrer-policy"] == "no-referrer"


def test_large_and_broken_pictures_are_passed_over(rude):
    _, host, nobody = rude
    good = png()
    for bad in (png(size=5000), b"\x89PNG", b"no picture"):
        stored(host, {AVATAR + "metadata": metadata("<info id='i' type='image/png' bytes='1'/>"), AVATAR + "data": data(bad),
                      TEMP: "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%s</BINVAL></PHOTO></vCard>" % base64.b64encode(good).decode()})
        assert nobody.get("/rest/avatar/alice@localhost").body == good
    stored(host, {TEMP: "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%%%%</BINVAL></PHOTO></vCard>"})
    assert nobody.get("/rest/avatar/alice@localhost").status == 404


def test_silence_is_a_timeout(rude):
    _, host, nobody = rude
    stored(host, {AVATAR + "metadata": None})
    assert nobody.get("/rest/avatar/alice@localhost").status == 504


def test_without_a_stream_it_is_unavailable(rude):
    _, host, nobody = rude
    super(type(host), host).close()  # the component listener alone
    base.wait_for(lambda: nobody.get("/rest/avatar/alice@localhost").status == 503, "the loss to be seen")


def test_what_was_found_is_remembered(make):
    host = make.host(mechanisms=("PLAIN",))
    house = make("xmpp/c2s-security=plain", "http/rest/api-keys=[ '%s' ]" % rest.KEY, server=host, workers=1)
    nobody, picture, log = rest.Api(house), png(), []
    stored(host, {TEMP: "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%s</BINVAL></PHOTO></vCard>" % base64.b64encode(picture).decode()}, log)
    for _ in range(3):
        assert nobody.get("/rest/avatar/alice@localhost").body == picture
    assert len(log) == 4
    stored(host, {}, log)
    for _ in range(3):
        assert nobody.get("/rest/avatar/bob@localhost").status == 404
    assert len(log) == 8
    assert nobody.get("/rest/avatar/alice@localhost").body == picture
    assert len(log) == 8
