# SPDX-License-Identifier: ISC
"""xmpp.py - a raw XMPP peer: sends XML exactly as given, hands out stanzas as elements and as bytes.

For clients (SASL PLAIN) and components. Blocking, with deadlines. Only for tests."""
import base64
import hashlib
import itertools
import queue
import socket
import threading
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

CLIENT, COMPONENT = "jabber:client", "jabber:component:accept"
STREAMS = "http://etherx.jabber.org/streams"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
UPLOAD = "urn:xmpp:http:upload:0"
PURPOSE = "urn:xmpp:http:upload:purpose:0"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
FORM = "jabber:x:data"
ids = itertools.count(1)


class Closed(Exception):
    """The peer closed the stream."""


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def error_of(iq):
    """(type, condition, text, error element) of an error stanza; None when it is none."""
    for child in iq:
        if local(child) == "error":
            condition = [local(c) for c in child if c.tag.startswith("{%s}" % STANZAS) and local(c) != "text"]
            return (child.get("type"), condition[0] if condition else None,
                    child.findtext("{%s}text" % STANZAS) or "", child)
    return None


class Reader:
    """Bytes in, stream header and first-level elements out."""

    def __init__(self):
        self.parser = ET.XMLPullParser(["start", "end"])
        self.depth, self.root, self.header, self.ended = 0, None, None, False

    def feed(self, data):
        self.parser.feed(data)
        out = []
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root, self.header = element, dict(element.attrib)
            else:
                self.depth -= 1
                if self.depth == 1:
                    out.append(element)
                    self.root.clear()
                elif self.depth == 0:
                    self.ended = True
        return out


class Stream:
    def __init__(self, port, namespace=CLIENT, host="127.0.0.1", sock=None):
        self.sock = sock or socket.create_connection((host, port), 10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.namespace, self.raw = namespace, bytearray()
        self.restart()

    def restart(self):
        self.reader, self.stanzas = Reader(), []

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def read(self, deadline):
        self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
        data = self.sock.recv(65536)
        if not data:
            raise Closed("the peer closed the stream")
        self.raw += data
        self.stanzas += self.reader.feed(data)

    def next(self, seconds=20):
        deadline = time.monotonic() + seconds
        while not self.stanzas:
            if self.reader.ended:
                raise Closed("the peer ended the stream")
            self.read(deadline)
        return self.stanzas.pop(0)

    def open(self, to, seconds=20):
        self.restart()
        self.send("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' to=%s%s>" % (
            self.namespace, STREAMS, quoteattr(to), " version='1.0'" if self.namespace == CLIENT else ""))
        deadline = time.monotonic() + seconds
        while self.reader.header is None:
            self.read(deadline)
        return self.reader.header

    def iq(self, kind, to, payload, sender=None, seconds=20):
        """Sends an IQ; the answer's element. Pings that come in between are answered, all else is dropped."""
        ident = "q%d" % next(ids)
        self.send("<iq id='%s' type='%s'%s%s>%s</iq>" % (
            ident, kind, " to=" + quoteattr(to) if to else "",
            " from=" + quoteattr(sender) if sender else "", payload))
        deadline = time.monotonic() + seconds
        while True:
            stanza = self.next(deadline - time.monotonic())
            if local(stanza) == "iq" and stanza.get("id") == ident and stanza.get("type") in ("result", "error"):
                return stanza

    def close(self):
        try:
            self.send("</stream:stream>")
        except OSError:
            pass
        self.sock.close()


def client(server, user, resource="test"):
    """A bound client of a Server; its full JID in .jid."""
    stream = Stream(server.c2s)
    stream.open(server.domain)
    stream.next()
    secret = base64.b64encode(("\0%s\0%s" % (user, server.accounts[user])).encode()).decode()
    stream.send("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, secret))
    answer = stream.next()
    if local(answer) != "success":
        raise Closed("login of %s refused: %s" % (user, ET.tostring(answer)))
    stream.open(server.domain)
    stream.next()
    answer = stream.iq("set", None, "<bind xmlns='%s'><resource>%s</resource></bind>" % (BIND, resource))
    stream.jid = answer.findtext(".//{%s}jid" % BIND)
    return stream


def component(server, jid, secret=None):
    """A component stream to a Server; .answer is <handshake/> or the stream error."""
    stream = Stream(server.component, COMPONENT)
    ident = stream.open(jid).get("id", "")
    stream.send("<handshake>%s</handshake>" % hashlib.sha1(
        (ident + (secret or server.secret)).encode()).hexdigest())
    stream.answer = stream.next()
    return stream


class Slot:
    """What a slot request was answered with."""

    def __init__(self, iq):
        self.iq = iq
        slot = iq.find("{%s}slot" % UPLOAD)
        if iq.get("type") != "result" or slot is None:
            raise AssertionError("no slot: %s" % ET.tostring(iq, "unicode"))
        put = slot.find("{%s}put" % UPLOAD)
        self.put, self.get = put.get("url"), slot.find("{%s}get" % UPLOAD).get("url")
        self.headers = [(h.get("name"), h.text) for h in put.findall("{%s}header" % UPLOAD)]


def request_xml(name, size, kind=None, inside="", namespace=UPLOAD):
    """A slot request's payload; name may be given as a finished XML attribute text by a Raw."""
    shown = name.text if isinstance(name, Raw) else quoteattr(name)
    return "<request xmlns='%s' filename=%s size='%s'%s>%s</request>" % (
        namespace, shown, size, " content-type=" + quoteattr(kind) if kind is not None else "", inside)


class Raw:
    """An attribute value, quotes and references included, that is to be sent as it stands."""

    def __init__(self, text):
        self.text = text


class Inbox:
    """A queue of stanzas with a reader thread: for peers that talk to several tests' questions at once."""

    def __init__(self):
        self.waiting, self.others, self.lock = {}, queue.Queue(), threading.Lock()

    def expect(self, ident):
        slot = queue.Queue()
        with self.lock:
            self.waiting[ident] = slot
        return slot

    def give(self, stanza):
        with self.lock:
            slot = self.waiting.pop(stanza.get("id"), None) if stanza.get("type") in ("result", "error") else None
        (slot or self.others).put(stanza)
