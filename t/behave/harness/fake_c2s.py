# SPDX-License-Identifier: ISC
"""fake_c2s.py - an XMPP server for clients and components that does as the test says: it counts logins and sessions,
and can be silent, late, twice, false, or gone, which a real one would not be on demand."""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from . import base, fake, xmpp

TLS = "urn:ietf:params:xml:ns:xmpp-tls"
COMMANDS = "http://jabber.org/protocol/commands"
ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class Refused(Exception):
    """The login is refused; the text is the condition."""


def mac(name, key, text):
    return hmac.new(key, text, name).digest()


class Session(xmpp.Stream):
    """One connection of a client, seen from the server. user: who is proved; jid: what it was bound to."""

    def __init__(self, sock):
        super().__init__(0, sock=sock)
        self.user = self.jid = None
        self.encrypted, self.writing = False, threading.Lock()
        sock.settimeout(None)

    def send(self, text):
        with self.writing:
            super().send(text)

    def wait(self):
        """The next stanza, for however long it takes."""
        while not self.stanzas:
            if self.reader.ended:
                raise xmpp.Closed
            data = self.sock.recv(65536)
            if not data:
                raise xmpp.Closed
            self.raw += data
            self.stanzas += self.reader.feed(data)
        return self.stanzas.pop(0)

    def header(self):
        """Waits for a new stream's header."""
        self.restart()
        while self.reader.header is None:
            data = self.sock.recv(65536)
            if not data:
                raise xmpp.Closed
            self.raw += data
            self.stanzas += self.reader.feed(data)
        return self.reader.header

    def answer(self, iq, inside="", kind="result", sender=None):
        """sender None: who was asked, as it should be; "": no from at all."""
        sender = iq.get("to") if sender is None else sender
        self.send("<iq type='%s' id=%s to=%s%s>%s</iq>" % (
            kind, quoteattr(iq.get("id", "")), quoteattr(self.jid or ""),
            " from=" + quoteattr(sender) if sender else "", inside))

    def cut(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class FakeHost(fake.FakeServer):
    """A FakeServer that has clients too.

    doors: 'open', 'silent' (accepts, says nothing), 'shut' (closes before the header, as after a ban), 'banned' (a
    stream error in place of features), 'frozen' (says nothing after the password).
    on_client(session, stanza): true when the test has dealt with it. bind_as: a JID to bind whoever asks to."""

    def __init__(self, mechanisms=("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"), certificate=None, **more):
        super().__init__(**more)
        self.mechanisms, self.doors, self.bind_as, self.on_client = mechanisms, "open", None, None
        self.knocks, self.proofs, self.binds, self.sessions = 0, [], [], []
        self.asked = []  # (session, stanza) of all IQs get and set of bound sessions
        self.tls = self.ca = None
        if certificate:
            self.ca = os.path.join(os.path.dirname(certificate), "ca.pem")
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate + ".crt", certificate + ".key")
        self.c2s = base.free_port()
        self.door = self._listen()

    # -- life --
    def _listen(self):
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((base.LOOPBACK, self.c2s))
        door.listen(256)
        threading.Thread(target=self._welcome, args=(door,), daemon=True).start()
        return door

    def close(self):
        super().close()
        self.close_door()

    stop = close

    def close_door(self):
        """No client comes in any more, and those who are in are out."""
        door, self.door = self.door, None
        if door:
            door.shutdown(socket.SHUT_RDWR)
            door.close()
        self.cut()

    def open_door(self):
        self.door = self._listen()

    def cut(self, user=None):
        """Ends sessions without a word."""
        for session in self.of(user):
            session.cut()

    def of(self, user=None):
        with self.lock:
            return [s for s in self.sessions if user in (None, s.user)]

    def _welcome(self, door):
        while True:
            try:
                sock, _ = door.accept()
            except OSError:
                return
            with self.lock:
                self.knocks += 1
            threading.Thread(target=self._host, args=(sock,), daemon=True).start()

    # -- one client --
    def _host(self, sock):
        session = None
        try:
            if self.doors == "shut":
                return
            session = Session(sock)
            self._enter(session)
            while True:
                self._heard(session, session.wait())
        except (OSError, xmpp.Closed, ET.ParseError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                if session in self.sessions:
                    self.sessions.remove(session)
            (session.sock if session else sock).close()

    def _header(self, session, features):
        session.send("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' id='c%d' from=%s version='1.0'>"
                     "<stream:features>%s</stream:features>" % (
                         xmpp.CLIENT, xmpp.STREAMS, next(xmpp.ids), quoteattr(self.domain), features))

    def _enter(self, session):
        session.header()
        if self.doors == "silent":
            session.wait()
            raise xmpp.Closed
        if self.doors == "banned":
            session.send("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' id='b' version='1.0'><stream:error>"
                         "<policy-violation xmlns='%s'/><text xmlns='%s'>Too many (20) failed authentications from this IP "
                         "address</text></stream:error></stream:stream>" % (xmpp.CLIENT, xmpp.STREAMS, ERRORS, ERRORS))
            raise xmpp.Closed
        offer = "<mechanisms xmlns='%s'>%s</mechanisms>" % (
            xmpp.SASL, "".join("<mechanism>%s</mechanism>" % m for m in self.mechanisms))
        self._header(session, "<starttls xmlns='%s'><required/></starttls>" % TLS if self.tls else offer)
        if self.tls:
            if xmpp.local(session.wait()) != "starttls":
                raise xmpp.Closed
            session.send("<proceed xmlns='%s'/>" % TLS)
            session.sock = self.tls.wrap_socket(session.sock, server_side=True)
            session.encrypted = True
            session.header()
            self._header(session, offer)
        while session.user is None:
            self._login(session, session.wait())
        session.header()
        self._header(session, "<bind xmlns='%s'/>" % xmpp.BIND)

    def _login(self, session, auth):
        name = ""
        try:
            if xmpp.local(auth) != "auth" or auth.get("mechanism") not in self.mechanisms:
                raise Refused("invalid-mechanism")
            first = base64.b64decode(auth.text or "")
            if auth.get("mechanism") == "PLAIN":
                authzid, name, password = first.decode().split("\0")
                proof, last = not authzid and self.accounts.get(name) == password, ""
            else:
                name, proof, last = self._scram(session, HASHES[auth.get("mechanism")], first.decode())
        except Refused as refusal:
            session.send("<failure xmlns='%s'><%s/></failure>" % (xmpp.SASL, refusal))
            return
        with self.lock:
            self.proofs.append((name, proof))
        if self.doors == "frozen":
            session.wait()
            raise xmpp.Closed
        if not proof:
            session.send("<failure xmlns='%s'><not-authorized/></failure>" % xmpp.SASL)
            return
        session.user = name
        session.send("<success xmlns='%s'>%s</success>" % (xmpp.SASL, last))

    def _scram(self, session, name, first):
        """(user, proved, the last message in base64)"""
        binding, authzid, bare = first.split(",", 2)
        if binding not in ("n", "y") or authzid:
            raise Refused("malformed-request")
        parts = dict(p.split("=", 1) for p in bare.split(","))
        user, salt, rounds = parts["n"].replace("=2C", ",").replace("=3D", "="), os.urandom(12), 4096
        nonce = parts["r"] + base64.b64encode(os.urandom(12)).decode()
        middle = "r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt).decode(), rounds)
        session.send("<challenge xmlns='%s'>%s</challenge>" % (xmpp.SASL, base64.b64encode(middle.encode()).decode()))
        final = base64.b64decode(session.wait().text or "").decode()
        before, proof = final.rsplit(",p=", 1)
        said = dict(p.split("=", 1) for p in before.split(","))
        if said.get("r") != nonce:
            raise Refused("malformed-request")
        salted = hashlib.pbkdf2_hmac(name, self.accounts.get(user, os.urandom(9).hex()).encode(), salt, rounds)
        client, server = mac(name, salted, b"Client Key"), mac(name, salted, b"Server Key")
        text = ("%s,%s,%s" % (bare, middle, before)).encode()
        signature = mac(name, hashlib.new(name, client).digest(), text)
        wanted = bytes(a ^ b for a, b in zip(client, signature))
        last = base64.b64encode(b"v=" + base64.b64encode(mac(name, server, text))).decode()
        return user, user in self.accounts and hmac.compare_digest(wanted, base64.b64decode(proof)), last

    # -- a bound one --
    def _heard(self, session, stanza):
        if xmpp.local(stanza) != "iq" or stanza.get("type") not in ("get", "set"):
            if not (self.on_client and self.on_client(session, stanza)):
                self.inbox.give(stanza)
            return
        if session.jid is None:
            wish = stanza.findtext("{%s}bind/{%s}resource" % (xmpp.BIND, xmpp.BIND))
            if stanza.find("{%s}bind" % xmpp.BIND) is None:
                raise xmpp.Closed
            session.jid = self.bind_as or "%s@%s/%s" % (session.user, self.domain, wish or "made-up")
            with self.lock:
                self.binds.append(session.jid)
                self.sessions.append(session)
            session.answer(stanza, "<bind xmlns='%s'><jid>%s</jid></bind>" % (xmpp.BIND, escape(session.jid)), sender="")
            return
        with self.lock:
            self.asked.append((session, stanza))
        if self.on_client and self.on_client(session, stanza):
            return
        if self.behaviour != "deaf":
            session.answer(stanza, usual_answer(stanza))

    # -- what tests do --
    def wait_asked(self, count=1, seconds=base.WAIT):
        """The first that many questions of bound sessions."""
        base.wait_for(lambda: len(self.asked) >= count, lambda: "%d questions; there are %d" % (count, len(self.asked)), seconds)
        return self.asked[:count]

    def forget(self):
        """Back to a friendly server that has seen nothing; sessions stay."""
        self.doors, self.behaviour, self.bind_as, self.on_client, self.on_stanza = "open", "normal", None, None, None
        with self.lock:
            self.knocks, self.proofs, self.binds, self.asked, self.questions = 0, [], [], [], []
        while not self.inbox.others.empty():
            self.inbox.others.get()


def usual_answer(iq):
    """What a friendly server says: two commands, each of one step; nothing of anything else."""
    if not len(iq):
        return ""
    payload = iq[0]
    if payload.tag == "{%s}query" % xmpp.DISCO_ITEMS and payload.get("node") == COMMANDS:
        return "<query xmlns='%s' node='%s'><item jid=%s node='ping' name='Ping'/><item jid=%s node='uptime' name='Uptime'/></query>" % (
            xmpp.DISCO_ITEMS, COMMANDS, quoteattr(iq.get("to", "")), quoteattr(iq.get("to", "")))
    if payload.tag == "{%s}command" % COMMANDS:
        return "<command xmlns='%s' node=%s sessionid='s%d' status='completed'><note type='info'>done</note></command>" % (
            COMMANDS, quoteattr(payload.get("node", "")), next(xmpp.ids))
    return ""


def knock(port, data=b"", seconds=5):
    """What a c2s port says to a few bytes: for tests that ask whether a server has banned us."""
    with socket.create_connection((base.LOOPBACK, port), seconds) as sock:
        sock.settimeout(seconds)
        sock.sendall(data)
        got, end = b"", time.monotonic() + seconds
        while time.monotonic() < end and b">" not in got[1:]:
            part = sock.recv(4096)
            if not part:
                break
            got += part
        return got
