# SPDX-License-Identifier: ISC
"""HTTP/2 over TLS as real clients speak it: curl for what a request looks like, h2load for many at once."""
import os
import re
import ssl
import subprocess

import pytest

from harness import base, stoa, web

BIG = 10 * 1024 * 1024


class Answer:
    def __init__(self, said, body):
        heads = said.replace("\r\n", "\n").strip().split("\n\n")
        lines = heads[-1].split("\n")
        self.interim = [int(head.split(" ")[1]) for head in heads[:-1]]
        self.version, self.status = lines[0].split(" ")[0], int(lines[0].split(" ")[1])
        self.fields = dict((n.strip().lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:]))
        self.body = body


def curl(house, path, *options, version="--http2", stdin=subprocess.DEVNULL):
    out, head = os.path.join(house.folder, "curl.body"), os.path.join(house.folder, "curl.head")
    for name in (out, head):
        if os.path.exists(name):
            os.unlink(name)
    done = subprocess.run(["curl", "-q", "-s", "-S", version, "--cacert", house.ca, "-o", out, "-D", head, "--noproxy", "*",
                           "--resolve", "localhost:%d:127.0.0.1" % house.https, *options,
                           "https://localhost:%d%s" % (house.https, path)],
                          stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    body = b""
    if os.path.exists(out):
        with open(out, "rb") as file:
            body = file.read()
    return Answer(base.read(head), body)


def file_of(house, size):
    path = os.path.join(house.folder, "up-%d" % size)
    with open(path, "wb") as file:
        file.write(os.urandom(size))
    with open(path, "rb") as file:
        return path, file.read()


def path_of(url):
    return web.split(url)[2]


@pytest.fixture(scope="module")
def stored(shared):
    """A file of 10 MiB that came by HTTP/2: its slot and its bytes."""
    path, body = file_of(shared, BIG)
    slot = shared.slot("big.bin", BIG)
    done = curl(shared, path_of(slot.put), "-T", path)
    assert (done.version, done.status) == ("HTTP/2", 201)
    return slot, body


def test_A1_http2_upload_and_download(house, stored):
    slot, body = stored
    done = curl(house, path_of(slot.get))
    assert (done.version, done.status) == ("HTTP/2", 200)
    assert done.body == body
    assert done.fields["content-length"] == str(BIG)
    assert "connection" not in done.fields and "transfer-encoding" not in done.fields


def test_A1_http2_what_came_by_one_version_is_served_by_the_other(house, stored):
    slot, body = stored
    with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
        reply = conn.request("GET", path_of(slot.get))
        assert (reply.version, reply.status, reply.body) == ("HTTP/1.1", 200, body)
    done = curl(house, path_of(slot.get), version="--http1.1")
    assert (done.version, done.body) == ("HTTP/1.1", body)


def test_A1_http2_ranges_and_conditions(house, stored):
    slot, body = stored
    done = curl(house, path_of(slot.get), "-r", "1000000-1999999")
    assert (done.status, done.body) == (206, body[1000000:2000000])
    assert done.fields["content-range"] == "bytes 1000000-1999999/%d" % BIG
    done = curl(house, path_of(slot.get), "-r", "0-9,5000000-5000009")
    assert done.status == 206 and body[5000000:5000010] in done.body
    assert curl(house, path_of(slot.get), "-r", "%d-" % BIG).status == 416
    tag = done.fields["etag"]
    done = curl(house, path_of(slot.get), "-H", "If-None-Match: " + tag)
    assert (done.status, done.body) == (304, b"")


def test_A1_http2_head(house, stored):
    slot, _ = stored
    done = curl(house, path_of(slot.get), "-I")
    assert (done.version, done.status) == ("HTTP/2", 200)
    assert done.fields["content-length"] == str(BIG)


def test_A1_http2_expect_continue_comes_as_an_interim_reply(house):
    path, _ = file_of(house, 2 * 1024 * 1024)
    slot = house.slot("expect.bin", 2 * 1024 * 1024)
    done = curl(house, path_of(slot.put), "-T", path, "-H", "Expect: 100-continue", "--expect100-timeout", "60")
    assert done.status == 201 and done.interim == [100]


def test_A1_http2_upload_without_content_length_is_held_to_the_slot(house):
    path, body = file_of(house, 70000)
    slot = house.slot("pipe.bin", 70000)
    with open(path, "rb") as file:
        done = curl(house, path_of(slot.put), "-T", "-", stdin=file)
    assert done.version == "HTTP/2" and done.status in (201, 411)  # who needs a length says so
    if done.status == 201:
        assert curl(house, path_of(slot.get)).body == body


def test_A1_http2_errors_are_those_of_http_1(house):
    done = curl(house, "/nowhere")
    assert (done.version, done.status) == ("HTTP/2", 404)
    assert "x-request-id" in done.fields
    path, _ = file_of(house, 100)
    slot = house.slot("small.bin", 99)
    assert curl(house, path_of(slot.put), "-T", path).status in (400, 413)


def test_A1_http2_is_what_the_access_log_says(house):
    done = curl(house, "/nowhere?by=http2")
    base.wait_for(lambda: done.fields["x-request-id"] in house.access_log(), "the request's line")
    line = [l for l in house.access_log().splitlines() if done.fields["x-request-id"] in l][0]
    assert '"GET /nowhere?by=http2 HTTP/2.0" 404' in line


def test_A1_http2_alpn_prefers_h2_and_falls_back(house):
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"),
                            (["spdy/3"], None), (None, None)):
        ctx = house.tls()
        if offered:
            ctx.set_alpn_protocols(offered)
        with web.Conn((base.LOOPBACK, house.https), ctx) as conn:
            assert conn.sock.selected_alpn_protocol() == chosen
            if chosen != "h2":
                assert conn.request("GET", "/nowhere").status == 404


def test_A1_http2_in_tls_1_2_only_with_its_ciphers(make):
    """RFC 9113 9.2.2: an operator's list may hold ciphers that HTTP/2 forbids; whoever gets one speaks HTTP/1.1."""
    good, old = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
    house = make("httpServer/tls-ciphers='%s:%s'" % (good, old))
    for ciphers, chosen in ((good, "h2"), (old, "http/1.1")):
        ctx = house.tls(maximum_version=ssl.TLSVersion.TLSv1_2)
        ctx.set_ciphers(ciphers)
        ctx.set_alpn_protocols(["h2", "http/1.1"])
        with web.Conn((base.LOOPBACK, house.https), ctx) as conn:
            assert conn.sock.selected_alpn_protocol() == chosen


def test_A1_http2_can_be_switched_off(make):
    assert curl(make("httpServer/http2=false"), "/nowhere").version == "HTTP/1.1"
    text = stoa.CONFIG.replace("socket = ssl\n", "socket = ssl\n            use-http2 = false\n")
    assert curl(make(config=text), "/nowhere").version == "HTTP/1.1"


def test_A1_http2_is_not_spoken_in_clear(house):
    with house.conn() as conn:
        conn.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert conn.reply().status in (400, 505)


def h2load(house, path, *options):
    done = subprocess.run(["h2load", *options, "https://127.0.0.1:%d%s" % (house.https, path)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    found = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded", done.stdout)
    assert found, done.stdout
    return tuple(int(n) for n in found.groups())


def test_A1_http2_many_requests_at_once(house):
    slot = house.store(os.urandom(20000), "many.bin")
    before, streams = house.counter("h2_connections"), house.counter("h2_streams")
    assert h2load(house, path_of(slot.get), "-n", "200", "-c", "4", "-m", "25") == (200, 200, 200)
    base.wait_for(lambda: house.counter("h2_streams") >= streams + 200, "the counter of streams")
    assert house.counter("h2_connections") >= before + 4


def test_A1_http2_large_files_share_a_connection(house, stored):
    slot, _ = stored
    assert h2load(house, path_of(slot.get), "-n", "16", "-c", "2", "-m", "8") == (16, 16, 16)


def test_A1_http2_broken_upload_can_be_repeated(house):
    path, body = file_of(house, 3_000_000)
    slot = house.slot("again.bin", 3_000_000)
    done = subprocess.run(["curl", "-q", "-s", "--http2", "--cacert", house.ca, "--noproxy", "*", "--resolve",
                           "localhost:%d:127.0.0.1" % house.https, "--limit-rate", "500000", "-m", "1", "-T", path,
                           "-o", "/dev/null", "https://localhost:%d%s" % (house.https, path_of(slot.put))],
                          stdin=subprocess.DEVNULL, check=False, timeout=60)
    assert done.returncode == 28  # it gave up in the middle
    last = []

    def again():
        last[:] = [curl(house, path_of(slot.put), "-T", path).status]
        return last[0] != 409  # until the worker has seen the end

    base.wait_for(again, "the slot to be free again")
    assert last == [201]
    assert curl(house, path_of(slot.get)).body == body


def test_A1_http2_reload_ends_connections_in_order(make):
    house = make("httpServer/idle-timeout=30s")
    slot = house.store(os.urandom(3_000_000), "reload.bin")
    with subprocess.Popen(["curl", "-q", "-s", "-S", "--http2", "--cacert", house.ca, "--noproxy", "*", "--resolve",
                           "localhost:%d:127.0.0.1" % house.https, "--limit-rate", "1M", "-o",
                           os.path.join(house.folder, "slow"), "https://localhost:%d%s" % (house.https, path_of(slot.get))],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as client:
        base.wait_for(lambda: house.counter("h2_streams") > 0, "the download to begin")
        house.ctl("reload")
        assert client.wait(60) == 0, client.stderr.read()
    assert os.path.getsize(os.path.join(house.folder, "slow")) == 3_000_000
