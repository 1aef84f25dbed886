# SPDX-License-Identifier: ISC
"""Stoa's own ad-hoc commands: over XMPP through real servers, and over REST."""
import os
import re
import signal

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


# ---- upload ----

@pytest.fixture
def files(front):
    """Commands of the upload component, as alice, bob and admin."""
    streams = [client_of(front, who) for who in ("alice", "bob", "admin")]
    yield [commands.Client(s, UPLOAD) for s in streams]
    for stream in streams:
        stream.close()


def upload(front, client, name, body):
    """A file that the client's user uploads; (id of its slot, its address)."""
    slot = xmpp.Slot(client.stream.iq("get", UPLOAD, xmpp.request_xml(name, len(body))))
    with front.house.conn() as conn:
        assert conn.request("PUT", slot.put.split("/", 3)[3].join(["/", ""]), slot.headers, body).status == 201
    return slot.get.split("/")[-2], slot.get


def used(client):
    return int(client.run("query-space-used").value("used-space"))


def fetch(front, url):
    with front.house.conn() as conn:
        return conn.request("GET", "/" + url.split("/", 3)[3]).status


def test_space_used(front, files):
    alice, bob, admin = files
    before, hers = used(bob), used(alice)
    upload(front, bob, "b.bin", os.urandom(1000))
    assert used(bob) == before + 1000 and used(alice) == hers
    answer = admin.run("query-space-used-admin", {"jid": "Bob@LOCALHOST/phone"})
    assert (answer.value("jid"), int(answer.value("used-space"))) == ("bob@localhost", before + 1000)
    total = int(admin.run("query-space-used-domain", {"domain": "localhost"}).value("used-space"))
    assert total >= before + 1000 + hers
    assert admin.run("query-space-used-domain", {"domain": "nobody.example"}).value("used-space") == "0"
    for node in ("query-space-used-admin", "query-space-used-domain", "query-files-admin", "delete-slot-admin"):
        with pytest.raises(commands.Refused) as refused:
            alice.start(node)
        assert refused.value.condition == "forbidden"


def test_files_are_listed_page_by_page(front, files):
    alice, bob, admin = files
    mine = [upload(front, alice, "é %d & <b>.txt" % i, os.urandom(10 + i)) for i in range(5)]
    seen, after = {}, ""
    while True:
        page = alice.run("query-files", {"limit": "2", "after-id": after})
        assert page.columns == ["id", "filename", "filesize", "mimetype", "timestamp", "url", "expires"] and len(page.rows) <= 2
        seen.update((r["id"], r) for r in page.rows)
        if "after-id" not in page.fields:
            break
        after = page.value("after-id")
    for i, (ident, url) in enumerate(mine):
        assert seen[ident]["filename"] == "é %d & <b>.txt" % i and seen[ident]["filesize"] == str(10 + i)
        assert seen[ident]["url"] == url
    assert not {r["id"] for r in bob.run("query-files", {"limit": "500"}).rows} & set(seen)
    of_her = admin.run("query-files-admin", {"type": "user"}, {"jid": "alice@localhost", "limit": "500"})
    assert {r["id"] for r in of_her.rows} == set(seen) and {r["uploader"] for r in of_her.rows} == {"alice@localhost"}
    of_all = admin.run("query-files-admin", {"type": "domain"}, {"domain": "localhost", "limit": "500"})
    assert set(seen) <= {r["id"] for r in of_all.rows}
    for bad in ("nonsense", str(os.urandom(16).hex())):
        again = alice.run("query-files", {"after-id": bad})
        assert again.status == "executing" and again.failed


def test_only_ones_own_slots_are_deleted(front, files):
    alice, bob, admin = files
    ident, url = upload(front, alice, "a.txt", b"hers")
    for client, node, values in ((bob, "delete-slot", {"slot-id": ident}), (alice, "delete-slot", {"slot-id": "x"}),
                                 (admin, "delete-slot-admin", {"slot-id": ident, "jid": "bob@localhost"})):
        with pytest.raises(commands.Refused) as refused:
            client.run(node, values)
        assert refused.value.condition == "forbidden"
    assert fetch(front, url) == 200
    before = used(alice)
    assert alice.run("delete-slot", {"slot-id": ident}).status == "completed"
    assert fetch(front, url) in (404, 410) and used(alice) == before - 4
    with pytest.raises(commands.Refused):
        alice.run("delete-slot", {"slot-id": ident})
    ident, url = upload(front, alice, "c.txt", b"hers")
    assert not admin.run("delete-slot-admin", {"slot-id": ident, "jid": "alice@localhost"}).failed
    assert fetch(front, url) in (404, 410)


# ---- API keys ----

def test_a_key_is_made_used_changed_and_ended(front, admin):
    form = admin.start("api-key-add")
    proposed = form.value("API Key")
    assert len(proposed) == 36 and form.kind("Domains for which this key works") == "text-multi"
    made = admin.go_on(form, {"Label": "test <&>", "Regular expressions of paths": ["/rest/adhoc/.*"]})
    assert made.note == "Operation successful." and made.value("Note") == "Operation successful."
    assert made.value("API Key") == proposed
    get = lambda path, key, host="localhost": front.alice.get(path, key=key, host=host).status  # noqa: E731
    assert get("/rest/adhoc/" + HTTP, proposed) == 200 and get("/rest/avatar/alice@localhost", proposed) == 403
    later = admin.run("api-key-update", {"item-list": made.value("id")})
    assert proposed not in xmpp.ET.tostring(later.iq, "unicode") and proposed not in front.house.said()  # shown once
    again = admin.go_on(admin.start("api-key-add"), {"API Key": proposed})
    assert again.status == "executing" and "already added" in again.note
    choice = admin.start("api-key-update")
    assert made.value("id") in choice.options("item-list")
    change = admin.go_on(choice, {"item-list": made.value("id")})
    assert change.values("Regular expressions of paths") == ["/rest/adhoc/.*"]
    done = admin.go_on(change, {"Domains for which this key works": ["other.example"]})
    assert done.note == "Operation successful"
    assert get("/rest/adhoc/" + HTTP, proposed) == 403
    # The domains stay when something else is changed: the reference loses them.
    change = admin.go_on(admin.start("api-key-update"), {"item-list": made.value("id")})
    assert change.values("Domains for which this key works") == ["other.example"]
    own = "a-key-of-my-own-" + os.urandom(4).hex()
    admin.go_on(change, {"API Key": own, "Domains for which this key works": []})
    assert get("/rest/adhoc/" + HTTP, proposed) == 403 and get("/rest/adhoc/" + HTTP, own) == 200
    assert admin.run("api-key-remove", {"item-list": made.value("id")}).note == "Operation successful"
    assert get("/rest/adhoc/" + HTTP, own) == 403


def test_keys_that_are_none(admin):
    for values in ({"API Key": "short"}, {"API Key": "with spaces in its midst"}, {"API Key": ""},
                   {"Regular expressions of paths": ["(("]}, {"Domains for which this key works": ["a/b"]}):
        form = admin.go_on(admin.start("api-key-add"), values)
        assert form.status == "executing" and form.failed
        assert admin.send("api-key-add", "cancel", form.session).status == "canceled"


def test_keys_over_rest(front):
    key = "rest-made-" + os.urandom(8).hex()
    reply = front.admin.command("rest@" + HTTP, "api-key-add", {"API Key": key, "Domains for which this key works": ["localhost"]})
    assert reply.status == 200 and rest.fields_of(reply)["Note"] == "Operation successful."
    assert front.alice.get("/rest/adhoc/" + HTTP, key=key).status == 200
    assert front.admin.command(HTTP, "api-key-add", {"API Key": "short"}).status == 422
    assert front.alice.command(HTTP, "api-key-add", {"API Key": key}).status == 403
    reply = front.admin.command(HTTP, "api-key-remove", {"item-list": rest.fields_of(reply)["id"]})
    assert reply.status == 200 and front.alice.get("/rest/adhoc/" + HTTP, key=key).status == 403


# ---- scripts ----

def documented():
    """The example of doc/scripting.md."""
    with open(os.path.join(base.TOP, "doc", "scripting.md")) as file:
        return re.search(r"^```lua\n(-- scripts/admin/http/greet.lua\n.*?)^```$", file.read(), re.M | re.S).group(1)


GREET = documented()


def add(admin, ident, text, **more):
    return admin.run("add-script", dict({"id": ident, "text": text.split("\n")}, **more))


def test_a_script_is_added_run_and_removed(front, admin, alice):
    assert add(admin, "greet", GREET, group="Unused", description="Unused").note == "The script is in force"
    try:
        for _ in range(6):  # whichever worker is asked
            item = alice.list()["greet"]
            assert (item["name"], item["group"]) == ("Greet", "Tests")
            first = alice.start("greet")
            assert first.value("whom") == "alice@localhost" and first.usual == "next"
            second = alice.go_on(first, {"whom": "Bob & <Eve>"})
            assert second.options("how") == ["Hello", "Goodbye"] and "whom" not in second.fields
            done = alice.go_on(second, {"how": "Goodbye"})
            assert done.notes == [("info", "Goodbye, Bob & <Eve>")] and [r["n"] for r in done.rows] == ["1", "2"]
        reply = front.alice.command(HTTP, "greet", {"whom": "X", "how": "Hello"})
        assert reply.status == 200 and rest.tree(reply)["command"]["note"]["value"] == "Hello, X"
        bad = alice.go_on(alice.go_on(alice.start("greet"), {}), {"how": "neither"})
        assert bad.status == "executing" and bad.failed
    finally:
        assert admin.run("del-script", {"id": "greet"}).note == "The script is gone"
    for _ in range(6):
        assert "greet" not in alice.list()
        with pytest.raises(commands.Refused) as refused:
            alice.start("greet")
        assert refused.value.condition == "item-not-found"


def test_scripts_that_are_none(admin):
    for ident, text in (("x", "return {"), ("x", "return 1"), ("x", "return { name = 'x' }"), ("x", "error('no')"),
                        ("../x", GREET), ("hello", GREET), ("x", "while true do end")):
        again = add(admin, ident, text)
        assert again.status == "executing" and again.failed, (ident, text)
    again = add(admin, "x", "return {\n  name = 'x',\n  run = = 1,\n}")
    assert ":3:" in again.note  # the author's own line
    assert "x" not in admin.list()


def test_a_script_that_fails_hurts_nobody(front, admin):
    assert not add(admin, "boom", "return { name = 'Boom', run = function() error('planted-secret') end }").failed
    with pytest.raises(commands.Refused) as refused:
        admin.start("boom")
    assert refused.value.condition == "internal-server-error" and "planted" not in refused.value.text
    assert not add(admin, "boom", "return { run = function() while true do end end }", description="Loops").failed
    assert admin.list()["boom"]["name"] == "Loops"
    with pytest.raises(commands.Refused):
        admin.start("boom")
    assert admin.run("hello", {}).status == "completed"
    admin.run("del-script", {"id": "boom"})


def test_scripts_are_an_administrators(alice):
    for node in ("add-script", "del-script"):
        with pytest.raises(commands.Refused) as refused:
            alice.start(node)
        assert refused.value.condition == "forbidden"


# ---- sessions: hostile, replayed, torn (C.17, C.18) ----

def refused_by(call, *args, **named):
    with pytest.raises(commands.Refused) as refused:
        call(*args, **named)
    return refused.value.condition, refused.value.special


def test_C17_a_form_counts_once(admin):
    form = admin.start("hello")
    said = commands.submit({"name": "x", commands.STATE: form.value(commands.STATE)})
    assert admin.send("hello", "complete", form.session, said).status == "completed"
    for _ in range(4):  # on whatever worker
        assert refused_by(admin.send, "hello", "complete", form.session, said) == ("bad-request", "bad-sessionid")


def test_C18_a_session_is_for_who_began_it(front, admin, alice):
    form = alice.start("hello")
    said = commands.submit({"name": "x", commands.STATE: form.value(commands.STATE)})
    other = client_of(front, "alice")  # the same account, another resource
    for who in (admin, commands.Client(other, HTTP)):
        assert refused_by(who.send, "hello", "complete", form.session, said) == ("bad-request", "bad-sessionid")
    other.close()
    # Of another command, of another component, with another session's form, or with a byte changed.
    assert refused_by(alice.send, "list-commands", "complete", form.session, said)[1] == "bad-sessionid"
    elsewhere = commands.Client(alice.stream, UPLOAD)
    assert refused_by(elsewhere.send, "list-commands", "complete", form.session, said)[1] == "bad-sessionid"
    second = alice.start("hello")
    assert refused_by(alice.send, "hello", "complete", second.session, said)[1] == "bad-sessionid"
    state = form.value(commands.STATE)
    torn = state[:-8] + ("A" if state[-8] != "A" else "B") + state[-7:]
    for one in (torn, state[:40], "", "%%%", "A" * 100000):
        assert refused_by(alice.send, "hello", "complete", form.session,
                          commands.submit({"name": "x", commands.STATE: one}))[1] in ("bad-sessionid", "bad-payload")
    for session in (form.session[:-1], form.session + "0", "x", form.session[::-1], "0" * len(form.session)):
        assert refused_by(alice.send, "hello", "complete", session, said)[1] == "bad-sessionid"
    assert alice.send("hello", "complete", form.session, said).status == "completed"


def test_actions_that_are_not_offered(alice):
    form = alice.start("hello")
    said = commands.submit({"name": "x", commands.STATE: form.value(commands.STATE)})
    assert refused_by(alice.send, "hello", "next", form.session, said) == ("bad-request", "bad-action")
    assert refused_by(alice.send, "hello", "destroy", form.session, said) == ("bad-request", "malformed-action")
    assert refused_by(alice.send, "hello", "complete", form.session) == ("bad-request", "bad-payload")
    assert refused_by(alice.send, "hello", "prev") == ("bad-request", "bad-sessionid")
    many = "".join("<field var='f%d'><value>x</value></field>" % i for i in range(501))
    assert refused_by(alice.send, "hello", "complete", form.session,
                      "<x xmlns='jabber:x:data' type='submit'>%s</x>" % many) == ("bad-request", "bad-payload")
    assert alice.send("hello", "cancel", form.session).status == "canceled"
    assert alice.send("hello", "prev", form.session).status == "executing"


def test_back_and_forth(admin):
    commands_of_upload = commands.Client(admin.stream, UPLOAD)
    first = commands_of_upload.start("query-files-admin")
    assert first.actions == ["next"]
    second = commands_of_upload.go_on(first, {"type": "domain"})
    assert "domain" in second.fields and set(second.actions) == {"prev", "complete"}
    back = commands_of_upload.go_on(second, {}, "prev")
    assert back.value("type") == "domain"
    second = commands_of_upload.go_on(back, {"type": "user"})
    assert "jid" in second.fields and "domain" not in second.fields
    again = commands_of_upload.go_on(second, {"jid": "no@@jid"})
    assert again.status == "executing" and again.failed and again.session == first.session


def workers(house):
    return {p["pid"] for p in (house.status() or {"processes": []})["processes"]
            if p["kind"] == "worker" and p["state"] == "live"}


def replace_workers(house, client):
    """All are killed; returns when new ones serve commands."""
    old = workers(house)
    for pid in old:
        os.kill(pid, signal.SIGKILL)

    def serve():
        try:
            return len(workers(house)) == 2 and not workers(house) & old and client.list()
        except commands.Refused:
            return False
    base.wait_for(serve, "new workers")


def test_each_step_on_another_worker_and_one_is_killed(front, admin):
    """Nothing is kept between two steps: a worker that showed a form may be gone when it comes back."""
    house = front.house
    upload_commands = commands.Client(admin.stream, UPLOAD)
    for _ in range(3):
        first = upload_commands.start("query-files-admin")
        replace_workers(house, upload_commands)
        second = upload_commands.go_on(first, {"type": "user"})
        replace_workers(house, upload_commands)
        assert upload_commands.go_on(second, {"jid": "alice@localhost"}).status == "completed"


def test_who_did_what_is_in_the_log_but_no_value(front, admin):
    secret = "planted-%s" % os.urandom(6).hex()
    admin.run("hello", {"name": secret})
    base.wait_for(lambda: "command hello at http.localhost by admin@localhost over XMPP: completed" in log_of(front),
                  lambda: log_of(front))
    assert secret not in log_of(front)


def log_of(front):
    with open(os.path.join(front.house.folder, "logs", "stoa.log")) as file:
        return file.read()


# ---- DNS ----

def test_query_dns_refuses_what_is_no_domain(admin, alice):
    again = admin.run("query-dns", {"domain": "no domain", "type": "A"})
    assert again.status == "executing" and again.failed
    assert admin.go_on(admin.start("query-dns"), {"domain": "example.org", "type": "NONE"}).failed
    assert refused_by(alice.start, "query-dns") == ("forbidden", None)
