# SPDX-License-Identifier: ISC
"""The reply side of downloads: ranges and conditional requests (RFC 9110 13 and 14) as tables."""
import email.utils
import re

import pytest

from harness import web

BODY = bytes(range(256)) * 4  # 1024 bytes
SIZE = len(BODY)


@pytest.fixture(scope="module")
def file(shared):
    slot = shared.store(BODY, "range.bin", "application/x-test")
    reply = web.get(slot.get)
    slot.etag, slot.modified, slot.house = reply["etag"], reply["last-modified"], shared
    return slot


def later(stamp, seconds):
    moment = email.utils.parsedate_to_datetime(stamp).timestamp() + seconds
    return email.utils.formatdate(moment, usegmt=True)


SINGLE = [
    ("bytes=0-0", 0, 0), ("bytes=0-99", 0, 99), ("bytes=100-", 100, SIZE - 1), ("bytes=-1", SIZE - 1, SIZE - 1),
    ("bytes=-100", SIZE - 100, SIZE - 1), ("bytes=0-", 0, SIZE - 1), ("bytes=1000-99999", 1000, SIZE - 1),
    ("bytes=-99999", 0, SIZE - 1), ("bytes=1023-1023", 1023, 1023), ("BYTES=5-6", 5, 6), ("bytes= 5-6", 5, 6),
]


@pytest.mark.parametrize("spec,first,last", SINGLE, ids=[s[0] for s in SINGLE])
def test_single_range_is_206(file, spec, first, last):
    reply = web.get(file.get, {"Range": spec}.items())
    assert reply.status == 206
    assert reply["content-range"] == "bytes %d-%d/%d" % (first, last, SIZE)
    assert reply.body == BODY[first:last + 1]
    assert reply["content-type"] == "application/x-test"
    assert reply["etag"] == file.etag


@pytest.mark.parametrize("spec", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_range_outside_is_416_with_the_size(file, spec):
    reply = web.get(file.get, {"Range": spec}.items())
    assert reply.status == 416
    assert reply["content-range"] == "bytes */%d" % SIZE
    assert reply["content-security-policy"]


@pytest.mark.parametrize("spec", ["bytes=5-4", "bytes=a-b", "bytes=", "bytes=-", "lines=0-5", "bytes=0-1-2", "bytes",
                                  "bytes=99999999999999999999999-", "bytes=1-2;3-4"])
def test_range_that_makes_no_sense_is_ignored_or_refused(file, spec):
    reply = web.get(file.get, {"Range": spec}.items())
    assert reply.status in (200, 416)
    if reply.status == 200:
        assert reply.body == BODY


def parts(reply):
    boundary = re.fullmatch(r'multipart/byteranges; ?boundary="?([^"]+)"?', reply["content-type"]).group(1)
    pieces = reply.body.split(b"--" + boundary.encode())
    assert pieces[-1].strip() == b"--"
    out = []
    for piece in pieces[1:-1]:
        head, _, body = piece[2:].partition(b"\r\n\r\n")
        where = re.search(rb"content-range: bytes (\d+)-(\d+)/(\d+)", head, re.I)
        assert int(where.group(3)) == SIZE
        assert re.search(rb"content-type: application/x-test", head, re.I)
        out.append((int(where.group(1)), int(where.group(2)), body[:-2]))
    return out


@pytest.mark.parametrize("spec,wanted", [
    ("bytes=0-9,100-109", [(0, 9), (100, 109)]),
    ("bytes=0-9, -10", [(0, 9), (SIZE - 10, SIZE - 1)]),
    ("bytes=500-509,0-9,700-", [(500, 509), (0, 9), (700, SIZE - 1)]),
    ("bytes=0-9,5000-6000,20-29", [(0, 9), (20, 29)]),
])
def test_several_ranges_are_multipart(file, spec, wanted):
    reply = web.get(file.get, {"Range": spec}.items())
    assert reply.status == 206
    got = parts(reply)
    assert sorted((a, b) for a, b, _ in got) == sorted(wanted)
    assert all(body == BODY[a:b + 1] for a, b, body in got)
    assert reply["content-range"] is None


@pytest.mark.parametrize("spec", ["bytes=" + ",".join("0-1023" for _ in range(200)),
                                  "bytes=" + ",".join("%d-%d" % (i, i) for i in range(0, 1000, 2)),
                                  "bytes=0-,0-,0-,0-,0-,0-,0-,0-"])
def test_greedy_sets_of_ranges_never_send_more_than_the_file(file, spec):
    reply = web.get(file.get, {"Range": spec}.items())
    assert reply.status in (200, 206, 416)
    assert len(reply.body) <= SIZE + 16 * 300


def test_overlapping_ranges_are_right_whatever_the_form(file):
    reply = web.get(file.get, {"Range": "bytes=0-99,50-149"}.items())
    if reply.status == 206 and reply["content-range"]:
        assert (reply["content-range"], reply.body) == ("bytes 0-149/%d" % SIZE, BODY[:150])
    elif reply.status == 206:
        assert all(body == BODY[a:b + 1] for a, b, body in parts(reply))
    else:
        assert reply.body == BODY


CONDITIONS = [
    # field, value, status
    ("If-None-Match", "{etag}", 304), ("If-None-Match", "*", 304), ("If-None-Match", '"other"', 200),
    ("If-None-Match", '"a", {etag}', 304), ("If-None-Match", "W/{etag}", 304), ("If-None-Match", "{bare}", 200),
    ("If-Match", "{etag}", 200), ("If-Match", "*", 200), ("If-Match", '"other"', 412), ("If-Match", "W/{etag}", 412),
    ("If-Match", '"a",{etag}', 200),
    ("If-Modified-Since", "{modified}", 304), ("If-Modified-Since", "{earlier}", 200),
    ("If-Modified-Since", "{later}", 304), ("If-Modified-Since", "nonsense", 200),
    ("If-Unmodified-Since", "{modified}", 200), ("If-Unmodified-Since", "{earlier}", 412),
    ("If-Unmodified-Since", "{later}", 200), ("If-Unmodified-Since", "nonsense", 200),
]


@pytest.mark.parametrize("field,value,status", CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditional_request(file, method, field, value, status):
    value = value.format(etag=file.etag, bare=file.etag.strip('"'), modified=file.modified,
                         earlier=later(file.modified, -3600), later=later(file.modified, 30))
    reply = web.fetch(method, file.get, {field: value}.items())
    assert reply.status == status
    if status == 304:
        assert reply["etag"] == file.etag and not reply.body
        assert reply["content-security-policy"] and reply["access-control-allow-origin"] == "*"
        assert reply["cache-control"]


def test_precedence_of_conditions(file):
    """RFC 9110 13.2.2: If-Match before If-None-Match; a tag before a date."""
    def ask(**fields):
        return web.get(file.get, [(k.replace("_", "-"), v) for k, v in fields.items()]).status
    early = later(file.modified, -3600)
    assert ask(If_Match='"other"', If_None_Match=file.etag) == 412
    assert ask(If_Match=file.etag, If_Unmodified_Since=early) == 200
    assert ask(If_None_Match='"other"', If_Modified_Since=file.modified) == 200
    assert ask(If_None_Match=file.etag, If_Modified_Since=early) == 304
    assert ask(If_Match=file.etag, If_None_Match=file.etag) == 304


@pytest.mark.parametrize("value,status", [("{etag}", 206), ('"other"', 200), ("W/{etag}", 200), ("{modified}", 206),
                                          ("{earlier}", 200), ("{later}", 200)])
def test_if_range(file, value, status):
    value = value.format(etag=file.etag, modified=file.modified, earlier=later(file.modified, -3600),
                         later=later(file.modified, 30))
    if value == file.modified:
        status = (200, 206)  # a date is strong only when it is clearly older than the moment of asking
    reply = web.get(file.get, {"Range": "bytes=0-9", "If-Range": value}.items())
    assert reply.status in (status if isinstance(status, tuple) else (status,))
    assert reply.body == (BODY[:10] if reply.status == 206 else BODY)


def test_conditions_come_before_ranges(file):
    assert web.get(file.get, {"Range": "bytes=0-9", "If-None-Match": file.etag}.items()).status == 304
    assert web.get(file.get, {"Range": "bytes=0-9", "If-Match": '"x"'}.items()).status == 412


def test_range_counts_for_get_only(file):
    reply = web.fetch("HEAD", file.get, {"Range": "bytes=0-9"}.items())
    assert reply.status in (200, 206)
    if reply.status == 200:
        assert reply["content-length"] == str(SIZE)


def test_accept_ranges_is_announced(file):
    assert web.get(file.get)["accept-ranges"] == "bytes"


def test_ranges_over_tls(file):
    house = file.house
    with web.Conn((house.where[0], house.https), house.tls()) as conn:
        reply = conn.request("GET", web.split(file.get)[2], {"Range": "bytes=100-199"})
        assert (reply.status, reply.body) == (206, BODY[100:200])
        reply = conn.request("GET", web.split(file.get)[2], {"Range": "bytes=0-9,100-109"})
        assert [b for _, _, b in parts(reply)] == [BODY[0:10], BODY[100:110]]


def test_ranges_of_a_large_file_are_exact(shared):
    import os
    body = os.urandom(3_000_000)
    slot = shared.store(body, "large.bin")
    for first, last in ((0, 2_999_999), (65_535, 65_536), (1_048_575, 2_097_153), (2_999_999, 2_999_999)):
        reply = web.get(slot.get, {"Range": "bytes=%d-%d" % (first, last)}.items())
        assert reply.status == 206 and reply.body == body[first:last + 1]
