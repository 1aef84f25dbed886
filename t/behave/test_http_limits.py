# SPDX-License-Identifier: ISC
"""Timeouts and limits: whatever a client can stretch has an end."""
import time

from harness import base, web, xmpp


def test_slow_head_is_408_and_closed(make):
    house = make("httpServer/header-timeout=PT1S")
    with house.conn() as conn:
        conn.send("GET / HTTP/1.1\r\nHost: lo")
        assert conn.reply().status == 408
        assert conn.closed()


def test_head_that_trickles_does_not_buy_time(make):
    house = make("httpServer/header-timeout=PT1S")
    with house.conn() as conn:
        conn.send("GET / HTTP/1.1\r\nHost: localhost\r\n")
        began = time.monotonic()
        try:
            while time.monotonic() - began < base.WAIT and conn.quiet(0.1):
                conn.send("X-Slow: 1\r\n")
        except OSError:
            pass
        assert time.monotonic() - began < base.WAIT


def test_idle_keep_alive_connection_is_closed_silently(make):
    house = make("httpServer/idle-timeout=PT1S")
    with house.conn() as conn:
        assert conn.request("GET", "/nowhere").status == 404
        assert conn.closed()


def test_connection_that_says_nothing_is_closed(make):
    house = make("httpServer/idle-timeout=PT1S", "httpServer/header-timeout=PT1S")
    with house.conn() as conn:
        conn.rest()  # nothing, or a 408; but it ends


def test_stalled_upload_is_cut_and_its_slot_stays_usable(make):
    house = make("httpServer/body-timeout=PT1S")
    slot = house.slot("stall.bin", 10)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc" % web.split(slot.put)[2])
        got = conn.rest()
        assert got == b"" or got.startswith(b"HTTP/1.1 408")
    assert web.get(slot.get).status == 404
    assert web.put(slot.put, b"0123456789").status == 201


def test_download_that_nobody_takes_is_cut(make):
    house = make("httpServer/body-timeout=PT1S")
    slot = house.store(b"x" * 30_000_000, "large.bin")
    with house.conn() as conn:
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % web.split(slot.get)[2])
        conn.head()
        base.wait_for(lambda: sum(p["connections"] for p in house.status()["processes"]) == 0,
                      "the connection to be given up")


def test_upload_below_the_least_rate_is_cut(make):
    house = make("httpServer/min-body-rate=1000000")
    slot = house.slot("crawl.bin", 1000)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" % web.split(slot.put)[2])
        began = time.monotonic()
        try:
            while time.monotonic() - began < base.WAIT and conn.quiet(0.2):
                conn.send(b"x")
        except OSError:
            pass
        assert time.monotonic() - began < base.WAIT
    assert web.put(slot.put, b"y" * 1000).status == 201


def test_head_beyond_the_limit_is_431(make):
    house = make("httpServer/max-head-size=2K")
    with house.conn() as conn:
        conn.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: %s\r\n\r\n" % ("x" * 4000))
        assert conn.reply().status == 431
        assert conn.closed()


def test_target_beyond_the_limit_is_414(make):
    house = make("httpServer/max-head-size=2K")
    with house.conn() as conn:
        conn.send("GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % ("x" * 4000))
        assert conn.reply().status == 414


def test_too_many_fields_are_431(make):
    house = make("httpServer/max-headers=20")
    with house.conn() as conn:
        conn.send("GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % ("X: y\r\n" * 30))
        assert conn.reply().status == 431


def test_requests_per_connection_are_limited(make):
    house = make("httpServer/max-requests=3")
    with house.conn() as conn:
        replies = [conn.request("GET", "/nowhere") for _ in range(3)]
        assert [r.closes for r in replies] == [False, False, True]
        assert conn.closed()


def test_connections_per_address_are_limited_over_all_workers(make):
    house = make("httpServer/max-connections-per-address=8")
    held = [house.conn() for _ in range(8)]
    for conn in held:
        assert conn.request("GET", "/nowhere").status == 404
    with house.conn() as conn:
        conn.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = conn.rest()
        assert got == b"" or got.startswith(b"HTTP/1.1 429") or got.startswith(b"HTTP/1.1 503")
    for conn in held:
        conn.close()

    def free_again():
        try:
            return house.request("GET", "/nowhere").status == 404
        except (web.Closed, OSError):
            return False

    base.wait_for(free_again, "room for a new connection")


def test_trusted_proxies_are_exempt_from_the_limit_per_address(make):
    house = make("httpServer/max-connections-per-address=4", "httpServer/trusted-proxies=['127.0.0.1']")
    held = [house.conn() for _ in range(12)]
    for conn in held:
        assert conn.request("GET", "/nowhere").status == 404
        conn.close()


def test_connections_per_worker_are_limited_and_the_rest_waits(make):
    house = make("httpServer/max-connections=5", workers=1)
    held = [house.conn() for _ in range(5)]
    for conn in held:
        assert conn.request("GET", "/nowhere").status == 404
    waiting = house.conn()
    waiting.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert waiting.quiet(0.5)
    held.pop().close()
    assert waiting.reply().status == 404
    for conn in held:
        conn.close()


def test_a_flood_of_connections_that_say_nothing_does_not_stop_the_service(make):
    """R3: fixed cost per connection, deadlines for all of them."""
    house = make("httpServer/max-connections-per-address=0", "httpServer/header-timeout=PT2S",
                 "httpServer/idle-timeout=PT2S")
    silent = [house.conn() for _ in range(300)]
    assert house.request("GET", "/nowhere").status == 404
    base.wait_for(lambda: sum(p["connections"] for p in house.status()["processes"]) == 0,
                  "all silent connections to be closed")
    for conn in silent:
        conn.close()


def test_slots_per_minute_and_jid_are_limited_with_a_moment_to_retry(make):
    house = make("upload/limits/burst=3", "upload/limits/rate-period=PT1M")
    for i in range(3):
        house.slot("b%d.txt" % i)
    kind, condition, _, error = xmpp.error_of(house.server.slot_iq("b4.txt", 3))
    assert (kind, condition) == ("wait", "resource-constraint")
    assert error.find("{%s}retry" % xmpp.UPLOAD).get("stamp").endswith("Z")
    house.slot("other.txt", sender="bob@localhost/x")
