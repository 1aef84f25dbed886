# SPDX-License-Identifier: ISC
"""slots.py - slot cycles: 16 users, each asks for a slot by XMPP, PUTs 10 KB, GETs it back, and again.

One thread, raw sockets and hardly any parsing, so that the driver costs less than what it drives; it costs both
sides the same."""
import asyncio
import os
import re
import time
from urllib.parse import unquote, urlsplit

from harness import xmpp

SIZE = 10 * 1024
PUT = re.compile(rb"<put[^>]*?\burl=['\"]([^'\"]+)['\"]")
GET = re.compile(rb"<get[^>]*?\burl=['\"]([^'\"]+)['\"]")
HEADER = re.compile(rb"<header[^>]*?\bname=['\"]([^'\"]+)['\"][^>]*>([^<]*)</header>")
END = re.compile(rb"</iq>|<iq [^>]*/>")


class Broken(Exception):
    """A cycle did not go as it should."""


async def head_of(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return status, int(length.group(1)) if length else 0, b"connection: close" in head.lower()


class Web:
    """One keep-alive connection, opened again when the server closed it."""

    def __init__(self):
        self.writer = None

    async def request(self, text, netloc):
        if self.writer is None:
            host, port = netloc.split(":")
            self.reader, self.writer = await asyncio.open_connection(host, int(port))
        self.writer.write(text)
        status, length, closes = await head_of(self.reader)
        body = await self.reader.readexactly(length)
        if closes:
            self.writer.close()
            self.writer = None
        return status, body


async def user(stream, service, body, until, cycles):
    """stream: a bound xmpp.Stream, taken over here."""
    stream.sock.setblocking(True)
    reader, writer = await asyncio.open_connection(sock=stream.sock)
    web, number = Web(), 0
    while time.monotonic() < until:
        number += 1
        writer.write(b"<iq type='get' id='c%d' to='%s'>%s</iq>" % (
            number, service.encode(), xmpp.request_xml("photo.jpg", SIZE, "image/jpeg").encode()))
        answer = b""
        while not END.search(answer):
            piece = await reader.read(65536)
            if not piece:
                raise Broken("the XMPP server closed a stream")
            answer += piece
        put, get = PUT.search(answer), GET.search(answer)
        if not put or not get:
            raise Broken("no slot: %r" % answer[:400])
        put, get = (urlsplit(m.group(1).decode().replace("&amp;", "&")) for m in (put, get))
        extra = b"".join(b"%s: %s\r\n" % pair for pair in HEADER.findall(answer))
        target = put.path + ("?" + put.query if put.query else "")
        status, _ = await web.request(
            b"PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n%s\r\n%s" % (
                target.encode(), put.netloc.encode(), SIZE, extra, body), put.netloc)
        if status not in (200, 201):
            raise Broken("PUT %s: %d" % (unquote(put.path), status))
        status, got = await web.request(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (
            get.path.encode(), get.netloc.encode()), get.netloc)
        if status != 200 or got != body:
            raise Broken("GET %s: %d" % (unquote(get.path), status))
        cycles.append(time.monotonic())
    writer.write(b"</stream:stream>")
    writer.close()
    if web.writer:
        web.writer.close()


def run(server, users, service, seconds):
    """Cycles per second."""
    streams = [xmpp.client(server, name, "bench%s" % os.urandom(3).hex()) for name in users]
    body, cycles = os.urandom(SIZE), []

    async def all_of_them():
        until = time.monotonic() + seconds
        await asyncio.gather(*(user(s, service, body, until, cycles) for s in streams))

    begin = time.monotonic()
    asyncio.run(all_of_them())
    return len(cycles) / (time.monotonic() - begin)
