# SPDX-License-Identifier: ISC
"""bare.py - the same without a front: IQs over a raw component stream, and logins by SASL; what cannot be saved."""
import base64
import hashlib
import hmac
import os
import re
import ssl
import statistics
import time

from harness import xmpp

PING = "<iq type='get' id='%d' from='%s/b' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>"
ANSWER = re.compile(rb"<iq\b[^>]*?\bid=['\"](\d+)['\"][^>]*?(?:/>|>.*?</iq>)", re.S)


def pings(server, jid, at_once, seconds):
    """(answers per second, median milliseconds) with so many IQs under way at any time."""
    stream = xmpp.component(server, jid)
    sock, number, began, spent = stream.sock, 0, {}, []
    sock.settimeout(30)

    def more(count):
        nonlocal number
        text = ""
        for _ in range(count):
            number += 1
            text += PING % (number, jid, server.domain)
            began[b"%d" % number] = time.perf_counter()
        sock.sendall(text.encode())

    start = time.perf_counter()
    more(at_once)
    buffer = b""
    while time.perf_counter() - start < seconds:
        buffer += sock.recv(262144)
        now, last, count = time.perf_counter(), 0, 0
        for match in ANSWER.finditer(buffer):
            spent.append(now - began.pop(match.group(1)))
            last, count = match.end(), count + 1
        buffer = buffer[last:]
        if count:
            more(count)
    whole = time.perf_counter() - start
    stream.close()
    return len(spent) / whole, statistics.median(spent) * 1e3


def _mac(key, text):
    return hmac.new(key, text, "sha1").digest()


def login(server, user, password, context):
    """Seconds from connect to bound, by STARTTLS and SCRAM-SHA-1 as Stoa does it."""
    begin = time.perf_counter()
    stream = xmpp.Stream(server.c2s)
    stream.open(server.domain)
    stream.next()
    stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    stream.next()
    stream.sock = context.wrap_socket(stream.sock, server_hostname=server.domain)
    stream.open(server.domain)
    stream.next()
    nonce = base64.b64encode(os.urandom(18)).decode()
    bare = "n=%s,r=%s" % (user, nonce)
    stream.send("<auth xmlns='%s' mechanism='SCRAM-SHA-1'>%s</auth>" % (
        xmpp.SASL, base64.b64encode(b"n,," + bare.encode()).decode()))
    challenge = base64.b64decode(stream.next().text).decode()
    said = dict(p.split("=", 1) for p in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha1", password.encode(), base64.b64decode(said["s"]), int(said["i"]))
    key, last = _mac(salted, b"Client Key"), "c=biws,r=" + said["r"]
    signature = _mac(hashlib.sha1(key).digest(), ("%s,%s,%s" % (bare, challenge, last)).encode())
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    stream.send("<response xmlns='%s'>%s</response>" % (xmpp.SASL, base64.b64encode(("%s,p=%s" % (last, proof)).encode()).decode()))
    answer = stream.next()
    if xmpp.local(answer) != "success":
        raise xmpp.Closed("login of %s refused" % user)
    stream.open(server.domain)
    stream.next()
    stream.iq("set", None, "<bind xmlns='%s'/>" % xmpp.BIND)
    spent = time.perf_counter() - begin
    stream.close()
    return spent


def trusting(server):
    return ssl.create_default_context(cafile=server.ca)
