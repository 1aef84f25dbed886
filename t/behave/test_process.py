# SPDX-License-Identifier: ISC
"""The daemon as its operator knows it: signals, pid file, options, logs, service manager, rights, drain."""
import grp
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import threading

import pytest

from harness import base, web


def run(*arguments, env=None):
    return subprocess.run([base.program("stoad")] + list(arguments), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False, env=env)


# ---- options ----

def test_V_prints_the_version():
    done = run("-V")
    assert done.returncode == 0 and re.fullmatch(r"stoad? \d+\.\d+(\.\d+)?\n", done.stdout)


def test_t_is_0_for_a_good_and_1_for_a_bad_configuration(make):
    house = make(start=False)
    assert run("-t", *house.options(), env=house.env()).returncode == 0
    with open(house.config, "a") as file:
        file.write("upload () { logic { max-file-sise = 1 } }\n")
    done = run("-t", *house.options(), env=house.env())
    assert done.returncode == 1
    assert re.search(r"config\.tdsl:\d+:\d+: error: .*max-file-size", done.stderr)


def test_t_disturbs_nothing_that_runs(make):
    house = make()
    assert run("-t", *house.options(), env=house.env()).returncode == 0
    assert house.store(b"abc")


def test_T_prints_what_is_in_force_and_that_loads_again(make):
    house = make("upload/logic/max-file-size=12345", start=False)
    done = run("-T", *house.options(), env=house.env())
    assert done.returncode == 0 and "12345" in done.stdout
    again = os.path.join(house.folder, "again.tdsl")
    with open(again, "w") as file:
        file.write(re.sub(r"\(hidden\)", "x", done.stdout))
    assert run("-t", "-c", again, env=house.env()).returncode == 0


def test_unknown_option_is_refused():
    assert run("-z").returncode not in (0,)


def test_missing_file_is_said_by_name():
    done = run("-t", "-c", "/nonexistent/config.tdsl")
    assert done.returncode == 1 and "/nonexistent/config.tdsl" in done.stderr


def test_wrong_override_is_said_by_its_own_text(make):
    house = make(start=False)
    done = run("-t", *house.options(), "-o", "upload/logic/max-file-sise=3", env=house.env())
    assert done.returncode == 1 and "max-file-sise" in done.stderr


# ---- life ----

def test_daemonised_start_returns_when_it_serves(make):
    house = make(start=False)
    house.daemonise()
    try:
        assert base.listening(house.http)
        assert int(base.read(os.path.join(house.folder, "run", "stoad.pid"))) == house.pid
        assert os.getsid(house.pid) != os.getsid(0)
        put, get = house.slot_by_ctl("a.txt", 3)
        assert web.put(put, b"abc").status == 201
        assert web.get(get).body == b"abc"
    finally:
        base.end(house.pid)
    assert not os.path.exists(os.path.join(house.folder, "run", "stoad.pid"))


def test_daemonised_start_that_fails_says_so_and_is_1(make):
    house = make(start=False)
    with socket.socket() as holder:
        holder.bind((base.LOOPBACK, house.http))
        holder.listen(1)
        done = run(*house.options(), env=house.env())
    assert done.returncode == 1 and str(house.http) in done.stderr


def test_second_start_with_the_same_configuration_is_refused(make):
    house = make()
    done = run("-f", *house.options(), env=house.env())
    assert done.returncode == 1
    assert house.process.poll() is None and house.store(b"abc")
    assert house.status()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_end_at_once_and_cleanly(make, number):
    house = make()
    pids = base.family(house.pid)
    busy = house.conn()
    busy.send("GET / HTTP/1.1\r\n")
    os.kill(house.pid, number)
    assert house.process.wait(base.WAIT) == 0
    house.process = None
    assert not any(base.alive(p) for p in pids)
    assert not os.path.exists(os.path.join(house.folder, "run", "stoad.pid"))
    assert not os.path.exists(os.path.join(house.folder, "run", "ctl.sock"))
    busy.close()


def test_quit_drains(make):
    """What is under way is finished; nothing new is begun; then it ends."""
    house = make()
    slot = house.slot("drain.bin", 1_000_000)
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" % web.split(slot.put)[2])
        conn.send(b"x" * 400_000)
        base.wait_for(lambda: sum(p["connections"] for p in house.status()["processes"]) >= 1, "the connection")
        os.kill(house.pid, signal.SIGQUIT)
        base.wait_for(lambda: not base.listening(house.http), "the port to be closed")
        assert house.process.poll() is None
        conn.send(b"x" * 600_000)
        assert conn.reply("PUT").status == 201
    assert house.process.wait(base.WAIT) == 0
    house.process = None
    house.start()
    assert web.get(slot.get).body == b"x" * 1_000_000


@pytest.mark.parametrize("command", ["stop", "drain"])
def test_stop_and_drain_by_stoactl(make, command):
    house = make()
    house.ctl(command)
    assert house.process.wait(base.WAIT) == 0
    house.process = None
    assert house.ctl("status", check=False).returncode == 3


def test_titles_tell_the_processes_apart(make):
    house = make()
    titles = [base.cmdline(pid) for pid in base.family(house.pid)]
    for word in ("worker 0", "router", "keeper"):
        assert any(word in t for t in titles) or any("worker" in t for t in titles), titles
    assert sum("worker" in t for t in titles) == 2 and sum("router" in t for t in titles) == 1


# ---- logs ----

def test_logs_reopen_after_rename_and_no_line_is_lost_or_torn(make):
    house = make()
    over, sent = threading.Event(), []

    def ask():
        with house.conn() as conn:
            while not over.is_set():
                sent.append(conn.request("GET", "/line/%d" % len(sent))["x-request-id"])

    asker = threading.Thread(target=ask)
    asker.start()
    access = house.log_path("access.log")
    moved = []
    for number in range(5):
        base.wait_for(lambda: os.path.exists(access) and os.path.getsize(access) > 0, "lines")
        moved.append("%s.%d" % (access, number))
        os.rename(access, moved[-1])
        if number % 2:
            os.kill(house.pid, signal.SIGUSR1)
        else:
            house.ctl("reopen")
        base.wait_for(lambda: os.path.exists(access), "the new file")
    over.set()
    asker.join()
    base.wait_for(lambda: sent[-1] in base.read(access), "the last line")
    lines = "".join(base.read(p) for p in moved + [access]).splitlines()
    ids = [i for line in lines for i in re.findall(r"\bid=(\S+)", line)]
    assert sorted(ids) == sorted(sent)
    assert all(re.match(r"^127\.0\.0\.1 - \S+ \[.*\] \"GET /line/\d+ HTTP/1\.1\" 404 \d+ ", line) for line in lines)


def test_access_log_in_combined_format(make):
    house = make()
    slot = house.store(b"abc")
    house.request("GET", web.split(slot.get)[2], {"User-Agent": "probe/1.0", "Referer": "http://example.org/"})
    line = base.wait_for(lambda: [x for x in house.access_log().splitlines() if "probe/1.0" in x], "the line")[0]
    assert re.match(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \S+ HTTP/1\.1" 200 3 '
                    r'"http://example.org/" "probe/1\.0"', line), line


def test_access_log_as_json_lines(make):
    house = make("log/access-format=json")
    house.request("GET", "/json?x=1", {"User-Agent": 'a"b\\ü'})
    line = base.wait_for(lambda: [x for x in house.access_log().splitlines() if "/json" in x], "the line")[0]
    row = json.loads(line)
    assert row["status"] == 404 and row["method"] == "GET"
    assert any('a"b' in str(v) for v in row.values())


def test_access_log_can_be_switched_off(make):
    house = make("log/access=false")
    house.request("GET", "/off")
    assert house.access_log() == ""


def test_log_to_stderr_with_priorities(make):
    house = make("log/target=stderr")
    said = base.wait_for(lambda: base.read(os.path.join(house.folder, "console.log")), "a line")
    assert re.search(r"^<[3-7]>", said, re.M)
    assert not os.path.exists(house.log_path("stoa.log"))


def test_log_lines_have_time_level_and_process(make):
    house = make("log/level=debug")
    house.store(b"abc")
    lines = base.wait_for(lambda: base.read(house.log_path("stoa.log")).splitlines(), "lines")
    for line in lines:
        assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (error|warning|notice|info|debug) "
                        r"(master|worker|router|keeper)\[\d+\] \S", line), line


def test_log_files_are_not_for_everybody(make):
    house = make()
    for name in ("stoa.log", "access.log"):
        assert os.stat(house.log_path(name)).st_mode & 0o777 == 0o640


# ---- service manager ----

class Notified:
    """A NOTIFY_SOCKET of our own."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        os.chmod(self.path, 0o777)
        self.said = []

    def wait(self, word):
        self.sock.settimeout(base.WAIT)
        while not any(word in line for message in self.said for line in message.splitlines()):
            self.said.append(self.sock.recv(4096).decode())
        return self.said


def test_notify_ready_reloading_stopping(make):
    notified = Notified(make.folder("notify"))
    house = make(env={"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": "1000000"}, start=False)
    house.start()
    notified.wait("READY=1")
    notified.wait("WATCHDOG=1")
    notified.said.clear()
    os.kill(house.pid, signal.SIGHUP)
    notified.wait("RELOADING=1")
    assert any("MONOTONIC_USEC=" in m for m in notified.said if "RELOADING=1" in m)
    notified.wait("READY=1")
    os.kill(house.pid, signal.SIGTERM)
    notified.wait("STOPPING=1")
    house.process.wait(base.WAIT)
    house.process = None


def test_sockets_by_LISTEN_FDS(make):
    """A service manager binds the port and hands it over; Stoa recognises it by its address."""
    house = make(start=False)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((base.LOOPBACK, house.http))
        listener.listen(64)
        starter = os.path.join(house.folder, "starter.py")
        with open(starter, "w") as file:
            file.write("import os, sys\nos.dup2(int(sys.argv[1]), 3)\nos.set_inheritable(3, True)\n"
                       "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\nos.execv(sys.argv[2], sys.argv[2:])\n")
        with open(os.path.join(house.folder, "console.log"), "ab") as out:
            house.process = subprocess.Popen(
                ["/usr/bin/python3", starter, str(listener.fileno()), base.program("stoad"), "-f"] + house.options(),
                pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=house.env(),
                start_new_session=True)
        house.pid = house.process.pid
        base.wait_for(lambda: house.process.poll() is not None or house.ready(), house.said)
        assert house.process.poll() is None, house.said()
    assert house.request("GET", "/nowhere").status == 404


# ---- rights ----

@pytest.mark.root
def test_children_give_up_root(make):
    house = make()
    if house.user == "root":
        pytest.fail("the test folder must be reachable by ordinary users")
    wanted = pwd.getpwnam("nobody").pw_uid, grp.getgrnam("nogroup").gr_gid
    for pid in base.family(house.pid)[1:]:
        status = base.read("/proc/%d/status" % pid)
        uids = [int(x) for x in re.search(r"Uid:\s+(.*)", status).group(1).split()]
        gids = [int(x) for x in re.search(r"Gid:\s+(.*)", status).group(1).split()]
        assert set(uids) == {wanted[0]} and set(gids) == {wanted[1]}
        assert re.search(r"Groups:\s*(%d)?\s*$" % wanted[1], status, re.M)
        assert re.search(r"CapEff:\s+0+$", status, re.M)
        assert re.search(r"NoNewPrivs:\s+1", status)
    for folder, _, names in os.walk(os.path.join(house.folder, "data")):
        for name in names:
            assert os.stat(os.path.join(folder, name)).st_uid == wanted[0], name
    assert house.store(b"abc")


@pytest.mark.root
def test_unknown_user_names_the_setting(make):
    house = make("processes/user=no-such-user", start=False)
    house.start(wait=False)
    assert house.process.wait(base.WAIT) == 1
    house.process = None
    assert "processes/user" in house.said()


def test_control_socket_is_for_its_owner(make):
    house = make()
    assert os.stat(os.path.join(house.folder, "run", "ctl.sock")).st_mode & 0o007 == 0
