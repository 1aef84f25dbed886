# SPDX-License-Identifier: ISC
"""stoactl: what operators see and do beside a running daemon."""
import json
import os
import re

import pytest

from harness import base, web


def ident(url):
    return re.search(r"([0-9a-f]{8}-[0-9a-f-]{27})", url).group(1)


def stored_files(house):
    """Stored uploads on the disk: whatever is neither LMDB's nor a key."""
    out = []
    for folder, _, names in os.walk(os.path.join(house.folder, "data")):
        out += [os.path.join(folder, n) for n in names if not n.endswith((".mdb", ".key")) and "key" not in n]
    return out


def test_status_tells_processes_streams_and_counters(house):
    house.store(b"abc")
    status = house.status()
    assert status["master_pid"] == house.pid
    assert sorted(p["kind"] for p in status["processes"]) == ["keeper", "router", "worker", "worker"]
    assert {s["name"]: s["state"] for s in status["streams"]} == {"upload.localhost": "up", "http.localhost": "up"}
    assert status["logins"] == {"sessions": 0, "failures_in_a_row": 0, "refused_seconds": 0}
    assert status["counters"]["uploads"] >= 1 and status["counters"]["slots_promised"] >= 1


def test_status_for_people(house):
    said = house.ctl("status").stdout
    for word in ("worker", "router", "keeper", "upload.localhost", "uploads", "logins: 0 sessions of users, 0 wrong passwords in a row"):
        assert word in said


def test_status_of_nothing_is_3(make):
    house = make(start=False)
    done = house.ctl("status", check=False)
    assert done.returncode == 3 and done.stderr


def test_counters_survive_the_processes_that_counted(make):
    import signal
    house = make(workers=1)
    house.store(b"abc")
    before = house.counter("uploads")
    os.kill(house.pids("worker")[0], signal.SIGKILL)
    base.wait_for(house.ready, "the worker again")
    assert house.counter("uploads") >= before


def test_slot_new_gives_urls_that_work(house):
    put, get = house.slot_by_ctl("by hand.txt", 5)
    assert web.put(put, b"bytes").status == 201
    assert web.get(get).body == b"bytes"


@pytest.mark.parametrize("arguments", [
    ("slot", "new"), ("slot", "new", "--owner", "alice@localhost", "--name", "a"), ("slot", "new", "--size", "x", "--owner", "a@b", "--name", "a"),
    ("files", "show"), ("files", "show", "nonsense"), ("files", "delete", "nonsense"), ("dance",), ("status", "--xml"), (),
])
def test_wrong_use_is_told(house, arguments):
    done = house.ctl(*arguments, check=False)
    assert done.returncode not in (0,) and done.stderr


def test_files_list_show_delete(make):
    house = make()
    one = house.store(b"first", "first.txt", "text/plain")
    two = house.store(b"second!", "zweite ü.txt", sender="bob@localhost/x")
    listed = house.ctl("files", "list").stdout
    assert ident(one.get) in listed and ident(two.get) in listed and "zweite ü.txt" in listed
    only = house.ctl("files", "list", "--owner", "bob@localhost").stdout
    assert ident(two.get) in only and ident(one.get) not in only
    rows = [json.loads(x) for x in house.ctl("files", "list", "--json").stdout.splitlines() if x.strip().startswith("{")] or \
        json.loads(house.ctl("files", "list", "--json").stdout)
    assert len(rows) == 2
    shown = house.ctl("files", "show", ident(one.get)).stdout
    assert "first.txt" in shown and "alice@localhost" in shown and "text/plain" in shown
    house.ctl("files", "delete", ident(one.get))
    assert web.get(one.get).status in (404, 410)
    assert web.get(two.get).body == b"second!"
    assert house.ctl("files", "delete", ident(one.get), check=False).returncode != 0
    house.ctl("fsck")


def test_commands_work_while_the_daemon_is_down(make):
    house = make()
    slot = house.store(b"abc")
    house.stop()
    assert ident(slot.get) in house.ctl("files", "list").stdout
    house.ctl("fsck")
    house.ctl("files", "delete", ident(slot.get))
    house.start()
    assert web.get(slot.get).status in (404, 410)
    assert house.store(b"xyz")  # the daemon can still write what an operator's command has touched


# ---- fsck finds each planted fault, and repairs it ----

def test_fsck_finds_a_missing_file(make):
    house = make()
    slot = house.store(b"lost bytes")
    house.store(b"good")
    path = [p for p in stored_files(house) if os.path.getsize(p) == 10]
    assert len(path) == 1
    os.unlink(path[0])
    done = house.ctl("fsck", check=False)
    assert done.returncode == 1 and ident(slot.get) in done.stdout
    assert house.ctl("fsck", "--repair", check=False).returncode in (0, 1)
    house.ctl("fsck")
    assert web.get(slot.get).status in (404, 410, 500)


def test_fsck_finds_a_file_of_another_size(make):
    house = make()
    slot = house.store(b"0123456789")
    path = [p for p in stored_files(house) if os.path.getsize(p) == 10][0]
    with open(path, "ab") as file:
        file.write(b"more")
    done = house.ctl("fsck", check=False)
    assert done.returncode == 1 and ident(slot.get) in done.stdout
    reply = web.get(slot.get)
    assert reply.status == 500 and b"0123456789" not in reply.body


def test_fsck_deep_finds_changed_bytes(make):
    house = make()
    slot = house.store(b"0123456789")
    path = [p for p in stored_files(house) if os.path.getsize(p) == 10][0]
    with open(path, "r+b") as file:
        file.write(b"X")
    house.ctl("fsck")  # the size is right
    done = house.ctl("fsck", "--deep", check=False)
    assert done.returncode == 1 and ident(slot.get) in done.stdout


def test_fsck_finds_a_file_without_a_row(make):
    house = make()
    house.store(b"abc")
    folder = os.path.dirname([p for p in stored_files(house) if os.path.getsize(p) == 3][0])
    orphan = os.path.join(folder, "00000000-0000-4000-8000-000000000000")
    with open(orphan, "w") as file:
        file.write("orphan")
    os.utime(orphan, (1, 1))
    done = house.ctl("fsck", check=False)
    assert done.returncode == 1 and "00000000-0000-4000-8000-000000000000" in done.stdout
    house.ctl("fsck", "--repair", check=False)
    assert not os.path.exists(orphan)
    house.ctl("fsck")


def test_fsck_beside_a_busy_daemon_calls_nothing_wrong(make):
    from harness import load
    house = make("upload/limits/burst=1000000", "upload/limits/rate-period=PT1S")
    with load.Load(house, house.server, threads=3) as crowd:
        base.wait_for(lambda: crowd.uploads >= 5, "the load")
        for _ in range(8):
            done = house.ctl("fsck", check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    assert not crowd.problems, crowd.problems[:3]


def test_orphans_are_swept_at_the_start(make):
    house = make()
    house.store(b"abc")
    folder = os.path.dirname([p for p in stored_files(house) if os.path.getsize(p) == 3][0])
    house.stop()
    orphan = os.path.join(folder, "00000000-0000-4000-8000-000000000000")
    with open(orphan, "w") as file:
        file.write("orphan")
    os.utime(orphan, (1, 1))
    if os.getuid() == 0:
        os.chown(orphan, os.stat(folder).st_uid, os.stat(folder).st_gid)
    house.start()
    base.wait_for(lambda: not os.path.exists(orphan), "the orphan to be swept")
    assert house.counter("orphans_removed") >= 1


# ---- expiry by the keeper ----

def test_sweep_removes_what_expired_and_nothing_else(make):
    house = make("upload/expiration/expiration-time=PT1H", "upload/expiration/period=PT1S")
    old = [house.store(b"old%d" % i, "o%d" % i) for i in range(5)]
    house.offset_clock(1800)
    young = house.store(b"young")
    house.offset_clock(3700)
    base.wait_for(lambda: house.counter("files_expired") == 5, "five files to expire")
    assert all(web.get(s.get).status == 410 for s in old)
    assert web.get(young.get).body == b"young"
    assert len([p for p in stored_files(house) if os.path.getsize(p) in (4, 5)]) == 1
    house.ctl("fsck")


def test_sweep_takes_no_more_than_its_limit_a_run(make):
    house = make("upload/expiration/expiration-time=PT1H", "upload/expiration/period=PT3S", "upload/expiration/limit=3")
    for i in range(7):
        house.store(b"x%d" % i, "l%d" % i)
    house.offset_clock(3700)
    seen = []

    def done():
        seen.append(house.counter("files_expired"))
        return seen[-1] == 7

    base.wait_for(done, "all seven, three at a time", 60)
    steps = sorted(set(seen) - {0})
    assert steps[0] <= 3 and all(b - a <= 3 for a, b in zip(steps, steps[1:])), steps


def test_tombstones_end(make):
    house = make("upload/expiration/expiration-time=PT1H", "upload/expiration/period=PT1S", "upload/expiration/tombstone=P1D")
    slot = house.store(b"abc")
    house.offset_clock(3700)
    base.wait_for(lambda: house.counter("files_expired") == 1, "the sweep")
    assert web.get(slot.get).status == 410
    house.offset_clock(3700 + 90000)
    base.wait_for(lambda: web.get(slot.get).status == 404, "the tombstone to be removed")
