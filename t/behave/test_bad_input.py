# SPDX-License-Identifier: ISC
"""The world at its worst: a server absent or unkind, a disk full, a map full, clocks that jump, processes killed."""
import os
import re
import signal
import subprocess
import threading

import pytest

from harness import base, servers, web, xmpp


def lines_with(text, *words):
    return [x for x in text.splitlines() if all(w in x for w in words)]


# ---- the XMPP server ----

def test_server_absent_stoa_runs_serves_and_says_so_once(make):
    server = make.server()
    server.close()
    house = make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.5S", server=server)
    put, get = house.slot_by_ctl("a.txt", 3)
    assert web.put(put, b"abc").status == 201
    assert web.get(get).body == b"abc"
    base.wait_for(lambda: house.status()["streams"] and all(s["trouble"] for s in house.status()["streams"]), "a reason")
    server.open()
    server.wait_up("upload.localhost")
    said = lines_with(house.log(), "upload.localhost", str(server.component))
    troubles = [x for x in said if " warning " in x or " error " in x]
    assert len(troubles) == 1, troubles  # once, not once a try
    assert server.slot()


def test_server_absent_the_log_names_the_setting(make):
    server = make.server()
    server.close()
    house = make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.5S", server=server)
    base.wait_for(lambda: "xmpp/port" in house.log() or "xmpp/host" in house.log(), "the name of the setting in the log")


def test_wrong_secret_is_said_once_and_names_the_setting(make):
    server = make.server(secret="right")
    house = make("xmpp/components/upload.localhost/secret=wrong", "xmpp/reconnect-least=PT0.1S",
                 "xmpp/reconnect-most=PT0.3S", server=server, start=False)
    house.start()
    base.wait_for(lambda: server.attempts >= 8, "several tries")
    said = [x for x in lines_with(house.log(), "upload.localhost", "secret") if " warning " in x or " error " in x]
    assert len(said) == 1, said
    assert "xmpp/components" in said[0] or "secret" in said[0]
    assert "wrong" not in re.sub(r"wrong secret", "", said[0]) or "'wrong'" not in said[0]
    server.wait_up("http.localhost")  # the other one is up all the same
    assert web.put(*_slot_and_body(house)).status == 201


def _slot_and_body(house):
    put, _ = house.slot_by_ctl("a.txt", 3)
    return put, b"abc"


def test_jid_taken_is_said_once_and_retried(make):
    server = make.server()
    server.behaviour = "conflict"
    house = make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.3S", server=server, start=False)
    house.start()
    base.wait_for(lambda: server.attempts >= 8, "several tries")
    said = [x for x in lines_with(house.log(), "upload.localhost") if " warning " in x or " error " in x]
    assert len(said) == 1 and ("taken" in said[0] or "already" in said[0] or "connected" in said[0] or "conflict" in said[0])
    server.behaviour = "normal"
    server.wait_up("upload.localhost")
    assert server.slot()


def test_jid_taken_on_prosody(make, prosody):
    holder = xmpp.component(prosody, "upload3.localhost")
    assert xmpp.local(holder.answer) == "handshake"
    house = make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.5S", server=prosody,
                 components=("upload3.localhost",), start=False)
    house.start()
    base.wait_for(lambda: [s for s in house.status()["streams"] if s["trouble"]], "the reason")
    holder.close()
    house.streams_up()


@pytest.mark.parametrize("behaviour", ["silent", "host-unknown"])
def test_unkind_server_is_retried(make, behaviour):
    server = make.server()
    server.behaviour = behaviour
    house = make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.3S", "xmpp/iq-timeout=PT1S", server=server,
                 start=False)
    house.start()
    base.wait_for(lambda: server.attempts >= 2, "a try")
    server.behaviour = "normal"
    server.drop()
    server.wait_up("upload.localhost", 60)


def test_server_that_stops_answering_is_noticed(make):
    server = make.server()
    house = make("xmpp/ping-interval=PT1S", "xmpp/iq-timeout=PT1S", "xmpp/reconnect-least=PT0.1S", server=server)
    server.behaviour = "deaf"
    before = server.attempts
    base.wait_for(lambda: server.attempts > before, "the dead stream to be given up")
    server.behaviour = "normal"
    base.wait_for(lambda: len(server.streams) == 2, "both streams again")
    assert house.process.poll() is None


def test_stream_id_with_markup_characters_is_hashed_unescaped(make):
    server = make.server()
    server.behaviour = "odd-id"
    house = make(server=server, start=False)
    house.start()
    server.wait_up("upload.localhost")


def test_slot_requests_during_an_outage_of_the_stream_are_answered_afterwards(make):
    server = make.server()
    make("xmpp/reconnect-least=PT0.1S", "xmpp/reconnect-most=PT0.3S", server=server)
    for _ in range(5):
        old = server.wait_up("upload.localhost")
        server.drop("upload.localhost")
        base.wait_for(lambda o=old: server.streams.get("upload.localhost") not in (None, o), "a new stream")
        assert server.slot()


# ---- configuration ----

BAD = ["httpServer {", "upload () { logic { max-file-siez = 10 } }", "log { level = chatty }", "processes { workers = 9999 }"]


@pytest.mark.parametrize("text", BAD)
def test_wrong_configuration_never_starts(make, text):
    house = make(start=False, more="\n" + text + "\n")
    house.start(wait=False)
    assert house.process.wait(base.WAIT) == 1
    assert re.search(r"config\.tdsl:\d+:\d+: error", house.said())
    house.process = None
    assert not base.listening(house.http)


@pytest.mark.parametrize("text", BAD)
def test_wrong_configuration_never_replaces_a_running_one(make, text):
    house = make()
    slot = house.store(b"abc")
    before = {(p["kind"], p["pid"]) for p in house.status()["processes"]}
    good = base.read(house.config)
    with open(house.config, "a") as file:
        file.write("\n" + text + "\n")
    done = house.ctl("reload", check=False)
    assert done.returncode != 0
    assert re.search(r"config\.tdsl:\d+:\d+", done.stdout + done.stderr)
    os.kill(house.pid, signal.SIGHUP)
    base.wait_for(lambda: re.search(r"config\.tdsl:\d+:\d+: error", house.log()), "the refusal in the log")
    assert web.get(slot.get).body == b"abc"
    with open(house.config, "w") as file:
        file.write(good)
    assert {(p["kind"], p["pid"]) for p in house.status()["processes"]} == before
    house.ctl("reload")
    assert web.get(slot.get).body == b"abc"


def test_port_that_is_taken_is_a_reason_not_to_start(make):
    import socket
    house = make(start=False)
    with socket.socket() as holder:
        holder.bind((base.LOOPBACK, house.http))
        holder.listen(1)
        house.start(wait=False)
        assert house.process.wait(base.WAIT) == 1
        assert str(house.http) in house.said()
        house.process = None


# ---- the disk ----

def tmpfs(folder, size):
    """A file system of that size on folder; a test that cannot have one says so loudly."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=0777" % size, "stoa-test", folder],
                          capture_output=True, text=True, check=False)
    if done.returncode and os.getuid():  # an ordinary user: in a namespace of one's own it would not be ours to see
        return False
    assert done.returncode == 0, done.stderr
    return True


@pytest.fixture
def small_disk(make):
    """A folder on a file system of 8 MiB (root), or None: then a limit on file size plays the full disk."""
    folder = make.folder("small")
    mounted = tmpfs(folder, "8m")
    yield folder if mounted else None
    if mounted:
        make.end()
        make.made.clear()
        subprocess.run(["umount", folder], check=True)


def test_disk_full_is_507_and_nothing_partial_is_served(make, small_disk):
    if small_disk:
        house = make("upload/store/path=%s/files" % small_disk)
        before, limit = None, 8_000_000
    else:
        import resource
        limit = 32_000_000  # the shared memory counts as a file, too

        def before():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        house = make("processes/data-map-size=2M", start=False)
        house.start(preexec_fn=before)
        house.server.wait_up("upload.localhost")
    small = house.store(b"x" * 100_000, "fits.bin")
    slot = house.slot("does-not.bin", limit * 2)
    reply = web.put(slot.put, b"x" * limit * 2)
    assert reply.status == 507, reply
    assert web.get(slot.get).status == 404
    assert web.get(small.get).status == 200
    after = house.store(b"y" * 100_000, "fits-too.bin")  # what the failed one took has been given back
    assert web.get(after.get).body == b"y" * 100_000
    house.ctl("fsck")
    base.wait_for(lambda: any(lines_with(house.log(), word) for word in ("disk", "space", "room", "File too large")),
                  "a line about the disk")


@pytest.fixture
def lockable(make):
    """(folder, lock, unlock): a folder of its own that can be made read-only and writable again while in use."""
    folder = make.folder("lockable")
    mounted = tmpfs(folder, "64m")
    os.chmod(folder, 0o777)

    def turn(writable):
        if mounted:
            subprocess.run(["mount", "-o", "remount,%s" % ("rw" if writable else "ro"), folder], check=True)
        else:
            for at, _, _ in os.walk(folder):
                os.chmod(at, 0o700 if writable else 0o500)

    yield folder, lambda: turn(False), lambda: turn(True)
    turn(True)
    make.end()
    make.made.clear()
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def test_folder_read_only_is_a_5xx_and_heals(make, lockable):
    """A file system that turns read-only under way: uploads fail clearly, downloads go on, nothing is lost."""
    folder, lock, unlock = lockable
    house = make("upload/store/path=%s/files" % folder)
    kept, slot = house.store(b"kept"), house.slot("ro.bin", 3)
    lock()
    reply = web.put(slot.put, b"abc")
    assert reply.status in (500, 503, 507), reply
    assert web.get(slot.get).status == 404
    assert web.get(kept.get).body == b"kept"
    assert [x for x in house.log().splitlines() if " error " in x or " warning " in x], "the log says why"
    unlock()
    assert web.put(slot.put, b"abc").status == 201
    assert web.get(slot.get).body == b"abc"
    house.ctl("fsck")


def test_folder_read_only_at_the_start_is_told_by_its_setting(make, lockable):
    folder, lock, unlock = lockable
    house = make("upload/store/path=%s/files" % folder)
    kept = house.store(b"kept")
    house.stop()
    lock()
    house.start(wait=False)
    assert house.process.wait(base.WAIT) == 1
    house.process = None
    assert "upload/store/path" in house.said()
    unlock()
    house.start()
    assert web.get(kept.get).body == b"kept"


def test_map_full_grows_it_in_all_processes(make):
    house = make("processes/data-map-size=1M", "upload/limits/burst=1000000", workers=3)
    wrong = []

    def many(number):
        for i in range(700):
            answer = house.server.slot_iq("%s-%d-%d" % ("n" * 200, number, i), 3, sender="u%d@localhost/x" % number)
            if answer.get("type") != "result":
                wrong.append(xmpp.error_of(answer))

    threads = [threading.Thread(target=many, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    slot = house.store(b"after")
    for _ in range(12):  # every worker sees the grown map
        assert web.get(slot.get).body == b"after"
    house.ctl("fsck")


# ---- clocks ----

@pytest.mark.parametrize("jump", [10 * 86400, -10 * 86400, 400 * 86400])
def test_clock_jump_stops_nothing(make, jump):
    house = make("upload/expiration/expiration-time=P20D", "upload/expiration/period=PT1S")
    slot = house.store(b"abc")
    house.offset_clock(jump)
    reply = web.get(slot.get)
    assert reply.status == (410 if jump > 20 * 86400 else 200)
    after = house.store(b"xyz")
    assert web.get(after.get).body == b"xyz"
    house.offset_clock(0)
    assert web.get(after.get).status == 200
    assert house.status()["master_pid"] == house.pid
    assert "stuck" not in house.log()


# ---- killed processes ----

@pytest.mark.parametrize("kind", ["worker", "router", "keeper"])
def test_killed_process_is_reborn_and_the_service_is_back(make, kind):
    house = make()
    slot = house.store(b"abc")
    victim = house.pids(kind)[0]
    os.kill(victim, signal.SIGKILL)
    base.wait_for(lambda: house.ready() and victim not in house.pids(kind), "%s reborn" % kind)
    assert web.retry_until(5, lambda: web.get(slot.get)).body == b"abc"
    house.server.wait_up("upload.localhost")
    assert house.store(b"new")
    assert lines_with(house.log(), kind, str(victim)), "the death stands in the log"


def test_worker_killed_in_the_middle_of_an_upload(make):
    house = make(workers=1)
    slot = house.slot("killed.bin", 1_000_000)
    conn = house.conn()
    conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" % web.split(slot.put)[2])
    conn.send(b"x" * 500_000)
    base.wait_for(lambda: house.counter("connections") >= 1, "the connection")
    victim = house.pids("worker")[0]
    os.kill(victim, signal.SIGKILL)
    assert conn.rest() == b""
    base.wait_for(lambda: house.pids("worker") not in ([], [victim]) and house.ready(), "the new worker")
    assert web.get(slot.get).status == 404
    assert web.put(slot.put, b"y" * 1_000_000).status == 201  # the dead one's claim is void
    assert web.get(slot.get).body == b"y" * 1_000_000


def test_master_killed_takes_its_children_along(make):
    house = make()
    pids = base.family(house.pid)
    os.kill(house.pid, signal.SIGKILL)
    house.process.wait()
    house.process = None
    base.wait_for(lambda: not any(base.alive(p) for p in pids), "the children to go")
    house.start()  # on the same ports, past stale sockets and pid file
    assert house.store(b"abc")


def test_stopped_worker_is_killed_and_replaced(make):
    """A process whose loop does not turn is no use; stuck-timeout ends it."""
    house = make("processes/stuck-timeout=PT2S")
    victim = house.pids("worker")[0]
    os.kill(victim, signal.SIGSTOP)
    base.wait_for(lambda: victim not in house.pids("worker") and house.ready(), "a new worker")
    assert house.store(b"abc")


def test_daemon_with_nothing_but_garbage_in_its_data_folder_says_so(make):
    house = make()
    house.stop()
    for folder, _, names in os.walk(os.path.join(house.folder, "data")):
        for name in names:
            if name == "data.mdb":
                with open(os.path.join(folder, name), "r+b") as file:
                    file.write(b"garbage!" * 2000)
    house.start(wait=False)
    base.wait_for(lambda: house.process.poll() is not None or lines_with(house.log(), "error"), "an error")
    assert lines_with(house.log(), "error")
    if house.process.poll() is not None:
        house.process = None


def test_secrets_of_servers_are_not_printed(make):
    house = make()
    done = subprocess.run([base.program("stoad"), "-T"] + house.options(), capture_output=True, text=True, check=True,
                          env=house.env())
    assert servers.SECRET not in done.stdout + done.stderr
