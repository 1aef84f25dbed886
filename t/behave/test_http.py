# SPDX-License-Identifier: ISC
"""HTTP/1.1 as the clients of an upload service speak it: connections, methods, bodies, errors (RFC 9110, 9112)."""
import json
import os
import re
import socket

import pytest

from harness import base, web


def test_keep_alive_serves_many_requests_on_one_connection(house):
    slot = house.store(b"abc")
    _, _, target = web.split(slot.get)
    with house.conn() as conn:
        for _ in range(50):
            reply = conn.request("GET", target)
            assert (reply.status, reply.body) == (200, b"abc")
            assert not reply.closes


def test_pipelined_requests_are_answered_in_order(house):
    slots = [house.store(b"body %d" % i, "p%d.txt" % i) for i in range(8)]
    with house.conn() as conn:
        conn.send("".join("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % web.split(s.get)[2] for s in slots))
        assert [conn.reply().body for _ in slots] == [b"body %d" % i for i in range(8)]


def test_pipelined_put_and_get_on_one_connection(house):
    slot = house.slot("pp.bin", 5)
    put, get = web.split(slot.put)[2], web.split(slot.get)[2]
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhelloGET %s HTTP/1.1\r\n"
                  "Host: localhost\r\n\r\n" % (put, get))
        assert conn.reply("PUT").status == 201
        reply = conn.reply()
        assert (reply.status, reply.body) == (200, b"hello")


def test_a_request_may_come_byte_by_byte(house):
    slot = house.store(b"slow")
    text = "GET %s HTTP/1.1\r\nHost: localhost\r\nX-Long: %s\r\n\r\n" % (web.split(slot.get)[2], "y" * 100)
    with house.conn() as conn:
        for byte in text.encode():
            conn.send(bytes([byte]))
        assert conn.reply().body == b"slow"


def test_empty_lines_before_a_request_are_ignored(house):
    slot = house.store(b"abc")
    with house.conn() as conn:
        conn.send("\r\n\r\nGET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % web.split(slot.get)[2])
        assert conn.reply().status == 200


def test_absolute_form_is_understood(house):
    slot = house.store(b"abc")
    assert house.request("GET", slot.get).body == b"abc"


def test_connection_close_is_honoured(house):
    slot = house.store(b"abc")
    with house.conn() as conn:
        reply = conn.request("GET", web.split(slot.get)[2], {"Connection": "close"})
        assert reply.status == 200 and reply.closes
        assert conn.closed()


def test_http_1_0_gets_a_whole_reply_and_a_closed_connection(house):
    slot = house.store(b"abc")
    with house.conn() as conn:
        reply = conn.request("GET", web.split(slot.get)[2], version="HTTP/1.0", host=None)
        assert (reply.status, reply.body) == (200, b"abc")
        assert reply["transfer-encoding"] is None
        assert conn.closed()


def test_http_1_0_never_gets_an_interim_reply(house):
    slot = house.slot("old.bin", 3)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc" %
                  web.split(slot.put)[2])
        assert conn.reply("PUT", interim=True).status == 201


def test_expect_100_continue_comes_when_the_body_is_wanted(house):
    slot = house.slot("e.bin", 4)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n" %
                  web.split(slot.put)[2])
        assert conn.reply("PUT", interim=True).status == 100
        conn.send(b"data")
        assert conn.reply("PUT").status == 201
    assert web.get(slot.get).body == b"data"


def test_expect_100_continue_is_not_given_to_a_refused_upload(house):
    with house.conn() as conn:
        conn.send("PUT /upload/alice%40localhost/00000000-0000-4000-8000-000000000000/a HTTP/1.1\r\n"
                  "Host: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert conn.reply("PUT", interim=True).status == 404


def test_unknown_expectation_is_417(house):
    slot = house.slot("e2.bin", 4)
    reply = web.put(slot.put, b"data", fields=[("Expect", "miracles")])
    assert reply.status == 417


def test_chunked_body_of_a_refused_request_does_not_become_the_next_request(house):
    with house.conn() as conn:
        conn.send("POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1d\r\nGET /smuggled HTTP/1.1\r\nHost: \r\n0\r\n\r\nGET /second HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = conn.reply("POST")
        assert first.status in (404, 405)
        if not first.closes:
            assert conn.reply().status == 404
            assert conn.quiet()  # two requests, two replies
        else:
            assert conn.closed()


def test_unknown_path_is_a_404_that_a_human_can_read(house):
    reply = house.request("GET", "/nowhere")
    assert reply.status == 404
    assert reply["content-type"].startswith("text/plain")
    assert len(reply.body) > 10


def test_browsers_get_their_errors_as_html(house):
    reply = house.request("GET", "/nowhere", {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"})
    assert reply.status == 404 and reply["content-type"].startswith("text/html")
    assert b"<html" in reply.body.lower()


def test_programs_get_their_errors_as_json(house):
    reply = house.request("GET", "/nowhere", {"Accept": "application/json"})
    assert reply.status == 404 and "json" in reply["content-type"]
    assert json.loads(reply.body)["status"] == 404


def test_every_reply_has_an_id_and_the_access_log_knows_it(house):
    ids = {house.request("GET", "/nowhere/%d" % i)["x-request-id"] for i in range(3)}
    assert len(ids) == 3 and None not in ids
    base.wait_for(lambda: all(i in house.access_log() for i in ids), "request ids in the access log")


def test_server_field_has_no_version_and_there_is_a_date(house):
    reply = house.request("GET", "/nowhere")
    assert reply["server"] == "Stoa"
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply["date"])


def test_head_has_the_fields_of_get_and_no_body_even_for_errors(house):
    with house.conn() as conn:
        head = conn.request("HEAD", "/nowhere")
        get = conn.request("GET", "/nowhere")
    assert head.status == get.status == 404
    assert head["content-length"] == get["content-length"] and head["content-type"] == get["content-type"]


def test_options_names_the_methods(house):
    slot = house.store(b"abc")
    reply = house.request("OPTIONS", web.split(slot.get)[2])
    assert reply.status in (200, 204)
    assert {"GET", "HEAD", "PUT", "OPTIONS"} <= set(re.split(r",\s*", reply["allow"] or
                                                              reply["access-control-allow-methods"]))


def test_options_asterisk_is_about_the_server(house):
    assert house.request("OPTIONS", "*").status in (200, 204)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_other_methods_are_405_with_allow(house, method):
    slot = house.store(b"abc")
    reply = house.request(method, web.split(slot.get)[2])
    assert reply.status == 405
    assert "GET" in reply["allow"] and method not in reply["allow"]


def test_unknown_method_is_refused(house):
    assert house.request("BREW", "/nowhere").status in (404, 405, 501)


def test_lower_case_method_is_not_get(house):
    slot = house.store(b"abc")
    assert house.request("get", web.split(slot.get)[2]).status in (400, 405, 501)


@pytest.mark.parametrize("text,status", [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    ("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GARBAGE\r\n\r\n", 400),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 40 + "\r\n\r\n", 400),
])
def test_malformed_heads_are_refused_and_the_connection_closes(house, text, status):
    with house.conn() as conn:
        conn.send(text.encode("latin-1"))
        reply = conn.reply()
        assert reply.status == status
        assert reply.closes
        assert conn.closed()


def test_requests_over_ipv6(make):
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.fail("this machine has no IPv6")
    port = base.free_port()
    house = make("httpServer/connections/%d/addresses=['::1']" % port)
    slot = house.store(b"six")
    with web.Conn(("::1", port)) as conn:
        assert conn.request("GET", web.split(slot.get)[2], host="[::1]:%d" % port).body == b"six"
    base.wait_for(lambda: "::1 " in house.access_log(), "the client's address in the access log")


def test_one_port_may_listen_on_both_families(make):
    port = base.free_port()
    house = make("httpServer/connections/%d/active=true" % port)
    slot = house.store(b"both")
    for address in ("127.0.0.1", "::1"):
        with web.Conn((address, port)) as conn:
            assert conn.request("GET", web.split(slot.get)[2]).body == b"both"


def test_requests_over_a_unix_socket(make):
    where = os.path.join(make.folder("unix"), "http.sock")
    os.chmod(os.path.dirname(where), 0o777)
    house = make("httpServer/connections/local/path=" + where, "httpServer/connections/local/mode=600")
    assert os.stat(where).st_mode & 0o777 == 0o600
    slot = house.store(b"unix")
    with web.Conn(where) as conn:
        assert conn.request("GET", web.split(slot.get)[2]).body == b"unix"
    house.stop()
    assert not os.path.exists(where)


def test_virtual_hosts_limit_a_context(make):
    house = make("upload/httpModule/vhosts=['files.example.org']")
    slot = house.slot("v.txt", 3)
    put, get = web.split(slot.put)[2], web.split(slot.get)[2]
    assert house.request("PUT", put, {"Host": "files.example.org"}, b"abc").status == 201
    assert house.request("GET", get, {"Host": "FILES.example.org:1234"}).body == b"abc"
    assert house.request("GET", get, {"Host": "other.example.org"}).status == 404


def test_context_path_may_be_the_root(make):
    house = make("upload/httpModule/context-path=/",
                 "upload/logic/upload-uri-format={proto}://{serverName}:{port}/{slotId}/{filename}",
                 "upload/logic/download-uri-format={proto}://{serverName}:{port}/{slotId}/{filename}")
    slot = house.store(b"root")
    assert len(web.split(slot.get)[2].split("/")) == 3
    assert web.get(slot.get).body == b"root"


@pytest.mark.parametrize("condition,plain_redirects", [("always", True), ("http", True), ("https", False),
                                                       ("never", False)])
def test_redirect_rules_of_a_connection(make, condition, plain_redirects):
    port = base.free_port()
    house = make("httpServer/connections/%d/redirect-uri=https://{host}:8443" % port,
                 "httpServer/connections/%d/redirect-condition=%s" % (port, condition),
                 "httpServer/connections/%d/addresses=['127.0.0.1']" % port)
    with web.Conn((base.LOOPBACK, port)) as conn:
        reply = conn.request("GET", "/upload/x?y=1", host="files.example.org:%d" % port)
    if plain_redirects:
        assert reply.status in (301, 302, 307, 308)
        assert reply["location"] == "https://files.example.org:8443/upload/x?y=1"
    else:
        assert reply.status == 404
    assert house.process.poll() is None


def test_half_closed_client_still_gets_its_reply(house):
    slot = house.store(b"abc")
    with house.conn() as conn:
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % web.split(slot.get)[2])
        conn.sock.shutdown(socket.SHUT_WR)
        assert conn.reply().body == b"abc"


def test_a_large_early_reply_reaches_a_client_that_is_still_sending(house):
    """Lingering close: a client that sends on after the refusal must not lose it to a reset."""
    slot = house.slot("big.bin", 100)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n" % web.split(slot.put)[2])
        try:
            for _ in range(20):
                conn.send(b"x" * 65536)
        except OSError:
            pass
        assert conn.reply("PUT").status == 413
