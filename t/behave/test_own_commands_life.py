# SPDX-License-Identifier: ISC
"""Stoa's own commands over time: sessions that wait too long, scripts that are kept or lost, a DNS query that is answered."""
import os

import pytest

from harness import commands, rest
from harness.dns import DnsServer
from test_manage import HTTP, Steered

SCRIPT = """return {
    name = "Answer",
    group = "Tests",
    access = "user",
    run = function(service, values, who) return { note = "forty-two" } end,
}
"""


class Played:
    """A user of the server that the harness plays."""

    def __init__(self, host, jid):
        self.host, self.jid = host, jid

    def iq(self, kind, to, payload):
        return self.host.iq(to, payload, kind=kind, sender=self.jid)


def client(host, jid="admin@localhost/x"):
    return commands.Client(Played(host, jid), HTTP)


def test_C17_a_session_that_waited_too_long_has_expired(make):
    host = make.host(mechanisms=("PLAIN",))
    house = make(server=host, security="plain")
    admin = client(host)
    form = admin.start("hello")
    house.offset_clock(29 * 60)
    assert admin.go_on(form, {"name": "early"}).note == "Hello, early!"
    house.offset_clock(0)
    form = admin.start("hello")
    house.offset_clock(31 * 60)
    for _ in range(4):  # on whatever worker
        with pytest.raises(commands.Refused) as refused:
            admin.go_on(form, {"name": "late"})
        assert (refused.value.condition, refused.value.special) == ("not-allowed", "session-expired")  # XEP-0050 4


def test_users_of_other_domains_are_shown_nothing(make):
    host = make.host(mechanisms=("PLAIN",))
    make(server=host, security="plain")
    stranger = client(host, "admin@example.org/x")
    try:
        assert stranger.list() == {}
    except commands.Refused as refused:
        assert refused.condition in ("forbidden", "not-allowed", "item-not-found", "service-unavailable")
    with pytest.raises(commands.Refused):
        stranger.start("hello")


@pytest.mark.parametrize("kept", ["true", "false"])
def test_a_script_is_kept_over_a_restart_when_it_was_saved(make, kept):
    folder = make.folder("scripts")
    os.chmod(folder, 0o777)
    host = make.host(mechanisms=("PLAIN",))
    house = make("manage/scripts-dir=" + folder, server=host, security="plain")
    steered = Steered(house)
    done = steered.run("add-script", id="answer", text=SCRIPT.split("\n"), save=kept)
    assert "in force" in done["note"]["value"]
    alice = rest.Api(house, rest.ALICE)
    assert b"forty-two" in alice.command(HTTP, "answer").body
    assert os.path.exists(os.path.join(folder, "http", "answer.lua")) == (kept == "true")
    house.stop()
    house.start()
    host.wait_up(HTTP)
    assert (b"forty-two" in alice.command(HTTP, "answer").body) == (kept == "true")
    if kept == "true":
        assert "gone" in steered.run("del-script", id="answer")["note"]["value"]
        assert not os.path.exists(os.path.join(folder, "http", "answer.lua"))


def test_query_dns(make):
    names = DnsServer()
    names.add("chat.example.org", "A", "192.0.2.7")
    host = make.host(mechanisms=("PLAIN",))
    steered = Steered(make("manage/dns-servers=" + names.where, server=host, security="plain"))
    try:
        answer = steered.run("query-dns", domain="chat.example.org", type="A")
        assert "192.0.2.7" in str(answer), answer
        assert "192.0.2.7" not in steered.try_to("query-dns", domain="none.example.org", type="A").body.decode()
    finally:
        names.close()
