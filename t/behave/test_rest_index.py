# SPDX-License-Identifier: ISC
"""GET /rest/: the page on which endpoints can be tried, and the same as data (contract 1.1.4)."""
import html.parser
import json
import os
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree

import pytest

from harness import openapi

VOID = {"meta", "link", "input", "br", "img", "hr"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class Page(html.parser.HTMLParser):
    """All elements with their attributes and text; asserts that tags are paired."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert not self.open, "not closed: %s" % [e["tag"] for e in self.open]

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "attributes": dict(attrs), "text": "", "inside": list(self.open)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1]["tag"] == tag, (tag, self.getpos())
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, **wanted):
        return [e for e in self.elements if e["tag"] == tag and
                all(e["attributes"].get(n.rstrip("_")) == v for n, v in wanted.items())]


def page(house, target="/rest/", accept=BROWSER):
    reply = house.request("GET", target, {"Accept": accept} if accept else {})
    assert reply.status == 200, reply
    assert reply["content-type"] == "text/html; charset=utf-8"
    return reply, Page(reply.body.decode())


def listed(house, target="/rest/?type=application/json"):
    reply = house.request("GET", target)
    assert (reply.status, reply["content-type"]) == (200, "application/json"), reply
    return json.loads(reply.body)["rest"]


@pytest.mark.parametrize("target", ["/rest/", "/rest"])
@pytest.mark.parametrize("accept", [BROWSER, "*/*", None])
def test_the_page_needs_no_key_and_no_login(house, target, accept):
    _, seen = page(house, target, accept)
    assert seen.all("h1")[0]["text"] == "REST"


def test_head_and_other_methods(house):
    reply = house.request("HEAD", "/rest/")
    assert (reply.status, reply["content-type"]) == (200, "text/html; charset=utf-8")
    for method in ("POST", "PUT", "DELETE"):
        reply = house.request(method, "/rest/")
        assert reply.status == 405 and reply["allow"].startswith("GET, HEAD"), reply


def test_every_endpoint_is_there_with_what_it_needs(house):
    _, seen = page(house)
    told = {(e["attributes"]["data-method"], s["text"]): e for e in seen.all("details") for s in seen.all("code")
            if e in s["inside"] and s["inside"][-1]["tag"] == "summary"}
    endpoints = listed(house)["endpoints"]
    folders = {e["folder"] for e in endpoints}
    assert {"", "adhoc", "avatar", "stream"} <= folders
    for endpoint in endpoints:
        for method in endpoint["methods"]:
            details = told.pop((method["method"], endpoint["path"]))
            assert method["info"] in details["text"]
            assert ("data-key" in details["attributes"]) == method["key"]
            assert ("data-login" in details["attributes"]) == ("role" in method)
            for kind in ("request", "answer"):
                for example in method.get(kind, {}).values():
                    assert example in details["text"]
    assert not told, "in the page only: %s" % list(told)


def test_folders_and_paths_are_sorted(house):
    endpoints = listed(house)["endpoints"]
    order = [(e["folder"], e["path"]) for e in endpoints]
    assert order == sorted(order)
    _, seen = page(house)
    assert [e["attributes"]["id"] for e in seen.all("h2")] == ["in-" + f for f in sorted({f for f, _ in order})]


def test_R30_nothing_is_inline_and_the_policy_forbids_it(house):
    reply, seen = page(house)
    policy = dict(d.strip().split(" ", 1) for d in reply["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
    assert "unsafe" not in reply["content-security-policy"]
    assert reply["x-content-type-options"] == "nosniff"
    assert not seen.all("style")
    for element in seen.elements:
        assert "style" not in element["attributes"]
        assert not [name for name in element["attributes"] if name.startswith("on")]
        for name in ("href", "src"):
            value = element["attributes"].get(name, "")
            assert "//" not in value and not value.startswith(("/", "javascript:", "data:")), value
    for script in seen.all("script"):
        assert script["text"] == "" and script["attributes"]["src"]


@pytest.mark.parametrize("target", ["/rest/", "/rest"])
def test_style_and_script_have_names_that_change_with_them(house, target):
    _, seen = page(house, target)
    files = [e["attributes"]["href"] for e in seen.all("link", rel="stylesheet")]
    files += [e["attributes"]["src"] for e in seen.all("script")]
    assert len(files) == 2
    for link, kind in zip(files, ("text/css", "text/javascript")):
        path = urllib.parse.urljoin(target, link)
        assert re.fullmatch(r"/rest/static/index-[0-9a-f]{16}\.(css|js)", path), path
        reply = house.request("GET", path)
        assert (reply.status, reply["content-type"]) == (200, kind + "; charset=utf-8")
        assert "immutable" in reply["cache-control"] and len(reply.body) > 1000
        wrong = path.replace("index-", "index-0")
        assert house.request("GET", wrong).status == 404


def test_other_names_below_static_are_not_there(house):
    for name in ("", "index.js", "embed", "..%2fembed", "%2e%2e/x", "a/b"):
        assert house.request("GET", "/rest/static/" + name).status in (400, 404), name


@pytest.mark.parametrize("target", ["/rest/", "/rest"])
def test_links_of_the_page_lead_somewhere(house, target):
    _, seen = page(house, target)
    ids = {e["attributes"]["id"] for e in seen.elements if "id" in e["attributes"]}
    links = [e["attributes"]["href"] for e in seen.all("a")]
    assert len(links) >= 5
    for link in links:
        if link.startswith("#"):
            assert urllib.parse.unquote(link[1:]) in ids, link
        else:
            assert house.request("GET", urllib.parse.urljoin(target, link)).status == 200, link


def test_ids_are_unique_and_the_page_has_a_language_a_title_and_a_skip_link(house):
    _, seen = page(house)
    ids = [e["attributes"]["id"] for e in seen.elements if "id" in e["attributes"]]
    assert len(ids) == len(set(ids))
    assert seen.all("html")[0]["attributes"]["lang"] == "en" and seen.all("title")[0]["text"]
    assert seen.all("a")[0]["attributes"]["href"] == "#list"


def test_the_commands_for_curl_are_commands(house):
    """One that has nothing to fill in is run as it stands; the others are at least whole words to a shell."""
    reply = house.request("GET", "/rest/", {"Host": "127.0.0.1:%d" % house.http})
    seen = Page(reply.body.decode())
    commands = [e["text"] for e in seen.all("code") if e["inside"][-1]["attributes"].get("class") == "curl"]
    assert len(commands) == len(seen.all("details"))
    ran = 0
    for command in commands:
        assert command.startswith("curl ")
        words = subprocess.run(["sh", "-c", "printf '%s\\n' " + command], capture_output=True, text=True, check=True)
        assert "http://127.0.0.1:%d/rest/" % house.http in words.stdout
        if "openapi.json" in command:
            done = subprocess.run(["sh", "-c", command + " -s"], capture_output=True, text=True, check=True)
            assert json.loads(done.stdout)["openapi"] == "3.1.0"
            ran += 1
    assert ran == 1


def test_as_data_on_wish(house):
    as_json = listed(house)
    reply = house.request("GET", "/rest/", {"Accept": "application/json"})
    assert reply["content-type"] == "application/json" and json.loads(reply.body)["rest"] == as_json
    assert "accept" in ",".join(reply.all("vary")).lower()
    for target, fields in (("/rest/?type=application/xml", {}), ("/rest", {"Accept": "application/xml"})):
        reply = house.request("GET", target, fields)
        assert (reply.status, reply["content-type"]) == (200, "application/xml")
        root = xml.etree.ElementTree.fromstring(reply.body)
        assert root.tag == "rest"
        paths = [item.findtext("path") for item in root.find("endpoints")]
        assert paths == [e["path"] for e in as_json["endpoints"]]


def test_a_key_in_the_address_is_not_in_the_page(house):
    reply, _ = page(house, "/rest/?api-key=planted-secret")
    assert b"planted-secret" not in reply.body


def test_the_host_is_only_text(house):
    reply = house.request("GET", "/rest/", {"Host": "a_b.example:8080"})
    assert b"http://a_b.example:8080/rest" in reply.body
    for host in ("<script>", "a\"b", "a'b"):
        reply = house.request("GET", "/rest/", {"Host": host})
        assert reply.status == 400 and b"<script>" not in reply.body


BROKEN = "return { regex = '/broken', exec_get = function(service, callback) planted secret end }\n"
STRANGE = """return {
    regex = "/(?<name>[^/]+)(?:/([^/]+))?",
    required_role = "<i>keeper</i>",
    description = { get = {
        info = "<script>alert(1)</script>",
        description = "\\"quoted\\" & <b>bold</b>",
        answer_json = '{"a":["</pre><script>"]}',
    } },
    exec_get = function(service, callback) callback("x") end,
}
"""


def test_scripts_are_there_and_what_they_say_is_text(make):
    house = make("http/rest/shipped-scripts=false", start=False)
    scripts = os.path.join(house.folder, "scripts")
    os.makedirs(os.path.join(scripts, "zoo"))
    for name, text in (("Broken", BROKEN), ("Strange", STRANGE)):
        with open(os.path.join(scripts, "zoo", name + ".lua"), "w") as file:
            file.write(text)
    house.sets.append("http/rest/rest-scripts-dir=" + scripts)
    house.start()
    reply, seen = page(house)
    one, = [e for e in listed(house)["endpoints"] if e["folder"] == "zoo"]
    assert one["path"] == "/rest/zoo/{name}[/{part2}]" and one["script"] is True
    assert one["methods"][0]["info"] == "<script>alert(1)</script>"
    assert one["methods"][0]["role"] == "<i>keeper</i>"
    assert len(seen.all("script")) == 1 and not seen.all("i")
    assert not [e for e in seen.all("b") if "bold" in e["text"]]
    assert "<script>alert(1)</script>" in [e["text"] for e in seen.all("span", class_="about")]
    assert '"quoted" & <b>bold</b>' in [e["text"] for e in seen.all("p")]
    # the broken one is named; why is for those who read the log
    failed, = seen.all("section", class_="failed")
    assert "zoo/Broken.lua" in failed["text"] and b"planted" not in reply.body
    assert listed(house)["failed"] == ["zoo/Broken.lua"]
    assert "zoo/Broken.lua" in house.log()
    document = json.loads(house.request("GET", "/rest/openapi.json").body)
    openapi.check(document)
    assert {"/rest/zoo/{name}", "/rest/zoo/{name}/{part2}"} <= set(document["paths"])


def test_another_context_path(make):
    house = make("http/rest/context-path=/api/v1")
    _, seen = page(house, "/api/v1/")
    script = seen.all("script")[0]["attributes"]["src"]
    assert house.request("GET", "/api/v1/" + script).status == 200
    _, seen = page(house, "/api/v1")
    script = seen.all("script")[0]["attributes"]["src"]
    assert house.request("GET", "/api/" + script).status == 200
    assert all(e["path"].startswith("/api/v1/") for e in listed(house, "/api/v1/?type=json")["endpoints"])
