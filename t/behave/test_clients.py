# SPDX-License-Identifier: ISC
"""Real clients through real servers: slixmpp and go-sendxmpp beside Prosody and ejabberd."""
import hashlib
import os
import re
import time
import urllib.parse

import pytest

from harness import base, clients, fake, stoa, web, xmpp

SIZES = [1, 10_000, 100_000_000]
NAMES = {
    "arabic": "صورة من العطلة.jpg", "chinese": "假期照片.jpg", "emoji": "🏛️🌅.png", "quotes": "he said \"hi\" 'there'.txt",
    "slashes": "a/b\\c.txt", "255_bytes": "x" * 251 + ".txt", "255_bytes_of_utf8": "é" * 125 + "x.txt", "plain": "a.txt",
    "percent": "100%25.txt", "blanks": " leading and  double.txt",
}


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def pair(request, certificates):
    """(Stoa, server) with that server."""
    import conftest
    server = request.getfixturevalue(request.param)
    house = stoa.Stoa(conftest.folder("clients"), server, ["upload/logic/max-file-size=200M", conftest.NO_LIMIT], certificates=certificates)
    house.start()
    house.streams_up()
    yield house, server
    house.stop()
    house.check_sanitizers()


def made_file(tmp_path, size, name="file.bin"):
    path = str(tmp_path / name)
    block = os.urandom(1_000_000)
    with open(path, "wb") as file:
        left = size
        while left:
            left -= file.write(block[:min(left, len(block))])
    return path


def digest(path):
    out = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1_000_000), b""):
            out.update(block)
    return out.hexdigest()


def fetched(house, url):
    """(reply head, digest) of a download of any size."""
    out = hashlib.sha256()
    host, port, target = web.split(url)
    with web.Conn((host, port)) as conn:
        conn.send("GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (target, host, port))
        reply = conn.head()
        left = int(reply["content-length"])
        while left:
            part = conn.take(min(left, 1_000_000))
            left -= len(part)
            out.update(part)
    assert reply.status == 200
    return reply, out.hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_slixmpp_uploads_and_another_downloads(pair, tmp_path, size):
    house, server = pair
    path = made_file(tmp_path, size)
    result = clients.slixmpp_upload(server, path)
    assert result.error is None
    assert fetched(house, result.url)[1] == digest(path)


def test_slixmpp_is_told_why_an_empty_file_is_refused(pair, tmp_path):
    _, server = pair
    result = clients.slixmpp_upload(server, made_file(tmp_path, 0))
    assert result.url is None and "bad-request" in result.error


def test_slixmpp_is_told_that_a_file_is_too_large(pair, tmp_path):
    _, server = pair
    path = str(tmp_path / "sparse.bin")
    with open(path, "wb") as file:
        file.truncate(300_000_000)
    assert "not-acceptable" in clients.slixmpp_upload(server, path).error


@pytest.mark.parametrize("name", list(NAMES), ids=list(NAMES))
def test_slixmpp_names(pair, tmp_path, name):
    house, server = pair
    path = made_file(tmp_path, 1000)
    result = clients.slixmpp_upload(server, path, NAMES[name])
    assert result.error is None
    reply, got = fetched(house, result.url)
    assert got == digest(path)
    wanted = os.path.basename(NAMES[name])  # slixmpp sends the base name
    served = urllib.parse.unquote(re.search(r"filename\*=UTF-8''(\S+)", reply["content-disposition"]).group(1))
    assert served == re.sub(r"[/\\]", "_", wanted)


@pytest.mark.parametrize("name", list(NAMES), ids=list(NAMES))
def test_raw_names_from_one_user_to_another(pair, name):
    """The name exactly as given, slashes included, through the real server."""
    house, server = pair
    alice = xmpp.client(server, "alice", "raw")
    slot = xmpp.Slot(alice.iq("get", "upload.localhost", xmpp.request_xml(NAMES[name], 5)))
    assert web.put(slot.put, b"bytes").status == 201
    reply = web.get(slot.get)
    assert reply.body == b"bytes"
    served = urllib.parse.unquote(re.search(r"filename\*=UTF-8''(\S+)", reply["content-disposition"]).group(1))
    assert served == re.sub(r"[/\\]", "_", NAMES[name])
    alice.close()


def test_raw_name_with_line_breaks_does_no_harm(pair):
    house, server = pair
    alice = xmpp.client(server, "alice", "raw")
    answer = alice.iq("get", "upload.localhost",
                      xmpp.request_xml(xmpp.Raw("'a&#13;&#10;Set-Cookie: evil=1&#13;&#10;&#13;&#10;.txt'"), 5))
    if answer.get("type") == "result":
        slot = xmpp.Slot(answer)
        assert "%0D" not in slot.get.upper() and "%0A" not in slot.get.upper()
        assert web.put(slot.put, b"bytes").status == 201
        reply = web.get(slot.get)
        assert reply["set-cookie"] is None and reply.body == b"bytes"
    else:
        assert xmpp.error_of(answer)[1] == "bad-request"
    alice.close()


@pytest.mark.parametrize("size", SIZES)
def test_go_sendxmpp_uploads_and_sends_the_link(pair, tmp_path, size):
    house, server = pair
    path = made_file(tmp_path, size, "from go.bin")
    bob = xmpp.client(server, "bob", "listener")
    bob.send("<presence><priority>5</priority></presence>")
    result = clients.go_sendxmpp_upload(server, path)
    assert result.error is None
    deadline = time.monotonic() + base.WAIT
    while True:
        stanza = bob.next(deadline - time.monotonic())
        link = stanza.findtext("{jabber:client}body") if xmpp.local(stanza) == "message" else None
        if link and link.startswith("http"):
            break
    assert fetched(house, link.strip())[1] == digest(path)
    bob.close()


def test_go_sendxmpp_empty_file_is_refused(pair, tmp_path):
    _, server = pair
    assert clients.go_sendxmpp_upload(server, made_file(tmp_path, 0)).error


def test_the_server_lists_the_service_and_the_service_answers(pair):
    _, server = pair
    alice = xmpp.client(server, "alice", "disco")
    items = alice.iq("get", server.domain, "<query xmlns='%s'/>" % xmpp.DISCO_ITEMS)
    found = {i.get("jid") for i in items.iter("{%s}item" % xmpp.DISCO_ITEMS)}
    assert {"upload.localhost", "http.localhost"} <= found
    for jid in ("upload.localhost", "http.localhost"):
        info = alice.iq("get", jid, "<query xmlns='%s'/>" % xmpp.DISCO_INFO)
        assert list(info.iter("{%s}identity" % xmpp.DISCO_INFO))
        assert alice.iq("get", jid, "<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"
    alice.close()


def test_http_side_knows_nothing_of_users_of_other_components(pair):
    """A component of the same server is no local user's client."""
    _, server = pair
    other = xmpp.component(server, "upload2.localhost")
    answer = other.iq("get", "upload.localhost", xmpp.request_xml("a.txt", 3), sender="upload2.localhost")
    assert answer.get("type") == "error" and xmpp.error_of(answer)[1] == "not-allowed"
    other.close()


@pytest.mark.parametrize("kind", ["prosody", "ejabberd"])
def test_stoa_comes_back_when_the_server_restarts(make, request, kind):
    """Streams go down and up again by themselves, and what happened stands in the log."""
    import conftest
    from harness import servers
    server = servers.KINDS[kind](conftest.folder(kind))
    server.start()
    try:
        house = make("xmpp/reconnect-least=PT0.2S", "xmpp/reconnect-most=PT1S", server=server)
        house.streams_up()
        ports = server.c2s, server.component, server.web
        base.end(server.pid)
        base.wait_for(lambda: all(s["state"] != "up" for s in house.status()["streams"]), "the streams to go down")
        server.c2s, server.component, server.web = ports
        log = os.path.join(server.folder, "console.log")
        base.wait_for(lambda: not base.listening(ports[1]), "the port to be free")
        server.launch(log)
        server.pid = server.process.pid
        base.wait_for(server.up, "the server again", 60)
        server.ready()
        house.streams_up(60)
        alice = xmpp.client(server, "alice", "again")
        assert xmpp.Slot(alice.iq("get", "upload.localhost", xmpp.request_xml("a.txt", 3)))
        alice.close()
        assert not isinstance(server, fake.FakeServer)
    finally:
        server.stop()
