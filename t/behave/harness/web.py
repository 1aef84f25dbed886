# SPDX-License-Identifier: ISC
"""web.py - HTTP at socket level: what is sent is what the test says, what comes back is seen byte by byte."""
import socket
import ssl
import time
import urllib.parse

from . import base


class Closed(Exception):
    """The server closed the connection before the reply was whole; .got holds what had come."""

    def __init__(self, got=b""):
        super().__init__("closed after %r" % bytes(got[:200]))
        self.got = bytes(got)


class Reply:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, self.reason = (lines[0].split(" ", 2) + [""])[:3]
        self.status, self.fields, self.body, self.head = int(status), [], b"", head
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields.append((name.strip().lower(), value.strip()))

    def all(self, name):
        return [v for n, v in self.fields if n == name.lower()]

    def __getitem__(self, name):
        """The field's value, None when absent; a field sent twice is never right here."""
        values = self.all(name)
        assert len(values) < 2, "%s sent %d times" % (name, len(values))
        return values[0] if values else None

    def __repr__(self):
        return "<%s %s %r %r>" % (self.status, self.reason, self.fields, self.body[:200])

    @property
    def closes(self):
        return (self["connection"] or "").lower() == "close"


def context(ca, **settings):
    ctx = ssl.create_default_context(cafile=ca)
    for name, value in settings.items():
        setattr(ctx, name, value)
    return ctx


class Conn:
    """One connection. where: (host, port) or the path of a unix socket. source: the address to come from."""

    def __init__(self, where, tls=None, server_name="localhost", seconds=base.WAIT, session=None, before=b"", source=None):
        if isinstance(where, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(seconds)
            self.sock.connect(where)
        else:
            self.sock = socket.create_connection(where, seconds, (source, 0) if source else None)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.where, self.seconds, self.buffer = where, seconds, bytearray()
        if before:
            self.sock.sendall(before)  # a PROXY header
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name, session=session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, (bytes, bytearray)) else data.encode())

    def _read(self):
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def _line(self, end):
        while end not in self.buffer:
            self._read()
        at = self.buffer.index(end)
        out = bytes(self.buffer[:at])
        del self.buffer[:at + len(end)]
        return out

    def take(self, size):
        while len(self.buffer) < size:
            self._read()
        out = bytes(self.buffer[:size])
        del self.buffer[:size]
        return out

    def head(self):
        """The next reply's head alone."""
        return Reply(self._line(b"\r\n\r\n"))

    def reply(self, method="GET", interim=False):
        """The next reply, whole. 1xx replies are skipped unless wanted."""
        reply = self.head()
        if 100 <= reply.status < 200:
            return reply if interim else self.reply(method)
        if method == "HEAD" or reply.status in (204, 304):
            return reply
        if (reply["transfer-encoding"] or "").lower() == "chunked":
            while True:
                size = int(self._line(b"\r\n").split(b";")[0], 16)
                if not size:
                    while self._line(b"\r\n"):
                        pass
                    return reply
                reply.body += self.take(size)
                self.take(2)
        elif reply["content-length"] is not None:
            reply.body = self.take(int(reply["content-length"]))
        else:
            reply.body = self.rest()
        return reply

    def rest(self):
        """All that comes until the server closes."""
        try:
            while True:
                self._read()
        except Closed:
            out = bytes(self.buffer)
            self.buffer.clear()
            return out

    def closed(self, seconds=base.WAIT):
        """Whether the server closes now, sending nothing more."""
        self.sock.settimeout(seconds)
        try:
            self._read()
        except Closed:
            return not self.buffer
        except (socket.timeout, TimeoutError):
            return False
        finally:
            self.sock.settimeout(self.seconds)
        return False

    def quiet(self, seconds=0.3):
        """Whether nothing comes for a moment, and the connection stays open."""
        self.sock.settimeout(seconds)
        try:
            self._read()
        except Closed:
            return False
        except (socket.timeout, TimeoutError):
            return True
        finally:
            self.sock.settimeout(self.seconds)
        return False

    def request(self, method, target, fields=(), body=None, host="localhost", version="HTTP/1.1"):
        """Sends one request and reads its reply. Content-Length is added for a body unless given."""
        fields = list(fields.items()) if isinstance(fields, dict) else list(fields)
        names = {n.lower() for n, _ in fields}
        if host is not None and "host" not in names:
            fields.insert(0, ("Host", host))
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            fields.append(("Content-Length", str(len(body))))
        head = "%s %s %s\r\n%s\r\n" % (method, target, version, "".join("%s: %s\r\n" % f for f in fields))
        self.send(head.encode("latin-1"))
        if body:
            try:
                self.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # an early reply may cut the body short; it is read below
        return self.reply(method)


def split(url):
    """(host, port, target) of a URL."""
    parts = urllib.parse.urlsplit(url)
    target = parts.path + ("?" + parts.query if parts.query else "")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), target


def fetch(method, url, fields=(), body=None, tls=None, where=None):
    """One request on a connection of its own, by URL; where: connect there instead."""
    host, port, target = split(url)
    secure = url.startswith("https:")
    if secure and tls is None:
        raise base.Failed("an https URL needs a TLS context")
    with Conn(where or (host, port), tls if secure else None, host) as conn:
        return conn.request(method, target, fields, body, host="%s:%d" % (host, port))


def put(url, body, kind=None, fields=(), **more):
    fields = list(fields) + ([("Content-Type", kind)] if kind else [])
    return fetch("PUT", url, fields, body, **more)


def get(url, fields=(), **more):
    return fetch("GET", url, fields, **more)


def retry_until(seconds, attempt):
    """Calls attempt() until it neither raises OSError nor Closed."""
    end = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except (OSError, Closed):
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
