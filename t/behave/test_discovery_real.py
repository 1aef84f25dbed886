# SPDX-License-Identifier: ISC
"""Discovery with a real name server: the guide's example (1.2.3) as a zone of knot, and what zones do to clients."""
import json
import urllib.parse

import pytest

from harness.knot import Knot

SURE_IM = """
_xmpp-client._tcp SRV 5 0 5222 tigase.me.
_xmppconnect TXT "_xmpp-client-xbosh=http://blue.sure.im:5280/bosh"
_xmppconnect TXT "_xmpp-client-xbosh=http://green.sure.im:5280/bosh"
_xmppconnect TXT "_xmpp-client-xbosh=http://orange.sure.im:5280/bosh"
_xmppconnect TXT "_xmpp-client-websocket=ws://blue.sure.im:5290/"
_xmppconnect TXT "_xmpp-client-websocket=ws://green.sure.im:5290/"
_xmppconnect TXT "_xmpp-client-websocket=ws://orange.sure.im:5290/"
"""
TIGASE_ME = """
@ A 198.100.157.101
@ A 198.100.157.103
@ A 198.100.153.203
"""
EXAMPLE = """
@ A 192.0.2.80
alias CNAME real
real A 192.0.2.1
real AAAA 2001:db8::1
_xmpp-client._tcp.cname SRV 5 0 5222 alias.example.test.
_xmpp-client._tcp.deep CNAME _xmpp-client._tcp.cname
_xmpp-client._tcp.none SRV 0 0 0 .
none A 192.0.2.7
nosrv A 192.0.2.9
nosrv AAAA 2001:db8::9
loop CNAME loop2
loop2 CNAME loop
_xmpp-client._tcp.circle SRV 5 0 5222 loop.example.test.
_xmpps-client._tcp.tls SRV 5 0 5223 real.example.test.
_xmpp-client._tcp.tls SRV 10 0 5222 real.example.test.
"""


@pytest.fixture(scope="module")
def knot():
    from conftest import folder
    out = Knot(folder("knot"), {"sure.im": SURE_IM, "tigase.me": TIGASE_ME, "example.test": EXAMPLE}).start()
    yield out
    out.stop()


@pytest.fixture
def ask(make, knot):
    house = make(server=False, workers=1, more="http {\n    'dns-webservice' () {\n        servers = [ '%s' ]\n"
                 "        domains = [ %s ]\n    }\n}\n" % (knot.where, ", ".join("'%s'" % d for d in (
                     ["sure.im"] + [n + ".example.test" for n in (
                         "cname", "deep", "none", "nosrv", "circle", "tls", "nowhere")]))))

    def call(domain, status=200, **more):
        reply = house.request("GET", "/dns-webservice/?" + urllib.parse.urlencode(dict(domain=domain, **more)))
        assert reply.status == status, reply
        return reply
    return call


def test_the_guides_example_version_2(ask):
    got = json.loads(ask("sure.im", version=2).body)
    assert list(got) == ["domain", "c2s", "bosh", "websocket"] and got["domain"] == "sure.im"
    server, = got["c2s"]
    assert list(server) == ["host", "ip", "port", "priority"]
    assert server["host"] == "tigase.me" and server["port"] == 5222 and server["priority"] == 5
    assert sorted(server["ip"]) == ["198.100.153.203", "198.100.157.101", "198.100.157.103"]
    assert sorted(e["url"] for e in got["bosh"]) == ["http://%s.sure.im:5280/bosh" % c for c in ("blue", "green", "orange")]
    assert sorted(e["url"] for e in got["websocket"]) == ["ws://%s.sure.im:5290/" % c for c in ("blue", "green", "orange")]


def test_the_guides_example_version_1(ask):
    got = json.loads(ask("sure.im", version=1).body)
    assert list(got) == ["domain", "entries"]
    assert {e["ip"] for e in got["entries"]} == {"198.100.153.203", "198.100.157.101", "198.100.157.103"}
    assert all(e["port"] == 5280 and e["resultHost"] == "tigase.me" for e in got["entries"])


@pytest.mark.parametrize("version", [1, 2])
def test_the_guides_example_with_a_callback(ask, version):
    plain = json.loads(ask("sure.im", version=version).body)
    reply = ask("sure.im", version=version, callback="discovered")
    assert reply["content-type"].startswith("application/javascript")
    assert reply.body.startswith(b"/**/discovered({") and reply.body.endswith(b"})")
    got = json.loads(reply.body[len(b"/**/discovered("):-1])
    assert got["domain"] == plain["domain"] and list(got) == list(plain)


@pytest.mark.parametrize("domain", ["cname.example.test", "deep.example.test"])
def test_aliases_are_followed(ask, domain):
    server, = json.loads(ask(domain, version=2).body)["c2s"]
    assert server["port"] == 5222 and sorted(server["ip"]) == ["192.0.2.1", "2001:db8::1"]


def test_a_dot_as_target_means_that_there_is_no_server(ask):
    assert json.loads(ask("none.example.test", version=2).body)["c2s"] == []


def test_without_srv_the_domain_itself_is_the_server(ask):
    server, = json.loads(ask("nosrv.example.test", version=2).body)["c2s"]
    assert server["host"] == "nosrv.example.test" and server["port"] == 5222
    assert sorted(server["ip"]) == ["192.0.2.9", "2001:db8::9"]


def test_aliases_in_a_circle_end(ask):
    got = json.loads(ask("circle.example.test", version=2).body)
    assert [address for server in got["c2s"] for address in server.get("ip", [])] == []


def test_a_name_that_does_not_exist_is_said_to_have_no_server(ask):
    reply = ask("nowhere.example.test", status=404, version=2)
    assert b"DNS knows no XMPP server of that domain" in reply.body
