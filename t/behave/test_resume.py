# SPDX-License-Identifier: ISC
"""Uploads that go on after they broke, on the slot's own URL for PUT: the IETF's draft and tus 1.0."""
import os
import signal
import socket
import threading

from harness import base, web

DRAFT = {"Upload-Draft-Interop-Version": "8"}
TUS = {"Tus-Resumable": "1.0.0"}


def target(slot):
    return web.split(slot.put)[2]


def patch_fields(offset, complete=True):
    return {"Content-Type": "application/partial-upload", "Upload-Offset": str(offset),
            "Upload-Complete": "?1" if complete else "?0", **DRAFT}


def tus_fields(offset):
    return {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset), **TUS}


def ask(house, method, slot, fields=(), body=None):
    return house.request(method, target(slot), fields, body)


def head(house, slot, fields=()):
    """The answer of HEAD when no other request is at work on the upload any more."""
    return base.wait_for(lambda: (lambda r: r if r.status != 503 else None)(ask(house, "HEAD", slot, fields)),
                         "the end of the request before")


def offset(house, slot, fields=()):
    reply = head(house, slot, fields)
    assert reply.status in (200, 204), reply
    return int(reply["upload-offset"])


def cut(house, method, slot, fields, body, size, stated=None):
    """Sends a request with only the first bytes of its body, and goes away when the server has them."""
    with house.conn() as conn:
        conn.send("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n" % (
            method, target(slot), len(body) if stated is None else stated,
            "".join("%s: %s\r\n" % f for f in fields.items())))
        conn.send(body[:size])
        conn.sock.shutdown(socket.SHUT_WR)
        conn.rest()


def is_clean(house):
    done = house.ctl("fsck", "--deep", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    house.check_sanitizers()


def partial_files(house):
    return [name for _, _, names in os.walk(os.path.join(house.folder, "data", "upload", "partial")) for name in names]


# ---- the IETF's draft ----

def test_A1_standard_resumable_upload_ietf_put_broken_and_finished_by_patch(house):
    body = os.urandom(1_000_000)
    slot = house.slot("a.bin", len(body))
    fresh = ask(house, "HEAD", slot, DRAFT)
    assert (fresh.status, fresh["upload-offset"], fresh["upload-complete"]) == (204, "0", "?0")
    cut(house, "PUT", slot, {"Upload-Complete": "?1", **DRAFT}, body, 654_321)
    reply = head(house, slot)
    assert reply.status == 204
    assert reply["upload-offset"] == "654321"
    assert reply["upload-complete"] == "?0"
    assert reply["upload-length"] == "1000000"
    assert reply["upload-limit"] == "max-size=1000000"
    assert reply["cache-control"] == "no-store"
    assert web.get(slot.get).status == 404  # no part of it is ever served
    reply = ask(house, "PATCH", slot, patch_fields(654_321), body[654_321:])
    assert (reply.status, reply["upload-complete"]) == (201, "?1")
    assert web.get(slot.get).body == body
    reply = head(house, slot)
    assert (reply.status, reply["upload-offset"], reply["upload-complete"]) == (204, "1000000", "?1")
    again = ask(house, "PATCH", slot, patch_fields(1_000_000), b"")
    assert (again.status, again["upload-complete"]) == (409, "?1")
    base.wait_for(lambda: not partial_files(house), "the partial name to go")
    is_clean(house)


def test_A1_standard_resumable_upload_ietf_104_tells_before_the_body(house):
    slot = house.slot("b.bin", 10)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nUpload-Complete: ?1\r\n"
                  "Upload-Draft-Interop-Version: 6\r\nExpect: 100-continue\r\n\r\n" % target(slot))
        interim = conn.reply("PUT", interim=True)
        assert (interim.status, interim.reason) == (104, "Upload Resumption Supported")
        assert interim["location"] == target(slot)
        assert interim["upload-limit"] == "max-size=10"
        assert interim["upload-draft-interop-version"] == "6"
        assert conn.reply("PUT", interim=True).status == 100
        conn.send(b"0123456789")
        assert conn.reply("PUT").status == 201
    assert web.get(slot.get).body == b"0123456789"
    with house.conn() as conn:  # HTTP/1.0 knows no informational replies
        slot = house.slot("b.bin", 3)
        assert conn.request("PUT", target(slot), {"Upload-Complete": "?1"}, b"abc", version="HTTP/1.0").status == 201


def test_A1_standard_resumable_upload_ietf_in_many_parts(house):
    body = os.urandom(300_000)
    slot = house.slot("c.bin", len(body))
    reply = ask(house, "PUT", slot, {"Upload-Complete": "?0", **DRAFT}, body[:100_000])
    assert (reply.status, reply["upload-offset"], reply["upload-complete"]) == (204, "100000", "?0")
    assert reply["location"] == target(slot)
    for at in range(100_000, 300_000, 50_000):
        reply = ask(house, "PATCH", slot, patch_fields(at, False), body[at:at + 50_000])
        assert (reply.status, reply["upload-offset"], reply["upload-complete"]) == (204, str(at + 50_000), "?0")
    assert web.get(slot.get).status == 404  # all bytes are there, but nobody has said that these are all
    reply = ask(house, "PATCH", slot, patch_fields(300_000), b"")
    assert (reply.status, reply["upload-complete"]) == (201, "?1")
    assert web.get(slot.get).body == body
    is_clean(house)


def test_A1_standard_resumable_upload_ietf_wrong_offset_is_409_with_the_right_one(house):
    slot = house.slot("d.bin", 10)
    assert ask(house, "PATCH", slot, patch_fields(4), b"456789")["upload-offset"] == "0"
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0123").status == 204
    for wrong in (0, 3, 5, 10, 999999999999999):
        reply = ask(house, "PATCH", slot, patch_fields(wrong, False), b"45")
        assert (reply.status, reply["upload-offset"], reply["upload-complete"]) == (409, "4", "?0")
        assert reply.body
    assert ask(house, "PATCH", slot, patch_fields(4), b"456789").status == 201
    assert web.get(slot.get).body == b"0123456789"


def test_A1_standard_resumable_upload_ietf_sizes(house):
    slot = house.slot("e.bin", 10)
    assert ask(house, "PUT", slot, {"Upload-Complete": "?1"}, b"012345678").status == 400
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0" * 11).status == 413
    assert offset(house, slot) == 0
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0123").status == 204
    reply = ask(house, "PATCH", slot, patch_fields(4), b"4567890")
    assert (reply.status, reply["upload-limit"]) == (413, "max-size=10")
    assert ask(house, "PATCH", slot, patch_fields(4), b"45678").status == 400  # says that it is the rest
    assert ask(house, "PATCH", slot, {**patch_fields(4, False), "Upload-Length": "11"}, b"4").status == 413
    for method, fields in (("PUT", {"Upload-Complete": "?0"}), ("PATCH", patch_fields(4, False))):
        assert ask(house, method, slot, {**fields, "Content-Range": "bytes 4-4/10"}, b"4").status == 400
    assert offset(house, slot) == 4
    assert ask(house, "PATCH", slot, patch_fields(4), b"456789").status == 201
    assert web.get(slot.get).body == b"0123456789"


def test_A1_standard_resumable_upload_ietf_malformed_fields(house):
    slot = house.slot("f.bin", 10)
    good = patch_fields(0)
    for name, value, status in (("Upload-Offset", "-1", 400), ("Upload-Offset", "0x1", 400), ("Upload-Offset", "", 400),
                                ("Upload-Offset", "1234567890123456", 400), ("Upload-Complete", "1", 400),
                                ("Upload-Complete", "?2", 400), ("Upload-Complete", "true", 400),
                                ("Content-Type", "application/octet-stream", 415),
                                ("Upload-Draft-Interop-Version", "9", 400)):
        assert ask(house, "PATCH", slot, {**good, name: value}, b"0123456789").status == status, (name, value)
    assert house.request("PATCH", target(slot), list(good.items()) + [("Upload-Offset", "0")], b"0123456789").status == 400
    with house.conn() as conn:
        conn.send("PATCH %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n%s\r\n3\r\nabc\r\n0\r\n\r\n" % (
            target(slot), "".join("%s: %s\r\n" % f for f in good.items())))
        assert conn.reply("PATCH").status == 411
    assert offset(house, slot) == 0
    # parameters of an item mean nothing here; a PUT that makes no sense as a resumable one is a plain one
    assert ask(house, "PATCH", slot, {**patch_fields(0, False), "Upload-Complete": "?0;x=1"}, b"01").status == 204
    assert ask(house, "PUT", slot, {"Upload-Complete": "yes"}, b"0123456789").status == 201


def test_A1_standard_resumable_upload_ietf_cancel(house):
    slot = house.slot("g.bin", 10)
    assert ask(house, "DELETE", slot).status == 204  # nothing was begun
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0123").status == 204
    assert partial_files(house)
    assert ask(house, "DELETE", slot).status == 204
    assert not partial_files(house)
    assert offset(house, slot) == 0
    assert ask(house, "PATCH", slot, patch_fields(0), b"abcdefghij").status == 201
    assert web.get(slot.get).body == b"abcdefghij"
    assert ask(house, "DELETE", slot).status == 409  # the file is its owner's, not who knows the address
    assert web.get(slot.get).body == b"abcdefghij"


# ---- tus ----

def test_A1_standard_resumable_upload_tus_head_patch_until_whole(house):
    body = os.urandom(500_000)
    slot = house.slot("h.bin", len(body))
    reply = ask(house, "HEAD", slot, TUS)
    assert (reply.status, reply["upload-offset"], reply["upload-length"]) == (200, "0", "500000")
    assert (reply["tus-resumable"], reply["cache-control"]) == ("1.0.0", "no-store")
    cut(house, "PATCH", slot, tus_fields(0), body, 123_456)
    assert offset(house, slot, TUS) == 123_456
    reply = ask(house, "PATCH", slot, tus_fields(123_456), body[123_456:400_000])
    assert (reply.status, reply["upload-offset"], reply["tus-resumable"]) == (204, "400000", "1.0.0")
    reply = ask(house, "PATCH", slot, tus_fields(123_456), body[123_456:])
    assert (reply.status, reply["upload-offset"], reply["tus-resumable"]) == (409, "400000", "1.0.0")
    reply = ask(house, "PATCH", slot, tus_fields(400_000), body[400_000:])
    assert (reply.status, reply["upload-offset"]) == (204, "500000")
    assert web.get(slot.get).body == body  # the last answer means that it is there
    assert offset(house, slot, TUS) == 500_000
    is_clean(house)


def test_A1_standard_resumable_upload_tus_options_version_termination_override(house):
    slot = house.slot("i.bin", 10)
    reply = ask(house, "OPTIONS", slot)
    assert (reply["tus-version"], reply["tus-resumable"], reply["tus-extension"]) == ("1.0.0", "1.0.0", "termination")
    assert int(reply["tus-max-size"]) == 100 * 1024 * 1024
    assert "application/partial-upload" in reply["accept-patch"]
    assert {"PATCH", "DELETE"} <= set(reply["access-control-allow-methods"].split(", "))
    assert {"Upload-Offset", "Tus-Resumable"} <= set(reply["access-control-allow-headers"].split(", "))
    assert {"Upload-Offset", "Tus-Resumable", "Upload-Complete"} <= set(
        reply["access-control-expose-headers"].split(", "))
    for method, fields in (("HEAD", {}), ("PATCH", tus_fields(0)), ("DELETE", {})):
        reply = ask(house, method, slot, {**fields, "Tus-Resumable": "0.2.2"})
        assert (reply.status, reply["tus-version"]) == (412, "1.0.0")
    assert ask(house, "PATCH", slot, {**tus_fields(0), "Content-Type": "text/plain"}, b"abc").status == 415
    assert ask(house, "PATCH", slot, tus_fields(0), b"0" * 11).status == 413
    assert ask(house, "POST", slot, {**tus_fields(0), "X-HTTP-Method-Override": "PATCH"}, b"abc").status == 204
    assert offset(house, slot, TUS) == 3
    reply = ask(house, "DELETE", slot, TUS)
    assert (reply.status, reply["tus-resumable"]) == (204, "1.0.0")
    assert offset(house, slot, TUS) == 0


# ---- both ----

def test_resume_after_the_worker_was_killed_in_the_middle(make):
    house = make(workers=2)
    body = os.urandom(3_000_000)
    slot = house.slot("j.bin", len(body))
    at = 0
    for fields in ({"Upload-Complete": "?1"}, None, None):
        with house.conn() as conn:
            conn.send("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n" % (
                "PUT" if fields else "PATCH", target(slot), len(body) - at,
                "".join("%s: %s\r\n" % f for f in (fields or patch_fields(at)).items())))
            conn.send(body[at:at + 900_000])
            path = lambda: [os.path.join(d, n) for d, _, names in os.walk(  # noqa: E731
                os.path.join(house.folder, "data", "upload", "partial")) for n in names]
            base.wait_for(lambda: path() and os.path.getsize(path()[0]) > at, "bytes on their way")
            for pid in house.pids("worker"):
                os.kill(pid, signal.SIGKILL)
        base.wait_for(house.ready, "new workers")
        now = web.retry_until(20, lambda: offset(house, slot))
        assert at < now <= at + 900_000
        at = now
    assert ask(house, "PATCH", slot, patch_fields(at), body[at:]).status == 201
    assert web.get(slot.get).body == body
    is_clean(house)


def test_resume_two_patches_at_once_one_writes(house):
    body = os.urandom(400_000)
    slot = house.slot("k.bin", len(body))
    with house.conn() as first:
        first.send("PATCH %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n" % (
            target(slot), len(body), "".join("%s: %s\r\n" % f for f in patch_fields(0).items())))
        first.send(body[:1000])
        base.wait_for(lambda: ask(house, "HEAD", slot).status == 503, "the first to be at work")
        for method, fields, data in (("HEAD", {}, None), ("PATCH", patch_fields(0), body), ("DELETE", {}, None),
                                     ("PUT", {"Upload-Complete": "?1"}, body), ("HEAD", TUS, None)):
            reply = ask(house, method, slot, fields, data)
            assert (reply.status, reply["retry-after"]) == (503, "1"), method
        assert web.put(slot.put, body).status == 409
        first.send(body[1000:])
        assert first.reply("PATCH").status == 201
    assert web.get(slot.get).body == body


def test_resume_race_of_many_workers_writes_each_byte_once(make):
    house = make(workers=4)
    body = os.urandom(200_000)
    slot = house.slot("l.bin", len(body))
    replies = []

    def push():
        while True:
            at = int(ask(house, "HEAD", slot)["upload-offset"] or -1)
            if at >= len(body):
                return
            if at >= 0:
                replies.append(ask(house, "PATCH", slot, tus_fields(at), body[at:at + 20_000]).status)

    threads = [threading.Thread(target=push) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies.count(204) == 10
    assert set(replies) <= {204, 409, 503}
    assert web.get(slot.get).body == body
    is_clean(house)


def test_resume_plain_put_starts_from_the_beginning(house):
    slot = house.slot("m.bin", 10)
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"xxxx").status == 204
    cut(house, "PUT", slot, {}, b"0123456789", 7)
    assert offset(house, slot) == 0  # nothing of either is kept
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"yyyy").status == 204
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"zz").status == 204  # so does a resumable one
    assert offset(house, slot) == 2
    assert web.put(slot.put, b"0123456789").status == 201
    assert web.get(slot.get).body == b"0123456789"
    is_clean(house)


def test_resume_after_put_validity_and_until_resume_validity(make):
    house = make("upload/logic/put-validity=PT1M", "upload/logic/resume-validity=PT2H")
    begun, unused = house.slot("n.bin", 10), house.slot("o.bin", 10)
    assert ask(house, "PUT", begun, {"Upload-Complete": "?0"}, b"0123").status == 204
    other = house.slot("p.bin", 10)
    assert ask(house, "PUT", other, {"Upload-Complete": "?0"}, b"0123").status == 204
    house.offset_clock(7000)
    assert ask(house, "HEAD", unused).status == 410
    assert offset(house, begun) == 4
    assert ask(house, "PATCH", begun, patch_fields(4), b"456789").status == 201
    assert web.get(begun.get).body == b"0123456789"
    house.offset_clock(7300)
    assert ask(house, "HEAD", other).status == 410
    assert ask(house, "PATCH", other, patch_fields(4), b"456789").status == 410
    house.offset_clock(7300 + 120)
    base.wait_for(lambda: not partial_files(house), "the sweep of the partial file", seconds=60)
    is_clean(house)


def test_resume_switched_off(make):
    house = make("upload/logic/resume-validity=0")
    slot = house.slot("q.bin", 3)
    assert ask(house, "HEAD", slot).status == 404
    assert ask(house, "PATCH", slot, patch_fields(0), b"abc").status == 405
    assert ask(house, "DELETE", slot).status == 405
    assert "PATCH" not in ask(house, "OPTIONS", slot)["allow"]
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"ab").status == 400
    assert ask(house, "PUT", slot, {"Upload-Complete": "?1"}, b"abc").status == 201


def test_resume_needs_the_slots_token(make):
    house = make("upload/logic/slot-token=true")
    slot = house.slot("r.bin", 3)
    token = list(slot.headers)
    for method, fields, body in (("PUT", {"Upload-Complete": "?1"}, b"abc"), ("PATCH", patch_fields(0), b"abc"),
                                 ("DELETE", {}, None), ("HEAD", {}, None)):
        assert ask(house, method, slot, fields, body).status == 403, method
    assert house.request("HEAD", target(slot), token).status == 204
    assert house.request("PATCH", target(slot), token + list(patch_fields(0).items()), b"abc").status == 201


def test_resume_where_one_url_serves_both(make):
    form = "{proto}://{serverName}:{port}/upload/{slotId}/{filename}"
    house = make("upload/logic/upload-uri-format=" + form, "upload/logic/download-uri-format=" + form)
    slot = house.slot("s.bin", 10)
    assert slot.put == slot.get
    assert ask(house, "HEAD", slot).status == 404  # a download's, of a file that is not there
    assert offset(house, slot, DRAFT) == 0
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0123").status == 204
    assert offset(house, slot) == 4
    assert ask(house, "PATCH", slot, patch_fields(4), b"456789").status == 201
    reply = ask(house, "HEAD", slot)
    assert (reply.status, reply["content-length"], reply["upload-offset"]) == (200, "10", None)
    reply = ask(house, "HEAD", slot, DRAFT)
    assert (reply.status, reply["content-length"], reply["upload-offset"], reply["upload-complete"]) == (
        200, "10", "10", "?1")


def test_resume_not_in_the_dummy_repository(make):
    house = make("upload/repositoryPool/default/dummy=true")
    slot = house.slot("t.bin", 3)
    assert ask(house, "HEAD", slot, DRAFT).status == 404
    assert ask(house, "PATCH", slot, patch_fields(0), b"abc").status == 405
    assert ask(house, "PUT", slot, {"Upload-Complete": "?1"}, b"abc").status == 201
    assert web.get(slot.get).body == b"abc"


def test_resume_partial_goes_when_the_operator_deletes_the_slot(house):
    slot = house.slot("u.bin", 10)
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0123").status == 204
    assert partial_files(house)
    house.ctl("files", "delete", target(slot).split("/")[-2])
    assert not partial_files(house)
    assert ask(house, "HEAD", slot).status == 410
    is_clean(house)


def test_resume_partial_is_never_addressable(house):
    slot = house.slot("v.bin", 10)
    assert ask(house, "PUT", slot, {"Upload-Complete": "?0"}, b"0123").status == 204
    name = target(slot).split("/")[-2]
    for path in ("/upload/partial/" + name, "/upload/partial/%s/%s" % (name[:2], name), target(slot)):
        assert house.request("GET", path).status == 404
    assert web.get(slot.get).status == 404
    assert ask(house, "DELETE", slot).status == 204
