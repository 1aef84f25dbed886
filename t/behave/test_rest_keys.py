# SPDX-License-Identifier: ISC
"""API keys as operators make and end them, beside a daemon that runs; and what callers without a good one read.

GET and POST /rest/adhoc/{jid} need a key and then a login: 401 says that the key was good."""
import json
import os
import re
import signal

import pytest

from harness import base

PATH = "/rest/adhoc/localhost"


def made(house, *options):
    """(id, key) of a new key."""
    said = house.ctl("key", "add", "--label", "bot", *options).stdout
    values = dict(line.split("=", 1) for line in said.splitlines())
    assert sorted(values) == ["ID", "KEY"] and values["KEY"].startswith("stoa_") and len(values["KEY"]) == 48
    return values["ID"], values["KEY"]


def listed(house):
    return {k["id"]: k for k in map(json.loads, house.ctl("key", "list", "--json").stdout.splitlines())}


def ask(house, key=None, method="GET", path=PATH, fields=(), body=None, **more):
    head = [("Accept", "application/json")] + list(fields) + ([("Api-Key", key)] if key is not None else [])
    return house.request(method, path, head, body, **more)


def is_let_in(reply):
    assert reply.status in (401, 403), reply
    assert (reply.status == 401) == bool(reply["www-authenticate"])
    return reply.status == 401


def why(reply):
    assert reply.status == 403 and reply["content-type"] == "application/problem+json", reply
    problem = json.loads(reply.body)
    assert problem["status"] == 403 and problem["condition"] == "forbidden" and problem["id"] == reply["x-request-id"]
    return problem["detail"]


def test_a_key_counts_from_add_to_revoke_on_all_workers(make):
    house = make(workers=3)
    name, key = made(house)
    assert all(is_let_in(ask(house, key)) for _ in range(24))  # each on a connection of its own
    base.wait_for(lambda: listed(house)[name]["used"], "the last use is written")
    assert house.ctl("key", "revoke", name).stdout == name + " revoked\n"
    assert all(why(ask(house, key)) == "This API key is not known here" for _ in range(24))
    assert listed(house) == {}
    assert house.ctl("key", "revoke", name, check=False).returncode == 1


def test_guessing_keys_is_slowed_down(make):
    house = make()
    _, key = made(house)
    tries = 0
    slowed = ask(house, "guess")
    while slowed.status == 403 and tries < 2000:
        tries += 1
        slowed = ask(house, "guess-%d" % tries)
    assert slowed.status == 429 and tries >= 100, (tries, slowed)
    assert int(slowed["retry-after"]) >= 1 and json.loads(slowed.body)["condition"] == "resource-constraint"
    assert base.wait_for(lambda: ask(house, key).status == 401, "the good key to be heard again")


def test_a_key_outlives_restarts_and_deaths(make):
    house = make()
    name, key = made(house, "--method", "GET")
    for pid in house.pids("worker"):
        os.kill(pid, signal.SIGKILL)
    base.wait_for(house.ready, "new workers")
    assert is_let_in(ask(house, key))
    house.stop()
    other, second = made(house)  # nobody runs
    assert sorted(listed(house)) == sorted([name, other])
    house.start()
    assert is_let_in(ask(house, key)) and is_let_in(ask(house, second))
    assert why(ask(house, key, "POST", fields=[("Content-Type", "application/json")], body=b"{}")) == \
        "This key does not cover POST"


def test_refusals_name_what_is_missing(make):
    house = make()
    _, key = made(house, "--path", "/rest/adhoc/.*", "--method", "GET", "--host", "localhost", "--network", "127.0.0.1")
    assert is_let_in(ask(house, key, host="localhost"))
    assert is_let_in(ask(house, key, "HEAD", host="localhost"))
    assert why(ask(house, key, host="example.org")) == "This key does not cover the host example.org"
    assert why(ask(house, key, "POST", host="localhost")) == "This key does not cover POST"
    assert why(ask(house, key, path="/rest/avatar/alice@localhost", host="localhost")) == \
        "This key does not cover this path"
    _, key = made(house, "--network", "10.0.0.0/8", "--network", "::1")
    assert why(ask(house, key)) == "This key does not cover requests from 127.0.0.1"
    assert why(ask(house)).startswith("This needs an API key")
    assert why(ask(house, "wrong")) == "This API key is not known here"
    assert why(ask(house, "")) == "This API key is not known here"


def test_a_key_expires(make):
    house = make()
    name, key = made(house, "--expires", "1h")
    assert is_let_in(ask(house, key))
    house.offset_clock(3601)
    day = listed(house)[name]["expires"][:10]
    assert why(ask(house, key)) == "This key expired on " + day
    house.offset_clock(0)
    assert is_let_in(ask(house, key))


def test_the_field_counts_before_the_parameter(make):
    house = make("http/rest/api-keys=first")
    assert is_let_in(ask(house, "first"))
    assert is_let_in(ask(house, path=PATH + "?api-key=first"))
    assert is_let_in(ask(house, "first", path=PATH + "?api-key=wrong"))
    assert not is_let_in(ask(house, "wrong", path=PATH + "?api-key=first"))
    assert not is_let_in(ask(house, path=PATH + "?api_key=first"))


def test_keys_of_the_configuration_change_with_a_reload(make):
    house = make(more="http { rest { api-keys = [ 'before', 'open_access:regex=/rest/avatar/.*' ] } }\n")
    assert is_let_in(ask(house, "before")) and not is_let_in(ask(house, "after"))
    assert not is_let_in(ask(house))
    with open(house.config) as file:
        text = file.read()
    with open(house.config, "w") as file:
        file.write(text.replace("'before'", "'after:domain=localhost:regex=/rest/adhoc/[^:]+'"))
    house.ctl("reload")
    base.wait_for(lambda: is_let_in(ask(house, "after", host="localhost")), "the new key counts")
    base.wait_for(lambda: not is_let_in(ask(house, "before")), "the old key is gone")
    assert not is_let_in(ask(house, "after", host="example.org"))


def test_nothing_of_a_key_is_ever_told(make):
    house = make("log/level=debug", more="http { rest { api-keys = [ 'PlantedConfigured', 'open_access:regex=/x' ] } }\n")
    _, key = made(house)
    for one in (key, "PlantedConfigured", "PlantedWrong"):
        ask(house, one)
        ask(house, path=PATH + "?api-key=" + one)
        ask(house, path="/rest/nowhere?x=1&api%%2Dkey=%s&y" % one, fields=[("Referer", "http://h/?api-key=" + one)])
        ask(house, "other" + one, "DELETE")
    house.ctl("reload")
    shown = house.ctl("key", "list").stdout + house.ctl("key", "list", "--json").stdout
    house.stop()
    said = house.log() + house.access_log() + shown
    assert "/rest/nowhere" in said and "api-key=***" in said
    for secret in (key, key[5:30], "Planted"):
        assert secret not in said
    for folder, _, names in os.walk(os.path.join(house.folder, "data")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert key[5:].encode() not in file.read(), name


def test_without_its_data_base_the_configuration_still_counts(make):
    house = make("http/rest/api-keys=here", "http/rest/data-dir=/dev/null/rest")
    assert is_let_in(ask(house, "here"))
    assert "only the keys of the configuration count" in house.log()
    assert house.ctl("key", "list", check=False).returncode == 1


@pytest.mark.parametrize("options,word", [
    ((), "--label"),
    (("--label", "x", "--path", "("), "--path"),
    (("--label", "x", "--expires", "soon"), "--expires"),
    (("--label", "x", "--network", "10.0.0.1/8"), "--network"),
])
def test_what_cannot_be_is_refused(house, options, word):
    done = house.ctl("key", "add", *options, check=False)
    assert done.returncode == 2 and word in done.stderr and "KEY=" not in done.stdout


def test_refusals_are_counted(house):
    calls, refused = house.counter("rest_calls"), house.counter("rest_refused_keys")
    ask(house, "wrong")
    ask(house, path="/rest/nowhere")
    assert house.counter("rest_calls") == calls + 2
    assert house.counter("rest_refused_keys") == refused + 1


# ---- what is the same for all endpoints ----

def test_methods_and_paths(house):
    reply = ask(house, method="DELETE")
    assert reply.status == 405 and reply["allow"] == "GET, HEAD, POST, OPTIONS", reply
    assert json.loads(reply.body)["status"] == 405
    reply = house.request("OPTIONS", PATH)
    assert reply.status == 204 and reply["allow"] == "GET, HEAD, POST, OPTIONS" and not reply.body
    assert house.request("OPTIONS", "/rest/nowhere/x").status == 404
    reply = house.request("GET", "/rest/nowhere/x")
    assert reply.status == 404 and reply["content-type"] == "application/problem+xml"
    for path in ("/rest/adhoc", "/rest/adhoc/", "/rest/adhoc/a@b@c", "/rest/adhocs/localhost", "/restadhoc/localhost"):
        assert house.request("GET", path).status == 404, path
    reply = house.request("HEAD", "/rest/")
    assert reply.status == 200 and int(reply["content-length"]) > 1000 and not reply.body


def test_R4_every_endpoint_wants_a_key_that_does_not_say_otherwise(house):
    """All that is loaded, scripts too, asked by nobody: whatever does not say that it needs no key refuses."""
    loaded = json.loads(house.request("GET", "/rest/?type=application/json").body)["rest"]["endpoints"]
    open_ones, closed = set(), 0
    for endpoint in loaded:
        path = re.sub(r"\{[^}]*\}", "a", re.sub(r"\[[^]]*\]", "", endpoint["path"]))  # [what may be left out]
        for method in endpoint["methods"]:
            reply = house.request(method["method"], path)
            if method["key"]:
                assert reply.status == 403, (method, path, reply)
                closed += 1
            else:
                open_ones.add((method["method"], endpoint["path"]))
    assert closed >= 5
    assert open_ones <= {("GET", p) for p in ("/rest/", "/rest/openapi.json", "/rest/static/{name}")}, open_ones


@pytest.mark.parametrize("accept,kind", [
    ("application/json", "application/problem+json"), ("application/xml", "application/problem+xml"),
    ("*/*", "application/problem+xml"), ("text/html,*/*;q=0.8", "text/html; charset=utf-8")])
def test_nobody_gets_a_login_page(make, accept, kind):
    house = make("http/rest/open-access=true")
    reply = house.request("GET", PATH, [("Accept", accept)])
    assert reply.status == 401 and reply["content-type"] == kind, reply
    assert reply["www-authenticate"].startswith('Basic realm="stoa"') and b"<form" not in reply.body
    assert reply["cache-control"] == "no-store" and "sandbox" in reply["content-security-policy"]


def test_scripts_of_named_sites_may_ask(make):
    house = make("http/rest/cors-origins=https://app.example.org")
    reply = house.request("OPTIONS", PATH, [("Origin", "https://app.example.org"),
                                            ("Access-Control-Request-Method", "POST")])
    assert reply.status == 204 and reply["access-control-allow-origin"] == "https://app.example.org"
    assert "Api-Key" in reply["access-control-allow-headers"] and "POST" in reply["access-control-allow-methods"]
    reply = ask(house, fields=[("Origin", "https://app.example.org")])
    assert reply.status == 403 and reply["access-control-allow-origin"] == "https://app.example.org"
    reply = ask(house, fields=[("Origin", "https://other.example.org")])
    assert reply.status == 403 and not reply["access-control-allow-origin"]
    reply = ask(house, method="OPTIONS", fields=[("Origin", "https://other.example.org"),
                                                 ("Access-Control-Request-Method", "POST")])
    assert reply.status == 403 and "cors-origins" in json.loads(reply.body)["detail"]
