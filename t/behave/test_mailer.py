# SPDX-License-Identifier: ISC
"""mailer: a queue that loses nothing, and a keeper that sends each mail once, whatever the mail server does."""
import json
import os
import re
import signal
import subprocess
import threading

import pytest

from harness import base, certs
from harness.smtp import DIE, PASSWORD, USER, MailServer


@pytest.fixture
def post(make):
    """Mail servers that end with the test."""
    made = []

    def start(started=True, **more):
        server = MailServer(make.folder("smtp"), **more)
        certs.authority(server.folder)
        made.append(server)
        return server.start() if started else server
    yield start
    for server in made:
        server.stop()


@pytest.fixture
def house_of(make):
    def start(server, sets=(), **more):
        os.chmod(server.folder, 0o755)
        return make(*sets, server=False, workers=1, more=server.config(**more))
    return start


def send(house, to="bob@localhost", check=True):
    return house.ctl("mail", "test", to, check=check, seconds=120)


def put(house, to="bob@localhost"):
    """Into the queue, without waiting for what comes of it; the id."""
    process = subprocess.Popen([base.program("stoactl")] + house.options() + ["mail", "test", to],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=house.env())
    line = process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    found = re.fullmatch(r"mail ([0-9a-f]{32}) is in the queue\n", line)
    assert found, line
    return found.group(1)


def queue(house):
    return {row["id"]: row for row in map(json.loads, house.ctl("mail", "list", "--json").stdout.splitlines())}


def wait_state(house, mail, state, words=""):
    return base.wait_for(lambda: (lambda row: row["state"] == state and words in row["words"] and row)(queue(house)[mail]),
                         lambda: "mail %s %s %r; it is %s" % (mail, state, words, queue(house)[mail]))


def keeper(house):
    return base.wait_for(lambda: house.pids("keeper"), "a keeper")[0]


def kill_keeper(house):
    old = keeper(house)
    os.kill(old, signal.SIGKILL)
    base.wait_for(lambda: [p for p in house.pids("keeper") if p != old], "a new keeper")


def test_a_mail_arrives_whole(post, house_of):
    server = post()
    house = house_of(server, mailer_from_name="Caf\u00e9 \"Stoa\"")
    said = send(house)
    assert said.returncode == 0 and "sent: 250 2.0.0 kept as 1" in said.stdout
    mail, = server.wait_accepted()
    message = mail.message
    assert mail.recipients == ["bob@localhost"] and mail.sender == "noreply@localhost"
    assert message["To"] == "bob@localhost" and message["Subject"] == "Test of the mailer"
    assert message["From"].addresses[0].display_name == "Caf\u00e9 \"Stoa\""
    assert message["Auto-Submitted"] == "auto-generated" and message["Date"].datetime.tzinfo is not None
    assert re.fullmatch(r"<[0-9a-f]{32}@localhost>", mail.id)
    assert message.get_content_type() == "multipart/alternative"
    assert "nothing else needs to be done" in mail.text() and "<h1>It works</h1>" in mail.html()
    assert b"\r\n" in mail.bytes and all(len(line) <= 998 for line in mail.bytes.split(b"\r\n"))
    assert server.logins == [("PLAIN", USER, PASSWORD)]
    row, = queue(house).values()
    assert row["state"] == "sent" and row["attempts"] == 1 and row["messageId"] == mail.id
    assert house.counter("mails_sent") == 1 and house.counter("mails_failed") == 0
