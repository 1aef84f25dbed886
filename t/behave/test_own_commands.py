# SPDX-License-Identifier: ISC
"""Stoa's own ad-hoc commands: over XMPP through real servers, and over REST."""
import os

import pytest

from harness import base, commands, rest, xmpp

HTTP, UPLOAD = "http.localhost", "upload.localhost"


def client_of(front, user):
    return xmpp.client(front.server, user, user + os.urandom(4).hex())


@pytest.fixture
def admin(front):
    out = client_of(front, "admin")
    yield commands.Client(out, HTTP)
    out.close()


@pytest.fixture
def alice(front):
    out = client_of(front, "alice")
    yield commands.Client(out, HTTP)
    out.close()


# ---- who sees which ----

def test_admins_see_all_users_see_theirs(admin, alice):
    all_of_them, hers = admin.list(), alice.list()
    assert {"hello", "list-commands", "stats"} <= set(all_of_them)
    assert {"hello", "list-commands"} <= set(hers) and "stats" not in hers
    assert all(i["jid"] == HTTP and i["name"] and i["group"] for i in all_of_them.values())
    assert all_of_them["stats"]["group"] == "Statistics"


def test_what_a_user_may_not_run(alice):
    with pytest.raises(commands.Refused) as refused:
        alice.start("stats")
    assert (refused.value.type, refused.value.condition) == ("auth", "forbidden")
    with pytest.raises(commands.Refused) as refused:
        alice.info("stats")
    assert refused.value.condition == "item-not-found"


def test_the_component_says_that_it_has_commands(admin):
    features = {f.get("var") for f in admin.info() if xmpp.local(f) == "feature"}
    assert {commands.NS, commands.DATA, xmpp.DISCO_INFO} <= features
    of_list = admin.info(commands.NS)
    assert [(i.get("category"), i.get("type")) for i in of_list if xmpp.local(i) == "identity"] == [("automation", "command-list")]
    of_one = admin.info("hello")
    assert [(i.get("category"), i.get("type"), i.get("name")) for i in of_one if xmpp.local(i) == "identity"] == [
        ("automation", "command-node", "Say hello")]
    with pytest.raises(commands.Refused) as refused:
        admin.info("no-such-node")
    assert refused.value.condition == "item-not-found"


def test_hello(alice):
    form = alice.start("hello")
    assert form.status == "executing" and form.session and form.usual == "complete" and form.actions == ["complete"]
    assert form.value("name") == "alice@localhost" and form.kind("name") == "text-single"
    done = alice.go_on(form, {"name": "<Alice> & Co"})
    assert (done.status, done.session, done.notes) == ("completed", form.session, [("info", "Hello, <Alice> & Co!")])


def test_statistics_are_a_table(admin):
    answer = admin.run("stats", {"part": "streams"})
    assert answer.status == "completed" and answer.columns[0] == "name"
    assert {r["name"]: r["state"] for r in answer.rows}[HTTP] == "up"
    kinds = [r["kind"] for r in admin.run("stats", {"part": "processes"}).rows]
    assert kinds.count("worker") == 2 and {"router", "keeper"} <= set(kinds)
    counters = {r["name"]: int(r["value"]) for r in admin.run("stats", {"part": "counters"}).rows}
    assert counters["stanzas_in"] > 0


def test_over_rest(front):
    items = rest.tree(front.admin.get("/rest/adhoc/" + HTTP, kind="json"))["items"]
    assert {"stats", "hello"} <= {i["node"] for i in items} and all(i["jid"] == HTTP for i in items)
    assert "stats" not in {i["node"] for i in rest.tree(front.alice.get("/rest/adhoc/" + HTTP, kind="json"))["items"]}
    for to in (HTTP, "rest@" + HTTP):
        reply = front.alice.command(to, "hello", {"name": "Bob"})
        assert reply.status == 200 and rest.tree(reply)["command"]["note"]["value"] == "Hello, Bob!"
        assert rest.tree(reply)["command"]["jid"] == to
    assert front.alice.command(HTTP, "stats", {"part": "streams"}).status == 403
    reply = front.admin.command(HTTP, "stats", {"part": "streams"})
    assert reply.status == 200 and rest.tree(reply)["command"]["reported"]
    assert front.admin.command(HTTP, "no-such-command").status == 404
