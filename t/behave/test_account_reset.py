# SPDX-License-Identifier: ISC
"""A forgotten password: from the form over a mail to a log-in with the new one, on real servers; and nobody else learns
or gets anything (contract 8, R22 to R25)."""
import json
import math
import os
import random
import subprocess
import time
import urllib.parse

import pytest

import conftest
from harness import account, base, rest, servers, stoa, xmpp

KINDS = ("html", "json", "xml")
COMPONENT_ADMIN = 'admins = { "admin@localhost", "http.localhost" }'
BY_ADMIN = "    admin-jid = 'admin@localhost'\n    admin-password = 'admin-secret'\n"


class Home:
    def __init__(self, house, mails, server=None):
        self.house, self.mails, self.server = house, mails, server

    def visitor(self, kind="json"):
        return account.Visitor(self.house, kind)

    def asked(self, kind="json", known=None):
        """An account for which a link was mailed: (jid, password, address, path of the link)."""
        jid, password, address = known or account.new_account(self.house)
        count = len(account.mails_to(self.mails, address))
        status = self.visitor(kind).ask(jid, address)[0]
        assert status == 200
        return jid, password, address, account.path(account.wait_mail(self.mails, address, count + 1))


def start(server, certificates, lines="", **more):
    mails = account.mail_server(conftest.folder("mails"))
    house = stoa.Stoa(conftest.folder("account"), server, conftest.NO_LOGIN_LIMIT, certificates=certificates,
                      more=account.config(mails, lines, **more))
    house.start()
    return Home(house, mails, server)


def stop(home):
    home.house.stop()
    home.mails.stop()
    home.house.check_sanitizers()


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def home(request, certificates):
    """Prosody lets the component set passwords; at ejabberd Stoa logs in as an administrator."""
    if request.param == "prosody":
        server = servers.Prosody(conftest.folder("prosody"), settings=COMPONENT_ADMIN).start()
        out = start(server, certificates)
    else:
        server = servers.Ejabberd(conftest.folder("ejabberd")).start()
        out = start(server, certificates, BY_ADMIN)
    out.house.streams_up()
    yield out
    stop(out)
    server.stop()


@pytest.fixture(scope="module")
def alone(certificates):
    """Without an XMPP server: all but the new password works without one."""
    out = start(None, certificates, BY_ADMIN)
    yield out
    stop(out)


@pytest.fixture
def made(certificates):
    """start(lines, ...), ended with the test."""
    all_of_them = []

    def begin(lines="", server=None, **more):
        all_of_them.append(start(server, certificates, BY_ADMIN + lines, **more))
        return all_of_them[-1]
    yield begin
    for one in all_of_them:
        stop(one)


def known(home, name=None, address=None):
    """An address that counts, of an account that need not exist."""
    name = name or "k" + os.urandom(4).hex()
    jid, address = name + "@localhost", address or name + "@m.example"
    home.house.ctl("account", "set", jid, address)
    return jid, "none", address


# ---- the whole way ----

@pytest.mark.parametrize("kind", KINDS)
def test_from_the_form_to_a_login_with_the_new_password(home, kind):
    visitor = home.visitor(kind)
    status, shown, _ = visitor.get(account.RESET)
    assert status == 200
    if kind == "html":
        assert {"jid", "email"} <= set(shown.forms[0]["fields"]) and shown.forms[0]["buttons"] == 1
    jid, old, address, path = home.asked(kind)
    assert account.logs_in(home.house, jid, old)
    status, shown, _ = visitor.get(path)
    assert status == 200
    if kind == "html":
        assert {"password-entry", "password-reentry"} <= set(shown.forms[0]["fields"]) and jid in shown.text
    else:
        assert shown["result" if "result" in shown else "jid"] and shown["action"] == "form"
    status, shown, _ = visitor.choose(path, "brand new <&'\" secret")
    assert status == 200
    if kind == "html":
        assert "Password changed!" in shown.text and not shown.forms
    else:
        assert (shown["jid"], shown["action"]) == (jid, "success")
    assert account.logs_in(home.house, jid, "brand new <&'\" secret")
    assert not account.logs_in(home.house, jid, old)
    told = account.wait_mail(home.mails, address, 2)
    assert told.message["Subject"] == "Your password was changed" and "http" not in told.text().replace("http.", "")


def test_tts_password_reset(home):
    """The reference's suite: TestPasswordReset.testPasswordReset (contract 9.1)."""
    jid, _, address = account.new_account(home.house)
    browser = home.visitor("html")
    status, page, _ = browser.get(account.RESET)
    form = page.forms[0]
    assert status == 200 and form["buttons"] >= 1
    form["fields"].update(jid=jid, email=address)
    status, page, _ = browser.post(account.RESET, form["fields"])
    assert status == 200 and not page.forms
    mail = account.wait_mail(home.mails, address)
    plain = mail.message.get_body(("plain",))
    assert plain.get_content_type() == "text/plain" and mail.message["Subject"] == "Password reset"
    text = plain.get_content()
    assert jid in text and "http:" in text
    address_of_link = text[text.index("http:"):].split()[0]
    path = urllib.parse.urlsplit(address_of_link).path
    status, page, _ = browser.get(path)
    form = page.forms[0]
    assert status == 200 and form["buttons"] >= 1
    form["fields"].update({"password-entry": "tts-new-password", "password-reentry": "tts-new-password"})
    status, page, _ = browser.post(path, form["fields"])
    assert status == 200 and not page.forms
    assert account.logs_in(home.house, jid, "tts-new-password")


def test_in_a_browser(home, browser):
    jid, _, address = account.new_account(home.house)
    start_page = "http://localhost:%d" % home.house.http
    browser.open(start_page + account.RESET)
    browser.inspect()
    browser.fill("Account", jid)
    browser.fill("Mail address", address)
    browser.go("Send me the link")
    assert "Check your email" in browser.text("h1")
    browser.inspect()
    path = account.path(account.wait_mail(home.mails, address))
    browser.open(start_page + path)
    browser.inspect()
    browser.fill("New password", "browser-secret")
    browser.fill("The same once more", "browser-secreT")
    with browser.expects("400"):
        browser.go("Set the password")
    browser.wait_text("The two entries differ.")
    browser.fill("New password", "browser-secret")
    browser.fill("The same once more", "browser-secret")
    browser.go("Set the password")
    assert "Password changed!" in browser.text("h1")
    browser.inspect()
    assert account.logs_in(home.house, jid, "browser-secret")


# ---- R22 ----

def test_R22_links_come_from_the_configuration_only(home):
    jid, _, address = account.new_account(home.house)
    lies = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "evil.example"), ("X-Forwarded-Proto", "https"),
            ("Forwarded", "host=evil.example;proto=https"), ("X-Forwarded-Prefix", "/evil"), ("Referer", "https://evil.example/")]
    visitor = home.visitor()
    with home.house.conn() as conn:
        reply = conn.request("POST", account.RESET, [("Content-Type", "application/json")] + lies,
                             json.dumps({"jid": jid, "email": address}).encode(), host="evil.example")
    assert reply.status == 200
    mail = account.wait_mail(home.mails, address)
    assert account.link(mail).startswith(account.LINK_BASE + account.RESET + "/")
    assert "evil" not in mail.text() + mail.html() and b"evil" not in mail.bytes
    assert visitor.get(account.path(mail))[0] == 200


def test_R22_without_it_stoa_does_not_start(alone):
    path = os.path.join(alone.house.folder, "without.tdsl")
    with open(alone.house.config) as file, open(path, "w") as out:
        out.write("".join(line for line in file if "link-base" not in line))
    done = subprocess.run([base.program("stoad"), "-t", "-c", path], capture_output=True, text=True, check=False,
                          env=alone.house.env())
    assert done.returncode == 1
    assert "link-base = 'https://example.org'" in done.stderr + done.stdout


# ---- R23 ----

def test_R23_a_link_is_good_once(home):
    jid, _, _, path = home.asked()
    visitor = home.visitor()
    assert visitor.choose(path, "first-secret")[0] == 200
    status, told, _ = visitor.choose(path, "second-secret")
    assert (status, told) == (404, {"error": "This link is not valid"})
    assert visitor.get(path)[0] == 404
    assert account.logs_in(home.house, jid, "first-secret")


def test_R23_a_newer_link_makes_the_older_void(alone):
    them = known(alone)
    _, _, _, older = alone.asked(known=them)
    _, _, _, newer = alone.asked(known=them)
    assert alone.visitor().get(older)[0] == 404
    assert alone.visitor().get(newer)[0] == 200


def test_R23_a_link_expires(made):
    home = made()
    _, _, _, path = home.asked(known=known(home))
    home.house.offset_clock(29 * 60)
    assert home.visitor().get(path)[0] == 200
    home.house.offset_clock(31 * 60)
    assert home.visitor().get(path)[0] == 404
    assert home.visitor().choose(path, "long-enough")[0] == 404


def test_R23_a_link_is_bound_to_the_account_as_it_was(alone):
    jid, _, _, path = alone.asked(known=known(alone))
    alone.house.ctl("account", "set", jid, "another@m.example")
    assert alone.visitor().get(path)[0] == 404


def test_R23_sessions_end(home):
    """Those of the account at the server, of which one kind leaves them running, and Stoa's own."""
    jid, old, _, path = home.asked()
    user = jid.split("@")[0]
    home.server.accounts[user] = old
    phone = xmpp.client(home.server, user, "phone")
    phone.send("<presence/>")
    assert account.logs_in(home.house, jid, old)
    assert home.visitor().choose(path, "another-secret")[0] == 200
    with pytest.raises((xmpp.Closed, OSError)):
        while True:
            phone.next()
    assert not account.logs_in(home.house, jid, old)


def test_a_server_that_is_away_costs_nobody_the_link(alone):
    _, _, _, path = alone.asked(known=known(alone))
    status, told, _ = alone.visitor().choose(path, "long-enough")
    assert (status, told) == (503, {"error": "Internal error occurred. Please try again later."})
    base.wait_for(lambda: alone.visitor().get(path)[0] == 200, "the link to be good again")


# ---- R24 ----

def strip(reply, *texts):
    """The answer without what was typed, and without what is different in any two answers."""
    body = reply.body.decode()
    for text in texts:
        body = body.replace(text, "*")
    return body, sorted((n, v) for n, v in reply.fields if n not in ("date", "x-request-id", "content-length"))


@pytest.mark.parametrize("kind", KINDS)
def test_R24_one_answer_for_all(alone, kind):
    jid, _, address = known(alone)
    cases = [(jid, address), (jid, "wrong@m.example"), ("nobody@localhost", address), ("x@elsewhere.example", "x@m.example"),
             ("admin@localhost", "admin@m.example")]
    answers = []
    for who, where in cases:
        status, _, reply = alone.visitor(kind).ask(who, where)
        assert status == 200
        answers.append(strip(reply, who, where))
    assert all(a == answers[0] for a in answers)
    for who, _ in cases[1:]:
        account.wait_refused(alone.house, who)
    account.wait_mail(alone.mails, address)
    assert not [m for m in alone.mails.accepted if m.recipients[0] in ("wrong@m.example", "x@m.example", "admin@m.example")]


def ranks_apart(one, two):
    """How many standard deviations the sum of ranks of one is from what chance would make it (Mann and Whitney)."""
    ordered = sorted([(v, 0) for v in one] + [(v, 1) for v in two])
    total = sum(rank for rank, (_, who) in enumerate(ordered, 1) if who == 0)
    n, m = len(one), len(two)
    return (total - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)


@pytest.mark.long
def test_R24_known_and_unknown_accounts_are_answered_in_the_same_time(alone):
    jid, _, address = known(alone)
    bodies = [json.dumps({"jid": who, "email": address}).encode() for who in (jid, "a" + jid[1:])]
    assert len(bodies[0]) == len(bodies[1])
    apart = []
    for _ in range(3):
        times = ([], [])
        with alone.house.conn() as conn:
            for _ in range(1000):
                which = random.randrange(2)

                def answered(which=which):
                    """Seconds; None while as much is under way behind the answers as may be."""
                    began = time.perf_counter()
                    reply = conn.request("POST", account.RESET, [("Content-Type", "application/json")], bodies[which])
                    assert reply.status in (200, 503)
                    return time.perf_counter() - began if reply.status == 200 else None
                times[which].append(base.wait_for(answered, "an answer that is no 503"))
        apart.append(ranks_apart(*times))
        if abs(apart[-1]) < 3:
            return
    assert not all(z > 3 for z in apart) and not all(z < -3 for z in apart), apart


def test_R24_the_mail_is_for_one_who_did_not_ask(alone):
    jid, _, address, _ = alone.asked(known=known(alone, address="Mixed.Case@m.example"))
    mail = account.wait_mail(alone.mails, address)
    assert mail.message["Subject"] == "Password reset" and mail.recipients == [address]
    assert jid not in mail.message["Subject"] and jid in mail.text()


def test_the_local_part_is_compared_without_case(alone):
    jid, _, address = known(alone, address="Carol.%s@M.Example" % os.urandom(3).hex())
    assert alone.visitor().ask(jid.upper(), address.lower())[0] == 200
    base.wait_for(lambda: [m for m in alone.mails.accepted if m.recipients[0].lower() == address.lower()], "the mail")


def test_R24_limit_by_client_address(made):
    home = made("    requests-per-address = 3\n", free=False)
    for _ in range(3):
        assert home.visitor().ask("a@localhost", "a@m.example")[0] == 200
    status, told, reply = home.visitor().ask("a@localhost", "a@m.example")
    assert status == 429 and int(reply["retry-after"]) > 0 and "error" in told


def test_R24_limits_by_account_and_by_mailbox(made):
    home = made("    requests-per-address = 0\n    mails-per-account = 2\n    mails-per-mailbox = 3\n", free=False)
    one, two = known(home, address="shared@m.example"), known(home, address="Shared@m.example")
    for count in range(1, 4):
        assert home.visitor().ask(one[0], one[2])[0] == 200
        if count < 3:
            account.wait_mail(home.mails, "shared@m.example", count)
    base.wait_for(lambda: "no further mail for " + one[0] in home.house.log(), "the limit of the account")
    for _ in range(2):
        assert home.visitor().ask(two[0], two[2])[0] == 200
    base.wait_for(lambda: "no further mail for " + two[0] in home.house.log(), "the limit of the mailbox")
    assert len(home.mails.wait_accepted(3)) == 3


def test_administrators_get_no_links(alone):
    known(alone, "admin", "admin@m.example")
    assert alone.visitor().ask("admin@localhost", "admin@m.example")[0] == 200
    account.wait_refused(alone.house, "admin@localhost")
    assert not account.mails_to(alone.mails, "admin@m.example")


def test_reveal_gives_the_answers_of_the_reference(made):
    home = made("    reveal = true\n")
    jid, _, address = known(home)
    for who, where in ((jid, "wrong@m.example"), ("nobody@localhost", address)):
        status, told, _ = home.visitor().ask(who, where)
        assert status == 400 and told["errors"] == [
            "Provided email address does not match email address used during registration. Please try different one or "
            "contact XMPP server administrator."]
    status, told, _ = home.visitor().ask(jid, address)
    assert (status, told["errors"]) == (200, [])


# ---- R25 ----

def test_R25_opening_the_link_does_nothing(home):
    jid, old, _, path = home.asked()
    for method in ("GET", "GET", "HEAD", "GET"):
        with home.house.conn() as conn:
            assert conn.request(method, path, [("Accept", account.HTML)]).status == 200
    assert account.logs_in(home.house, jid, old)
    assert home.visitor().choose(path, "still-good-1")[0] == 200


# ---- bad input ----

BAD = [
    ("", "a@m.example", "JID cannot be empty."),
    ("localhost", "a@m.example", "Please provide full account JID with domain part."),
    ("@localhost", "a@m.example", "Provided JID is invalid."),
    ("a@b@localhost", "a@m.example", "Provided JID is invalid."),
    ("a\r\nBcc: x@y@localhost", "a@m.example", "Provided JID is invalid."),
    ("a\0b@localhost", "a@m.example", "Provided JID is invalid."),
    ("a" * 10240 + "@localhost", "a@m.example", "Provided JID is invalid."),
    ("a@localhost", "", "Email address cannot be empty."),
    ("a@localhost", "a\r\nBcc: x@m.example", None),
    ("a@localhost", "a\0@m.example", None),
    ("a@localhost", "a@m.example, b@m.example", None),
    ("a@localhost", "<a@m.example>", None),
    ("a@localhost", "a" * 10240 + "@m.example", None),
    ("a@localhost", "nothing", None),
    ("a@localhost", "@m.example", None),
]


@pytest.mark.parametrize("kind", ("html", "json"))
@pytest.mark.parametrize("jid,address,text", BAD)
def test_what_cannot_be(alone, jid, address, text, kind):
    visitor = alone.visitor(kind)
    status, told, reply = visitor.ask(jid, address)
    assert status == 400
    if kind == "json" and "\0" not in jid + address:  # no good JSON has one
        assert len(told["errors"]) == 1 and (text is None or told["errors"] == [text])
    elif "\0" not in jid + address and len(jid + address) < 4096:
        assert told.forms and (text is None or text in told.text)
    assert not [v for n, v in reply.fields if "Bcc" in v]
    assert alone.visitor().get(account.RESET)[0] == 200


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 10000, "..%2f..%2fetc%2fpasswd", "%00", "%0d%0aSet-Cookie:a", "'%22%3E%3Cscript%3E"])
def test_forged_links(alone, token):
    for status, _, reply in (alone.visitor("html").get(account.RESET + "/" + token),
                             alone.visitor().choose(account.RESET + "/" + token, "long-enough")):
        assert status in (400, 404, 414, 431) and b"<script>" not in reply.body and not reply.all("set-cookie")


def test_passwords_that_are_refused(alone):
    _, _, _, path = alone.asked(known=known(alone))
    visitor = alone.visitor()
    for first, again in (("", ""), ("short", "short"), ("long-enough", "long-enouGh"), ("long-enough", ""),
                         ("ctrl\nctrl-long", "ctrl\nctrl-long"), ("x" * 2000, "x" * 2000)):
        status, told, _ = visitor.choose(path, first, again)
        assert status == 400 and len(told["errors"]) == 1, (first, told)
    assert visitor.get(path)[0] == 200  # the link is not used up by that


def test_bodies_that_are_none(alone):
    visitor = alone.visitor()
    assert visitor.send(account.RESET, b"{", "application/json")[0] == 400
    assert visitor.send(account.RESET, b"[1]", "application/json")[0] == 400
    assert visitor.send(account.RESET, b"<a", "application/xml")[0] == 400
    assert visitor.send(account.RESET, b"<!DOCTYPE a><a/>", "application/xml")[0] == 400
    assert visitor.send(account.RESET, b"jid=%zz", account.FORM)[0] == 400
    assert visitor.send(account.RESET, b"x", "text/plain")[0] == 415
    assert visitor.send(account.RESET, b"x" * 20000, account.FORM)[0] == 413
    assert visitor.get(account.RESET + "/")[0] == 404
    status, _, _ = visitor.send(account.RESET, b"jid=a%40localhost&email=a%40m.example", account.FORM,
                                [("Sec-Fetch-Site", "cross-site")])
    assert status == 403


# ---- captcha ----

def answer_of(question):
    first, sign, second = question.split()
    return str(int(first) + int(second) if sign == "+" else int(first) - int(second))


def test_a_question_is_asked_first(made):
    home = made(captcha="question")
    jid, _, address = known(home)
    visitor = home.visitor()
    _, told, _ = visitor.get(account.RESET)
    good = {"id": told["captcha"]["id"], "captcha-query": told["captcha"]["captcha"],
            "captcha": answer_of(told["captcha"]["captcha"])}
    wrong = ["Provided captcha result is invalid!"]
    status, told, _ = visitor.ask(jid, address)
    assert (status, told["errors"]) == (400, wrong)
    status, told, _ = visitor.ask(jid, address, **dict(good, **{"captcha-query": "1 + 1", "captcha": "2"}))
    assert (status, told["errors"]) == (400, wrong)
    assert visitor.ask(jid, address, **good)[0] == 200
    account.wait_mail(home.mails, address)
    assert visitor.ask(jid, address, **good)[0] == 400  # once


def test_work_is_done_by_the_browser(made, browser):
    home = made("    captcha-bits = 10\n", captcha="work")
    jid, _, address = known(home)
    browser.open("http://localhost:%d%s" % (home.house.http, account.RESET))
    browser.inspect()
    browser.fill("Account", jid)
    browser.fill("Mail address", address)
    browser.wait_text("Your browser has computed what this form needs.")
    browser.go("Send me the link")
    assert "Check your email" in browser.text("h1")
    account.wait_mail(home.mails, address)


# ---- where addresses come from ----

def test_an_address_of_the_vcard_is_taken_where_it_is_trusted(certificates):
    server = servers.Prosody(conftest.folder("prosody"), settings=COMPONENT_ADMIN).start()
    home = start(server, certificates, "    trust-vcard = true\n")
    try:
        home.house.streams_up()
        alice = xmpp.client(server, "alice", "desk")
        alice.iq("set", None, "<vCard xmlns='vcard-temp'><FN>Alice</FN><EMAIL><INTERNET/><USERID>Alice@m.example</USERID></EMAIL></vCard>")
        alice.close()
        assert home.visitor().ask("alice@localhost", "wrong@m.example")[0] == 200
        account.wait_refused(home.house, "alice@localhost")
        _, _, _, path = home.asked(known=("alice@localhost", "alice-secret", "alice@m.example"))
        assert home.visitor().choose(path, "alice-new-secret")[0] == 200
        assert account.logs_in(home.house, "alice@localhost", "alice-new-secret")
    finally:
        stop(home)
        server.stop()


def test_import_and_list(alone):
    path = os.path.join(alone.house.folder, "addresses")
    with open(path, "w") as file:
        file.write("# from the old system\nimp1@localhost\timp1@m.example\nnobody\tx@m.example\nimp2@localhost\tbroken\n"
                   "IMP3@localhost\timp3@m.example\r\n")
    done = alone.house.ctl("account", "import", path, check=False)
    assert done.returncode == 1 and "2 addresses set, 2 lines left out" in done.stdout
    assert "line 3" in done.stderr and "line 4" in done.stderr
    listed = alone.house.ctl("account", "list").stdout
    assert "imp1@localhost\timp1@m.example" in listed and "imp3@localhost\timp3@m.example" in listed
    assert alone.house.ctl("account", "set", "imp1@localhost", "none").stdout == ""
    assert "imp1@localhost\t-\t" in alone.house.ctl("account", "show", "imp1@localhost").stdout
    assert alone.house.ctl("account", "set", "imp1", "a@m.example", check=False).returncode == 2
    assert alone.house.ctl("account", "set", "imp1@localhost", "a b@m.example", check=False).returncode == 2
    assert alone.house.ctl("account", "show", "nobody@localhost", check=False).returncode == 1


def test_an_administrator_sets_an_address_by_command(home):
    admin = rest.Api(home.house, rest.ADMIN)
    name = "c" + os.urandom(4).hex()
    fields = {"accountjid": name + "@localhost", "email": name + "@m.example"}
    reply = admin.command("http.localhost", "recovery-address-set", fields)
    assert reply.status == 200 and b"Operation successful" in reply.body
    assert name + "@m.example" in home.house.ctl("account", "show", name + "@localhost").stdout
    reply = admin.command("http.localhost", "recovery-address-set", dict(fields, email="a\r\nb@m.example"))
    assert b"Operation successful" not in reply.body
    assert rest.Api(home.house, rest.ALICE).command("http.localhost", "recovery-address-set", fields).status in (403, 404)
