# SPDX-License-Identifier: ISC
"""What went wrong elsewhere and must not here: R1, R3, R4, R8, R9, R11 to R14, R16, R27, R28 of the survey.
R2 is in test_http_proxy.py, more of R3 in test_http_limits.py."""
import os
import re
import subprocess
import sys
import threading
import urllib.parse

import pytest

from harness import base, web, xmpp

SMUGGLE = [
    ("R1_cl_and_te", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
    ("R1_te_and_cl", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
    ("R1_differing_cl", "Content-Length: 5\r\nContent-Length: 6"),
    ("R1_repeated_cl", "Content-Length: 5\r\nContent-Length: 5"),
    ("R1_list_cl", "Content-Length: 5, 5"),
    ("R1_hex_cl", "Content-Length: 0x5"),
    ("R1_plus_cl", "Content-Length: +5"),
    ("R1_minus_cl", "Content-Length: -5"),
    ("R1_empty_cl", "Content-Length:"),
    ("R1_huge_cl", "Content-Length: 99999999999999999999"),
    ("R1_te_identity", "Transfer-Encoding: identity"),
    ("R1_te_gzip_chunked", "Transfer-Encoding: gzip, chunked"),
    ("R1_te_chunked_twice", "Transfer-Encoding: chunked, chunked"),
    ("R1_te_xchunked", "Transfer-Encoding: xchunked"),
    ("R1_te_twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    ("R1_te_tab", "Transfer-Encoding:\x0bchunked"),
]


@pytest.mark.parametrize("fields", [f for _, f in SMUGGLE], ids=[n for n, _ in SMUGGLE])
def test_R1_ambiguous_framing_is_400_and_closes(house, fields):
    with house.conn() as conn:
        conn.send(("POST /nowhere HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n"
                   "Host: localhost\r\n\r\n" % fields).encode("latin-1"))
        reply = conn.reply("POST")
        assert reply.status == 400 or (fields.startswith("Transfer-Encoding") and reply.status in (411, 501))
        assert reply.closes
        assert conn.rest() == b""
    assert "/smuggled" not in house.access_log()


@pytest.mark.parametrize("body", [b"5\r\nhel", b"g\r\nhello\r\n", b"-1\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n",
                                  b"0x5\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"ffffffffffffffffff\r\n",
                                  b"5\nhello\n0\n\n", b"\r\n", b"5;\0\r\nhello\r\n0\r\n\r\n"])
def test_R1_broken_chunks_close_the_connection(house, body):
    with house.conn() as conn:
        conn.send(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        conn.sock.shutdown(1)
        got = conn.rest()
        assert got.count(b"HTTP/1.1 ") <= 1


def test_R3_connections_cost_little(make):
    """A thousand idle connections: a fixed, small price for each."""
    house = make("httpServer/max-connections-per-address=0", workers=1)
    worker = house.pids("worker")[0]

    def resident():
        return int(re.search(r"Pss:\s+(\d+)", base.read("/proc/%d/smaps_rollup" % worker)).group(1)) * 1024

    with house.conn() as conn:
        conn.request("GET", "/nowhere")
    before = resident()
    held = [house.conn() for _ in range(1000)]
    for conn in held:
        conn.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert conn.reply().status == 404
    assert (resident() - before) / 1000 < 24_000  # the sanitizer's red zones included
    for conn in held:
        conn.close()


PATHS = ["/upload/../etc/passwd", "/upload/%2e%2e/etc/passwd", "/upload/%2E%2E%2Fetc", "/upload/a%2fb/c", "/upload/a%5cb/c",
         "/upload/a%00b", "/upload/%c0%ae%c0%ae/x", "/upload/./x", "/upload//x", "/upload/%", "/upload/%zz", "/upload/%e4",
         "//etc/passwd", "/upload/..;/x", "\\upload\\x", "/upload/%ff%fe", "/%2e%2e/%2e%2e/etc/passwd"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_R4_paths_that_two_readers_may_read_differently_reach_nothing(house, path, method):
    reply = house.request(method, path, body=b"x" if method == "PUT" else None)
    assert reply.status in (400, 404)
    assert b"root:" not in reply.body


def test_R4_encoded_slash_in_a_file_name_segment_does_not_match_the_slot(house):
    slot = house.store(b"abc", "plain.txt")
    target = web.split(slot.get)[2]
    for changed in (target.replace("plain.txt", "plain%2Etxt"),):  # the same name, decoded once
        assert house.request("GET", changed).status == 200
    for changed in (target.replace("plain.txt", "x%2Fplain.txt"), target.replace("plain.txt", "plain%252Etxt"),
                    target.replace("plain.txt", "plain.txt%00"), target + "/", target.replace("/upload/", "/upload/./"),
                    target.replace("plain.txt", "other.txt")):
        assert house.request("GET", changed).status in (400, 404)


def test_R4_routes_that_say_nothing_are_closed(house):
    """Every path that is not a slot's, unauthenticated: never 2xx but for OPTIONS; the lists of / and /rest/ are open to be
    read, and from this machine the status."""
    for path in ("/", "/rest/", "/status", "/metrics"):
        for method in ("POST", "PUT", "DELETE"):
            assert house.request(method, path, body=b"").status >= 400, (method, path)
    for path in ("/upload", "/upload/", "/rest/adhoc/x@localhost", "/rest/stream/", "/rest/avatar/x@localhost", "/rest/user/x@localhost",
                 "/rest/users/", "/rest/vhost/", "/rest/stats/", "/rest/pubsub/pubsub.localhost", "/admin/", "/setup/",
                 "/.well-known/host-meta", "/ui/", "/index.html", "/server-status"):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            assert house.request(method, path, body=b"" if method in ("POST", "PUT") else None).status >= 400, (method, path)


def test_R8_lint_forbids_weak_random_functions():
    done = subprocess.run([sys.executable, "-B", os.path.join(base.TOP, "t/lint/run.py"), "R8"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_R8_slot_ids_are_not_predictable(make):
    """128 random bits, and no two processes draw the same ones: also not after both were forked anew."""
    house = make("upload/limits/burst=100000", workers=3)
    ids = [re.search(r"/([0-9a-f-]{36})/", house.slot("r%d" % i).put).group(1) for i in range(300)]
    assert len(set(ids)) == 300
    bits = [bin(int(i.replace("-", ""), 16)).count("1") for i in ids]
    assert 55 < sum(bits) / len(bits) < 73
    for column in range(36):
        if column not in (8, 13, 14, 18, 19, 23):
            assert len({i[column] for i in ids}) > 8, "character %d hardly changes" % column


def test_R9_a_slot_url_is_bound_to_size_type_owner_and_single_use(house):
    slot = house.slot("bound.png", 3, "image/png")
    target = web.split(slot.put)[2]
    assert "alice" in urllib.parse.unquote(target)
    for changed in (target.replace("alice", "bob"), target.replace("bound.png", "other.png"),
                    re.sub(r"[0-9a-f]{8}-", "00000000-", target, count=1)):
        assert house.request("PUT", changed, {"Content-Type": "image/png"}, b"abc").status == 404
    assert house.request("PUT", target, {"Content-Type": "image/gif"}, b"abc").status == 415
    assert house.request("PUT", target, {"Content-Type": "image/png"}, b"abcd").status == 413
    assert house.request("PUT", target, {"Content-Type": "image/png"}, b"abc").status == 201
    assert house.request("PUT", target, {"Content-Type": "image/png"}, b"abc").status == 409


def test_R9_the_download_url_takes_no_upload(house):
    slot = house.slot("get.bin", 3)
    if web.split(slot.get)[2] != web.split(slot.put)[2]:
        assert house.request("PUT", web.split(slot.get)[2], body=b"abc").status in (404, 405)


def test_R11_equal_names_never_meet(house):
    one, two = house.store(b"one", "same.txt"), house.store(b"two", "same.txt", sender="bob@localhost/x")
    assert (web.get(one.get).body, web.get(two.get).body) == (b"one", b"two")


def test_R11_names_never_address_storage(house):
    house.store(b"secret name", "very-special-name.txt")
    for folder, folders, names in os.walk(os.path.join(house.folder, "data")):
        assert not [n for n in folders + names if "special" in n], folder


@pytest.mark.parametrize("kind,name", [("text/html", "x.html"), ("image/svg+xml", "x.svg"), ("application/xhtml+xml", "x.xhtml"),
                                       ("text/xml", "x.xml"), ("application/pdf", "x.pdf"), ("text/javascript", "x.js"),
                                       ("text/html; charset=utf-8", "x.png"), (None, "x.html"), (None, "x.svg")])
def test_R12_active_content_is_never_shown_in_place(house, kind, name):
    reply = web.get(house.store(b"<script>alert(1)</script>", name, kind).get)
    assert reply["content-disposition"].startswith("attachment")
    assert "sandbox" in reply["content-security-policy"] and reply["x-content-type-options"] == "nosniff"
    assert reply["set-cookie"] is None


def test_R12_svg_cannot_be_configured_inline(make):
    house = make("upload/download/inline-types=['image/svg+xml', 'text/html', 'image/png']", start=False)
    try:
        house.start()
    except base.Failed:
        return  # refused at the start: as good
    assert web.get(house.store(b"<svg/>", "x.svg", "image/svg+xml").get)["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("written,name", [
    ("'a&#13;&#10;Set-Cookie: x=1.txt'", "a\r\nSet-Cookie: x=1.txt"), ("'a&quot;; filename=evil.html'", 'a"; filename=evil.html'),
    ("'a\\b.txt'", "a\\b.txt"), ("'a&#9;b.txt'", "a\tb.txt"), ("'a&#127;b'", "a\x7fb"), ("'a&#x85;b'", "a\x85b"),
    ("'a&#x202E;gpj.exe'", "a\u202egpj.exe"),
])
def test_R13_names_cannot_break_out_of_a_header(house, written, name):
    answer = house.server.iq("upload.localhost", xmpp.request_xml(xmpp.Raw(written), 3))
    if answer.get("type") == "error":
        assert xmpp.error_of(answer)[1] in ("bad-request", "not-acceptable")
        return
    slot = xmpp.Slot(answer)
    assert not re.search(r"[\x00-\x20\x7f\"\\]|%0[ad]", slot.get + slot.put, re.I)
    assert web.put(slot.put, b"abc").status == 201
    with house.conn() as conn:
        reply = conn.request("GET", web.split(slot.get)[2])
    assert reply["set-cookie"] is None and reply.body == b"abc"
    disposition = reply["content-disposition"]
    assert not re.search(r"[\x00-\x1f\x7f]", disposition)
    quoted = re.search(r'filename="((?:[^"\\]|\\.)*)"', disposition)
    rest = disposition[:quoted.start()] + disposition[quoted.end():]
    assert "evil" not in rest.split("filename*")[0]
    assert re.fullmatch(r"(inline|attachment); ; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+", rest), disposition


def test_R13_content_type_cannot_break_out_of_a_header(house):
    answer = house.server.iq("upload.localhost", "<request xmlns='%s' filename='a' size='3' "
                             "content-type='text/plain&#13;&#10;Set-Cookie: x=1'/>" % xmpp.UPLOAD)
    assert xmpp.error_of(answer)[1] == "bad-request"


def test_R14_a_symbolic_link_in_the_store_is_not_followed(make):
    house = make()
    slot = house.store(b"abc")
    stored = [os.path.join(f, n) for f, _, names in os.walk(os.path.join(house.folder, "data")) for n in names
              if os.path.getsize(os.path.join(f, n)) == 3]
    assert len(stored) == 1
    secret = os.path.join(house.folder, "secret")
    with open(secret, "w") as file:
        file.write("xyz")
    os.chmod(secret, 0o644)
    os.unlink(stored[0])
    os.symlink(secret, stored[0])
    reply = web.get(slot.get)
    assert reply.status in (404, 410, 500) and b"xyz" not in reply.body


def test_R14_stored_files_are_not_for_others(house):
    house.store(b"private")
    for folder, _, names in os.walk(os.path.join(house.folder, "data")):
        for name in names:
            mode = os.stat(os.path.join(folder, name)).st_mode
            assert not mode & 0o007, "%s %o" % (name, mode)


XML_BOMBS = [
    "<!DOCTYPE a [<!ENTITY x 'y'>]>", "<?xml-stylesheet href='x'?>", "<!-- comment -->", "<iq>&undefined;</iq>",
    "<iq>&#0;</iq>", "<iq a='1' a='2'/>", "<a:iq/>", "<iq></message>", "<iq>\x01</iq>", "<iq>\xff</iq>",
    "<iq %s/>" % " ".join("a%d='1'" % i for i in range(1000)), "<iq>" + "<x>" * 500 + "</x>" * 500 + "</iq>",
    "<iq>" + "x" * 2_000_000 + "</iq>", "<iq xmlns='urn:x'" + " " * 100_000,
]


@pytest.fixture(scope="module")
def eager(certificates):
    """A Stoa that does not wait long before it connects anew."""
    import conftest
    maker = conftest.Maker(certificates)
    yield maker("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.2S")
    maker.end()


@pytest.mark.parametrize("text", XML_BOMBS, ids=[t[:20].replace("/", "") for t in XML_BOMBS])
def test_R16_hostile_xml_ends_the_stream_and_nothing_else(eager, text):
    """The server is trusted to route, not to be sane: Stoa cuts such a stream and comes back."""
    stream = eager.server.wait_up("upload.localhost")
    try:
        stream.send(text.encode("latin-1"))
    except OSError:
        pass
    eager.server.drop("upload.localhost") if text.endswith(" " * 100) else None
    ok = base.wait_for(lambda: _pong(eager), "an answer after hostile XML")
    assert ok
    assert eager.process.poll() is None


def _pong(house):
    try:
        return house.server.iq("upload.localhost", "<ping xmlns='urn:xmpp:ping'/>", seconds=2).get("type") == "result"
    except (base.Failed, OSError):
        return False


def test_R16_entities_and_references_in_a_request_are_just_text(house):
    slot = xmpp.Slot(house.server.iq("upload.localhost", xmpp.request_xml(xmpp.Raw("'&lt;&amp;&gt;&#x263A;.txt'"), 3)))
    assert urllib.parse.unquote(slot.get).endswith("<&>☺.txt")


def test_R27_logs_hold_no_foreign_control_characters(house):
    with house.conn() as conn:
        conn.send(b"GET /log%0a%1b[31mfake HTTP/1.1\r\nHost: localhost\r\nUser-Agent: evil\x1b[2J\xff\"quote\r\nReferer: a\x9bb\r\n\r\n")
        try:
            conn.reply()
        except web.Closed:
            pass
    house.request("GET", "/marker-R27", {"User-Agent": 'a"b\\c'})
    base.wait_for(lambda: "/marker-R27" in house.access_log(), "the marker")
    for name in ("access.log", "stoa.log"):
        with open(house.log_path(name), "rb") as file:
            data = file.read()
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data), name
        data.decode("utf-8")


def test_R27_secrets_in_queries_and_headers_are_not_logged(house):
    house.request("GET", "/secret-R27?api-key=topsecret1&x=1&token=topsecret2&password=topsecret3&access_token=topsecret4",
                  {"Authorization": "Bearer topsecret5", "Cookie": "topsecret6"})
    base.wait_for(lambda: "/secret-R27" in house.access_log(), "the access line")
    for text in (house.access_log(), house.log()):
        assert "topsecret" not in text
    assert house.server.secret not in house.log()


def test_R27_very_long_fields_do_not_make_very_long_lines(house):
    house.request("GET", "/long-R27-" + "x" * 9000, {"User-Agent": "y" * 5000})
    line = base.wait_for(lambda: [x for x in house.access_log().splitlines() if "long-R27" in x], "the line")[0]
    assert len(line) < 16_000


def test_R28_fsck_finds_nothing_wrong_after_ordinary_work(make):
    house = make()
    slots = [house.store(os.urandom(100 + i), "f%d" % i) for i in range(20)]
    house.slot("never-filled")
    house.ctl("files", "delete", re.search(r"([0-9a-f-]{36})", slots[0].get).group(1))
    assert web.get(slots[0].get).status in (404, 410)
    house.ctl("fsck")


def test_R28_sweep_continues_after_an_error_and_reports_it(make):
    """Of several expired files one cannot be removed: the others go, the log says which stayed."""
    house = make("upload/expiration/expiration-time=PT1H", "upload/expiration/period=PT1S")
    slots = [house.store(b"%03d" % i, "s%d" % i) for i in range(6)]
    victim = re.search(r"([0-9a-f-]{36})", slots[2].get).group(1)
    path = [os.path.join(f, n) for f, _, names in os.walk(os.path.join(house.folder, "data")) for n in names
            if victim in n or victim.replace("-", "") in n]
    assert len(path) == 1
    os.unlink(path[0])
    os.mkdir(path[0])  # a folder in its place cannot be unlinked
    with open(os.path.join(path[0], "x"), "w"):
        pass
    house.offset_clock(3700)
    base.wait_for(lambda: house.counter("files_expired") >= 5, "five files to be removed")
    assert all(web.get(s.get).status in (404, 410) for s in slots)
    base.wait_for(lambda: victim in house.log() or victim.replace("-", "") in house.log(), "a line about the one that stayed")


def test_R28_usage_does_not_drift(make):
    """Quota after a crowd of uploads, failures, deletions and expiries is what is really stored."""
    house = make("upload/quota/user=100000", "upload/limits/burst=1000", "upload/logic/put-validity=PT1M",
                 "upload/expiration/period=PT1S")
    kept = []

    def one(number):
        for i in range(5):
            slot = house.slot("u%d-%d" % (number, i), 1000)
            if i == 1:
                continue  # never used
            if i == 2:
                web.put(slot.put, b"x" * 999)
                continue  # failed
            assert web.put(slot.put, b"x" * 1000).status == 201
            kept.append(slot)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 18
    for slot in kept[:9]:
        house.ctl("files", "delete", re.search(r"([0-9a-f-]{36})", slot.get).group(1))
    house.offset_clock(120)  # promises lapse

    def room():
        answer = house.server.slot_iq("all", 100_000 - 9_000)
        return answer.get("type") == "result"

    base.wait_for(room, "the quota of what was not used or was deleted")
    assert xmpp.error_of(house.server.slot_iq("more", 1))[1] == "resource-constraint"
    house.ctl("fsck")
