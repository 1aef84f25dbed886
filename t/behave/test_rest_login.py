# SPDX-License-Identifier: ISC
"""Logins of REST callers: proved at the XMPP server, kept as one session of each account, never a harm to others.

Beside a server that does as it is told; limits, and what real servers make of it, are in test_rest_login_limits.py."""
import base64
import os
import signal
import subprocess
import threading

import pytest

import conftest
from harness import base, certs, fake_c2s, rest, servers, stoa, xmpp

LIST = "/rest/adhoc/localhost"
MANY = 20


@pytest.fixture(scope="module")
def home(certificates):
    """(Stoa of two workers, fake server) by STARTTLS; no limit on failed logins but where a test sets one."""
    host = fake_c2s.FakeHost(certificate=certificates + "/localhost.pem")
    house = stoa.Stoa(conftest.folder("home"), host, ["httpServer/max-connections-per-address=0"] + conftest.NO_LOGIN_LIMIT,
                      certificates=certificates, components=("http.localhost",))
    house.start()
    host.wait_up("http.localhost")
    yield house, host
    house.stop()
    house.check_sanitizers()
    host.close()


@pytest.fixture
def place(home):
    """The same with a server that has forgotten all before it, sessions included."""
    house, host = home
    host.cut()
    base.wait_for(lambda: not host.sessions, "the end of old sessions")
    host.accounts = dict(servers.ACCOUNTS)
    host.forget()
    yield house, host
    house.check_sanitizers()


def caller(house, user=rest.ALICE, **more):
    return rest.Api(house, user, **more)


# ---- good and wrong ones ----

def test_a_good_password_is_proved_once_and_used_often(place):
    house, host = place
    for _ in range(MANY):
        assert caller(house).get(LIST).status == 200
    assert host.proofs == [("alice", True)] and len(host.binds) == 1 and host.knocks == 1


def test_the_session_is_of_that_account_and_sends_no_presence(place):
    house, host = place
    assert caller(house).get(LIST).status == 200
    session, stanza = host.asked[0]
    assert session.jid.startswith("alice@localhost/") and session.encrypted
    assert stanza.get("from") in (None, session.jid) and stanza.get("to") == "localhost"
    assert b"<presence" not in session.raw


def test_both_workers_share_one_session(place):
    """Sixteen connections at once, so that each worker has some of them."""
    house, host = place
    statuses, lock = [], threading.Lock()

    def many():
        with house.conn() as conn:
            for _ in range(MANY):
                status = caller(house).get(LIST, conn=conn).status
                with lock:
                    statuses.append(status)

    threads = [threading.Thread(target=many) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 16 * MANY
    assert len(host.binds) == 1 and len(host.of("alice")) == 1


def test_each_account_has_a_session_of_its_own(place):
    house, host = place
    for user in (rest.ALICE, rest.BOB, rest.ADMIN, rest.ALICE, rest.BOB):
        assert caller(house, user).get(LIST).status == 200
    assert sorted(j.split("@")[0] for j in host.binds) == ["admin", "alice", "bob"]
    assert [s.user for s, _ in host.asked] == ["alice", "bob", "admin", "alice", "bob"]


def test_a_wrong_password_is_401_and_leaves_the_session_alone(place):
    house, host = place
    assert caller(house).get(LIST).status == 200
    reply = caller(house).get(LIST, password="wrong")
    assert reply.status == 401 and reply["www-authenticate"].startswith('Basic realm="')
    assert caller(house).get(LIST).status == 200
    assert host.proofs == [("alice", True), ("alice", False)] and len(host.of("alice")) == 1


def test_the_same_wrong_password_is_asked_of_the_server_once(place):
    house, host = place
    for _ in range(5):
        assert caller(house).get(LIST, password="wrong-again").status in (401, 429)
    assert len(host.proofs) == 1


def test_an_unknown_account_looks_like_a_wrong_password(place):
    house, host = place
    one, two = (caller(house).get(LIST, user=u, password="nonsense") for u in ("nosuch@localhost", "alice@localhost"))
    assert one.status == two.status == 401
    assert one.body == two.body or one["content-type"] == two["content-type"]


@pytest.mark.parametrize("jid", ["ALICE@localhost", "alice@LOCALHOST", "Alice@Localhost"])
def test_names_are_prepared_before_they_are_compared(place, jid):
    house, host = place
    assert caller(house).get(LIST).status == 200
    assert caller(house).get(LIST, user=jid, password="alice-secret").status == 200
    assert len(host.binds) == 1


BAD = {
    "none": None, "empty": "", "scheme_alone": "Basic", "blank": "Basic ", "not_base64": "Basic !!!!",
    "no_colon": "Basic " + base64.b64encode(b"alice@localhost").decode(),
    "no_domain": rest.basic("alice", "alice-secret"), "no_user": rest.basic("", "alice-secret"),
    "no_local_part": rest.basic("@localhost", "alice-secret"), "domain_alone": rest.basic("localhost", "alice-secret"),
    "resource": rest.basic("alice@localhost/phone", "alice-secret"), "no_password": rest.basic("alice@localhost", ""),
    "foreign_domain": rest.basic("alice@example.com", "alice-secret"),
    "bearer": "Bearer abcdef", "digest": "Digest username=alice",
    "nul_in_name": rest.basic("bob\0alice@localhost", "alice-secret"),
    "nul_in_front": rest.basic("\0alice@localhost", "alice-secret"),
    "nul_in_password": rest.basic("alice@localhost", "alice-secret\0bob"),
    "authzid_in_password": rest.basic("alice@localhost", "\0alice-secret"),
    "line_feed_in_name": rest.basic("ali\nce@localhost", "alice-secret"),
    "escape_in_password": rest.basic("alice@localhost", "alice-secret\x1b"),
    "bad_utf8": "Basic " + base64.b64encode(b"alice@localhost:\xff\xfe").decode(),
    "bad_utf8_name": "Basic " + base64.b64encode(b"\xc0\xaf@localhost:x").decode(),
    "two_ats": rest.basic("alice@bob@localhost", "alice-secret"),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_credentials_that_cannot_be_any_are_never_shown_to_the_server(place, value):
    house, host = place
    fields = [] if value is None else [("Authorization", value)]
    reply = rest.Api(house).get(LIST, fields=fields)
    assert reply.status in (400, 401), reply
    assert reply.status == 400 or reply["www-authenticate"].startswith("Basic ")
    assert host.knocks == 0


def test_C17_a_scram_name_with_comma_and_equals_sign(place):
    house, host = place
    host.accounts["a,b=c"] = "p,w=x"
    assert caller(house).get(LIST, user="a,b=c@localhost", password="p,w=x").status == 200
    assert host.proofs == [("a,b=c", True)]


def test_passwords_may_hold_colons_and_any_letters(place):
    house, host = place
    for password in ("a:b::", "пароль säule", "x" * 1000, " lead and trail "):
        host.accounts["bob"] = password
        reply = caller(house, rest.BOB).get(LIST, password=password)
        assert reply.status == 200, (password, reply)
        host.cut("bob")
        base.wait_for(lambda: not host.of("bob"), "the end of bob's session")


# ---- many at once ----

def test_logins_of_one_account_at_the_same_time_are_one(place):
    house, host = place
    conns = [house.conn() for _ in range(32)]
    head = "".join("%s: %s\r\n" % f for f in caller(house).fields())
    for conn in conns:
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (LIST, head))
    assert [c.reply().status for c in conns] == [200] * 32
    for conn in conns:
        conn.close()
    assert len(host.binds) == 1


def in_flight(house, host, count, users=MANY):
    """That many calls that the server has and does not answer, each on a connection of its own."""
    host.accounts.update({"user%d" % i: "secret%d" % i for i in range(users)})
    host.on_client = lambda session, stanza: True
    conns = [house.conn() for _ in range(count)]
    for i, conn in enumerate(conns):
        name = i % users
        head = "".join("%s: %s\r\n" % f for f in rest.Api(house).fields(
            user="user%d@localhost" % name, password="secret%d" % name))
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (LIST, head))
    host.wait_asked(count)
    return conns


def test_sessions_lost_with_a_thousand_calls_in_flight(make, certificates):
    """The answer may take an hour here, so whoever waits for its end waits in vain: all are told at once."""
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/iq-timeout=PT1H", "httpServer/request-timeout=PT2H", "httpServer/max-connections-per-address=0",
                 *conftest.NO_LOGIN_LIMIT, server=host, components=("http.localhost",))
    conns = in_flight(house, host, 1000)
    host.cut()
    statuses = [conn.reply().status for conn in conns]
    assert statuses == [503] * 1000
    host.on_client = None
    reply = rest.Api(house).get(LIST, user="user0@localhost", password="secret0")
    assert reply.status == 200


def test_a_router_that_dies_fails_what_is_in_flight_at_once(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/iq-timeout=PT1H", "httpServer/request-timeout=PT2H", server=host, components=("http.localhost",))
    conns = in_flight(house, host, 40, 4)
    os.kill(house.pids("router")[0], signal.SIGKILL)
    assert [conn.reply().status for conn in conns] == [503] * 40
    host.on_client = None
    base.wait_for(lambda: caller(house).get(LIST).status == 200, "a new router that knows how to log in")


def test_a_client_that_goes_away_is_no_harm(place):
    house, host = place
    host.on_client = lambda session, stanza: True
    conn = house.conn()
    conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (
        LIST, "".join("%s: %s\r\n" % f for f in caller(house).fields())))
    (session, stanza), = host.wait_asked()
    conn.close()
    host.on_client = None
    session.answer(stanza, fake_c2s.usual_answer(stanza))
    assert caller(house).get(LIST).status == 200 and len(host.binds) == 1


# ---- a server that is not kind ----

def with_first(host, deal):
    """The first question is dealt with by deal(session, stanza), all others as usual."""
    seen = []

    def on_client(session, stanza):
        if seen:
            return False
        seen.append(stanza)
        deal(session, stanza)
        return True
    host.on_client = on_client
    return seen


ITEMS = "<query xmlns='%s' node='%s'><item jid='localhost' node='%%s' name='x'/></query>" % (xmpp.DISCO_ITEMS, fake_c2s.COMMANDS)


def nodes(reply):
    return [i["node"] for i in rest.many(rest.tree(reply)["items"])]


@pytest.fixture
def hasty(make, certificates):
    """A Stoa that waits for answers a second only."""
    host = make.host(certificate=certificates + "/localhost.pem")
    return make("xmpp/iq-timeout=PT1S", server=host, components=("http.localhost",)), host


def test_an_answer_that_never_comes_is_504(hasty):
    house, host = hasty
    with_first(host, lambda session, stanza: None)
    assert caller(house).get(LIST).status == 504
    assert caller(house).get(LIST).status == 200


def test_an_answer_that_comes_late_is_nobodys(hasty):
    house, host = hasty
    kept = []
    with_first(host, lambda session, stanza: kept.append((session, stanza)))
    assert caller(house).get(LIST).status == 504
    session, stanza = kept[0]
    session.answer(stanza, ITEMS % "late")
    reply = caller(house).get(LIST)
    assert reply.status == 200 and nodes(reply) == ["ping", "uptime"]
    assert len(host.binds) == 1


def test_an_answer_that_comes_twice_counts_once(place):
    house, host = place

    def twice(session, stanza):
        session.answer(stanza, ITEMS % "first")
        session.answer(stanza, ITEMS % "second")
    with_first(host, twice)
    assert nodes(caller(house).get(LIST)) == ["first"]
    assert nodes(caller(house).get(LIST)) == ["ping", "uptime"]


@pytest.mark.parametrize("sender", ["mallory@localhost/x", "evil.example", "localhost/x", "http.localhost", "bob@localhost"])
def test_an_answer_from_somebody_else_is_not_one(place, sender):
    house, host = place

    def false_first(session, stanza):
        session.answer(stanza, ITEMS % "forged", sender=sender)
        session.answer(stanza, ITEMS % "true")
    with_first(host, false_first)
    assert nodes(caller(house).get(LIST)) == ["true"]


def test_an_answer_with_the_wrong_id_is_not_one(place):
    house, host = place

    def other(session, stanza):
        true = stanza.get("id")
        stanza.set("id", true[:-1] + ("0" if true[-1] != "0" else "1"))
        session.answer(stanza, ITEMS % "forged")
        stanza.set("id", true)
        session.answer(stanza, ITEMS % "true")
    with_first(host, other)
    assert nodes(caller(house).get(LIST)) == ["true"]


def test_ids_cannot_be_guessed(place):
    house, host = place
    for _ in range(3):
        assert caller(house).get(LIST).status == 200
    idents = [stanza.get("id") for _, stanza in host.asked]
    assert len(set(idents)) == 3 and all(len(i) >= 16 for i in idents)
    common = next((n for n in range(len(idents[0])) if len({i[:n + 1] for i in idents}) > 1), len(idents[0]))
    assert len(idents[0]) - common >= 16  # what tells one from the next is long, not a counter


@pytest.mark.parametrize("jid", ["bob@localhost/x", "admin@localhost/x", "alice@evil.example/x", "localhost", "alice"])
def test_a_forged_jid_at_bind_is_no_login(place, jid):
    house, host = place
    host.bind_as = jid
    reply = caller(house).get(LIST)
    assert reply.status in (401, 503), reply
    base.wait_for(lambda: not host.sessions, "the end of that session")
    assert host.asked == []


def test_a_jid_bound_in_other_letters_is_the_same(place):
    """As ejabberd does for those who log in as ALICE."""
    house, host = place
    host.bind_as = "ALICE@localhost/x"
    assert caller(house).get(LIST).status == 200


@pytest.mark.parametrize("doors", ["shut", "banned", "silent", "frozen"])
def test_a_server_that_takes_no_logins_is_503_not_401(make, certificates, doors):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/iq-timeout=PT2S", server=host, components=("http.localhost",))
    host.doors = doors
    reply = caller(house).get(LIST)
    assert reply.status in (503, 504), reply
    assert reply["www-authenticate"] is None
    if doors in ("shut", "banned"):
        assert reply.status == 503 and int(reply["retry-after"]) > 0


def test_a_ban_is_told_to_the_operator_once(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    host.doors = "shut"
    for user in (rest.ALICE, rest.BOB, rest.ADMIN) * 3:
        assert caller(house, user).get(LIST).status == 503
    assert house.log().count("mod_fail2ban") == 1
    assert host.knocks < 9


def test_no_server_is_503(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    host.close_door()
    assert caller(house).get(LIST).status == 503
    host.open_door()
    base.wait_for(lambda: caller(house).get(LIST).status == 200, "logins again", pause=0.2)


def test_a_session_that_the_server_ends_is_opened_anew(place):
    house, host = place
    assert caller(house).get(LIST).status == 200
    host.cut("alice")
    base.wait_for(lambda: not host.of("alice"), "the end of the session")
    base.wait_for(lambda: caller(house).get(LIST).status == 200, "a new session")
    assert len(host.of("alice")) == 1


def test_a_session_that_ends_with_a_stream_error_proves_its_password_again(place):
    """reset, as after a change of password: what was proved counts no more."""
    house, host = place
    host.accounts["carol"] = "old-secret"
    carol = caller(house, "carol@localhost")
    assert carol.get(LIST, password="old-secret").status == 200
    host.accounts["carol"] = "new-secret"
    for session in host.of("carol"):
        session.send("<stream:error><reset xmlns='%s'/></stream:error></stream:stream>" % fake_c2s.ERRORS)
        session.cut()
    base.wait_for(lambda: carol.get(LIST, password="old-secret").status == 401, "the old password's end")
    assert carol.get(LIST, password="new-secret").status == 200


def test_idle_sessions_are_closed(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make("xmpp/session-idle=PT1S", server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status == 200
    base.wait_for(lambda: not host.of("alice"), "the end of an idle session")
    assert caller(house).get(LIST).status == 200
    assert len(host.binds) == 2


def test_sessions_end_with_the_daemon(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status == 200
    house.stop()
    base.wait_for(lambda: not host.sessions, "the end of all sessions")


# ---- what the server asks of a session ----

@pytest.mark.parametrize("payload,answered", [("<ping xmlns='urn:xmpp:ping'/>", "result"), ("<query xmlns='no:such'/>", "error")])
def test_a_session_answers_what_it_is_asked(place, payload, answered):
    house, host = place
    assert caller(house).get(LIST).status == 200
    answer = host.inbox.expect("from-server")
    host.of("alice")[0].send("<iq type='get' id='from-server' from='localhost' to='%s'>%s</iq>" % (host.binds[0], payload))
    assert answer.get(timeout=base.WAIT).get("type") == answered


def test_messages_to_a_session_are_no_harm(place):
    house, host = place
    assert caller(house).get(LIST).status == 200
    for _ in range(50):
        host.of("alice")[0].send("<message from='bob@localhost/x' to='alice@localhost'><body>hi</body></message>"
                                 "<presence from='bob@localhost/x' to='alice@localhost' type='subscribe'/>")
    assert caller(house).get(LIST).status == 200 and len(host.binds) == 1


# ---- how a password travels ----

def test_no_tls_no_password(make):
    """The server offers no STARTTLS, the configuration wants it: nothing is said to it."""
    host = make.host()
    house = make("xmpp/c2s-security=starttls", server=host, components=("http.localhost",))
    reply = caller(house).get(LIST)
    assert reply.status in (500, 503), reply
    assert host.proofs == [] and "alice-secret" not in house.log()


@pytest.mark.parametrize("names", [["example.com"], ["*.localhost"]])
def test_a_certificate_of_somebody_else_gets_no_password(make, certificates, names):
    pem = certs.certificate(certificates, make.folder("false") + "/false.pem", names, addresses=["127.0.0.9"])
    host = make.host(certificate=pem)
    host.ca = certificates + "/ca.pem"
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status in (500, 503)
    assert host.proofs == []


def test_a_certificate_of_an_unknown_authority_gets_no_password(make, certificates):
    folder = make.folder("stranger")
    host = make.host(certificate=certs.certificate(folder, folder + "/localhost.pem", ["localhost"]))
    host.ca = certificates + "/ca.pem"
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status in (500, 503)
    assert host.proofs == []


@pytest.mark.parametrize("mechanisms", [("SCRAM-SHA-256",), ("SCRAM-SHA-1", "PLAIN"), ("PLAIN",)])
def test_mechanisms(make, certificates, mechanisms):
    host = make.host(certificate=certificates + "/localhost.pem", mechanisms=mechanisms)
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status == 200
    assert caller(house, rest.BOB).get(LIST, password="no").status == 401


def test_scram_is_not_given_up_for_plain(make, certificates):
    """A failure is a failure: the weaker mechanism is not tried after it."""
    host = make.host(certificate=certificates + "/localhost.pem", mechanisms=("SCRAM-SHA-1", "PLAIN"))
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST, password="wrong").status == 401
    assert host.proofs == [("alice", False)]


def test_without_a_mechanism_in_common(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem", mechanisms=("X-OAUTH2", "DIGEST-MD5"))
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status in (500, 503)


def test_plain_without_tls_is_for_loopback_only(make):
    house = make("xmpp/c2s-security=plain", "xmpp/c2s-host=192.0.2.1", server=False, start=False)
    done = subprocess.run([base.program("stoad"), "-t"] + house.options(), env=house.env(), capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "c2s-security" in done.stderr + done.stdout
