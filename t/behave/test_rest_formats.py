# SPDX-License-Identifier: ISC
"""XML and JSON of the REST API: which is chosen, byte by byte how it looks, and how requests are read.

The commands are those of a server that answers with whatever form a test wants."""
import json
from xml.sax.saxutils import escape, quoteattr

import pytest

import conftest
from harness import fake_c2s, rest, stoa, xmpp

LIST = "/rest/adhoc/localhost"
FORM = "jabber:x:data"


@pytest.fixture(scope="module")
def home(certificates):
    host = fake_c2s.FakeHost(certificate=certificates + "/localhost.pem")
    house = stoa.Stoa(conftest.folder("formats"), host, certificates=certificates, components=("http.localhost",))
    house.start()
    host.wait_up("http.localhost")
    yield house, host
    house.stop()
    house.check_sanitizers()
    host.close()


@pytest.fixture
def api(home):
    house, host = home
    host.forget()
    yield rest.Api(house, rest.ALICE)
    house.check_sanitizers()


def completed(inside):
    return "<command xmlns='%s' node='n' sessionid='s' status='completed'>%s</command>" % (fake_c2s.COMMANDS, inside)


def field(name, values=(), kind="text-single", label=None, more=""):
    return "<field%s%s%s>%s%s</field>" % (
        " var=" + quoteattr(name) if name is not None else "", " type='%s'" % kind if kind else "",
        " label=" + quoteattr(label) if label is not None else "", more,
        "".join("<value>%s</value>" % escape(v) for v in values))


def answers(home, inside):
    """From now on commands are answered with that, in a form of type result."""
    home[1].on_client = lambda session, stanza: stanza[0].tag.endswith("}command") and (
        session.answer(stanza, completed(inside)) or True)


def shown(home, api, *fields, kind="xml", more=""):
    """The text of the answer to a command whose result has those fields."""
    answers(home, "<x xmlns='%s' type='result'>%s%s</x>" % (FORM, more, "".join(fields)))
    reply = api.command("localhost", "n", kind=kind)
    assert reply.status == 200, reply
    return reply.body.decode()


# ---- which of both (1.1.6) ----

CHOICES = [
    ({}, "", "xml"), ({"kind": "application/json"}, "", "json"), ({"kind": "application/xml"}, "", "xml"),
    ({"kind": "text/xml"}, "", "xml"), ({"kind": "application/json;charset=UTF-8"}, "", "json"),
    ({}, "?type=application/json", "json"), ({}, "?type=application/xml", "xml"), ({}, "?type=application%2Fjson", "json"),
    ({"kind": "application/xml"}, "?type=application/json", "xml"),  # Content-Type goes before the parameter
    ({"kind": "application/json"}, "?type=application/xml", "json"),
    ({"kind": "text/plain"}, "?type=application/json", "xml"),
]


@pytest.mark.parametrize("more,query,kind", CHOICES)
def test_the_format_is_chosen_by_content_type_then_by_type(api, more, query, kind):
    reply = api.get(LIST + query, **more)
    assert reply.status == 200 and reply["content-type"].startswith("application/" + kind), reply


@pytest.mark.parametrize("accept,kind", [("application/json", "json"), ("application/xml", "xml"), ("*/*", "xml"),
                                         ("application/json;q=0.1, application/xml", "xml"),
                                         ("application/xml;q=0.5, application/json;q=0.9", "json")])
def test_accept_decides_where_nothing_else_does(api, accept, kind):
    reply = api.get(LIST, accept=accept)
    assert reply.status == 200 and reply["content-type"].startswith("application/" + kind), reply
    assert api.get(LIST, kind="xml", accept="application/json")["content-type"].startswith("application/xml")
    assert api.get(LIST + "?type=application/json", accept="application/xml")["content-type"].startswith("application/json")


# ---- answers in XML (1.1.7) ----

def test_xml_layout(home, api):
    text = shown(home, api, field("a", ["1"]))
    assert text == ("<command>\n  <jid>localhost</jid>\n  <node>n</node>\n  <fields>\n    <item>\n      <var>a</var>\n"
                    "      <type>text-single</type>\n      <value>1</value>\n    </item>\n  </fields>\n</command>")


def test_xml_of_no_fields(home, api):
    answers(home, "")
    assert api.command("localhost", "n", kind="xml").body == (
        b"<command>\n  <jid>localhost</jid>\n  <node>n</node>\n  <fields />\n</command>")


def test_xml_of_several_values(home, api):
    text = shown(home, api, field("a", ["1", "2"], "text-multi"))
    assert "      <value>\n        <item>1</item>\n        <item>2</item>\n      </value>\n" in text


def test_xml_of_values_that_are_empty_or_absent(home, api):
    """One empty <value/> is null; no <value/> at all leaves the member out."""
    text = shown(home, api, field("none"), field("empty", [""]))
    none, empty = text.split("<item>")[1:]
    assert "<value" not in none and "      <value />\n" in empty


def test_xml_escapes_three_letters_and_no_more(home, api):
    text = shown(home, api, field("a", ["<b> & \"quotes\" 'too' > säule 🏛"], label="it's < & \"ok\""))
    assert "<value>&lt;b&gt; &amp; \"quotes\" 'too' &gt; säule 🏛</value>" in text
    assert "<label>it's &lt; &amp; \"ok\"</label>" in text


def test_xml_order_of_members(home, api):
    answers(home, "<x xmlns='%s' type='result'><title>T</title><instructions>I</instructions>%s</x><note type='warn'>N</note>" % (
        FORM, field("a", ["1"], "list-single", "L", "<option label='one'><value>1</value></option><option><value>2</value></option>")))
    text = api.command("localhost", "n", kind="xml").body.decode()
    order = ["<jid>", "<node>", "<fields>", "<var>", "<label>", "<type>", "<value>1", "<options>", "<title>T", "<instructions>I",
             "<note>", "<value>N", "<type>warn"]
    places = [text.index(x, text.index("<note>") if x == "<type>warn" else 0) for x in order]
    assert places == sorted(places), text
    assert ("      <options>\n        <item>\n          <value>1</value>\n          <label>one</label>\n        </item>\n"
            "        <item>\n          <value>2</value>\n        </item>\n      </options>\n") in text


TABLE = ("<reported%s><field var='name' label='Name'/><field var='age'/></reported>"
         "<item><field var='name'><value>a</value></field><field var='age'><value>1</value></field></item>"
         "<item><field var='name'><value>b</value></field><field var='age'><value>2</value></field></item>")


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_tables(home, api, kind):
    answers(home, "<x xmlns='%s' type='result'>%s</x>" % (FORM, TABLE % " label='People'"))
    reply = api.command("localhost", "n", kind=kind)
    table, = rest.tree(reply)["command"]["reported"]
    assert table["label"] == "People"
    rows = [{f["var"]: f["value"] for f in item["fields"]} for item in table["items"]]
    assert rows == [{"name": "a", "age": "1"}, {"name": "b", "age": "2"}]


# ---- answers in JSON (1.1.8) ----

def test_json_layout(home, api):
    text = shown(home, api, field("a", ["1"]), kind="json")
    assert text == ('{\n    "command": {\n        "jid": "localhost",\n        "node": "n",\n        "fields": [\n            {\n'
                    '                "var": "a",\n                "type": "text-single",\n                "value": "1"\n'
                    '            }\n        ]\n    }\n}')


def test_json_of_values(home, api):
    text = shown(home, api, field("none"), field("empty", [""]), field("one", ["1"], "text-multi"), field("two", ["1", "2"]),
                 kind="json")
    fields = json.loads(text)["command"]["fields"]
    assert [f.get("value", "absent") for f in fields] == ["absent", None, "1", ["1", "2"]]


def test_json_is_ascii_and_leaves_slashes_alone(home, api):
    text = shown(home, api, field("a", ["säule 🏛 a/b \"q\" \\ \t\n"]), kind="json")
    assert text.isascii()
    assert r"s\u00e4ule \ud83c\udfdb a/b \"q\" \\" in text.replace(r"\u00E4", r"\u00e4").replace(r"\uD83C\uDFDB", r"\ud83c\udfdb")
    assert json.loads(text)["command"]["fields"][0]["value"] == "säule 🏛 a/b \"q\" \\ \t\n"


def test_R20_json_is_never_taken_for_a_page(home, api):
    """Markup in it stays as it is, so it must not be sniffed; what breaks scripts (U+2028) is escaped like all that is not ASCII."""
    answers(home, "<x xmlns='%s' type='result'>%s</x>" % (FORM, field("a", ["</script><!-- & \u2028 \u2029"])))
    reply = api.command("localhost", "n")
    assert reply["content-type"].startswith("application/json") and reply["x-content-type-options"] == "nosniff"
    assert b"\\u2028" in reply.body and b"\\u2029" in reply.body
    assert json.loads(reply.body)["command"]["fields"][0]["value"] == "</script><!-- & \u2028 \u2029"


def test_both_formats_say_the_same(home, api):
    answers(home, "<x xmlns='%s' type='result'><title>A &amp; B</title>%s%s%s</x><note>ok</note>" % (
        FORM, field("a", ["<1>"]), field("b", ["x", "y"], "text-multi", "Label"), TABLE % ""))
    assert rest.tree(api.command("localhost", "n", kind="xml")) == rest.tree(api.command("localhost", "n", kind="json"))


# ---- requests ----

def received(home, api, body, kind):
    """What the command got: {var: [values]} of the form that reached the server."""
    house, host = home
    got = []

    def on_client(session, stanza):
        command = stanza[0]
        if not command.tag.endswith("}command"):
            return False
        form = command.find("{%s}x" % FORM)
        if command.get("action") == "cancel":
            session.answer(stanza, "<command xmlns='%s' node='n' sessionid='s1' status='canceled'/>" % fake_c2s.COMMANDS)
        elif form is None:
            session.answer(stanza, "<command xmlns='%s' node='n' sessionid='s1' status='executing'><actions execute='complete'>"
                           "<complete/></actions><x xmlns='%s' type='form'>%s%s%s</x></command>" % (
                               fake_c2s.COMMANDS, FORM, field("FORM_TYPE", ["t:y:p:e"], "hidden"), field("a"),
                               field("b", (), "text-multi")))
        else:
            got.append({f.get("var"): [v.text or "" for v in f] for f in form})
            session.answer(stanza, completed(""))
        return True
    host.on_client = on_client
    reply = api.post(LIST, body, kind)
    assert reply.status == 200, reply
    host.on_client = None
    assert got, "no form came"
    return {name: values for name, values in got[0].items() if values and name != "FORM_TYPE"}


HARD = "<x xmlns='y'/> & \"q\" 'a' ]]> säule 🏛 \u2028 {json} \\n"


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_values_reach_the_server_as_they_are(home, api, kind):
    """What the reference inserts unescaped: a caller's text is text."""
    body = rest.command("n", {"a": HARD, "b": [HARD, "two", " blanks "]}, kind)
    assert received(home, api, body, kind) == {"a": [HARD], "b": [HARD, "two", " blanks "]}


def test_json_numbers_and_booleans_are_values(home, api):
    body = '{"command": {"node": "n", "fields": [{"var": "a", "value": 25}, {"var": "b", "value": [1, true, "x"]}]}}'
    got = received(home, api, body, "json")
    assert got["a"] == ["25"] and got["b"][0] == "1" and got["b"][1] in ("true", "1") and got["b"][2] == "x"


def test_xml_attributes_and_namespaces_are_ignored(home, api):
    body = ("<command xmlns='some:thing' x='1'><node y='2'>n</node><fields><item z='3'><var>a</var><value>1</value></item>"
            "</fields></command>")
    assert received(home, api, body, "xml") == {"a": ["1"]}


def test_xml_several_value_elements_are_several_values(home, api):
    """The guide writes them so in answers; the reference keeps only the last of them in requests."""
    body = ("<command><node>n</node><fields><item><var>b</var><value>1</value><value>2</value></item></fields></command>")
    assert received(home, api, body, "xml") == {"b": ["1", "2"]}


def test_xml_declaration_and_cdata(home, api):
    body = "<?xml version='1.0' encoding='UTF-8'?>\n<command><node>n</node><fields><item><var>a</var><value><![CDATA[<&>]]></value></item></fields></command>"
    assert received(home, api, body, "xml") == {"a": ["<&>"]}


def test_chunked_bodies_are_read(home, api):
    """The reference silently ignores them."""
    house, host = home
    body = rest.command("uptime", None, "json").encode()
    with house.conn() as conn:
        head = "".join("%s: %s\r\n" % f for f in api.fields(kind="json"))
        conn.send("POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n%s\r\n" % (LIST, head))
        for i in range(0, len(body), 7):
            conn.send(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7]))
        conn.send(b"0\r\n\r\n")
        reply = conn.reply("POST")
    assert reply.status == 200 and rest.tree(reply)["command"]["node"] == "uptime"


BROKEN = {
    "json_half": ("json", '{"command": {"node": "n"'), "json_text": ("json", "command"), "json_empty_key": ("json", '{"command": {"node": "n",}}'),
    "json_R18_twice": ("json", '{"command": {"node": "n", "node": "m"}}'), "json_R18_deep": ("json", "[" * 5000 + "]" * 5000),
    "json_R18_deep_objects": ("json", '{"command":' * 3000 + "1" + "}" * 3000), "json_nan": ("json", '{"command": {"node": NaN}}'),
    "json_comment": ("json", '{"command": {"node": "n"}} // x'), "json_two": ("json", '{"command": {"node": "n"}} {}'),
    "json_lone_surrogate": ("json", '{"command": {"node": "\\ud800"}}'), "json_nul": ("json", '{"command": {"node": "a\\u0000b"}}'),
    "json_bad_utf8": ("json", b'{"command": {"node": "\xff"}}'), "json_bom": ("json", b'\xef\xbb\xbf{"command": {"node": "n"}}'),
    "xml_half": ("xml", "<command><node>n</node>"), "xml_text": ("xml", "n"), "xml_nesting": ("xml", "<command><node>n</command></node>"),
    "xml_two_roots": ("xml", "<command><node>n</node></command><command/>"),
    "xml_dtd": ("xml", "<!DOCTYPE command [<!ENTITY x 'y'>]><command><node>&x;</node></command>"),
    "xml_bomb": ("xml", "<!DOCTYPE c [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><command><node>&b;</node></command>"),
    "xml_external": ("xml", "<!DOCTYPE c SYSTEM 'file:///etc/passwd'><command><node>n</node></command>"),
    "xml_entity": ("xml", "<command><node>&nbsp;</node></command>"), "xml_deep": ("xml", "<a>" * 3000 + "</a>" * 3000),
    "xml_prefix": ("xml", "<command><x:node>n</x:node></command>"), "xml_control": ("xml", "<command><node>a\x01</node></command>"),
    "xml_bad_utf8": ("xml", b"<command><node>\xff</node></command>"),
    "xml_latin1": ("xml", "<?xml version='1.0' encoding='ISO-8859-1'?><command><node>n</node></command>"),
}


@pytest.mark.parametrize("kind,body", BROKEN.values(), ids=BROKEN.keys())
def test_broken_bodies_are_400_and_never_reach_the_server(home, api, kind, body):
    house, host = home
    before = len(host.asked)
    reply = api.post(LIST, body, kind)
    assert reply.status in (400, 413), reply
    assert len(reply.body) > 0 and b"/etc/passwd" not in reply.body and b"root:" not in reply.body
    assert [s for _, s in host.asked[before:] if s[0].tag.endswith("}command")] == []


def test_a_malformed_body_is_told_with_its_place(home, api):
    for kind, body in (("json", '{\n "command": {\n   "node": x\n'), ("xml", "<command>\n  <node>n</nod>\n</command>")):
        reply = api.post(LIST, body, kind)
        text = reply.body.decode()
        assert reply.status == 400 and "line" in text and ("3" in text if kind == "json" else "2" in text), text


@pytest.mark.parametrize("kind", ["application/json;charset=ISO-8859-1", "text/xml; charset=utf-16"])
def test_other_charsets_are_415(home, api, kind):
    assert api.post(LIST, rest.command("n", None, "json" if "json" in kind else "xml"), kind).status == 415


@pytest.mark.parametrize("body,kind", [("", "json"), (None, "json"), ("", "xml"), ("{}", "json"), ("<command/>", "xml"),
                                       ('{"command": {}}', "json"), ('{"command": {"node": ""}}', "json"),
                                       ("<command><node></node></command>", "xml"), ('{"command": []}', "json"),
                                       ('{"other": {"node": "n"}}', "json"), ('{"command": {"node": ["a"]}}', "json"),
                                       ('{"command": {"node": "n", "fields": {"a": "b"}}}', "json"),
                                       ('{"command": {"node": "n", "fields": [{"value": "b"}]}}', "json"),
                                       ('{"command": {"node": "n", "fields": ["a"]}}', "json")])
def test_what_is_no_command_is_told(home, api, body, kind):
    reply = api.post(LIST, body, kind)
    assert reply.status in (400, 404), reply
    assert reply.body


def test_a_large_body_is_413(home, api):
    reply = api.post(LIST, rest.command("n", {"a": "x" * 3_000_000}), "json")
    assert reply.status == 413


# ---- problems, in the caller's format ----

@pytest.mark.parametrize("kind", ["xml", "json"])
def test_problems_come_in_the_callers_format(home, api, kind):
    home[1].on_client = lambda session, stanza: session.answer(
        stanza, "<error type='cancel'><item-not-found xmlns='%s'/><text xmlns='%s'>No such node</text></error>" % (
            xmpp.STANZAS, xmpp.STANZAS), "error") or True
    reply = api.command("localhost", "n", kind=kind)
    assert reply.status == 404
    if kind == "json":
        problem = json.loads(reply.body)
        assert reply["content-type"].startswith("application/problem+json")
        assert problem.get("status") == 404 and "No such node" in json.dumps(problem) and "item-not-found" in json.dumps(problem)
    else:
        assert reply["content-type"].startswith(("application/xml", "application/problem+xml"))
        assert b"No such node" in reply.body and b"item-not-found" in reply.body
        xmpp.ET.fromstring(reply.body)


@pytest.mark.parametrize("condition,kind,status", [
    ("item-not-found", "cancel", 404), ("service-unavailable", "cancel", 404), ("forbidden", "auth", 403), ("not-allowed", "cancel", 403),
    ("conflict", "cancel", 409), ("bad-request", "modify", 400), ("not-acceptable", "modify", 406),
    ("internal-server-error", "wait", 502), ("remote-server-timeout", "wait", 504), ("resource-constraint", "wait", 503)])
def test_what_stanza_errors_are_over_http(home, api, condition, kind, status):
    home[1].on_client = lambda session, stanza: session.answer(
        stanza, "<error type='%s'><%s xmlns='%s'/></error>" % (kind, condition, xmpp.STANZAS), "error") or True
    reply = api.command("localhost", "n")
    assert reply.status == status, reply


def test_problems_hold_nothing_of_an_echoed_form(home, api):
    """ejabberd's errors repeat what was submitted, the password too."""
    home[1].on_client = lambda session, stanza: session.answer(
        stanza, "<command xmlns='%s' node='n'><x xmlns='%s' type='submit'>%s</x></command><error type='cancel'><conflict xmlns='%s'/>"
        "</error>" % (fake_c2s.COMMANDS, FORM, field("password", ["planted-in-error"], "text-private"), xmpp.STANZAS), "error") or True
    for kind in ("json", "xml"):
        reply = api.command("localhost", "n", {"a": "b"}, kind=kind)
        assert reply.status == 409 and b"planted-in-error" not in reply.body
    assert "planted-in-error" not in home[0].log()
