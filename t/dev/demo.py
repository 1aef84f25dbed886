# SPDX-License-Identifier: ISC
"""demo.py - ./dev demo: shows in half a minute what Stoa is for, then stays up to be played with."""
import hashlib
import os
import shutil
import signal
import struct
import sys
import tempfile
import zlib
from xml.sax.saxutils import escape

import paths  # noqa: F401
import up as house_up
from harness import base, rest, web, xmpp


def say(text=""):
    print(text, flush=True)


def picture():
    """A PNG of 320 x 200 dots: a colonnade at dusk."""
    rows = bytearray()
    for y in range(200):
        rows.append(0)
        for x in range(320):
            column = 40 < y < 170 and x % 40 < 16
            roof = 22 < y <= 40 or 170 <= y < 184
            dot = (232, 224, 208) if column or roof else (40 + y // 2, 60 + y // 4, 120 - y // 3)
            rows += bytes(dot)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 320, 200, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))


def story(house, server):
    """alice uploads, bob fetches; each step as it happens."""
    alice, bob = xmpp.client(server, "alice", "phone"), xmpp.client(server, "bob", "desk")
    bob.send("<presence/>")
    say("1. %s and %s are logged in at the XMPP server." % (alice.jid, bob.jid))

    items = alice.iq("get", server.domain, "<query xmlns='%s'/>" % xmpp.DISCO_ITEMS)
    found = [i.get("jid") for i in items.iter("{%s}item" % xmpp.DISCO_ITEMS)]
    info = alice.iq("get", "upload.localhost", "<query xmlns='%s'/>" % xmpp.DISCO_INFO)
    name = [i.get("name") for i in info.iter("{%s}identity" % xmpp.DISCO_INFO)]
    say("2. alice asks the server what there is (%s); upload.localhost says it is: %s." % (
        ", ".join(found), ", ".join(n for n in name if n)))

    body, title = picture(), "säulen im abendlicht.png"
    slot = xmpp.Slot(alice.iq("get", "upload.localhost", xmpp.request_xml(title, len(body), "image/png")))
    say("3. alice asks for a slot for '%s' (%d bytes) and gets one." % (title, len(body)))
    reply = web.put(slot.put, body, "image/png", slot.headers)
    if reply.status != 201:
        raise base.Failed("the upload was answered with %r" % reply)
    say("4. alice sends the bytes: PUT %s -> %d." % (slot.put, reply.status))

    alice.send("<message to='bob@%s' type='chat'><body>%s</body><x xmlns='jabber:x:oob'><url>%s</url></x></message>" % (
        server.domain, escape(slot.get), escape(slot.get)))
    while True:
        stanza = bob.next()
        if xmpp.local(stanza) == "message" and stanza.findtext("{jabber:client}body"):
            break
    link = stanza.findtext("{jabber:client}body")
    reply = web.get(link)
    same = reply.body == body
    say("5. bob receives the link in a message and fetches it: GET -> %d, %s, %d bytes, SHA-256 %s..., %s." % (
        reply.status, reply["content-type"], len(reply.body), hashlib.sha256(reply.body).hexdigest()[:16],
        "the same picture" if same else "NOT the same picture"))
    api = rest.Api(house, rest.ADMIN)
    reply = api.command("localhost", rest.ADMIN_NODE + "get-online-users-list", {"max_items": "25"})
    who = rest.many(rest.fields_of(reply).get("onlineuserjids")) if reply.status == 200 else []
    say("6. A program asks over HTTP, as the administrator, who is online: POST /rest/adhoc/localhost -> %d, %s." % (
        reply.status, ", ".join(who) or "nobody"))
    alice.close()
    bob.close()
    if not same:
        raise base.Failed("the picture did not arrive whole")
    return link


def wait_for_end():
    """Until Ctrl-C, SIGTERM or a closed terminal."""
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    say("\nAll of this stays up until Ctrl-C.")
    signal.sigwait(signals)


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    folder = tempfile.mkdtemp(prefix="stoa-demo-")
    try:
        say("demo: starting a private Prosody and Stoa in %s" % folder)
        house, server = house_up.up(folder, "prosody", [])
        say()
        link = story(house, server)
        say("\nLook at the picture:      %s" % link)
        say("The same over TLS:        curl --cacert %s %s" % (
            house.ca, link.replace("http://127.0.0.1:%d" % house.http, "https://localhost:%d" % house.https)))
        say("What the daemon is doing: %s status" % os.path.join(folder, "stoactl"))
        say("The REST API:             curl -u %s:%s -H 'Api-Key: %s' %s" % (
            rest.ADMIN, rest.PASSWORDS[rest.ADMIN], rest.KEY, house.url("/rest/adhoc/localhost")))
        say("  and all of its calls:   %s" % house.url("/rest/"))
        say("A slot without a client:  %s slot new --owner alice@localhost --name a.txt --size 3" % (
            os.path.join(folder, "stoactl")))
        say("\nFor programs:")
        for name, value in house_up.lines_of(house, server):
            say("%s=%s" % (name, value))
        wait_for_end()
    except base.Failed as error:
        sys.exit("demo: %s" % error)
    except KeyboardInterrupt:
        pass
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        say("\ndemo: ending")
        house_up.down(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
