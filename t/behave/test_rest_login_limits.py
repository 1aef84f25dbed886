# SPDX-License-Identifier: ISC
"""Wrong passwords are slowed before the XMPP server bans us, and right ones go on; and logins at real servers, whose own
clients must not suffer from it."""
import os
import signal
import subprocess
import sys
import threading

import pytest

import conftest
from harness import base, fake_c2s, rest, servers, stoa, xmpp

LIST = "/rest/adhoc/localhost"


def caller(house, user=rest.ALICE, **more):
    return rest.Api(house, user, **more)


# ---- limits on failures ----

def wrong_ones(house, count, user=rest.ALICE, **more):
    return [caller(house, user, **more).get(LIST, password="wrong-%d" % i) for i in range(count)]


def test_a_hundred_wrong_passwords_are_slowed(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    replies = wrong_ones(house, 100)
    statuses = [r.status for r in replies]
    assert statuses[0] == 401 and statuses[-1] == 429 and set(statuses) == {401, 429}
    assert all(int(r["retry-after"]) > 0 for r in replies if r.status == 429)
    assert len(host.proofs) < 20  # where Debian's ejabberd bans us


def test_wrong_passwords_of_many_names_and_addresses_are_slowed_too(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    for i in range(100):
        reply = caller(house, "user%d@localhost" % i, source="127.0.1.%d" % (1 + i)).get(LIST, password="wrong")
        assert reply.status in (401, 429)
    assert len(host.proofs) < 20


def test_who_was_proved_goes_on_while_others_fail(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    assert caller(house).get(LIST).status == 200
    wrong_ones(house, 60, rest.BOB, source="127.0.0.7")
    assert caller(house).get(LIST).status == 200
    assert caller(house, source="127.0.0.8").get(LIST).status == 200


def test_first_logins_of_many_from_one_address_are_no_attack(make, certificates):
    """An office behind one address, after a restart of ours: all of them are right, so nobody is refused."""
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    host.accounts.update({"user%d" % i: "secret%d" % i for i in range(40)})
    conns = [house.conn() for _ in range(40)]
    for i, conn in enumerate(conns):
        conn.send("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (LIST, "".join("%s: %s\r\n" % f for f in rest.Api(house).fields(
            user="user%d@localhost" % i, password="secret%d" % i))))
    assert [conn.reply().status for conn in conns] == [200] * 40


def test_a_router_reborn_remembers_failures(make, certificates):
    host = make.host(certificate=certificates + "/localhost.pem")
    house = make(server=host, components=("http.localhost",))
    base.wait_for(lambda: wrong_ones(house, 30)[-1].status == 429, "the limit")
    before = len(host.proofs)
    router = house.pids("router")[0]
    os.kill(router, signal.SIGKILL)
    base.wait_for(lambda: house.pids("router") not in ([], [router]), "a new router")
    host.wait_up("http.localhost")
    replies = [caller(house).get(LIST, password="other-%d" % i) for i in range(10)]
    assert {r.status for r in replies} <= {429, 503}
    assert len(host.proofs) == before


# ---- real servers ----

SLIXMPP = """
import asyncio, sys, slixmpp
async def main(port):
    client = slixmpp.ClientXMPP("alice@localhost/telephone", "alice-secret")
    ended = asyncio.get_running_loop().create_future()
    async def started(_):
        client.send_presence()
        print("up", flush=True)
    client.add_event_handler("session_start", started)
    client.add_event_handler("message", lambda m: print("message " + str(m["body"]), flush=True))
    client.add_event_handler("disconnected", lambda _: ended.done() or ended.set_result(None))
    client.connect(("127.0.0.1", port), disable_starttls=True)
    await ended
    print("disconnected", flush=True)
asyncio.run(main(int(sys.argv[1])))
"""


def test_alices_telephone_stays_connected(front):
    """slixmpp as her telephone; more logins than ejabberd allows sessions, each of them after the last has gone."""
    phone = subprocess.Popen([sys.executable, "-B", "-c", SLIXMPP, str(front.server.c2s)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert phone.stdout.readline() == "up\n"
        for _ in range(25):
            assert front.alice.get(LIST).status == 200
            assert len(front.server.resources("alice")) <= 2
        bob = xmpp.client(front.server, "bob", "desk")
        bob.send("<message to='alice@localhost' type='chat'><body>are you there?</body></message>")
        assert phone.stdout.readline() == "message are you there?\n"
        bob.close()
        assert "telephone" in " ".join(front.server.resources("alice"))
    finally:
        base.end(phone.pid)
        phone.stdout.close()


def test_one_session_for_two_workers_at_a_real_server(front):
    def many():
        with front.house.conn() as conn:
            for _ in range(10):
                assert front.bob.get(LIST, conn=conn).status == 200

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(front.server.resources("bob")) == 1


@pytest.mark.parametrize("security", ["plain", "starttls", "direct"])
def test_all_ways_to_a_real_server(front, certificates, security):
    house = stoa.Stoa(conftest.folder("way"), front.server, certificates=certificates, security=security, components=("upload2.localhost",))
    house.start()
    try:
        for user in (rest.ALICE, rest.BOB, rest.ADMIN):
            assert caller(house, user).get(LIST).status == 200
        assert caller(house).get(LIST, password="wrong").status == 401
    finally:
        house.stop()
    house.check_sanitizers()


def test_a_changed_password_counts_at_once(front):
    """Changed through us, on a server that leaves old sessions running as on one that ends them; then the account goes."""
    jid = "carol%s@localhost" % os.urandom(4).hex()
    carol = rest.Api(front.house, jid)

    def run(node, **fields):
        reply = front.admin.command("localhost", rest.ADMIN_NODE + node, fields)
        assert reply.status == 200, reply
    run("add-user", accountjid=jid, **{"password": "first-secret", "password-verify": "first-secret"})
    assert carol.get(LIST, password="first-secret").status == 200
    run("change-user-password", accountjid=jid, password="second-secret")
    assert carol.get(LIST, password="first-secret").status == 401
    assert carol.get(LIST, password="second-secret").status == 200
    run("delete-user", accountjids=[jid])
    assert carol.get(LIST, password="second-secret").status == 401


def test_ejabberd_with_fail2ban_never_bans_us(certificates):
    """A hundred wrong passwords; its default is to ban an address after twenty. Each call asks the server here."""
    server = servers.Ejabberd(conftest.folder("fail2ban"), modules={"mod_fail2ban": {}}).start()
    house = None
    try:
        house = stoa.Stoa(conftest.folder("banned"), server, ["xmpp/login-cache=0"], certificates=certificates,
                          components=("http.localhost",)).start()
        assert caller(house).get(LIST).status == 200
        statuses = [r.status for r in wrong_ones(house, 100, source="127.0.0.9")]
        assert set(statuses) == {401, 429}
        assert caller(house, source="127.0.0.10").get(LIST).status == 200
        assert fake_c2s.knock(server.c2s, b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='localhost' "
                              b"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
        assert xmpp.client(server, "bob").jid.startswith("bob@localhost/")
    finally:
        if house:
            house.stop()
        server.stop()
    house.check_sanitizers()
