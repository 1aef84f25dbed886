# SPDX-License-Identifier: ISC
"""./dev itself: what it prints is what other people's scripts read."""
import os
import signal
import subprocess
import sys

import pytest

from harness import base, rest, web, xmpp

NAMES = ("HTTP_URL HTTPS_URL UPLOAD_JID HTTP_JID DOMAIN XMPP_C2S XMPP_COMPONENT ADMIN_JID ADMIN_PASSWORD USER_JID "
         "USER_PASSWORD USER2_JID USER2_PASSWORD CONFIG LOG_DIR DATA_DIR CTL MASTER_PID CA_FILE REST_URL API_KEY").split()


def dev(*arguments, check=True):
    """The command with the build under test in place of the optimised one."""
    env = dict(os.environ, STOA_PREFIX=base.prefix(), STOA_INVOKED_FROM=os.getcwd())
    done = subprocess.run([sys.executable, "-B", os.path.join(base.TOP, "t/dev/up.py")] + list(arguments), env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180, check=False)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def values(done):
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


class PlaceOf:
    """A Server as its users' tools see it: by the printed lines."""

    def __init__(self, lines):
        self.c2s, self.domain = int(lines["XMPP_C2S"].rsplit(":", 1)[1]), lines["DOMAIN"]
        self.accounts = {lines[k + "_JID"].split("@")[0]: lines[k + "_PASSWORD"] for k in ("ADMIN", "USER", "USER2")}


@pytest.fixture
def place(make):
    out = make.folder("up")
    yield out
    dev("down", out)


@pytest.mark.parametrize("kind", ["prosody", "ejabberd"])
def test_up_prints_all_lines_and_everything_works(place, kind):
    lines = values(dev("up", "--server", kind, place))
    assert list(lines) == NAMES
    server = PlaceOf(lines)
    alice = xmpp.client(server, lines["USER_JID"].split("@")[0])
    slot = xmpp.Slot(alice.iq("get", lines["UPLOAD_JID"], xmpp.request_xml("a.txt", 3)))
    assert slot.put.startswith(lines["HTTP_URL"] + "/")
    assert web.put(slot.put, b"abc").status == 201
    ctx = web.context(lines["CA_FILE"])
    with web.Conn(("localhost", web.split(lines["HTTPS_URL"])[1]), ctx) as conn:
        assert conn.request("GET", web.split(slot.get)[2]).body == b"abc"
    alice.close()
    reply = web.get(lines["REST_URL"] + "/adhoc/" + lines["DOMAIN"], [
        ("Api-Key", lines["API_KEY"]), ("Authorization", rest.basic(lines["ADMIN_JID"], lines["ADMIN_PASSWORD"]))])
    assert reply.status == 200 and b"<items>" in reply.body
    status = subprocess.run(lines["CTL"] + " status", shell=True, capture_output=True, text=True, check=True)
    assert lines["MASTER_PID"] in status.stdout
    assert os.path.isdir(lines["LOG_DIR"]) and os.path.isdir(lines["DATA_DIR"]) and os.path.isfile(lines["CONFIG"])
    dev("down", place)
    assert not base.alive(int(lines["MASTER_PID"]))
    assert not base.listening(server.c2s)
    dev("down", place)  # a second time is no error


def test_up_without_server_takes_settings(place):
    lines = values(dev("up", "--server", "none", "--set", "upload/logic/max-file-size=1000", place))
    done = subprocess.run(lines["CTL"] + " slot new --owner a@localhost --name a --size 900", shell=True, capture_output=True,
                          text=True, check=True)
    put = dict(x.split("=", 1) for x in done.stdout.splitlines() if "=" in x)["PUT"]
    assert web.put(put, b"x" * 900).status == 201
    done = subprocess.run(lines["CTL"] + " slot new --owner a@localhost --name a --size 1001", shell=True, capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0


def test_up_again_after_down_finds_its_files(place):
    lines = values(dev("up", "--server", "none", place))
    done = subprocess.run(lines["CTL"] + " slot new --owner a@localhost --name a --size 3", shell=True, capture_output=True,
                          text=True, check=True)
    urls = dict(x.split("=", 1) for x in done.stdout.splitlines() if "=" in x)
    assert web.put(urls["PUT"], b"abc").status == 201
    dev("down", place)
    again = values(dev("up", "--server", "none", place))
    target = web.split(urls["GET"])[2]
    assert web.fetch("GET", again["HTTP_URL"] + target).body == b"abc"


def test_up_twice_in_one_folder_is_refused(place):
    dev("up", "--server", "none", place)
    done = dev("up", "--server", "none", place, check=False)
    assert done.returncode != 0 and "down" in done.stderr


def test_wrong_setting_is_told_and_leaves_nothing_running(place):
    done = dev("up", "--server", "none", "--set", "upload/logic/max-file-sise=1", place, check=False)
    assert done.returncode != 0 and "max-file-sise" in done.stderr
    assert not os.path.exists(os.path.join(place, "up.json"))


def test_several_ups_run_side_by_side(make):
    places = [make.folder("side") for _ in range(3)]
    try:
        lines = [values(dev("up", "--server", "none", p)) for p in places]
        assert len({x["HTTP_URL"] for x in lines}) == 3
        for x in lines:
            assert web.fetch("GET", x["HTTP_URL"] + "/nowhere").status == 404
    finally:
        for p in places:
            dev("down", p)


def test_demo_tells_its_story_and_ends_on_ctrl_c(make):
    env = dict(os.environ, STOA_PREFIX=base.prefix(), TMPDIR=make.folder("demo"))
    process = subprocess.Popen([sys.executable, "-B", os.path.join(base.TOP, "t/dev/demo.py")], env=env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        assert any("the same picture" in x and "NOT" not in x for x in said), "".join(said)
        assert any("/rest/adhoc" in x and "-> 200" in x and "bob@localhost" in x for x in said), "".join(said)
        pid = [int(x.split("=")[1]) for x in said if x.startswith("MASTER_PID=")][0]
        assert base.alive(pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert not base.alive(pid)
