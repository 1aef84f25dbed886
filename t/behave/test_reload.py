# SPDX-License-Identifier: ISC
"""Fifty reloads under load without one failed request; what a reload changes and what it keeps."""
import os
import re
import signal
import time

from harness import base, load, web

RELOADS = int(os.environ.get("STOA_RELOADS", "50"))


def test_fifty_reloads_under_load_without_one_failed_request(make):
    house = make("upload/limits/burst=1000000", "upload/limits/rate-period=PT1S")
    first = house.status()["configuration"]
    with load.Load(house, house.server, threads=4) as crowd:
        base.wait_for(lambda: crowd.uploads >= 5, "the load to begin")
        for _ in range(RELOADS):
            house.ctl("reload")
        before = crowd.uploads, crowd.downloads
        base.wait_for(lambda: crowd.uploads > before[0] and crowd.downloads > before[1], "the load to go on")
    assert not crowd.problems, crowd.problems[:5]
    assert house.status()["configuration"] == first + RELOADS
    assert not crowd.verify()
    base.wait_for(lambda: len(house.pids("worker")) == 2, "the old workers to leave")


def test_open_upload_survives_a_reload(make):
    house = make()
    slot = house.slot("across.bin", 2_000_000)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" % web.split(slot.put)[2])
        conn.send(b"a" * 1_000_000)
        house.ctl("reload")
        conn.send(b"b" * 1_000_000)
        reply = conn.reply("PUT")
        assert reply.status == 201 and reply.closes
    assert web.get(slot.get).body == b"a" * 1_000_000 + b"b" * 1_000_000
    base.wait_for(lambda: len(house.pids("worker")) == 2, "the old workers to leave")


def test_idle_connections_are_closed_by_a_reload(make):
    house = make()
    with house.conn() as conn:
        assert conn.request("GET", "/nowhere").status == 404
        house.ctl("reload")
        assert conn.closed()


def test_changed_values_are_in_force_after_a_reload(make):
    house = make()
    assert house.slot("x", 5000)
    with open(house.config, "a") as file:
        file.write("\nupload () {\n logic {\n  server-name = '127.0.0.1'\n  protocol = http\n  port = %d\n"
                   "  max-file-size = 1000\n }\n}\n" % house.http)
    house.ctl("reload")
    assert house.server.slot_iq("x", 5000).get("type") == "error"
    assert house.slot("x", 1000)


def test_new_connection_of_a_reload_listens_and_an_old_one_ends(make):
    house = make()
    port = base.free_port()
    text = base.read(house.config)
    with open(house.config, "w") as file:
        file.write(text.replace("%d {\n            addresses" % house.http, "%d {\n            addresses" % port, 1))
    old = house.conn()
    house.ctl("reload")
    with web.Conn((base.LOOPBACK, port)) as conn:
        assert conn.request("GET", "/nowhere").status == 404
    base.wait_for(lambda: not base.listening(house.http), "the old port to be closed")
    old.close()


def test_streams_stay_up_over_a_reload_that_does_not_concern_them(make):
    house = make()
    stream, attempts = house.server.wait_up("upload.localhost"), house.server.attempts
    for _ in range(3):
        house.ctl("reload")
    assert house.server.streams["upload.localhost"] is stream
    assert house.server.attempts == attempts
    assert house.slot()


def test_changed_secret_makes_the_router_connect_anew(make):
    house = make()
    text = base.read(house.config)
    house.server.secret = "another"
    with open(house.config, "w") as file:
        file.write(text.replace("component-secret", "another"))
    old = house.server.wait_up("upload.localhost")
    house.ctl("reload")
    base.wait_for(lambda: house.server.streams.get("upload.localhost") not in (None, old), "a new stream")
    assert house.slot()


def test_sighup_reloads_too(make):
    house = make()
    first = house.status()["configuration"]
    os.kill(house.pid, signal.SIGHUP)
    base.wait_for(lambda: house.status()["configuration"] == first + 1, "the new configuration")


def test_storm_of_hangups_ends_in_order(make):
    house = make()
    for _ in range(20):
        os.kill(house.pid, signal.SIGHUP)
        time.sleep(0.01)
    base.wait_for(lambda: house.ready() and len(house.pids("worker")) == 2, "two workers again")
    assert house.store(b"abc")
    assert not re.search(r"\bbug\b", house.log())


def test_old_workers_are_cut_after_drain_timeout(make):
    house = make("processes/drain-timeout=PT1S")
    slot = house.slot("endless.bin", 1000)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc" % web.split(slot.put)[2])
        base.wait_for(lambda: sum(p["connections"] for p in house.status()["processes"]) >= 1, "the connection")
        house.ctl("reload")
        assert conn.rest() == b""
    base.wait_for(lambda: len(house.pids("worker")) == 2, "the old workers to be cut")
    assert web.put(slot.put, b"x" * 1000).status == 201
