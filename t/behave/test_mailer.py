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


def test_a_login_that_is_refused_is_told_and_the_mail_waits(post, house_of):
    server = post()
    house = house_of(server, mailer_smtp_password="wrong")
    said = send(house, check=False)
    assert said.returncode == 1 and "the login was refused: 535" in said.stderr, said.stderr
    assert {name for _, name, _ in server.logins} == {USER} and "MAIL" not in server.steps
    mail, = queue(house)
    assert queue(house)[mail]["state"] in ("waits", "sending")
    assert "wrong" not in house.log() and house.counter("mails_failed") == 0
    server.password = "wrong"
    wait_state(house, mail, "sent")
    assert len(server.wait_accepted()) == 1 and PASSWORD not in house.ctl("mail", "show", mail).stdout


def test_a_certificate_of_somebody_else_is_told_and_nothing_is_sent(post, house_of, make):
    folder = make.folder("wrong-name")
    wrong = certs.certificate(folder, os.path.join(folder, "smtp.pem"), ["mail.example.org"], addresses=("192.0.2.1",))
    server = post(certificate=wrong)
    server.ca = os.path.join(folder, "ca.pem")
    os.chmod(folder, 0o755)
    house = house_of(server)
    said = send(house, check=False)
    assert said.returncode == 1 and "no alternative certificate subject name matches" in said.stderr, said.stderr
    assert not server.logins and "MAIL" not in server.steps
    mail, = queue(house)
    assert queue(house)[mail]["state"] in ("waits", "sending")


def test_an_authority_that_nobody_trusts_is_no_authority(post, house_of):
    server = post()
    stranger = post(started=False)
    server.ca = stranger.ca
    os.chmod(stranger.folder, 0o755)
    said = send(house_of(server), check=False)
    assert said.returncode == 1 and "certificate" in said.stderr and not server.logins


def test_a_server_without_starttls_gets_no_password(post, house_of):
    server = post(security="plain", user=None)
    server.security = "starttls"  # what Stoa is told
    house = house_of(server, mailer_smtp_username=USER, mailer_smtp_password=PASSWORD)
    said = send(house, check=False)
    assert said.returncode == 1 and "the server does not offer STARTTLS" in said.stderr, said.stderr
    assert "MAIL" not in server.steps


@pytest.mark.parametrize("security", ["tls", "plain"])
def test_the_other_ways_to_a_server(post, house_of, security):
    server = post(security=security, user=None if security == "plain" else USER)
    house = house_of(server, mailer_smtp_password=None if security == "plain" else PASSWORD)
    assert send(house).returncode == 0
    assert len(server.accepted) == 1


def test_a_server_that_is_down_loses_nothing(post, house_of):
    server = post(started=False)
    house = house_of(server)
    said = send(house, check=False)
    assert said.returncode == 1 and "not sent: " in said.stderr and "tried again" in said.stderr
    mails = [put(house, "user%d@localhost" % i) for i in range(12)]
    server.start()
    accepted = server.wait_accepted(13)
    assert sorted(m.recipients[0] for m in accepted) == sorted(
        ["bob@localhost"] + ["user%d@localhost" % i for i in range(12)])
    for mail in mails:
        wait_state(house, mail, "sent")
    assert len(server.accepted) == 13 and len({m.id for m in server.seen}) == 13
    assert "mails can be sent again" in house.log()


def test_a_keeper_killed_before_the_server_has_the_mail_sends_it_later(post, house_of):
    server = post()
    server.hold_at("RCPT")
    house = house_of(server)
    mail = put(house)
    server.wait_held()
    assert queue(house)[mail]["state"] == "sending"
    kill_keeper(house)
    server.let_go()
    wait_state(house, mail, "sent")
    assert len(server.accepted) == 1 and queue(house)[mail]["attempts"] == 2


def test_a_keeper_killed_between_queue_and_server_sends_it_later(post, house_of):
    server = post()
    house = house_of(server)
    old = keeper(house)
    os.kill(old, signal.SIGSTOP)
    mails = [put(house, "user%d@localhost" % i) for i in range(12)]
    assert {row["state"] for row in queue(house).values()} == {"waits"} and not server.steps
    os.kill(old, signal.SIGKILL)
    for mail in mails:
        wait_state(house, mail, "sent")
    assert [m.recipients[0] for m in server.accepted] == ["user%d@localhost" % i for i in range(12)]
    assert len(server.logins) == 1, "one connection serves all that wait"


def test_a_server_that_dies_after_data_gets_the_same_mail_again(post, house_of):
    server = post()
    server.data = lambda mail: DIE if len(server.seen) == 1 else None
    house = house_of(server)
    mail = put(house)
    wait_state(house, mail, "sent")
    assert len(server.seen) == 2 and len(server.accepted) == 1
    assert server.seen[0].bytes == server.seen[1].bytes, "a mail sent again must be the same mail"
    assert "did not answer: it may have been sent" in house.log()


@pytest.mark.parametrize("step", ["mail", "rcpt"])
def test_a_server_that_dies_in_the_middle_gets_the_mail_later(post, house_of, step):
    server = post()
    setattr(server, step, lambda ignored: DIE if server.steps.count(step.upper()) == 0 else None)
    house = house_of(server)
    wait_state(house, put(house), "sent")
    assert len(server.accepted) == 1 and server.steps.count(step.upper()) == 2


def test_a_recipient_refused_for_good_is_given_up_until_an_operator_says_so(post, house_of):
    server = post()
    server.rcpt = lambda address: "550 5.1.1 nobody of that name" if address.startswith("gone") else None
    house = house_of(server)
    said = send(house, "gone@localhost", check=False)
    assert said.returncode == 1 and "not sent: 550 5.1.1 nobody of that name" in said.stderr
    mail, = queue(house)
    assert house.counter("mails_failed") == 1
    assert send(house, "bob@localhost").returncode == 0, "others do not wait for it"
    assert server.steps.count("RCPT") == 2, "it was tried again by itself"
    shown = house.ctl("mail", "show", mail).stdout
    assert "state       failed" in shown and "to          gone@localhost" in shown and "nobody of that name" in shown
    server.rcpt = lambda address: None
    house.ctl("mail", "retry", mail)
    wait_state(house, mail, "sent")
    assert house.ctl("mail", "retry", mail, check=False).stderr.startswith("stoactl: mail %s was sent" % mail)
    house.ctl("mail", "drop", mail)
    assert mail not in queue(house)
    assert house.ctl("mail", "show", mail, check=False).returncode == 1


def test_a_server_that_says_later_is_asked_later(post, house_of):
    server = post()
    server.rcpt = lambda address: "451 4.7.1 greylisted" if server.steps.count("RCPT") < 2 else None
    house = house_of(server)
    mail = put(house)
    row = wait_state(house, mail, "sent")
    assert row["attempts"] == 3 and len(server.accepted) == 1 and "451 4.7.1 greylisted" in house.log()


def test_nobody_waits_for_a_tarpit(post, house_of):
    server = post()
    server.hold_at("EHLO")
    house = house_of(server, mailer_smtp_connect_timeout="2s", mailer_smtp_timeout="4s")
    first = put(house, "first@localhost")
    server.wait_held()
    more = [put(house, "user%d@localhost" % i) for i in range(3)]
    assert house.request("GET", "/nothing").status == 404
    assert house.ctl("reload").returncode == 0
    server.let_go()
    for mail in [first] + more:
        wait_state(house, mail, "sent")
    assert sorted(m.recipients[0] for m in server.accepted) == ["first@localhost"] + [
        "user%d@localhost" % i for i in range(3)]


def test_a_server_that_never_says_goodbye_holds_nothing_up(post, house_of):
    server = post()
    server.hold_at("QUIT")
    house = house_of(server)
    assert send(house).returncode == 0
    server.wait_held()
    mail = put(house, "next@localhost")
    assert house.request("GET", "/nothing").status == 404 and queue(house)[mail]["state"] == "waits"
    server.let_go()
    wait_state(house, mail, "sent")


def test_a_reload_while_the_server_thinks_sends_nothing_twice(post, house_of):
    server = post()
    server.hold_at("DATA")
    house = house_of(server)
    mail = put(house)
    server.wait_held()
    old = keeper(house)
    reload = threading.Thread(target=lambda: house.ctl("reload"))
    reload.start()
    base.wait_for(lambda: "is in force" in house.log(), "the reload")  # which asks the old keeper to go
    server.let_go()
    reload.join()
    wait_state(house, mail, "sent")
    base.wait_for(lambda: old not in house.pids("keeper"), "the end of the old keeper")
    assert len(server.seen) == 1 and len(server.accepted) == 1


def test_a_mail_that_came_too_late_is_not_sent(post, house_of):
    server = post(started=False)
    house = house_of(server)
    mail = put(house)
    wait_state(house, mail, "waits", "onnect")
    house.offset_clock(11 * 60)
    row = wait_state(house, mail, "failed", "too late to be of use")
    server.start()
    assert house.ctl("mail", "retry", mail, check=False).returncode == 1
    assert row["attempts"] >= 1 and not server.accepted


def test_after_three_days_it_is_given_up_and_after_a_week_forgotten(post, house_of):
    server = post()
    server.rcpt = lambda address: "452 4.2.2 mailbox full"
    house = house_of(server, give_up="5m")
    mail = put(house)
    wait_state(house, mail, "waits", "mailbox full")
    house.offset_clock(6 * 60)
    wait_state(house, mail, "failed", "mailbox full")
    assert house.counter("mails_failed") == 1


@pytest.mark.parametrize("address", ids=lambda a: repr(a[:30]), argvalues=[
    "bob@localhost\r\nBcc: eve@localhost", "bob@localhost\nX: y", "bob@localhost,eve@localhost", "bob@localhost> <eve@x",
    "Bob <bob@localhost>", "bob", "@localhost", "bob@", "bob@local host", "b" * 10240 + "@localhost", "bob@[127.0.0.1]"])
def test_R24_what_is_no_address_gets_no_mail(post, house_of, address):
    server = post(started=False)
    house = house_of(server)
    said = send(house, address, check=False)
    assert said.returncode == 2 and "mail address" in said.stderr, said
    assert queue(house) == {}


def test_addresses_beyond_ascii(post, house_of):
    server = post()
    house = house_of(server)
    assert send(house, "j\u00fcrgen@b\u00fccher.example").returncode == 0
    assert server.accepted[0].recipients == ["j\u00fcrgen@xn--bcher-kva.example"]
    server.stop()
    server.smtputf8 = False
    server.start()
    said = send(house, "j\u00fcrgen@localhost", check=False)
    assert said.returncode == 1 and "SMTPUTF8" in said.stderr, said.stderr
    assert send(house, "bob@b\u00fccher.example").returncode == 0, "a domain alone needs nothing of the server"


def test_texts_of_the_operator(post, house_of, make):
    texts = make.folder("texts")
    for name, text in (("test-subject.txt", "Pr\u00fcfung\n"), ("test.txt", "Gr\u00fc\u00dfe von {{site}}\n")):
        with open(os.path.join(texts, name), "w", encoding="utf-8") as file:
            file.write(text)
    server = post()
    house = house_of(server, templates=texts, html="false")
    assert send(house).returncode == 0
    mail, = server.accepted
    assert mail.message["Subject"] == "Pr\u00fcfung" and mail.text().startswith("Gr\u00fc\u00dfe von ")
    assert mail.html() is None and mail.message.get_content_type() == "text/plain"
    with open(os.path.join(texts, "test.txt"), "w") as file:
        file.write("{{#never}} closed\n")
    said = house.ctl("reload", check=False)
    assert said.returncode != 0 and "test.txt" in said.stderr + said.stdout


def test_stoactl_without_a_mailer_says_so(make):
    house = make(server=False, workers=1)
    said = house.ctl("mail", "list", check=False)
    assert said.returncode == 1 and "no section mailer" in said.stderr
