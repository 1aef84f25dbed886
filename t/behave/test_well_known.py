# SPDX-License-Identifier: ISC
"""well-known: host-meta for web clients (XEP-0156, XEP-0487; C.13 to C.16)."""
import json
import xml.etree.ElementTree as ET

import pytest

from harness import base
from harness.dns import DnsServer

XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"
REL = "urn:xmpp:alt-connections:"
PIN = "4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="
LINKS = "websocket = [ 'wss://{domain}:5443/ws' ]\nbosh = [ 'https://{domain}:5443/bosh' ]\n"


@pytest.fixture
def names():
    out = DnsServer()
    yield out
    out.close()


@pytest.fixture
def serve(make):
    def start(text="", names=None, **more):
        text = "http {\n    'well-known' {\n%s%s\n    }\n}\n" % (
            "servers = [ '%s' ]\n" % names.where if names else "", text)
        return make("xmpp/domains=['localhost','example.org','b\u00fccher.example']", server=False, more=text, workers=1,
                    **more)
    return start


def ask(house, document="host-meta", host="example.org", method="GET", fields=(), query=""):
    return house.request(method, "/.well-known/" + document + query, fields, host=host)


def xrd_links(reply):
    assert reply.status == 200 and reply["content-type"] == "application/xrd+xml", reply
    root = ET.fromstring(reply.body)
    assert root.tag == XRD + "XRD"
    return [(e.get("rel"), e.get("href")) for e in root.findall(XRD + "Link")]


def json_of(reply):
    assert reply.status == 200 and reply["content-type"] == "application/json", reply
    return json.loads(reply.body)


def test_C13_both_documents_say_the_same(serve):
    house = serve(LINKS)
    wanted = [(REL + "websocket", "wss://example.org:5443/ws"), (REL + "xbosh", "https://example.org:5443/bosh")]
    assert xrd_links(ask(house)) == wanted
    got = json_of(ask(house, "host-meta.json"))
    assert got == {"links": [{"rel": r, "href": h} for r, h in wanted]}


def test_C14_type_methods_and_cache_are_those_of_a_document_for_all_sites(serve):
    house = serve(LINKS + "max-age = PT10M\n")
    for document in ("host-meta", "host-meta.json"):
        reply = ask(house, document)
        assert reply["access-control-allow-origin"] == "*" and reply["cache-control"] == "public, max-age=600"
        assert reply["x-content-type-options"] == "nosniff"
        again = ask(house, document, fields=[("If-None-Match", reply["etag"])])
        assert again.status == 304 and not again.body and again["access-control-allow-origin"] == "*"
        head = ask(house, document, method="HEAD")
        assert head.status == 200 and int(head["content-length"]) == len(reply.body) and head["etag"] == reply["etag"]
        options = ask(house, document, method="OPTIONS")
        assert options.status == 204 and options["access-control-allow-origin"] == "*"
        assert "GET" in options["access-control-allow-methods"]
        assert ask(house, document, method="PUT").status == 405
        assert ask(house, document, method="POST").body == reply.body


def test_C15_the_domain_is_the_host_of_the_request_and_nothing_else(serve):
    house = serve(LINKS)
    assert xrd_links(ask(house, host="EXAMPLE.org.:8080"))[0][1] == "wss://example.org:5443/ws"
    reply = ask(house, host="localhost", fields=[("domain", "example.org")])
    assert xrd_links(reply)[0][1] == "wss://localhost:5443/ws"
    assert xrd_links(ask(house, host="xn--bcher-kva.example"))[0][1] == "wss://xn--bcher-kva.example:5443/ws"
    for other in ("evil.example", "chat.example.org", "127.0.0.1", "org"):
        reply = ask(house, host=other)
        assert reply.status == 404 and other.encode() not in reply.body.split(b"\n")[0]
        assert reply["access-control-allow-origin"] == "*"


def test_nothing_configured_is_404_and_other_paths_are(serve):
    house = serve()
    assert ask(house).status == 404
    assert ask(house, "acme-challenge/x").status == 404
    assert ask(house, "host-meta/x").status == 404


def test_C15_callback_wraps_json_and_is_checked(serve):
    house = serve(LINKS)
    reply = ask(house, "host-meta.json", query="?callback=a.b")
    assert reply["content-type"].startswith("application/javascript")
    assert reply.body.startswith(b"/**/a.b({") and reply.body.endswith(b"})")
    for bad in ("", "1", "a-b", "alert(1)", "a%0d%0a", "a%3Cb", "%zz", "a" * 65):
        assert ask(house, "host-meta.json", query="?callback=" + bad).status == 400, bad
    assert ask(house, query="?callback=alert(1)").body.startswith(b"<?xml")


def test_a_domain_of_its_own_has_its_own_links_escaped(serve):
    house = serve(LINKS + """domains {
        'example.org' { websocket = [ 'wss://chat.example.org/ws?a=1&b=%27' ] }
        'other.example' { bosh = [ 'https://other.example/b' ] }
    }""")
    assert xrd_links(ask(house)) == [(REL + "websocket", "wss://chat.example.org/ws?a=1&b=%27"),
                                     (REL + "xbosh", "https://example.org:5443/bosh")]
    assert b"&amp;" in ask(house).body
    assert xrd_links(ask(house, host="other.example")) == [
        (REL + "websocket", "wss://other.example:5443/ws"), (REL + "xbosh", "https://other.example/b")]


HOST_META_2 = """domains {
    'example.org' {
        websocket = [ 'wss://ws.example.org/ws' ]
        ttl = PT50M
        public-key-pins = [ '%s' ]
        direct { kind = tls; port = 5223; priority = 5; weight = 7; ips = [ '192.0.2.1', '2001:db8::1' ]; sni = 'xmpp.example.org'; ech = 'eG1wcC1jbGllbnQ=' }
    }
}
""".replace(";", "\n") % PIN


def test_C16_host_meta_2_has_what_is_mandatory(serve, names):
    names.add("ws.example.org", "A", "192.0.2.7", ttl=90)
    house = serve(HOST_META_2, names)
    reply = ask(house, "host-meta.json")
    got = json_of(reply)
    assert got["xmpp"] == {"ttl": 3000, "public-key-pins-sha-256": [PIN]}
    assert got["links"] == [
        {"rel": REL + "websocket", "href": "wss://ws.example.org/ws", "ips": ["192.0.2.7"], "priority": 10, "weight": 0,
         "sni": "ws.example.org"},
        {"rel": REL + "tls", "port": 5223, "ips": ["192.0.2.1", "2001:db8::1"], "priority": 5, "weight": 7,
         "sni": "xmpp.example.org", "ech": "eG1wcC1jbGllbnQ="}]
    assert reply["cache-control"] == "public, max-age=3000"
    assert xrd_links(ask(house)) == [(REL + "websocket", "wss://ws.example.org/ws")]
    asked = len(names.asked)
    assert ask(house, "host-meta.json").body == reply.body and len(names.asked) == asked


def test_C16_host_meta_2_says_nothing_rather_than_half(serve, names):
    got = json_of(ask(serve(HOST_META_2, names), "host-meta.json"))
    assert got == {"links": [{"rel": REL + "websocket", "href": "wss://ws.example.org/ws"}]}


def test_C16_host_meta_2_does_not_wait_for_silent_name_servers_for_long(serve, names):
    names.silent = lambda name, kind: True
    reply = ask(serve(HOST_META_2 + "timeout = PT1S", names), "host-meta.json")
    assert "xmpp" not in json_of(reply)
    assert int(reply["cache-control"].split("=")[1]) <= 5


def test_discovery_takes_links_of_txt_records_when_told_to(serve, names):
    names.add("example.org", "A", "192.0.2.1")
    for url in ("xbosh=https://web.example.org/bosh", "websocket=ws://web.example.org/plain",
                "websocket=wss://web.example.org/ws", "websocket=wss://\"><x/>"):
        names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-" + url)
    house = serve("discover = true", names)
    links = xrd_links(ask(house))
    assert links == [(REL + "websocket", "wss://web.example.org/ws"), (REL + "xbosh", "https://web.example.org/bosh")]
    assert [(e["rel"], e["href"]) for e in json_of(ask(house, "host-meta.json"))["links"]] == links
    assert ask(house, host="evil.example").status == 404
    assert {n.split(".", 1)[-1] if n.startswith("_") else n for n, _ in names.asked} <= {
        "example.org", "_tcp.example.org"}


def test_discovery_says_why_it_has_nothing(serve, names):
    house = serve("discover = true\ntimeout = PT1S\n", names)
    assert ask(house).status == 404
    names.rcode = lambda name, kind: 2
    assert ask(house, host="localhost").status == 502
    names.rcode = lambda name, kind: None
    names.silent = lambda name, kind: True
    assert ask(house, host="xn--bcher-kva.example").status == 504


def test_client_that_goes_away_while_dns_is_asked(serve, names):
    names.gate.clear()
    house = serve(HOST_META_2 + "timeout = PT60S", names)
    with house.conn() as conn:
        conn.send("GET /.well-known/host-meta.json HTTP/1.1\r\nHost: example.org\r\n\r\n")
        base.wait_for(lambda: names.asked, "a question")
    base.wait_for(lambda: sum(p["connections"] for p in house.status()["processes"]) == 0, "nobody is connected")
    names.gate.set()
    assert ask(house, "host-meta.json").status == 200


@pytest.mark.parametrize("text, complaint", [
    ("websocket = [ 'ws://{domain}/ws' ]", "wss://"),
    ("bosh = [ 'wss://{domain}/ws' ]", "https://"),
    ("bosh = [ 'https:///bosh' ]", "https://"),
    ("domains { 'exa mple' { } }", "a domain"),
    ("domains { 'a.example' { public-key-pins = [ 'abc' ] } }", "SHA-256"),
    ("domains { 'a.example' {\nx { kind = tls } } }", "needs a port"),
    ("domains { 'a.example' {\nx { kind = xbosh } } }", "needs a href"),
    ("domains { 'a.example' {\nx {\nips = [ '300.1.1.1' ]\nhref = 'wss://a/' } } }", "an address"),
    ("servers = [ 'ns.example.org' ]", "name servers"),
])
def test_what_cannot_be_announced_is_refused_at_the_start(serve, text, complaint):
    house = serve(text, start=False)
    house.start(wait=False)
    base.wait_for(lambda: house.process.poll() is not None, "stoad to refuse")
    assert house.process.returncode != 0 and complaint in house.said()


def test_C13_plain_addresses_are_announced_only_when_told_to(serve):
    house = serve("websocket = [ 'ws://{domain}/ws' ]\nallow-plain = true\n")
    assert xrd_links(ask(house)) == [(REL + "websocket", "ws://example.org/ws")]


def test_a_reload_brings_new_links(serve):
    house = serve(LINKS)
    assert ask(house).status == 200
    text = open(house.config).read().replace("/ws'", "/new'")
    with open(house.config, "w") as file:
        file.write(text)
    house.ctl("reload")
    base.wait_for(lambda: xrd_links(ask(house))[0][1] == "wss://example.org:5443/new", "the new links")
