# SPDX-License-Identifier: ISC
"""Scripts of an operator's own: arguments and answers, mistakes in them, reloads, values they keep, what they fetch."""
import http.server
import json
import os
import re
import socket
import threading
import urllib.parse

import pytest

import conftest
from harness import base, rest, servers

ALL = ["upload/limits/burst=1000000"]


def write(house, name, text):
    path = os.path.join(house.folder, "scripts", "rest", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def started(make, scripts, *sets, **more):
    """A Stoa with these scripts; nobody logs in, so a fake server will do."""
    house = make(*ALL, *sets, start=False, **more)
    for name, text in scripts.items():
        write(house, name, text)
    house.start()
    return house


def script(regex, body, **more):
    """A script with that exec_get; more: further members, as Lua text."""
    return "return {\n regex = %s,\n exec_get = function(service, callback, ...)\n%s\n end,\n%s\n}\n" % (
        json.dumps(regex), body, "".join(" %s = %s,\n" % pair for pair in more.items()))


def answer_of(reply):
    assert reply.status == 200, reply
    return json.loads(reply.body)["r"]


# ---- arguments ----

ARGUMENTS = """
local function tell(service, callback, ...)
    local out = json.array {}
    for at = 1, select("#", ...) do
        local one = select(at, ...)
        if type(one) == "string" then
            out[at] = "text " .. one
        elseif type(one) == "table" then
            out[at] = "table " .. json.encode(one)
        else
            out[at] = tostring(one)
        end
    end
    callback { r = out }
end
return { regex = "/([a-z]+)(?:/([0-9]+))?/", exec_get = tell, exec_post = tell, exec_put = tell, exec_delete = tell,
         decode_content = %s }
"""


def test_arguments_stand_as_the_contract_has_them(make):
    house = started(make, {"a/Args.lua": ARGUMENTS % "true", "b/Args.lua": ARGUMENTS % "false"})
    api = rest.Api(house)
    json_wish = {"accept": "application/json"}
    assert answer_of(api.get("/rest/a/x/7/", **json_wish)) == ["text x", "text 7"]
    assert answer_of(api.get("/rest/a/x/", **json_wish)) == ["text x", "nil"]
    assert answer_of(api.post("/rest/a/x/", '{"k":[1,null]}')) == ['table {"k":[1,null]}', "text x", "nil"]
    reply = api.post("/rest/a/x/", "<k><item>1</item><item>2</item></k>", kind="xml", fields=[("Accept", "application/json")])
    assert rest.tree(reply)["r"][0] == 'table ["1","2"]'
    reply = api.post("/rest/a/x/", "plain words", kind="text/plain", fields=[("Accept", "application/json")])
    first, *others = rest.tree(reply)["r"]
    facts = json.loads(first[len("table "):])
    assert (facts["body"], facts["type"], facts["method"]) == ("plain words", "text/plain", "POST")
    assert others == ["text x", "nil"]
    first, *others = answer_of(api.post("/rest/b/x/", '{"k":1}'))
    assert json.loads(first[len("table "):])["body"] == '{"k":1}' and others == ["text x", "nil"]
    assert answer_of(api("PUT", "/rest/a/x/", '{"k":1}', kind="json"))[0] == 'table {"k":1}'
    assert answer_of(api("DELETE", "/rest/a/x/", **json_wish)) == ["text x", "nil"]
    assert api.get("/rest/a/X/").status == 404  # the whole rest of the path must match
    assert api.get("/rest/a/x/7/8/").status == 404


def test_the_request_is_told_without_its_password(make):
    house = started(make, {"a/Request.lua": script("/", "callback { r = service:request() }")})
    facts = answer_of(rest.Api(house).get("/rest/a/?x=1&y=a%20b&x=2", accept="application/json", fields=[("X-Own", "v")]))
    assert (facts["method"], facts["path"], facts["query"]) == ("GET", "/rest/a/", {"x": "1", "y": "a b"})
    assert facts["headers"]["x-own"] == "v" and facts["host"] == "localhost" and facts["client"] == "127.0.0.1"


# ---- answers ----

def test_what_callback_takes(make):
    kinds = {
        "nothing": "callback(nil)",
        "text": "callback('plain')",
        "result": "callback(Result('image/png', '\\x89PNG\\0'))",
        "map": "callback { root = ordered { { 'b', 1 }, { 'a', true } } }",
        "many": "callback(ordered { { 'one', 1 }, { 'two', json.array {} } })",
        "list": "callback(json.array { 'x' })",
        "error": "callback(function(request, response) response:sendError(418, 'no coffee') end)",
        "redirect": "callback(function(request, response) response:sendRedirect('https://example.org/x') end)",
        "own": "callback(function(request, response) response:setStatus(202) response:setContentType('text/x-own') "
               "response:setHeader('X-Own', 'v') response:write('made ') response:write('by hand') end)",
    }
    house = started(make, {"a/%s.lua" % name.capitalize(): script("/" + name, body) for name, body in kinds.items()})
    api = rest.Api(house)

    def get(name, **more):
        return api.get("/rest/a/" + name, **more)

    assert get("nothing").status == 404
    reply = get("text")
    assert (reply.status, reply.body, reply["content-type"]) == (200, b"plain", None)
    reply = get("result")
    assert (reply.status, reply.body, reply["content-type"]) == (200, b"\x89PNG\0", "image/png")
    assert get("map").body == b"<root>\n  <b>1</b>\n  <a>true</a>\n</root>"
    assert json.loads(get("map", accept="application/json").body) == {"root": {"b": 1, "a": True}}
    assert get("many").body.startswith(b"<result>\n  <one>1</one>")
    assert json.loads(get("many", accept="application/json").body) == {"one": 1, "two": []}
    assert get("list").body == b"<result>\n  <item>x</item>\n</result>"
    reply = get("error", accept="application/json")
    assert reply.status == 418 and json.loads(reply.body)["detail"] == "no coffee"
    reply = get("redirect")
    assert (reply.status, reply["location"]) == (302, "https://example.org/x")
    reply = get("own")
    assert (reply.status, reply.body, reply["content-type"], reply["x-own"]) == (202, b"made by hand", "text/x-own", "v")
    head = api("HEAD", "/rest/a/text")
    assert (head.status, head.body) == (200, b"")
    assert api("POST", "/rest/a/text").status == 405 and api("POST", "/rest/a/text")["allow"] == "GET, HEAD, OPTIONS"


PAGE = "<!DOCTYPE html>\n<p>{{ result.r.text }}</p><a href=\"{{ link('/a/') }}\">{{ request.path }}</a>\n"


def test_a_template_beside_a_script_makes_pages(make):
    text = script("/", "callback { r = { text = '<i>&' } }")
    house = started(make, {"a/A.lua": text, "a/AGet.html": PAGE, "b/B.lua": text, "b/B.html": "{% include part.html %}",
                           "part.html": "{{ result.r.text }} shared", "c/C.lua": text, "c/CPost.html": PAGE,
                           "d/D.lua": text, "d/D.html": "{{ result.r.text.x.y }}", "e/E.lua": text, "e/E.html": "\n{% if %}"})
    api = rest.Api(house)
    reply = api.get("/rest/a/", accept="text/html")
    assert (reply.status, reply["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.body == b'<!DOCTYPE html>\n<p>&lt;i&gt;&amp;</p><a href="/rest/a/">/rest/a/</a>\n'
    assert api.get("/rest/b/?type=text/html").body == b"&lt;i&gt;&amp; shared"
    for path in ("/rest/a/", "/rest/c/"):  # no wish, or no template for it: XML as ever
        reply = api.get(path, accept="text/html" if path == "/rest/c/" else None)
        assert reply["content-type"] == "application/xml" and reply.body.startswith(b"<r>")
    for path in ("/rest/d/", "/rest/e/"):  # a broken one
        assert api.get(path, accept="text/html")["content-type"] == "application/xml"
    assert "E.html:2" in house.log() and "D.html:1" in house.log()
    assert json.loads(api.get("/rest/", accept="application/json").body)["rest"]["failed"] == ["e/E.lua"]


# ---- access ----

def test_keys_and_roles(make):
    house = started(make, {
        "a/Open.lua": script("/open", "callback('open')", api_key="false"),
        "a/Shut.lua": script("/shut", "callback('shut')"),
        "a/User.lua": script("/user", "callback('user')", required_role="'user'"),
        "a/Own.lua": script("/own", "callback('own')", required_role="'gardener'"),
        "a/Asks.lua": script("/asks", "callback { r = { good = service:is_allowed(%s, 'localhost', '/rest/x'), "
                             "bad = service:is_allowed('other', 'localhost', '/rest/x'), "
                             "none = service:is_allowed(nil, 'localhost', '/rest/x') } }" % json.dumps(rest.KEY)),
    })
    api = rest.Api(house)
    assert api.get("/rest/a/open", key=None).body == b"open"
    assert api.get("/rest/a/shut", key=None).status == 403
    assert api.get("/rest/a/shut").body == b"shut"
    assert api.get("/rest/a/user").status == 401
    assert api.get("/rest/a/own").status == 401
    assert answer_of(api.get("/rest/a/asks", accept="application/json")) == {"good": True, "bad": False, "none": False}


def test_a_role_that_nobody_has(prosody, make):
    house = started(make, {"a/Own.lua": script("/own", "callback('own')", required_role="'gardener'")}, server=prosody)
    house.streams_up()
    reply = rest.Api(house, rest.ADMIN).get("/rest/a/own", accept="application/json")
    assert reply.status == 403 and "gardener" in json.loads(reply.body)["detail"]


# ---- what is loaded ----

def test_an_own_script_wins_over_a_shipped_one(make):
    house = started(make, {"vhost/Vhost.lua": script("/", "callback('mine')")})
    assert rest.Api(house).get("/rest/vhost/").body == b"mine"
    assert rest.Api(house).get("/rest/users/").status == 401  # the shipped ones are there


def test_shipped_scripts_can_be_left_out(make):
    house = started(make, {"a/A.lua": script("/", "callback('a')")}, "http/rest/shipped-scripts=false")
    assert rest.Api(house).get("/rest/a/").body == b"a"
    assert rest.Api(house).get("/rest/users/").status == 404


def test_only_files_one_level_deep_are_scripts(make):
    good = script("/", "callback('q9-loaded')")
    house = started(make, {"Root.lua": good, "a/b/Deep.lua": good, "static/S.lua": good, "lib/helper.lua": "return 'helped'",
                           ".hidden/H.lua": good, "a/Name.txt": good,
                           "a/Uses.lua": "local helper = require 'helper'\n" + script("/uses", "callback(helper)")})
    api = rest.Api(house)
    assert api.get("/rest/a/uses").body == b"helped"
    for path in ("/rest/", "/rest/b/", "/rest/a/b/", "/rest/static/", "/rest/lib/", "/rest/.hidden/", "/rest/a/"):
        assert b"q9-loaded" not in api.get(path).body


BROKEN = {
    "syntax": ("return {\n regex = '/' exec_get\n", "A.lua:2"),
    "throws": ("local x = nil\nreturn { regex = x.y }\n", "A.lua:2"),
    "no table": ("return 7\n", "A.lua"),
    "bad regex": (script("/(", "callback('x')"), "A.lua"),
    "no method": ("return { regex = '/' }\n", "A.lua"),
    "endless": ("while true do end\n", "A.lua"),
    "huge": ("local t = {}\nwhile true do t[#t + 1] = ('x'):rep(100000) .. #t end\n", "A.lua"),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_broken_script_is_named_and_stops_nothing(make, kind):
    text, place = BROKEN[kind]
    house = started(make, {"a/A.lua": text, "a/B.lua": script("/b", "callback('b')")})
    api = rest.Api(house)
    assert api.get("/rest/a/b").body == b"b"
    assert api.get("/rest/a/").status == 404
    assert re.search(r"error worker\S* .*a/%s" % place, house.log()), house.log()
    listed = json.loads(api.get("/rest/", accept="application/json").body)
    assert listed["rest"]["failed"] == ["a/A.lua"]


def test_a_broken_reload_leaves_the_last_good_one(make):
    house = started(make, {"a/A.lua": script("/", "callback('one')")})
    api = rest.Api(house)
    assert api.get("/rest/a/").body == b"one"
    write(house, "a/A.lua", script("/", "callback('two')"))
    house.ctl("reload")
    assert api.get("/rest/a/").body == b"two"
    write(house, "a/A.lua", "this is no script\n")
    for _ in range(2):  # and it stays so
        house.ctl("reload")
        assert api.get("/rest/a/").body == b"two"
    assert "A.lua:1" in house.log() and "last good" in house.log()
    assert json.loads(api.get("/rest/", accept="application/json").body)["rest"]["failed"] == ["a/A.lua"]
    write(house, "a/A.lua", script("/", "callback('three')"))
    house.ctl("reload")
    assert api.get("/rest/a/").body == b"three"
    os.unlink(os.path.join(house.folder, "scripts", "rest", "a", "A.lua"))
    house.ctl("reload")
    assert api.get("/rest/a/").status == 404
    write(house, "a/A.lua", "still no script\n")  # what was taken away does not come back
    house.ctl("reload")
    assert api.get("/rest/a/").status == 404


def test_a_reload_ends_no_call(make):
    source = Source()
    try:
        house = started(make, {"a/A.lua": script("/", "callback(service:fetch { url = %s }.body)" % json.dumps(
            source.url + "/held"), is_async="true")}, "http/rest/fetch-networks=127.0.0.0/8")
        with house.conn() as conn:
            conn.send("GET /rest/a/ HTTP/1.1\r\nHost: localhost\r\nApi-Key: %s\r\n\r\n" % rest.KEY)
            base.wait_for(lambda: source.waiting, "the fetch to arrive")
            house.ctl("reload")
            source.release.set()
            assert conn.reply().body == b"held"
    finally:
        source.close()


# ---- mistakes while running ----

HOSTILE = {
    "throw": "error('on purpose 4711')",
    "object": "error({ code = 7 })",
    "nil": "local x = nil; x.y = 1",
    "loop": "while true do end",
    "swallow": "while true do pcall(function() while true do end end) end",
    "sort": "local t = {} for i = 1, 10000 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end",
    "regex": "for i = 1, 100000 do (('a'):rep(30000)):find('(a+)+b') end callback('x')",
    "memory": "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end",
    "rep": "callback(('x'):rep(1000000000))",
    "deep": "local function f() return 1 + f() end f()",
    "silent": "return",
    "bad value": "callback(function() end)",
    "cycle": "local t = {} t.t = t callback(t)",
    "header": "callback(function(q, r) r:setHeader('X', 'a\\r\\nSet-Cookie: b') end)",
    "wait in sort": "table.sort({ 3, 2, 1 }, function(a, b) service:kv_set('a', 1) return a < b end)",
}


def test_hostile_scripts_end_in_500_and_stop_nobody(make):
    house = started(make, dict({"h/H%d.lua" % at: script("/%d" % at, body) for at, body in enumerate(HOSTILE.values())},
                               **{"h/Good.lua": script("/good", "callback('good')")}), workers=1)
    api = rest.Api(house)
    pid = house.pids("worker")
    for at, name in enumerate(HOSTILE):
        for _ in range(2):
            reply = api.get("/rest/h/%d" % at, accept="application/json")
            if name == "bad value":  # a function that sets nothing: an empty answer
                assert reply.status == 200
                continue
            assert reply.status == 500, (name, reply)
            told = json.loads(reply.body)
            assert told["id"] == reply["x-request-id"] and told["id"] in house.log(), name
            assert "traceback" not in told["detail"] and "on purpose" not in told["detail"]
        assert api.get("/rest/h/good").body == b"good", name
    assert "on purpose 4711" in house.log()
    assert house.pids("worker") == pid


def test_calling_back_twice_answers_once(make):
    house = started(make, {"a/A.lua": script("/", "callback('first') callback('second')")})
    with house.conn() as conn:
        fields = [("Api-Key", rest.KEY)]
        assert conn.request("GET", "/rest/a/", fields).body == b"first"
        assert conn.request("GET", "/rest/a/", fields).body == b"first"


# ---- values that are kept ----

KEEP = """
return { regex = "/(set|get|delete|list|share|big|key)", is_async = true, exec_get = function(service, callback, what)
    local query = service:request().query
    local r
    if what == "set" then r = service:kv_set(query.key, json.decode(query.value))
    elseif what == "get" then r = service:kv_get(query.key)
    elseif what == "delete" then r = service:kv_delete(query.key)
    elseif what == "list" then r = service:kv_list(query.prefix)
    elseif what == "big" then r = select(2, pcall(service.kv_set, service, "k", ("x"):rep(65 * 1024)))
    elseif what == "key" then r = select(2, pcall(service.kv_set, service, ("k"):rep(401), 1)) end
    callback(ordered { { "r", r == nil and null or r }, { "why", r == nil and service:why() or nil } })
end }
"""


def test_values_are_kept_for_all_workers_and_by_folder(make):
    house = started(make, {"a/Keep.lua": KEEP, "b/Keep.lua": KEEP})
    api = rest.Api(house)

    def run(folder, what, **query):
        reply = api.get("/rest/%s/%s?%s" % (folder, what, urllib.parse.urlencode(query)), accept="application/json")
        assert reply.status == 200, reply
        return json.loads(reply.body)

    assert run("a", "set", key="k/1", value='{"a":[1,2.5,null,"\u00e9"]}')["r"] is True
    for _ in range(8):  # whichever worker takes the connection
        assert run("a", "get", key="k/1")["r"] == {"a": [1, 2.5, None, "\u00e9"]}
    assert run("b", "get", key="k/1")["why"]["condition"] == "item-not-found"
    assert run("a", "set", key="k/2", value="7")["r"] is True
    assert run("a", "list", prefix="k/")["r"] == ["k/1", "k/2"]
    house.ctl("reload")
    assert run("a", "get", key="k/2")["r"] == 7
    house.stop()
    house.start()
    assert run("a", "get", key="k/2")["r"] == 7
    assert run("a", "delete", key="k/2")["r"] is True
    assert run("a", "delete", key="k/2")["r"] is False
    assert run("a", "get", key="k/2")["r"] is None
    assert "larger than 64 KiB" in run("a", "big")["r"]
    assert "longer than 400 bytes" in run("a", "key")["r"]


# ---- fetch ----

class Source:
    """An HTTP server on loopback that says what it was asked, or does as the path says."""

    def __init__(self):
        self.seen, self.release, self.waiting = [], threading.Event(), 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, dict(self.headers), body))
                out, status, more = b"hello", 200, []
                if self.path == "/echo":
                    out = body[::-1]
                elif self.path == "/redirect":
                    status, more = 302, [("Location", "http://169.254.169.254/latest")]
                elif self.path == "/large":
                    out = b"x" * 3_000_000
                elif self.path == "/bytes":
                    out = bytes(range(256))
                elif self.path == "/missing":
                    status = 404
                elif self.path in ("/held", "/silent"):
                    outer.waiting += 1
                    outer.release.wait(base.WAIT)
                    out = b"held"
                self.send_response(status)
                self.send_header("Content-Length", str(len(out)))
                self.send_header("X-Twice", "a")
                self.send_header("X-Twice", "b")
                for pair in more:
                    self.send_header(*pair)
                self.end_headers()
                try:
                    self.wfile.write(out)
                except OSError:
                    pass

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((base.LOOPBACK, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def source():
    out = Source()
    yield out
    out.close()


FETCH = """
return { regex = "/", is_async = true, exec_post = function(service, callback, wish)
    local good, r = pcall(service.fetch, service, wish)
    callback(ordered { { "r", good and r or null }, { "error", not good and r or nil },
        { "why", good and not r and service:why() or nil } })
end }
"""


def fetched(house, **wish):
    reply = rest.Api(house).post("/rest/f/", json.dumps(wish))
    assert reply.status == 200, reply
    return json.loads(reply.body)


def test_fetch_brings_status_headers_and_body(make, source):
    house = started(make, {"f/Fetch.lua": FETCH}, "http/rest/fetch-networks=127.0.0.0/8")
    got = fetched(house, url=source.url + "/x")["r"]
    assert (got["status"], got["body"], got["headers"]["x-twice"]) == (200, "hello", "a, b")
    got = fetched(house, url=source.url + "/echo", method="POST", body="abc", headers={"X-Own": "v", "Content-Type": "text/x"})["r"]
    assert got["body"] == "cba"
    method, _, headers, body = source.seen[-1]
    assert (method, body, headers["X-Own"], headers["Content-Type"]) == ("POST", b"abc", "v", "text/x")
    assert headers["User-Agent"].startswith("stoa/") and "Expect" not in headers
    assert fetched(house, url=source.url + "/missing")["r"]["status"] == 404
    got = fetched(house, url=source.url + "/redirect")["r"]
    assert (got["status"], got["headers"]["location"]) == (302, "http://169.254.169.254/latest")
    for method in ("PUT", "DELETE", "PATCH"):
        assert fetched(house, url=source.url + "/x", method=method)["r"]["status"] == 200
        assert source.seen[-1][0] == method


def test_fetch_is_bounded(make, source):
    house = started(make, {"f/Fetch.lua": FETCH}, "http/rest/fetch-networks=127.0.0.0/8", "http/rest/fetch-most=100K")
    told = fetched(house, url=source.url + "/large")
    assert told["r"] is None and "fetch-most" in told["why"]["text"]
    told = fetched(house, url=source.url + "/silent", timeout=1)
    assert told["why"]["condition"] == "remote-server-timeout" and told["why"]["status"] == 504
    with socket.socket() as nobody:
        nobody.bind((base.LOOPBACK, 0))
        told = fetched(house, url="http://127.0.0.1:%d/" % nobody.getsockname()[1])
    assert told["why"]["condition"] == "remote-server-not-found"
    assert "timeout" in fetched(house, url=source.url, timeout=3600)["error"]
    assert fetched(house, url=source.url + "/x")["r"]["status"] == 200  # and goes on


def test_fetch_leads_nowhere_inside(make, source):
    house = started(make, {"f/Fetch.lua": FETCH}, env={"http_proxy": source.url, "ALL_PROXY": source.url})
    port = source.port
    inside = ["http://127.0.0.1:%d/" % port, "http://localhost:%d/" % port, "http://2130706433:%d/" % port,
              "http://0x7f000001:%d/" % port, "http://0177.0.0.1:%d/" % port, "http://127.1:%d/" % port,
              "http://0.0.0.0:%d/" % port, "http://[::1]:%d/" % port, "http://[::]:%d/" % port,
              "http://[::ffff:127.0.0.1]:%d/" % port, "http://[::ffff:7f00:1]:%d/" % port,
              "http://10.0.0.1/", "http://192.168.0.1/", "http://172.16.0.1/", "http://169.254.169.254/latest/meta-data/",
              "http://100.100.100.200/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[64:ff9b::7f00:1]/",
              "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/"]
    for url in inside:
        told = fetched(house, url=url, timeout=5)
        assert told["r"] is None and told["why"]["condition"] in ("not-allowed", "bad-request"), (url, told)
    for url in ("file:///etc/passwd", "gopher://127.0.0.1:%d/x" % port, "ftp://127.0.0.1/", "dict://127.0.0.1/", "ldap://x/",
                "http://user:secret@127.0.0.1:%d/" % port, "http:///", "", "no url", "http://exa mple/", "smb://x/y"):
        told = fetched(house, url=url)
        assert told["r"] is None and told["why"]["condition"] == "bad-request", (url, told)
    for wish in ({"method": "CONNECT"}, {"method": "GET /x"}, {"headers": {"Host": "inside"}}, {"headers": {"A": "b\r\nC: d"}},
                 {"headers": {"A B": "c"}}, {"headers": {"Content-Length": "1"}}, {"headers": 7}, {"body": 7}):
        assert fetched(house, url="http://example.invalid/", **wish)["error"], wish
    assert not source.seen


def test_fetch_of_a_client_that_goes_away(make, source):
    house = started(make, {"f/Fetch.lua": FETCH}, "http/rest/fetch-networks=127.0.0.0/8")
    body = json.dumps({"url": source.url + "/held"})
    with house.conn() as conn:
        conn.send("POST /rest/f/ HTTP/1.1\r\nHost: localhost\r\nApi-Key: %s\r\nContent-Type: application/json\r\n"
                  "Content-Length: %d\r\n\r\n%s" % (rest.KEY, len(body), body))
        base.wait_for(lambda: source.waiting, "the fetch to arrive")
    source.release.set()
    assert fetched(house, url=source.url + "/x")["r"]["body"] == "hello"


def test_many_fetches_at_once(make, source):
    house = started(make, {"f/Fetch.lua": FETCH}, "http/rest/fetch-networks=127.0.0.0/8")
    results = []
    threads = [threading.Thread(target=lambda: results.append(fetched(house, url=source.url + "/x"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40 and all(r["r"]["body"] == "hello" for r in results), results
