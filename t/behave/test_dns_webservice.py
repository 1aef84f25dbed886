# SPDX-License-Identifier: ISC
"""dns-webservice: where the server of a domain is, asked over HTTP (the guide's 1.2.3; C.13 to C.16, R20)."""
import json
import re
import struct
import urllib.parse

import pytest

from harness import base, web
from harness.dns import DnsServer

DOMAIN = "example.org"


@pytest.fixture
def names():
    out = DnsServer()
    yield out
    out.close()


def fill(names, domain=DOMAIN):
    """The example of the guide, as a zone."""
    names.add("_xmpp-client._tcp." + domain, "SRV", 5, 0, 5222, "xmpp." + domain)
    for address in ("198.51.100.101", "198.51.100.103"):
        names.add("xmpp." + domain, "A", address)
    names.add("xmpp." + domain, "AAAA", "2001:db8::1")
    names.add("_xmppconnect." + domain, "TXT", "_xmpp-client-xbosh=http://blue.%s:5280/bosh" % domain)
    names.add("_xmppconnect." + domain, "TXT", "_xmpp-client-xbosh=https://green.%s/bosh" % domain)
    names.add("_xmppconnect." + domain, "TXT", "_xmpp-client-websocket=wss://blue.%s:5290/" % domain)
    return names


@pytest.fixture
def serve(make, names):
    def start(*lines, workers=1, **more):
        text = "http {\n    'dns-webservice' () {\n        servers = [ '%s' ]\n%s    }\n}\n" % (
            names.where, "".join("        %s\n" % line for line in lines))
        return make(server=False, more=text, workers=workers, **more)
    return start


def target(domain=DOMAIN, below="/", **more):
    values = dict(more) if domain is None else dict(domain=domain, **more)
    return "/dns-webservice%s?%s" % (below, urllib.parse.urlencode(values))


def ask(house, domain=DOMAIN, method="GET", fields=(), below="/", **more):
    return house.request(method, target(domain, below, **more), fields)


def test_version_2_is_json_with_the_keys_of_the_guide(serve, names):
    fill(names)
    reply = ask(serve(), version=2)
    assert reply.status == 200 and reply["content-type"] == "application/json"
    assert reply["access-control-allow-origin"] == "*" and reply["x-content-type-options"] == "nosniff"
    got = json.loads(reply.body)
    assert list(got) == ["domain", "c2s", "bosh", "websocket"]
    assert got["domain"] == DOMAIN
    assert [list(e.items()) for e in got["c2s"]] == [[
        ("host", "xmpp.example.org"), ("ip", ["198.51.100.101", "198.51.100.103", "2001:db8::1"]),
        ("port", 5222), ("priority", 5)]]
    assert sorted(e["url"] for e in got["bosh"]) == ["http://blue.example.org:5280/bosh",
                                                     "https://green.example.org/bosh"]
    assert got["websocket"] == [{"url": "wss://blue.example.org:5290/"}]


def test_version_1_is_what_is_given_when_none_is_asked_for(serve, names):
    fill(names)
    house = serve()
    wanted = [{"port": 5280, "ip": ip, "resultHost": "xmpp.example.org"}
              for ip in ("198.51.100.101", "198.51.100.103", "2001:db8::1")]
    for version in ({}, {"version": 1}, {"version": 0}, {"version": -3}):
        got = json.loads(ask(house, **version).body)
        assert list(got) == ["domain", "entries"]
        assert got["entries"] == wanted
        assert list(got["entries"][0]) == ["port", "ip", "resultHost"]


def test_reference_format_is_the_text_of_the_reference(serve, names):
    names.add("_xmpp-client._tcp.example.org", "SRV", 5, 0, 5222, "x.example.org")
    names.add("x.example.org", "A", "192.0.2.1").add("x.example.org", "AAAA", "2001:db8::1")
    names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-xbosh=https://example.org/bosh")
    house = serve("reference-format = true")
    reply = ask(house)
    assert reply["content-type"] == "application/json;charset=UTF-8"
    assert reply.body.decode() == (
        "{ domain: 'example.org', entries: [{port:5280, ip:'192.0.2.1', resultHost: 'x.example.org'},"
        "{port:5280, ip:'2001:db8::1', resultHost: 'x.example.org'}]}")
    assert ask(house, version=2).body.decode() == (
        "{ domain: 'example.org', c2s: [{host: 'x.example.org',ip: ['192.0.2.1','2001:db8::1'],port: 5222,"
        "priority: 5}], bosh: [{url:'https://example.org/bosh'}], websocket: []}")


def test_R20_callback_wraps_it_and_is_checked(serve, names):
    fill(names)
    house = serve()
    reply = ask(house, callback="my.$call_1")
    assert reply.status == 200 and reply["content-type"].startswith("application/javascript")
    assert reply.body.startswith(b"/**/my.$call_1({") and reply.body.endswith(b"})")
    json.loads(reply.body[len(b"/**/my.$call_1("):-1])
    for bad in ("", "1f", ".f", "f(", "alert(1)//", "f\n", "a" * 65, "f;g", "f<script>", "f\u2028", "f%00"):
        assert ask(house, callback=bad).status == 400, bad
    assert ask(house, callback="a" * 64).status == 200


def test_R20_a_text_record_cannot_break_out_of_the_answer(serve, names):
    fill(names)
    names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-xbosh=https://x/'\"</script><script>alert(1)//&")
    names.add("_xmppconnect.example.org", "TXT", b"_xmpp-client-xbosh=https://x/\xff\xfe")
    names.add("_xmppconnect.example.org", "TXT", b"_xmpp-client-xbosh=https://x/\r\nSet-Cookie: a=b")
    names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-xbosh=javascript:alert(1)")
    names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-xbosh=https://x/\u2028")
    reply = ask(serve(), version=2)
    got = {e["url"] for e in json.loads(reply.body)["bosh"]}
    assert "https://x/'\"</script><script>alert(1)//&" in got
    assert not any(u.startswith(("javascript", "https://x/\r")) for u in got) and len(got) == 4
    assert b"<" not in reply.body and b"'" not in reply.body and "\u2028".encode() not in reply.body
    assert reply["set-cookie"] is None


def test_post_and_head_are_as_get(serve, names):
    fill(names)
    house = serve()
    got = json.loads(ask(house, version=2).body)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    with house.conn() as conn:
        reply = conn.request("POST", "/dns-webservice/", form, b"domain=example.org&version=2")
    assert json.loads(reply.body) == got
    with house.conn() as conn:
        assert conn.request("POST", "/dns-webservice/", [("Content-Type", "application/json")], b"{}").status == 415
    head = ask(house, method="HEAD", version=2)
    assert head.status == 200 and int(head["content-length"]) > 0 and not head.body
    options = ask(house, method="OPTIONS")
    assert options.status == 204 and "GET" in options["access-control-allow-methods"]
    assert ask(house, method="PUT").status == 405


@pytest.mark.parametrize("domain", [
    "", ".", "a..b", "-", "x" * 64 + ".org", ".".join(["abcdefghi"] * 30), "192.0.2.1", "2001:db8::1",
    "[2001:db8::1]", "ex ample.org", "example.org\r\nX: y", "exa\0mple.org", "a@b.org/c", "x" * 10240, "'.org",
    "<script>.org", "example.org:5222", "%ff%fe.org", "256.256", "_xmpp;.org"])
def test_what_is_no_domain_is_400(serve, names, domain):
    assert ask(serve("burst = 0"), domain).status == 400
    assert names.asked == []


def test_missing_and_undecodable_parameters_are_400(serve):
    house = serve()
    assert house.request("GET", "/dns-webservice/").status == 400
    assert house.request("GET", "/dns-webservice/?domain=%zz").status == 400
    assert house.request("GET", "/dns-webservice/?domain=%ff").status == 400
    for version in ("3", "99999999999999999999", "two", "", "1.5"):
        assert ask(house, version=version).status == 400, version


@pytest.mark.parametrize("domain", ["localhost", "server", "10.in-addr.arpa", "printer.local", "wiki.internal",
                                    "nas.lan", "abcdefgh.onion", "EXAMPLE.ARPA."])
def test_private_names_are_not_a_strangers_business(serve, names, domain):
    assert ask(serve(), domain).status == 403
    assert names.asked == []


def test_only_listed_domains_may_be_asked_for(serve, names):
    fill(names)
    fill(names, "chat.lan")
    house = serve("domains = [ 'Example.org', 'chat.lan', 'b\u00fccher.example' ]")
    assert ask(house).status == 200
    assert ask(house, "chat.lan").status == 200
    assert ask(house, "example.com").status == 403
    assert ask(house, "xn--bcher-kva.example").status == 404


def test_international_names_are_asked_for_in_ascii(serve, names):
    fill(names, "xn--bcher-kva.example")
    reply = ask(serve(), "B\u00dcCHER.example", version=2)
    assert reply.status == 200
    assert json.loads(reply.body)["domain"] == "b\u00fccher.example"
    assert names.count("_xmpp-client._tcp.xn--bcher-kva.example", "SRV") == 1


def test_services_come_by_priority_and_direct_tls_last_and_marked(serve, names):
    for priority, host in ((20, "c"), (0, "a"), (10, "b")):
        names.add("_xmpp-client._tcp.example.org", "SRV", priority, 1, 5222, host + ".example.org")
        names.add(host + ".example.org", "A", "192.0.2.1")
    names.add("_xmpps-client._tcp.example.org", "SRV", 1, 1, 443, "a.example.org")
    got = json.loads(ask(serve(), version=2).body)["c2s"]
    assert [e["host"][0] for e in got] == ["a", "b", "c", "a"]
    assert "priority" not in got[0] and "url" not in got[0]
    assert got[3] == {"host": "a.example.org", "ip": ["192.0.2.1"], "port": 443,
                      "url": "xmpps://a.example.org:443", "priority": 1}
    assert names.count("a.example.org", "A") == 1


def test_aliases_are_followed_and_do_not_loop(serve, names):
    names.add("_xmpp-client._tcp.example.org", "SRV", 1, 1, 5222, "alias.example.org")
    names.add("_xmpp-client._tcp.example.org", "SRV", 2, 1, 5222, "loop.example.org")
    names.add("alias.example.org", "CNAME", "real.example.net").add("real.example.net", "A", "192.0.2.9")
    names.add("loop.example.org", "CNAME", "pool.example.org").add("pool.example.org", "CNAME", "loop.example.org")
    got = json.loads(ask(serve(), version=2).body)["c2s"]
    assert [(e["host"], e["ip"]) for e in got] == [("alias.example.org", ["192.0.2.9"])]


def test_dot_target_means_no_such_service(serve, names):
    names.add("_xmpp-client._tcp.example.org", "SRV", 0, 0, 0, ".")
    names.add("example.org", "A", "192.0.2.1")
    reply = ask(serve(), version=2)
    assert reply.status == 200 and json.loads(reply.body)["c2s"] == []


def test_no_srv_record_means_the_domain_itself(serve, names):
    names.add("example.org", "A", "192.0.2.1")
    got = json.loads(ask(serve(), version=2).body)
    assert got["c2s"] == [{"host": "example.org", "ip": ["192.0.2.1"], "port": 5222}]


def test_urls_of_the_hosts_count_where_the_domain_has_none(serve, names):
    names.add("_xmpp-client._tcp.example.org", "SRV", 1, 1, 5222, "x.example.org").add("x.example.org", "A", "192.0.2.1")
    names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-websocket=wss://example.org/ws")
    names.add("_xmppconnect.x.example.org", "TXT", "_xmpp-client-xbosh=https://x.example.org/bosh")
    names.add("_xmppconnect.x.example.org", "TXT", "_xmpp-client-websocket=wss://x.example.org/ws")
    got = json.loads(ask(serve(), version=2).body)
    assert got["bosh"] == [{"url": "https://x.example.org/bosh"}]
    assert got["websocket"] == [{"url": "wss://example.org/ws"}]


def test_unknown_domain_is_404_and_remembered(serve, names):
    house = serve()
    assert ask(house).status == 404
    asked = len(names.asked)
    assert asked > 0
    fill(names)
    assert ask(house).status == 404 and len(names.asked) == asked


def test_answers_are_remembered_as_long_as_the_least_ttl(serve, names):
    fill(names)
    names.add("xmpp.example.org", "A", "198.51.100.104", ttl=42)
    house = serve()
    first = ask(house, version=2)
    age = int(re.fullmatch(r"public, max-age=(\d+)", first["cache-control"]).group(1))
    assert age <= 42
    asked = len(names.asked)
    assert ask(house, version=2).body == first.body and len(names.asked) == asked
    assert ask(house, version=2, fields=[("If-None-Match", first["etag"])]).status == 304


def test_time_of_records_is_capped_and_short_ones_are_asked_again(serve, names):
    fill(names)
    for key, rows in names.records.items():
        names.records[key] = [(0, data) for _, data in rows]
    house = serve()
    assert ask(house).status == 200
    asked = len(names.asked)
    base.wait_for(lambda: ask(house).status == 200 and len(names.asked) > asked, "a new search")


def test_memory_is_bounded_by_the_cache_size(serve, names):
    house = serve("cache-size = 2", "burst = 0")
    for name in ("a", "b", "c", "a"):
        fill(names, name + ".example")
        assert ask(house, name + ".example").status == 200
    assert names.count("_xmpp-client._tcp.a.example") == 2
    assert ask(house, "c.example").status == 200 and names.count("_xmpp-client._tcp.c.example") == 1


def test_those_who_ask_at_once_wait_for_one_search(serve, names):
    fill(names)
    house = serve("timeout = PT60S")
    names.gate.clear()
    conns = [house.conn() for _ in range(20)]
    for conn in conns:
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target(version=2))
    base.wait_for(lambda: names.asked, "a question")
    assert house.request("GET", "/dns-webservice/").status == 400  # the loop goes on meanwhile
    names.gate.set()
    for conn in conns:
        assert conn.reply().status == 200
        conn.close()
    assert names.count("_xmpp-client._tcp.example.org", "SRV") == 1


def test_client_that_goes_away_cancels_cleanly(serve, names):
    fill(names)
    house = serve("timeout = PT60S")
    names.gate.clear()
    for _ in range(5):
        conn = house.conn()
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target(version=2))
        base.wait_for(lambda: names.asked, "a question")
        conn.close()
    base.wait_for(lambda: sum(p["connections"] for p in house.status()["processes"]) == 0, "nobody is connected")
    names.gate.set()
    assert ask(house, version=2).status == 200


def test_silent_name_server_is_504(serve, names):
    fill(names)
    names.silent = lambda name, kind: True
    house = serve("timeout = PT1S")
    reply = ask(house)
    assert reply.status == 504 and reply["access-control-allow-origin"] == "*"
    names.silent = lambda name, kind: False
    base.wait_for(lambda: ask(house).status == 200, "recovery: silence is not remembered for long")


def test_no_name_server_at_all_is_502(serve, names):
    names.close()
    assert ask(serve()).status == 502


def test_what_was_found_counts_when_the_rest_is_silent(serve, names):
    fill(names)
    names.silent = lambda name, kind: kind == "AAAA"
    got = json.loads(ask(serve("timeout = PT1S"), version=2).body)
    assert got["c2s"][0]["ip"] == ["198.51.100.101", "198.51.100.103"]


@pytest.mark.parametrize("code", [2, 5])
def test_name_server_that_fails_or_refuses_is_502(serve, names, code):
    names.rcode = lambda name, kind: code
    assert ask(serve()).status == 502


@pytest.mark.parametrize("mangle", [
    lambda reply: reply[:len(reply) // 2],
    lambda reply: reply[:6] + b"\xff\xff" + reply[8:],
    lambda reply: reply[:-2] + struct.pack("!H", 0xc000 | len(reply) - 2),
    lambda reply: reply[:-1],
], ids=["half", "counts", "self-pointer", "short"])
def test_name_server_that_talks_nonsense_is_502(serve, names, mangle):
    for kind in ("_xmpp-client._tcp.", "_xmpps-client._tcp.", ""):
        names.add(kind + DOMAIN, "SRV" if kind else "A", *((1, 1, 5222, "x.example.org") if kind else ("192.0.2.1",)))
    names.mangle = mangle
    house = serve()
    assert ask(house).status == 502
    assert house.request("GET", "/dns-webservice/").status == 400


def test_reply_to_another_question_is_not_believed(serve, names):
    fill(names)
    names.mangle = lambda reply: struct.pack("!H", struct.unpack("!H", reply[:2])[0] ^ 1) + reply[2:]
    assert ask(serve("timeout = PT1S")).status == 504


def test_long_replies_come_by_tcp(serve, names):
    fill(names)
    names.truncate = True
    assert ask(serve()).status == 200
    assert names.over_tcp > 0


def test_a_domain_with_too_much_is_cut_to_what_is_bounded(serve, names):
    for i in range(60):
        names.add("_xmpp-client._tcp.example.org", "SRV", i, 1, 5222, "h%d.example.org" % i)
        for k in range(40):
            names.add("h%d.example.org" % i, "A", "192.0.2.%d" % k)
        names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-xbosh=https://example.org/%d" % i)
    got = json.loads(ask(serve(), version=2).body)
    assert len(got["c2s"]) == 10 and all(len(e["ip"]) <= 16 for e in got["c2s"]) and len(got["bosh"]) <= 16
    assert len(names.asked) < 60


def test_questions_of_one_address_are_limited_and_remembered_ones_are_free(serve, names):
    fill(names)
    house = serve("burst = 3", "rate-period = PT1H")
    assert ask(house).status == 200
    assert [ask(house, "n%d.example" % i).status for i in range(3)] == [404, 404, 429]
    reply = ask(house, "n9.example")
    assert reply.status == 429 and int(reply["retry-after"]) > 0
    assert ask(house).status == 200


def test_searches_under_way_are_limited(serve, names):
    fill(names)
    house = serve("max-lookups = 1", "timeout = PT60S")
    names.gate.clear()
    with house.conn() as conn:
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target())
        base.wait_for(lambda: names.asked, "a question")
        reply = ask(house, "other.example")
        assert reply.status == 503 and reply["retry-after"]
        names.gate.set()
        assert conn.reply().status == 200


def test_host_meta_of_the_domain_in_both_forms(serve, names):
    fill(names)
    house = serve()
    reply = ask(house, below="/.well-known/host-meta")
    assert reply.status == 200 and reply["content-type"] == "application/xrd+xml"
    assert reply["access-control-allow-origin"] == "*"
    assert b'href="https://green.example.org/bosh"' in reply.body and b"http://blue" not in reply.body
    reply = ask(house, below="/.well-known/host-meta.json", callback="f")
    assert reply.body.startswith(b"/**/f(")
    assert sorted(e["href"] for e in json.loads(reply.body[6:-1])["links"]) == [
        "https://green.example.org/bosh", "wss://blue.example.org:5290/"]
    assert house.request("GET", "/dns-webservice/.well-known/host-meta", host="example.org:80").status == 200
    assert ask(house, "nothing.example", below="/.well-known/host-meta").status == 404


def test_C13_host_meta_announces_plain_addresses_only_when_told_to(serve, names):
    names.add("example.org", "A", "192.0.2.1")
    names.add("_xmppconnect.example.org", "TXT", "_xmpp-client-xbosh=http://example.org/bosh")
    assert ask(serve(), below="/.well-known/host-meta").status == 404
    assert ask(serve("allow-plain = true"), below="/.well-known/host-meta").status == 200


def test_reload_ends_a_search_cleanly_or_lets_it_finish(serve, names):
    fill(names)
    house = serve("timeout = PT60S")
    names.gate.clear()
    with house.conn() as conn:
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target(version=2))
        base.wait_for(lambda: names.asked, "a question")
        old = house.pids("worker")
        house.ctl("reload")
        base.wait_for(lambda: [p for p in house.pids("worker") if p not in old], "new workers")
        names.gate.set()
        assert conn.reply().status == 200
    base.wait_for(lambda: not set(old) & set(house.pids("worker")), "the old ones to leave")
    assert ask(house).status == 200


def test_off_unless_written_down(make):
    assert web.fetch("GET", make(server=False).url("/dns-webservice/?domain=example.org")).status == 404
