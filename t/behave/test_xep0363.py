# SPDX-License-Identifier: ISC
"""XEP-0363 1.2.0, point by point: what implementations commonly miss (C.1 to C.12 of the survey), and discovery."""
import os
import re
import signal
import time
import urllib.parse
import xml.etree.ElementTree as ET

import pytest

from harness import base, web, xmpp

HEADERS = {"authorization", "cookie", "expires"}


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def purpose(name, attributes=""):
    return "<%s xmlns='%s' %s/>" % (name, xmpp.PURPOSE, attributes)


def form_value(info, name):
    for field in info.iter("{%s}field" % xmpp.FORM):
        if field.get("var") == name:
            return field.get("type"), field.findtext("{%s}value" % xmpp.FORM)
    return None, None


# ---- C.1 purposes ----

def test_C01_ephemeral_needs_expire_before(house):
    kind, condition, text, _ = xmpp.error_of(house.server.slot_iq("e", 3, inside=purpose("ephemeral")))
    assert (kind, condition) == ("modify", "bad-request") and text


@pytest.mark.parametrize("value", ["yesterday", "", "2026-13-45T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_C01_expire_before_must_be_a_moment_to_come(house, value):
    answer = house.server.slot_iq("e", 3, inside=purpose("ephemeral", "expire-before='%s'" % value))
    assert xmpp.error_of(answer)[1] == "bad-request"


def test_C01_file_is_gone_at_the_very_moment_it_expires(make):
    house = make("upload/expiration/period=P30D")  # no sweep comes to help
    slot = house.slot("e.txt", 3, inside=purpose("ephemeral", "expire-before='%s'" % stamp(3600)))
    assert web.put(slot.put, b"abc").status == 201
    house.offset_clock(3590)
    assert web.get(slot.get).status == 200
    house.offset_clock(3601)
    reply = web.get(slot.get)
    assert reply.status == 410 and b"abc" not in reply.body
    assert web.fetch("HEAD", slot.get).status == 410


def test_C01_two_purposes_are_one_too_many(house):
    answer = house.server.slot_iq("e", 3, inside=purpose("message") + purpose("profile"))
    assert xmpp.error_of(answer)[1] == "bad-request"


def test_C01_no_purpose_is_a_message(make):
    house = make("upload/purposes/message/expiration-time=PT1H", "upload/purposes/permanent/expiration-time=P100D")
    plain, permanent = house.slot("m", 1), house.slot("p", 1, inside=purpose("permanent"))
    for slot in (plain, permanent):
        assert web.put(slot.put, b"x").status == 201
    house.offset_clock(3601)
    assert web.get(plain.get).status == 410
    assert web.get(permanent.get).status == 200


def test_C01_an_inactive_purpose_is_not_announced_and_refused(make):
    house = make("upload/purposes/permanent/active=false")
    info = house.server.iq("upload.localhost", "<query xmlns='%s'/>" % xmpp.DISCO_INFO)
    features = {f.get("var") for f in info.iter("{%s}feature" % xmpp.DISCO_INFO)}
    assert xmpp.PURPOSE + "#permanent" not in features and xmpp.PURPOSE + "#message" in features
    assert house.server.slot_iq("p", 1, inside=purpose("permanent")).get("type") == "error"


def test_C01_purposes_have_sizes_of_their_own(make):
    house = make("upload/purposes/profile/max-file-size=1000")
    assert xmpp.error_of(house.server.slot_iq("p", 1001, inside=purpose("profile")))[1] == "not-acceptable"
    assert house.slot("p", 1001)


# ---- C.2 retry ----

def test_C02_retry_names_the_moment_in_utc(make):
    house = make("upload/limits/burst=1", "upload/limits/rate-period=PT1M")
    house.slot()
    kind, condition, _, error = xmpp.error_of(house.server.slot_iq("b", 1))
    assert (kind, condition) == ("wait", "resource-constraint")
    value = error.find("{%s}retry" % xmpp.UPLOAD).get("stamp")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value)
    assert stamp(-2) <= value[:19] + "Z" <= stamp(62)


def test_C02_quota_without_a_known_moment_promises_none(make):
    house = make("upload/quota/user=1000")
    house.store(b"0" * 900)
    kind, condition, text, error = xmpp.error_of(house.server.slot_iq("b", 900))
    assert (kind, condition) == ("wait", "resource-constraint") and text
    assert error.find("{%s}retry" % xmpp.UPLOAD) is None
    assert house.slot("b", 100)  # what is left


# ---- C.3 headers ----

def test_C03_only_the_three_headers_are_ever_offered(make):
    house = make("upload/logic/slot-token=true")
    slot = house.slot("h.bin", 3)
    assert slot.headers and {n.lower() for n, _ in slot.headers} <= HEADERS
    assert all("\r" not in v and "\n" not in v for _, v in slot.headers)
    assert web.put(slot.put, b"abc").status in (401, 403)
    assert web.put(slot.put, b"abc", fields=[("authorization", slot.headers[0][1])]).status == 201


def test_C03_no_headers_without_the_option(house):
    assert house.slot().headers == []


def test_C03_token_of_one_slot_does_not_open_another(make):
    house = make("upload/logic/slot-token=true")
    one, two = house.slot("1", 3), house.slot("2", 3)
    assert web.put(two.put, b"abc", fields=one.headers).status in (401, 403)


# ---- C.4 length ----

def test_C04_put_without_length_is_411(house):
    slot = house.slot()
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % web.split(slot.put)[2])
        assert conn.reply("PUT").status == 411


def test_C04_chunked_put_is_411(house):
    slot = house.slot()
    reply = web.put(slot.put, b"3\r\nabc\r\n0\r\n\r\n", fields=[("Transfer-Encoding", "chunked")])
    assert reply.status == 411
    assert web.get(slot.get).status == 404


@pytest.mark.parametrize("size", ["0", "-1", "", "abc", "1.5", "99999999999999999999999", "0x10", " 3", "+3"])
def test_C04_size_that_is_none_is_refused_at_slot_time(house, size):
    answer = house.server.slot_iq("z", size)
    assert answer.get("type") == "error"
    assert xmpp.error_of(answer)[1] in ("bad-request", "not-acceptable")
    assert xmpp.error_of(answer)[2]


@pytest.mark.parametrize("payload", [
    "<request xmlns='urn:xmpp:http:upload:0' size='3'/>", "<request xmlns='urn:xmpp:http:upload:0' filename='a'/>",
    "<request xmlns='urn:xmpp:http:upload:0' filename='' size='3'/>",
    "<request xmlns='urn:xmpp:http:upload:0' filename='a' size='3' content-type='no type'/>",
    "<request xmlns='urn:xmpp:http:upload:0' filename='a' size='3' content-type='a/b/c'/>",
])
def test_C04_incomplete_request_is_bad_request(house, payload):
    answer = house.server.iq("upload.localhost", payload)
    kind, condition, text, _ = xmpp.error_of(answer)
    assert (kind, condition) == ("modify", "bad-request") and text


# ---- C.5 types ----

@pytest.mark.parametrize("declared,sent,status", [
    ("text/plain", "text/plain; charset=utf-8", 201), ("text/plain; charset=utf-8", "text/plain", 201),
    ("Image/PNG", "image/png", 201), ("image/png", "IMAGE/PNG", 201), ("image/png", "image/jpeg", 415),
    ("image/png", None, 201), (None, "image/gif", 201), (None, None, 201),
])
def test_C05_types_are_compared_without_case_and_parameters(house, declared, sent, status):
    slot = house.slot("t.bin", 3, declared)
    reply = web.put(slot.put, b"abc", sent)
    assert reply.status == status or (declared and sent is None and reply.status == 415)


# ---- C.6 names ----

@pytest.mark.parametrize("name", ["a b.txt", "ä.txt", "x" * 251 + ".bin", "é" * 125 + ".txt", "a;b,c=d@e!.txt", "%41.txt",
                                  "...hidden", "CON", "a~b'c(d).txt", ".", ".."])
def test_C06_name_and_ending_stay_intact_in_a_correct_url(house, name):
    slot = house.store(b"abc", name)
    for url in (slot.put, slot.get):
        assert re.fullmatch(r"[A-Za-z0-9:/._~!$&'()*+,;=@%-]+", url)
        assert not re.search(r"%(?![0-9A-F]{2})", url)
    if name not in (".", ".."):
        assert urllib.parse.unquote(slot.get.rsplit("/", 1)[1]) == name
    assert web.get(slot.get).body == b"abc"


def test_C06_name_limit_counts_bytes(house):
    assert house.slot("é" * 127, 3)  # 254 bytes
    assert xmpp.error_of(house.server.slot_iq("é" * 128, 3))[1] == "bad-request"


# ---- C.7 validity ----

def test_C07_put_validity_is_about_300_seconds(make):
    house = make()
    early, late = house.slot("1"), house.slot("2")
    house.offset_clock(290)
    assert web.put(early.put, b"abc").status == 201
    house.offset_clock(301)
    assert web.put(late.put, b"abc").status == 410


def test_C07_started_upload_may_finish_after_validity(make):
    house = make("upload/logic/put-validity=PT1M")
    slot = house.slot("late.bin", 10)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n" %
                  web.split(slot.put)[2])
        assert conn.reply("PUT", interim=True).status == 100
        conn.send(b"01234")
        house.offset_clock(120)
        conn.send(b"56789")
        assert conn.reply("PUT").status == 201
    assert web.get(slot.get).body == b"0123456789"


def test_C07_old_put_url_stays_dead_after_the_file_is_purged(make):
    house = make("upload/expiration/expiration-time=PT1H", "upload/expiration/period=PT1S")
    slot = house.store(b"abc")
    house.offset_clock(3700)
    base.wait_for(lambda: house.counter("files_expired") >= 1, "the sweep")
    assert web.put(slot.put, b"xyz").status in (404, 409, 410)
    assert web.get(slot.get).status in (404, 410)


# ---- C.8 201 means ready ----

def test_C08_201_means_served_from_now_on_even_after_a_crash(make):
    house = make()
    stored = []
    for i in range(10):
        body = os.urandom(5000)
        slot = house.slot("c%d.bin" % i, len(body))
        assert web.put(slot.put, body).status == 201
        stored.append((slot.get, body))
    for pid in base.family(house.pid):
        os.kill(pid, signal.SIGKILL)
    house.process.wait()
    house.process = None
    house.start()
    for url, body in stored:
        assert web.get(url).body == body


def test_C08_second_put_is_409(house):
    slot = house.store(b"abc")
    assert web.put(slot.put, b"xyz").status == 409
    assert web.get(slot.get).body == b"abc"


def test_C08_one_put_at_a_time_over_all_workers(house):
    slot = house.slot("race.bin", 6)
    head = "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n" % web.split(slot.put)[2]
    conns = [house.conn() for _ in range(6)]
    for conn in conns:
        conn.send(head)
    firsts = [conn.reply("PUT", interim=True).status for conn in conns]
    assert sorted(firsts) == [100, 409, 409, 409, 409, 409]
    winner = conns[firsts.index(100)]
    winner.send(b"winner")
    assert winner.reply("PUT").status == 201
    assert web.get(slot.get).body == b"winner"
    for conn in conns:
        conn.close()


# ---- C.9 discovery ----

def test_C09_disco_info_says_what_and_how_large(make):
    house = make("upload/logic/max-file-size=12345678")
    info = house.server.iq("upload.localhost", "<query xmlns='%s'/>" % xmpp.DISCO_INFO)
    identities = [(i.get("category"), i.get("type")) for i in info.iter("{%s}identity" % xmpp.DISCO_INFO)]
    assert ("store", "file") in identities
    features = [f.get("var") for f in info.iter("{%s}feature" % xmpp.DISCO_INFO)]
    assert xmpp.UPLOAD in features and xmpp.DISCO_INFO in features and len(features) == len(set(features))
    forms = list(info.iter("{%s}x" % xmpp.FORM))
    assert [f.get("type") for f in forms] == ["result"]
    assert form_value(info, "FORM_TYPE") == ("hidden", xmpp.UPLOAD)
    assert form_value(info, "max-file-size")[1] == "12345678"


def test_C09_the_old_namespace_is_not_served(house):
    info = house.server.iq("upload.localhost", "<query xmlns='%s'/>" % xmpp.DISCO_INFO)
    assert "urn:xmpp:http:upload" not in [f.get("var") for f in info.iter("{%s}feature" % xmpp.DISCO_INFO)]
    answer = house.server.iq("upload.localhost", "<request xmlns='urn:xmpp:http:upload'><filename>a</filename>"
                                                 "<size>3</size></request>")
    assert xmpp.error_of(answer)[1] == "service-unavailable"


def test_C09_unknown_node_is_item_not_found(house):
    answer = house.server.iq("upload.localhost", "<query xmlns='%s' node='nowhere'/>" % xmpp.DISCO_INFO)
    assert xmpp.error_of(answer)[1] == "item-not-found"


@pytest.mark.parametrize("jid", ["upload.localhost", "http.localhost"])
@pytest.mark.parametrize("kind,payload,good", [
    ("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", True),
    ("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", True),
    ("get", "<ping xmlns='urn:xmpp:ping'/>", True),
    ("get", "<query xmlns='jabber:iq:version'/>", True),
    ("get", "<vCard xmlns='vcard-temp'/>", None),
    ("get", "<unheard-of xmlns='urn:example:unheard'/>", False),
    ("set", "<unheard-of xmlns='urn:example:unheard'/>", False),
    ("set", "<ping xmlns='urn:xmpp:ping'/>", None),
])
def test_C22_every_iq_is_answered(house, jid, kind, payload, good):
    house.server.wait_up(jid)
    answer = house.server.iq(jid, payload, kind=kind)
    assert answer.get("from") == jid and answer.get("to") == "alice@localhost/phone"
    if good is not None:
        assert answer.get("type") == ("result" if good else "error")
    if good is False:
        assert xmpp.error_of(answer)[:2] == ("cancel", "service-unavailable")


def test_C22_errors_and_results_are_not_answered(house):
    before = len(house.server.wait_up().raw)
    for kind in ("error", "result"):
        house.server.send("upload.localhost", "<iq type='%s' id='x' from='alice@localhost/p' to='upload.localhost'/>" % kind)
    house.server.iq("upload.localhost", "<ping xmlns='urn:xmpp:ping'/>")
    said = bytes(house.server.wait_up().raw[before:])
    assert b"id='x'" not in said and b'id="x"' not in said


def test_C09_slot_for_foreigners_only_when_allowed(make):
    house = make()
    answer = house.server.slot_iq("f", 3, sender="mallory@elsewhere.example/x")
    assert xmpp.error_of(answer)[:2] == ("cancel", "not-allowed")
    other = make("upload/logic/local-only=false")
    assert other.server.slot("f", 3, sender="mallory@elsewhere.example/x")


# ---- C.10 to C.12 ----

def test_C10_cors_is_usable_by_browsers(house):
    slot = house.store(b"abc")
    for method, url in (("GET", slot.get), ("HEAD", slot.get), ("OPTIONS", slot.get), ("PUT", slot.put), ("GET", house.url("/upload/none"))):
        reply = web.fetch(method, url, [("Origin", "https://chat.example.org")], b"" if method == "PUT" else None)
        assert reply["access-control-allow-origin"] == "*", (method, reply)
        assert reply["access-control-allow-credentials"] is None  # with '*' browsers reject it
    exposed = {n.strip().lower() for n in web.get(slot.get)["access-control-expose-headers"].split(",")}
    assert {"content-disposition", "content-range", "etag"} <= exposed


def test_C11_isolation_headers_on_every_status(house):
    slot = house.store(b"abc")
    etag = web.get(slot.get)["etag"]
    empty = house.slot()
    replies = {
        200: web.get(slot.get), 206: web.get(slot.get, [("Range", "bytes=0-0")]),
        304: web.get(slot.get, [("If-None-Match", etag)]), 404: web.get(empty.get),
        405: web.fetch("DELETE", slot.get), 409: web.put(slot.put, b"abc"), 412: web.get(slot.get, [("If-Match", '"x"')]),
        413: web.put(empty.put, b"abcd"), 416: web.get(slot.get, [("Range", "bytes=9-")]), 411: None,
    }
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: a\r\n\r\n" % web.split(empty.put)[2])
        replies[411] = conn.reply("PUT")
    for status, reply in replies.items():
        assert reply.status == status
        policy = reply["content-security-policy"]
        assert policy and all(w in policy for w in ("default-src 'none'", "frame-ancestors 'none'", "sandbox")), reply
        assert reply["x-content-type-options"] == "nosniff"
        assert reply["set-cookie"] is None


def test_C12_errors_have_a_body_a_human_can_read(house):
    slot, empty = house.store(b"abc"), house.slot()
    for reply in (web.get(empty.get), web.put(slot.put, b"abc"), web.put(empty.put, b"abcd"), web.fetch("DELETE", slot.get),
                  house.request("GET", "/upload/"), house.request("GET", "/upload")):
        assert 400 <= reply.status < 500
        assert reply["content-type"].startswith("text/plain") and b" " in reply.body.strip()
        assert reply["x-request-id"].encode() in reply.body


def test_C12_slot_refusals_have_a_text_for_humans(house):
    for answer in (house.server.slot_iq("a", 0), house.server.slot_iq("a", 10 ** 12), house.server.slot_iq("", 3),
                   house.server.slot_iq("a", 3, sender="x@elsewhere.example/y")):
        assert len(xmpp.error_of(answer)[2]) > 10, ET.tostring(answer)
