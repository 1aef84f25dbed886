# SPDX-License-Identifier: ISC
"""fake.py - an XMPP server of which only the component listener exists, and which does as the test says.

It plays any user towards Stoa's components, so a test needs no real server to ask for slots; and it can be
silent, refuse, say nonsense or hang up, which a real one would not do on demand."""
import hashlib
import queue
import socket
import threading
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

from . import base, servers, xmpp

STREAM_ERROR = ("<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")


class FakeServer:
    """behaviour: 'normal', 'silent' (accepts, says nothing), 'conflict', 'host-unknown', 'deaf' (takes the
    handshake, answers no IQ)."""
    kind = "fake"

    def __init__(self, domain=servers.DOMAIN, secret=servers.SECRET):
        self.domain, self.secret, self.accounts = domain, secret, dict(servers.ACCOUNTS)
        self.components = list(servers.COMPONENTS)
        self.behaviour, self.c2s, self.pid = "normal", 0, None
        self.streams, self.attempts, self.lock = {}, 0, threading.Lock()
        self.inbox, self.questions, self.on_stanza = xmpp.Inbox(), [], None
        self.component = base.free_port()
        self.listener = None
        self.open()

    # -- the listener's life --
    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((base.LOOPBACK, self.component))
        self.listener.listen(16)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def close(self):
        """No new stream is taken; those that are up end."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.drop()

    stop = close

    def drop(self, jid=None):
        """Cuts streams without a word, as a crashing server does."""
        with self.lock:
            victims = [s for name, s in self.streams.items() if jid in (None, name)]
        for stream in victims:
            try:
                stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.attempts += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    # -- one stream --
    def _serve(self, sock):
        stream, name = xmpp.Stream(0, xmpp.COMPONENT, sock=sock), None
        sock.settimeout(None)
        try:
            name = self._greet(stream)
            while name:
                for stanza in self._more(stream):
                    self._take(stream, stanza)
        except (OSError, xmpp.Closed, ET.ParseError):
            pass
        finally:
            with self.lock:
                if name and self.streams.get(name) is stream:
                    del self.streams[name]
            sock.close()

    @staticmethod
    def _more(stream):
        data = stream.sock.recv(65536)
        if not data:
            raise xmpp.Closed
        stream.raw += data
        stanzas = stream.reader.feed(data)
        if stream.reader.ended:
            raise xmpp.Closed
        return stanzas

    def _greet(self, stream):
        behaviour = self.behaviour
        while stream.reader.header is None:
            stream.stanzas += self._more(stream)
        name = stream.reader.header.get("to")
        if behaviour == "silent":
            self._more(stream)
            return None
        ident = "f%d<&'" % next(xmpp.ids) if behaviour == "odd-id" else "f%d" % next(xmpp.ids)
        stream.send("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' id=%s from=%s>" % (
            xmpp.COMPONENT, xmpp.STREAMS, quoteattr(ident), quoteattr(name or "")))
        if behaviour == "host-unknown":
            stream.send(STREAM_ERROR % behaviour)
            return None
        while not stream.stanzas:
            stream.stanzas += self._more(stream)
        shake = stream.stanzas.pop(0)
        wanted = hashlib.sha1((ident + self.secret).encode()).hexdigest()
        if behaviour == "conflict" or name in self.streams:
            stream.send(STREAM_ERROR % "conflict")
            return None
        if shake.text != wanted:
            stream.send(STREAM_ERROR % "not-authorized")
            return None
        with self.lock:
            self.streams[name] = stream
        stream.send("<handshake/>")
        return name

    def _take(self, stream, stanza):
        if self.on_stanza and self.on_stanza(stream, stanza):
            return
        if xmpp.local(stanza) == "iq" and stanza.get("type") in ("get", "set"):
            self.questions.append(stanza)
            if self.behaviour != "deaf":
                stream.send("<iq type='result' id=%s from=%s to=%s/>" % tuple(
                    quoteattr(stanza.get(k, "")) for k in ("id", "to", "from")))
            return
        self.inbox.give(stanza)

    # -- what tests do --
    def wait_up(self, jid="upload.localhost", seconds=base.WAIT):
        return base.wait_for(lambda: self.streams.get(jid), "component stream of " + jid, seconds)

    def send(self, to_component, text):
        self.wait_up(to_component).send(text)

    def ask(self, to, payload, kind="get", sender="alice@localhost/phone", ident=None):
        """Sends an IQ from a user; a queue in which its answer will arrive."""
        ident = ident or "u%d" % next(xmpp.ids)
        answer = self.inbox.expect(ident)
        self.send(to.split("/")[0].split("@")[-1], "<iq type='%s' id=%s from=%s to=%s>%s</iq>" % (
            kind, quoteattr(ident), quoteattr(sender), quoteattr(to), payload))
        return answer

    def iq(self, to, payload, kind="get", sender="alice@localhost/phone", seconds=base.WAIT):
        try:
            return self.ask(to, payload, kind, sender).get(timeout=seconds)
        except queue.Empty:
            raise base.Failed("no answer to %s within %g s" % (payload, seconds)) from None

    def slot_iq(self, name, size, kind=None, sender="alice@localhost/phone", inside="", to="upload.localhost", seconds=base.WAIT):
        return self.iq(to, xmpp.request_xml(name, size, kind, inside), sender=sender, seconds=seconds)

    def slot(self, name="a.txt", size=3, kind=None, **more):
        return xmpp.Slot(self.slot_iq(name, size, kind, **more))
