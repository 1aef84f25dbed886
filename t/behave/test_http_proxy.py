# SPDX-License-Identifier: ISC
"""Behind a reverse proxy: whose word counts for the client's address (R2), PROXY protocol, forwarded scheme."""
import ipaddress
import struct

import pytest

from harness import base, web

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source, port=1234, command=1):
    address = ipaddress.ip_address(source)
    family = 0x11 if address.version == 4 else 0x21
    body = address.packed + (b"\x7f\0\0\1" if address.version == 4 else b"\0" * 15 + b"\1") + struct.pack(">HH", port, 80)
    if command == 0:
        family, body = 0, b""
    return V2 + bytes([0x20 | command, family]) + struct.pack(">H", len(body)) + body


def logged_address(house, mark):
    """The address with which the access log remembers the request for /mark."""
    line = base.wait_for(lambda: [x for x in house.access_log().splitlines() if mark in x], "access line of " + mark)
    return line[0].split(" ")[0]


@pytest.fixture(scope="module")
def trusting(certificates):
    import conftest
    maker = conftest.Maker(certificates)
    port = base.free_port()
    house = maker("httpServer/trusted-proxies=['127.0.0.0/8', '10.0.0.0/8', '2001:db8::/32']",
                  "httpServer/connections/%d/proxy-protocol=true" % port,
                  "httpServer/connections/%d/addresses=['127.0.0.1']" % port)
    house.proxy_port = port
    yield house
    maker.end()


@pytest.mark.parametrize("number,fields,client", [
    (1, [("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
    (2, [("X-Forwarded-For", "6.6.6.6, 192.0.2.2, 10.0.0.1")], "192.0.2.2"),
    (3, [("X-Forwarded-For", "192.0.2.3"), ("X-Forwarded-For", "10.0.0.9")], "192.0.2.3"),
    (4, [("Forwarded", 'for=192.0.2.4;proto=https, for="10.0.0.7:4711"')], "192.0.2.4"),
    (5, [("Forwarded", 'for="[2001:db9::5]:99"')], "2001:db9::5"),
    (6, [("Forwarded", "for=192.0.2.6"), ("X-Forwarded-For", "6.6.6.6")], "192.0.2.6"),
    (7, [("X-Forwarded-For", "not an address")], "127.0.0.1"),
    (8, [("Forwarded", "for=unknown")], "127.0.0.1"),
    (9, [("Forwarded", 'for="192.0.2.9')], "127.0.0.1"),
])
def test_R2_forwarded_address_counts_from_trusted_proxies(trusting, number, fields, client):
    trusting.request("GET", "/forwarded-%d-" % number, fields)
    assert logged_address(trusting, "/forwarded-%d-" % number) == client


@pytest.mark.parametrize("field", ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"])
def test_R2_forwarded_address_of_strangers_is_ignored(house, field):
    name, value = field.split(": ")
    mark = "/stranger-" + name.lower()
    house.request("GET", mark, {name: value})
    assert logged_address(house, mark) == "127.0.0.1"


@pytest.mark.parametrize("name,header,client", [
    ("v1-4", b"PROXY TCP4 192.0.2.11 127.0.0.1 4711 80\r\n", "192.0.2.11"),
    ("v1-6", b"PROXY TCP6 2001:db9::1 ::1 4711 80\r\n", "2001:db9::1"),
    ("v1-unknown", b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    ("v2-4", v2("192.0.2.12"), "192.0.2.12"),
    ("v2-6", v2("2001:db9::2"), "2001:db9::2"),
    ("v2-local", v2("192.0.2.13", command=0), "127.0.0.1"),
])
def test_proxy_protocol_names_the_client(trusting, name, header, client):
    with web.Conn((base.LOOPBACK, trusting.proxy_port), before=header) as conn:
        assert conn.request("GET", "/proxy-" + name + "-").status == 404
    assert logged_address(trusting, "/proxy-" + name + "-") == client


@pytest.mark.parametrize("header", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PROXY TCP4 a b c d\r\n",
                                    b"PROXY " + b"x" * 200, V2 + b"\x11\x11\0\x0c" + b"\0" * 12])
def test_proxy_listener_refuses_what_is_no_proxy_header(trusting, header):
    with web.Conn((base.LOOPBACK, trusting.proxy_port)) as conn:
        conn.send(header)
        assert not conn.rest().startswith(b"HTTP/1.1 2")


def test_proxy_header_may_come_in_pieces(trusting):
    with web.Conn((base.LOOPBACK, trusting.proxy_port)) as conn:
        for byte in b"PROXY TCP4 192.0.2.14 127.0.0.1 4711 80\r\nGET /pieces- HTTP/1.1\r\nHost: a\r\n\r\n":
            conn.send(bytes([byte]))
        assert conn.reply().status == 404
    assert logged_address(trusting, "/pieces-") == "192.0.2.14"


def test_proxy_header_from_an_untrusted_network_is_refused(make):
    port = base.free_port()
    make("httpServer/connections/%d/proxy-protocol=true" % port,
         "httpServer/connections/%d/addresses=['127.0.0.1']" % port, "httpServer/trusted-proxies=['10.0.0.0/8']")
    with web.Conn((base.LOOPBACK, port), before=b"PROXY TCP4 192.0.2.1 127.0.0.1 1 80\r\n") as conn:
        try:
            conn.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        except OSError:
            pass
        assert conn.rest() == b""


def test_proxy_header_on_a_plain_listener_is_a_malformed_request(house):
    with house.conn() as conn:
        conn.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert conn.reply().status == 400
        assert conn.closed()


def test_proxy_protocol_comes_before_tls(make):
    port = base.free_port()
    house = make("httpServer/connections/%d/proxy-protocol=true" % port,
                 "httpServer/connections/%d/socket=ssl" % port,
                 "httpServer/connections/%d/addresses=['127.0.0.1']" % port,
                 "httpServer/trusted-proxies=['127.0.0.1']")
    with web.Conn((base.LOOPBACK, port), tls=house.tls(), before=v2("192.0.2.15")) as conn:
        assert conn.request("GET", "/tls-proxy-").status == 404
    assert logged_address(house, "/tls-proxy-") == "192.0.2.15"


def test_redirects_believe_the_scheme_of_a_trusted_proxy(make):
    house = make("httpServer/trusted-proxies=['127.0.0.1']", start=False)
    house.sets += ["httpServer/connections/%d/redirect-uri=https://{host}" % house.http,
                   "httpServer/connections/%d/redirect-condition=http" % house.http]
    house.start()
    assert house.request("GET", "/x").status in (301, 302, 307, 308)
    assert house.request("GET", "/x", {"X-Forwarded-Proto": "https"}).status == 404
    assert house.request("GET", "/x", {"Forwarded": "for=192.0.2.1;proto=https"}).status == 404
