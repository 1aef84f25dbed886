# SPDX-License-Identifier: ISC
"""The scripts that come with Stoa, beside Prosody and ejabberd: accounts, domains, figures, pubsub; and what a script of
one's own may ask of a real server."""
import json
import os

import pytest

import conftest
from harness import base, rest, servers, stoa, xmpp

PUBSUB = "/rest/pubsub/pubsub.localhost"
formats = pytest.mark.parametrize("kind", ["xml", "json"])

OWN = """
return {
    regex = "/([a-z]+)", required_role = "user", is_async = true,
    exec_get = function(service, callback, user, what)
        local ping = xml.element("iq", { type = "get", to = "localhost" }, xml.element("ping", { xmlns = "urn:xmpp:ping" }))
        if what == "component" then
            local reply = service:iq(ping)
            return callback { reply = { type = reply.attr.type, to = reply.attr.to } }
        elseif what == "user" then
            local reply = service:iq(ping, { as_user = true, seconds = 20 })
            return callback { reply = reply and { type = reply.attr.type, to = reply.attr.to }
                or { type = "none", to = "", why = service:why() } }
        elseif what == "function" then
            return service:iq("<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", 20, function(reply)
                callback { reply = { type = reply.attr.type } }
            end)
        elseif what == "both" then
            local seen = {}
            for at = 1, 2 do
                service:iq(ping, { as_user = at == 1 }, function(reply)
                    seen[#seen + 1] = reply.attr.type
                    if #seen == 2 then callback { reply = { type = table.concat(seen, " ") } } end
                end)
            end
            return
        elseif what == "error" then
            local reply = service:iq(xml.element("iq", { type = "get", to = "localhost" },
                xml.element("query", { xmlns = "urn:example:unknown" })))
            return callback { reply = { type = reply.attr.type, condition = service:why().condition } }
        elseif what == "message" then
            return callback { reply = { sent = service:send(xml.element("message", { to = user, type = "chat" },
                xml.element("body", {}, "from a script <&>"))) } }
        elseif what == "foreign" then
            local good, why = pcall(service.iq, service,
                xml.element("iq", { type = "get", to = "localhost", from = "admin@localhost" },
                    xml.element("ping", { xmlns = "urn:xmpp:ping" })))
            return callback { reply = { good = good, why = why } }
        elseif what == "credentials" then
            return callback { reply = { right = service:check_credentials("alice@localhost", "alice-secret"),
                wrong = service:check_credentials("alice@localhost", "no"), none = service:check_credentials("@@", "no") } }
        elseif what == "admin" then
            return callback { reply = { admin = service:is_admin("Admin@localhost"), alice = service:is_admin("alice@localhost") } }
        elseif what == "command" then
            local form = service:command("localhost", "http://jabber.org/protocol/admin#add-user", nil, { as_user = true })
            return callback { reply = { status = form and form.status or service:why().condition } }
        elseif what == "settings" then
            return callback { settings = service:settings() }
        end
        callback(nil)
    end,
}
"""


def server_of(kind):
    if kind == "prosody":
        return servers.Prosody(conftest.folder(kind), modules=("register",), extra='Component "pubsub.localhost" "pubsub"\n',
                               settings='admins = { "admin@localhost", "http.localhost" }')

    class Ejabberd(servers.Ejabberd):
        def configuration(self, pem):
            out = super().configuration(pem)
            out["access_rules"]["everybody"] = {"allow": "all"}
            return out
    return Ejabberd(conftest.folder(kind), modules={"mod_pubsub": {"plugins": ["flat", "pep"], "access_createnode": "everybody"},
                                                    "mod_register": {"access": "all", "ip_access": "all"}})


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def place(request, certificates):
    server = server_of(request.param)
    server.start()
    house = stoa.Stoa(conftest.folder("scripts"), server, [conftest.NO_LIMIT] + conftest.NO_LOGIN_LIMIT,
                      certificates=certificates)
    write_script(house, "own/Ask.lua", OWN)
    house.start()
    house.streams_up()
    yield conftest.Front(house, server)
    house.stop()
    house.check_sanitizers()
    server.stop()


def write_script(house, name, text):
    path = os.path.join(house.folder, "scripts", "rest", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def body_of(kind, **members):
    if kind == "json":
        return json.dumps({"user": members})
    return "<user>%s</user>" % "".join("<%s>%s</%s>" % (k, v, k) for k, v in members.items())


def new_user():
    return "n%s@localhost" % os.urandom(4).hex()


def added(place, kind="json", **members):
    """A new account and its password."""
    jid, password = new_user(), "first-" + os.urandom(3).hex()
    reply = place.admin("PUT", "/rest/user/" + jid, body_of(kind, password=password, **members), kind=kind)
    assert reply.status == 200, reply
    assert rest.tree(reply)["user"]["jid"] == jid
    return jid, password


def not_yet_503(reply):
    """The status, once the router has forgotten the account: until then it is told to come again."""
    return reply.status != 503 and reply.status


def detail(reply):
    return json.loads(reply.body)["detail"]


# ---- accounts, by an administrator ----

@formats
def test_an_account_is_added_shown_changed_and_deleted(place, kind):
    jid, password = added(place, kind)
    path = "/rest/user/" + jid
    shown = rest.tree(place.admin.get(path, kind=kind))["user"]
    assert (shown["jid"], shown["domain"], shown["isAdmin"]) == (jid, "localhost", "false")
    assert place.nobody.get("/rest/user/", user=jid, password=password).status == 200
    reply = place.admin.post(path, body_of(kind, password="second"), kind=kind)
    assert reply.status == 200 and rest.tree(reply)["user"]["jid"] == jid
    assert place.nobody.get("/rest/user/", user=jid, password=password).status == 401
    assert place.nobody.get("/rest/user/", user=jid, password="second").status == 200
    reply = place.admin("DELETE", path, kind=kind)
    assert reply.status == 200 and rest.tree(reply) == {"user": {"jid": jid, "domain": "localhost"}}
    assert place.nobody.get("/rest/user/", user=jid, password="second").status == 401
    assert place.admin.get(path, kind=kind).status == 404


def test_an_account_that_exists_is_not_added_again(place):
    reply = place.admin("PUT", "/rest/user/bob@localhost", body_of("json", password="other"), kind="json")
    assert reply.status == 409 and detail(reply) == "User exists"
    assert place.bob.get("/rest/user/").status == 200  # with the old password


def test_what_does_not_exist_is_404(place):
    path = "/rest/user/" + new_user()
    assert place.admin.get(path).status == 404
    assert place.admin("DELETE", path).status == 404
    assert place.admin.post(path, body_of("json", password="x")).status == 404


def test_another_domain_is_never_asked(place):
    for method, body in (("GET", None), ("PUT", body_of("json", password="secret")), ("DELETE", None)):
        reply = place.admin(method, "/rest/user/someone@elsewhere.example", body, kind="json")
        assert reply.status == 404, reply


@pytest.mark.parametrize("body, status", [
    ("{}", 400), ('{"user":{}}', 400), ('{"user":"x"}', 400), ('{"user":{"password":""}}', 400),
    ('{"user":{"password":7}}', 400), ('{"user":{"password":"x","email":"no address"}}', 400),
    ('{"user":{"password":"x","isAdmin":true}}', 501), ("{", 400)])
def test_a_new_account_needs_what_it_needs(place, body, status):
    jid = new_user()
    assert place.admin("PUT", "/rest/user/" + jid, body, kind="json").status == status
    assert place.admin.get("/rest/user/" + jid).status == 404


def test_an_account_without_a_body_is_400(place):
    assert place.admin("PUT", "/rest/user/" + new_user()).status == 400


def test_an_address_for_mail_is_kept_until_the_account_goes(place):
    jid, _ = added(place, email="first@mail.example")
    path = "/rest/user/" + jid
    assert rest.tree(place.admin.get(path))["user"]["email"] == "first@mail.example"
    assert place.admin.post(path, body_of("json", email="second@mail.example")).status == 200
    assert rest.tree(place.admin.get(path))["user"]["email"] == "second@mail.example"
    assert place.admin("DELETE", path).status == 200
    assert place.admin("PUT", path, body_of("json", password="x"), kind="json").status == 200
    assert "email" not in rest.tree(place.admin.get(path))["user"]


def test_accounts_are_for_administrators(place):
    for api, status in ((place.alice, 403), (place.nobody, 401)):
        assert api.get("/rest/user/bob@localhost").status == status
        assert api.get("/rest/users/").status == status
        assert api.get("/rest/stats/").status == status
        assert api.get("/rest/vhost/").status == status
    assert place.admin.get("/rest/user/bob@localhost", key=None).status == 403


def test_resources_that_are_online_are_shown(place):
    phone = xmpp.client(place.server, "bob", "phone")
    phone.send("<presence/>")
    while xmpp.local(phone.next()) != "presence":
        pass
    assert "phone" in rest.many(rest.tree(place.admin.get("/rest/user/bob@localhost"))["user"]["resources"])
    phone.close()


def test_a_changed_password_ends_the_sessions(place):
    jid, password = added(place)
    user = jid.split("@")[0]
    place.server.accounts[user] = password
    phone = xmpp.client(place.server, user, "phone")
    phone.send("<presence/>")
    assert place.admin.post("/rest/user/" + jid, body_of("json", password="changed")).status == 200
    with pytest.raises((xmpp.Closed, OSError)):
        while True:
            phone.next()


def test_pretended_presence_is_not_offered(place):
    reply = place.admin.post("/rest/user/bob@localhost/status/phone", "{}")
    assert reply.status == 501 and "no way" in detail(reply)
    assert place.admin.post("/rest/user/bob@localhost/status", "{}").status == 501


# ---- one's own account ----

@formats
def test_the_own_account_is_shown_changed_and_removed(place, kind):
    jid, password = added(place)
    me = rest.Api(place.house, jid)
    assert rest.tree(me.get("/rest/user/", password=password, kind=kind))["user"]["jid"] == jid
    reply = me.post("/rest/user/", body_of(kind, password="own choice"), kind=kind, password=password)
    assert reply.status == 200, reply
    assert me.get("/rest/user/", password=password).status == 401
    assert me.get("/rest/user/", password="own choice").status == 200
    assert me.post("/rest/user/", body_of(kind), kind=kind, password="own choice").status == 400
    reply = me("DELETE", "/rest/user/", password="own choice", kind=kind)
    assert reply.status == 200 and rest.tree(reply) == {"user": {"jid": jid, "domain": "localhost"}}, reply
    assert base.wait_for(lambda: not_yet_503(me.get("/rest/user/", password="own choice")), "the account to go") == 401
    assert place.admin.get("/rest/user/" + jid).status == 404


def test_the_administrator_is_told_so(place):
    assert rest.tree(place.admin.get("/rest/user/"))["user"]["isAdmin"] == "true"


# ---- lists and figures ----

@formats
def test_accounts_are_listed_where_the_server_can(place, kind):
    for path in ("/rest/users/", "/rest/users/localhost"):
        reply = place.admin.get(path, kind=kind)
        if place.kind == "prosody":
            assert reply.status == 501 and b"get-registered-users-list" in reply.body
            continue
        users = rest.tree(reply)["users"]
        assert {"admin@localhost", "alice@localhost", "bob@localhost"} <= set(users["items"])
        assert users["count"] == str(len(users["items"]))
        assert users.get("domain") == ("localhost" if path.endswith("localhost") else None)
    assert place.admin.get("/rest/users/elsewhere.example").status == 404


@formats
def test_domains_are_listed(place, kind):
    reply = place.admin.get("/rest/vhost/", kind=kind)
    assert rest.tree(reply) == {"vhosts": [{"vhost": "localhost", "default-virtual-host": "true"}]}


@formats
def test_figures_are_shown(place, kind):
    one = rest.tree(place.admin.get("/rest/stats/localhost", kind=kind))["stats"]
    assert one["component"] == "localhost" and one["node"]
    figures = {d["var"]: d["value"] for d in one["data"]}
    assert figures["uptime"].isdigit() and int(figures["onlineusersnum"]) >= 1  # the administrator's own session
    every = rest.tree(place.admin.get("/rest/stats/", kind=kind))["stats"]
    assert list(every) == ["localhost"] and every["localhost"]["component"] == "localhost"
    assert place.admin.get("/rest/stats/elsewhere.example").status == 404


def test_pages_for_browsers(place):
    for path, words in (("/rest/user/bob@localhost", b"<h1>bob@localhost</h1>"), ("/rest/stats/", b"Seconds since the start"),
                        ("/rest/stats/localhost", b"<h1>localhost</h1>")):
        reply = place.admin.get(path, accept="text/html,application/xhtml+xml")
        assert (reply.status, reply["content-type"]) == (200, "text/html; charset=utf-8"), reply
        assert words in reply.body and reply.body.startswith(b"<!DOCTYPE html>") and reply.body.rstrip().endswith(b"</html>")
        assert "script" not in reply["content-security-policy"] and "default-src 'none'" in reply["content-security-policy"]
    reply = place.admin.get("/rest/users/?api-key=%s" % rest.KEY, key=None, accept="text/html")
    if place.kind == "ejabberd":  # a key that came in the address goes on in the links
        assert b'<a href="/rest/user/bob@localhost?api-key=%s">' % rest.KEY.encode() in reply.body, reply.body
    else:
        assert reply.status == 501


# ---- pubsub ----

def pubsub(place, command, kind="json", **values):
    if kind == "json":
        body = json.dumps({k.replace("_", "-"): v for k, v in values.items()})
    else:
        body = "<data>%s</data>" % "".join("<%s>%s</%s>" % (
            k.replace("_", "-"), v if isinstance(v, str) else "".join("<value>%s</value>" % x for x in v),
            k.replace("_", "-")) for k, v in values.items())
    reply = place.nobody.post(PUBSUB + "/" + command, body, kind=kind)
    if kind == "json":
        return reply.status, json.loads(reply.body)
    return reply.status, xmpp.ET.fromstring(reply.body)


@formats
def test_the_life_of_a_node(place, kind):
    node = "node-" + os.urandom(3).hex()
    done = (200, {"Note": "Operation successful"})

    def run(command, **values):
        status, answer = pubsub(place, command, kind, **values)
        if kind == "xml" and answer.find("Note") is not None:
            assert answer.tag == "result"
            return status, {"Note": answer.find("Note/value").text}
        return status, answer

    def listed(answer, name):
        return answer[name] if kind == "json" else [v.text for v in answer.findall(name + "/value")]

    assert run("create-node", node=node, owner="alice@localhost") == done
    assert node in listed(run("list-nodes")[1], "nodes")
    assert run("subscribe-node", node=node, jids=["bob@localhost", "alice@localhost"]) == done
    assert listed(run("retrieve-user-subscriptions", jid="bob@localhost", node_pattern=node)[1], "nodes") == [node]
    assert run("publish-item", node=node, item_id="one", entry="<e xmlns='urn:x' a='1'>t &amp; t</e>") == done
    assert listed(run("list-items", node=node)[1], "items") == ["one"]
    status, answer = run("retrieve-item", node=node, item_id="one")
    assert status == 200
    item = (xmpp.ET.fromstring(answer["item"][0]) if kind == "json" else answer.find("item/value")[0])
    assert item.get("id") == "one" and item[0].tag == "{urn:x}e" and item[0].get("a") == "1" and item[0].text == "t & t"
    assert run("unsubscribe-node", node=node, jids=["bob@localhost"]) == done
    assert listed(run("retrieve-user-subscriptions", jid="bob@localhost")[1], "nodes") == []
    assert run("delete-item", node=node, item_id="one") == done
    assert run("retrieve-item", node=node, item_id="one")[0] == 404
    assert run("delete-node", node=node) == done
    assert node not in listed(run("list-nodes")[1], "nodes")


def test_subscribers_are_notified(place):
    node = "news-" + os.urandom(3).hex()
    bob = xmpp.client(place.server, "bob", "reader")
    bob.send("<presence/>")
    while xmpp.local(bob.next()) != "presence":
        pass
    assert pubsub(place, "create-node", node=node)[0] == 200
    assert pubsub(place, "subscribe-node", node=node, jids=["bob@localhost"])[0] == 200
    assert pubsub(place, "publish-item", node=node, item_id="i", entry={"n": [1, 2]})[0] == 200
    while True:
        stanza = bob.next()
        payload = stanza.find(".//{http://jabber.org/protocol/pubsub#event}item")
        if payload is not None:
            break
    assert payload.get("id") == "i" and json.loads("".join(payload.itertext())) == {"n": [1, 2]}
    bob.close()
    assert pubsub(place, "delete-node", node=node)[0] == 200


def test_pubsub_errors_have_the_condition(place):
    status, answer = pubsub(place, "delete-node", node="no-such-node")
    assert (status, answer["error"]) == (404, "item-not-found")
    status, answer = pubsub(place, "delete-node", "xml", node="no-such-node")
    assert status == 404 and answer.tag == "error" and answer[0].tag.endswith("}item-not-found")
    assert pubsub(place, "delete-node")[0] == 400
    assert pubsub(place, "publish-item", node="n", entry="x", expire_at="2030-01-01T00:00:00Z")[0] == 501
    assert place.nobody.post(PUBSUB + "/nonsense", "{}").status == 404
    for kind, body in (("json", "["), ("json", "[]"), ("xml", "<data>"), ("xml", "<x/>"), ("xml", "<!DOCTYPE data><data/>")):
        assert place.nobody.post(PUBSUB + "/list-items", body, kind=kind).status == 400, body
    assert place.nobody.post(PUBSUB + "/list-nodes", "{}", key=None).status == 403


def test_pubsub_commands_as_adhoc(place):
    items = rest.tree(place.nobody.get(PUBSUB, kind="json"))["items"]
    assert len(items) == 10 and {"jid": "pubsub.localhost", "node": "create-node", "name": "Create node"} in items
    node = "adhoc-" + os.urandom(3).hex()
    form = place.nobody.post(PUBSUB, rest.command("pubsub", None).replace('"pubsub"', '"create-node"'))
    assert [f["var"] for f in rest.tree(form)["command"]["fields"]] == ["node", "owner", "pubsub#node_type"]
    for name in ("create-node", "delete-node"):
        reply = place.nobody.post(PUBSUB, json.dumps(
            {"command": {"node": name, "fields": [{"var": "node", "value": node}]}}))
        assert rest.fields_of(reply) == {"Note": "Operation successful"}
    assert place.nobody.post(PUBSUB, "{}").status == 400
    assert place.nobody("POST", PUBSUB).status == 400


def test_a_command_shows_its_fields(place):
    shown = json.loads(place.nobody.get(PUBSUB + "/create-node", accept="application/json").body)
    assert shown == {"node": "", "owner": "", "pubsub#node_type": "leaf"}
    data = xmpp.ET.fromstring(place.nobody.get(PUBSUB + "/create-node").body)
    assert data.tag == "data" and data.find("pubsub").get("prefix") == "true" and data.find("pubsub/node_type") is not None


# ---- a script of one's own beside a real server ----

def own(place, what, **who):
    reply = place.alice.get("/rest/own/" + what, accept="application/json", **who)
    assert reply.status == 200, reply
    return json.loads(reply.body)["reply"]


def test_a_script_asks_as_the_component_and_as_the_user(place):
    assert own(place, "component") == {"type": "result", "to": "http.localhost"}
    reply = own(place, "user")
    assert reply["type"] == "result" and reply["to"].split("/")[0] == "alice@localhost"
    assert own(place, "function") == {"type": "result"}
    assert own(place, "both") == {"type": "result result"}
    error = own(place, "error")
    assert error["type"] == "error" and error["condition"] in ("service-unavailable", "feature-not-implemented")


def test_a_script_speaks_for_nobody_else(place):
    reply = own(place, "foreign")
    assert reply["good"] is False and "not of our component" in reply["why"]
    assert own(place, "command")["status"] in ("forbidden", "not-allowed", "service-unavailable", "item-not-found")
    reply = place.admin.get("/rest/own/command", accept="application/json")
    assert json.loads(reply.body)["reply"]["status"] == "executing"


def test_a_session_that_was_closed_is_opened_again(place):
    jid, password = added(place)
    me = {"user": jid, "password": password}
    assert own(place, "user", **me)["type"] == "result"
    done = place.admin.command("localhost", rest.ADMIN_NODE + "end-user-session", {"accountjids": [jid]})
    assert done.status == 200, done
    base.wait_for(lambda: own(place, "user", **me)["to"].split("/")[0] == jid, "the session to be opened again")


def test_a_script_sends_a_message(place):
    alice = xmpp.client(place.server, "alice", "inbox")
    alice.send("<presence/>")
    while xmpp.local(alice.next()) != "presence":
        pass
    assert own(place, "message") == {"sent": True}
    while True:
        stanza = alice.next()
        if xmpp.local(stanza) == "message":
            break
    assert stanza.get("from") == "http.localhost" and "".join(stanza.itertext()) == "from a script <&>"
    alice.close()


def test_a_script_checks_who_is_who(place):
    assert own(place, "credentials") == {"right": True, "wrong": False, "none": False}
    assert own(place, "admin") == {"admin": True, "alice": False}
