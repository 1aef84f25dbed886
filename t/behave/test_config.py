# SPDX-License-Identifier: ISC
"""config.tdsl through the program itself: the guide's examples, mistakes and what is said of them."""
import os
import re
import subprocess

import pytest

from harness import base, web

CORE = """
xmpp { components { 'upload.localhost' { secret = 'x' } } }
"""


@pytest.fixture
def tested(tmp_path):
    """tested(text) -> (status, what was said, -T's print)"""
    os.chmod(str(tmp_path), 0o755)

    def run(text, name="config.tdsl", options=(), env=None):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([base.program("stoad"), "-T", "-c", str(path)] + list(options), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False,
                              env=dict(base.sanitizer_env(str(tmp_path)), **(env or {})))
        assert not base.sanitizer_reports(str(tmp_path))
        return done.returncode, done.stderr, done.stdout

    return run


# ---- every example of guide 1.1, 1.2, 1.4 and 1.5, as printed; (name, text, what -T then shows, what is said) ----

EXAMPLES = [
    ("1_1_1_module_placeholder_filled", "http {\n    rest (active: false) {}\n}", (r"rest \(active: false\)",), ()),
    ("1_1_2_disable_rest", "http {\n    rest (active: false) {}\n}", (r"rest \(active: false\)",), ()),
    ("1_1_3_context_path", "http {\n    rest {\n        context-path = '/api'\n    }\n}", (r"context-path = '/api'",), ()),
    ("1_1_4_vhosts", "http {\n    rest {\n        vhosts = [ 'api.example.com' ]\n    }\n}", (r"vhosts = \[ 'api.example.com' \]",), ()),
    ("1_1_5_complex", "http {\n    index (active: false) {}\n    rest {\n        context-path = '/'\n"
     "        vhosts = [ 'api.example.com', 'rest.example.com' ]\n    }\n}", (r"context-path = '/'\n", r"index \(active: false\)"), ()),
    ("1_2_2_api_keys", "http {\n    rest {\n        api-keys = [\n            'test1',\n"
     "            'test2:domain=api.example.com;rest.example.com:regex=/rest/*',\n"
     "            'open_access:regex=/rest/test/.*'\n        ]\n    }\n}", (r"api-keys = '\(hidden\)'",), ("entry 2 ends in /*",)),
    ("1_2_1_ports", "httpServer {\n    connections {\n        2011 {\n            active = true\n        }\n        8080 {\n"
     "            active = true\n        }\n        9050 {\n            active = true\n        }\n    }\n}",
     ("2011", "8080", "9050"), ()),
    ("1_2_1_server_class", "http (class: tigase.http.HttpMessageReceiver) {\n    'server-class' = '?'\n}", (), ("server-class", "class")),
    ("1_2_1_threads", "httpServer {\n    threads = '12'\n}", (r"threads\s*=\s*12",), ()),
    ("1_2_1_request_timeout", "httpServer {\n    'request-timeout' = '60'\n}", (r"request-timeout\s*=\s*(60s|1m|'?PT60S'?|'?PT1M'?)",),
     ("request-timeout",)),
    ("1_4_1_enabling", "upload() {}", (r"upload",), ()),
    ("1_4_6_complex", "upload() {\n    logic {\n        local-only = false\n        max-file-size = 10485760\n"
     "        upload-uri-format = '{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}'\n"
     "        download-uri-format = '{proto}://{serverName}:{port}/upload/{domain}/{slotId}/{filename}'\n    }\n\n"
     "    expiration {\n        period = P6H\n    }\n\n    repositoryPool {\n        'example.com' () {\n"
     "            data-source = \"file_upload\"\n        }\n    }\n\n    store {\n        group-by-user = true\n    }\n}",
     (r"local-only\s*=\s*false", r"max-file-size\s*=\s*(10M|10485760)", r"group-by-user\s*=\s*true", r"period\s*=\s*'?(6h|PT6H)",
      r"file_upload"), ("P6H",)),
    ("1_4_6_ha", "upload() {\n    logic {\n"
     "        upload-uri-format = '{proto}://upload.example.com:{port}/upload/{userJid}/{slotId}/{filename}'\n"
     "        download-uri-format = '{proto}://upload.example.com:{port}/upload/{domain}/{slotId}/{filename}'\n    }\n\n"
     "    store {\n        path = '/tmp/stoa-guide/upload'\n    }\n}", (r"upload\.example\.com", r"/tmp/stoa-guide/upload"), ()),
    ("1_5_3_port_8081", "httpServer {\n    connections {\n        8080 (active: false) {}\n        8081 () {}\n    }\n}", ("8081",), ()),
    ("1_5_3_jetty", "httpServer (class: tigase.http.jetty.JettyStandaloneHttpServer) {\n}", (), ("class",)),
    ("1_5_3_osgi", "httpServer (class: tigase.http.jetty.JettyOSGiHttpServer) {\n}", (), ("class",)),
]


@pytest.mark.parametrize("text,shown,said", [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_guide_example_loads(tested, text, shown, said):
    status, told, printed = tested(text + "\n")
    assert status == 0, told
    for pattern in shown:
        assert re.search(pattern, printed), "%s in\n%s" % (pattern, printed)
    for word in said:
        assert word in told, told
    assert "error" not in told


TLS_EXAMPLES = [
    ("1_2_1_ssl_port", "http (class: tigase.http.HttpMessageReceiver) {\n    2222 {\n        socket = 'ssl'\n    }\n}", 2222),
    ("1_2_1_http_domain", "http (class: tigase.http.HttpMessageReceiver) {\n    2222 {\n        domain = 'example.com'\n    }\n}", 2222),
    ("1_5_3_https_8443", "httpServer {\n    connections {\n        8443 () {\n            socket = ssl\n"
     "            domain = 'example.com'\n        }\n    }\n}", 8443),
]


@pytest.mark.parametrize("text,port", [e[1:] for e in TLS_EXAMPLES], ids=[e[0] for e in TLS_EXAMPLES])
def test_guide_example_with_tls_serves_https(make, text, port):
    """Each with the certificate that the guide presupposes, on a free port instead of the printed one."""
    from harness import certs
    mine = base.free_port()
    house = make(start=False, more="\n")
    folder = os.path.join(house.folder, "certs")
    certs.authority(house.folder)
    certs.certificate(house.folder, os.path.join(folder, "example.com.pem"), ["example.com"])
    house.ca = os.path.join(house.folder, "ca.pem")
    example = text.replace(str(port), str(mine))
    if "httpServer" in example:  # the harness has such a section of its own: add the connection there
        house.sets += ["httpServer/connections/%d/socket=ssl" % mine, "httpServer/connections/%d/domain=example.com" % mine]
    else:
        house.more = "\n" + example + "\n"
    house.certificates = None
    write = house.write

    def written():
        write()
        for name in os.listdir(folder):
            if not name.endswith(".pem"):
                os.unlink(os.path.join(folder, name))
    house.write = written
    house.start()
    ctx = web.context(os.path.join(house.folder, "ca.pem"))
    with web.Conn((base.LOOPBACK, mine), ctx, server_name="example.com") as conn:
        assert conn.request("GET", "/nowhere", host="example.com:%d" % mine).status == 404


def test_guide_example_effects_of_the_complex_upload_section(make):
    """1.4.6 served: the templates, the size, users of elsewhere, folders by user, a repository of its own."""
    house = make("upload/logic/local-only=false", "upload/logic/max-file-size=10485760",
                 "upload/logic/upload-uri-format={proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}",
                 "upload/logic/download-uri-format={proto}://{serverName}:{port}/upload/{domain}/{slotId}/{filename}",
                 "upload/expiration/period=P6H", "upload/repositoryPool/example.com/data-source=file_upload",
                 "upload/store/group-by-user=true")
    slot = house.slot("a.txt", 3, sender="carol@example.com/x")
    assert re.search(r"/upload/carol(@|%40)example\.com/[0-9a-f-]{36}/a\.txt$", slot.put)
    assert re.search(r"/upload/example\.com/[0-9a-f-]{36}/a\.txt$", slot.get)
    assert web.put(slot.put, b"abc").status == 201
    assert web.get(slot.get).body == b"abc"
    assert house.server.slot_iq("b", 10485761).get("type") == "error"
    folders = [f for f, _, _ in os.walk(os.path.join(house.folder, "data"))]
    assert any("carol" in f for f in folders), folders
    assert any("file_upload" in f for f in folders), folders
    other = house.store(b"xyz")  # a domain without a repository of its own
    assert web.get(other.get).body == b"xyz"


def test_guide_dummy_repository_serves(make):
    house = make("upload/repositoryPool/default/class=tigase.http.upload.db.DummyFileUploadRepository")
    slot = house.slot("a.txt", 3)
    assert web.put(slot.put, b"abcd").status in (400, 413)
    assert web.put(slot.put, b"abc").status == 201
    assert web.get(slot.get).body == b"abc"


def test_guide_upload_is_off_until_it_is_named(tested):
    status, _, printed = tested("httpServer {}\n")
    assert status == 0
    assert not re.search(r"^upload\s*(\(\s*\))?\s*\{", printed, re.M) or re.search(r"upload\s*\(active: false\)", printed)


def test_literal_dots_of_the_guide_are_an_error_with_advice(tested):
    status, told, _ = tested("httpServer (class: tigase.http.jetty.JettyStandaloneHttpServer) {\n    ...\n}\n")
    assert status == 1 and re.search(r"config\.tdsl:2:\d+: error: .*dots", told)


# ---- mistakes ----

MISTAKES = [
    ("upload () {\n  logic {\n    max-file-sise = 10\n  }\n}", 3, 5, "max-file-size"),
    ("htpServer { }", 1, 1, "httpServer"),
    ("upload () { logik { } }", 1, 13, "logic"),
    ("log { level = loud }", 1, None, "level"),
    ("upload () { logic { max-file-size = many } }", 1, None, "max-file-size"),
    ("processes { workers = 100000 }", 1, None, "workers"),
    ("upload () { expiration { period = soon } }", 1, None, "period"),
    ("httpServer { connections { 99999 { } } }", 1, None, "99999"),
    ("httpServer {", None, None, ""),
    ("httpServer { } }", 1, 16, ""),
    ("log { directory = 'open }", 1, None, ""),
    ("xmpp { components { 'upload.localhost' { } } }", 1, None, "secret"),
    ("upload () { logic { upload-uri-format = '{proto}://x/upload/{filename}' } }", 1, None, "slotId"),
    ("upload () { logic { local-only = perhaps } }", 1, None, "local-only"),
    ("include 'nowhere.tdsl'", 1, None, "nowhere.tdsl"),
]


@pytest.mark.parametrize("text,line,column,word", MISTAKES, ids=[m[0].replace("\n", " ")[:40] for m in MISTAKES])
def test_mistake_is_told_with_its_place_and_what_was_meant(tested, text, line, column, word):
    status, told, _ = tested(text + "\n")
    assert status == 1
    match = re.search(r"config\.tdsl:(\d+):(\d+): error: (.*)", told)
    assert match, told
    if line:
        assert int(match.group(1)) == line
    if column:
        assert int(match.group(2)) == column
    assert word in told


def test_all_mistakes_are_told_at_once(tested):
    status, told, _ = tested("log { level = loud }\nhtpServer { }\nprocesses { workers = x }\n")
    assert status == 1 and told.count(": error: ") == 3


def test_suggestion_only_when_close(tested):
    _, told, _ = tested("zebra { }\n")
    assert "error" in told and "mean" not in told


# ---- the language ----

def test_environment_includes_and_comments(tested, tmp_path):
    (tmp_path / "more.tdsl").write_text("upload () { logic { max-file-size = env('STOA_SIZE') } } # comment\n")
    status, told, printed = tested("# a comment\r\ninclude 'more.tdsl'\r\nlog { directory = env('STOA_NONE', 'other') }\r\n",
                                   env={"STOA_SIZE": "7777"})
    assert status == 0, told
    assert "7777" in printed and "other" in printed


def test_missing_environment_variable_is_an_error(tested):
    status, told, _ = tested("log { directory = env('STOA_SURELY_UNSET') }\n")
    assert status == 1 and "STOA_SURELY_UNSET" in told


def test_include_circle_is_refused(tested, tmp_path):
    (tmp_path / "a.tdsl").write_text("include 'b.tdsl'\n")
    (tmp_path / "b.tdsl").write_text("include 'a.tdsl'\n")
    status, told, _ = tested("include 'a.tdsl'\n")
    assert status == 1 and "a.tdsl" in told


def test_section_written_twice_the_last_wins_with_a_warning(tested):
    status, told, printed = tested("log { level = debug }\nlog { level = error }\n")
    assert status == 0 and "warning" in told
    assert re.search(r"level\s*=\s*'?error", printed)


def test_bytes_that_are_no_utf_8_are_an_error_not_a_crash(tested):
    status, told, _ = tested(b"log { directory = '\xff\xfe' }\n")
    assert status == 1 and "UTF-8" in told


def test_the_shipped_configuration_is_good(tested):
    with open(os.path.join(base.TOP, "etc", "config.tdsl"), "rb") as file:
        status, told, _ = tested(file.read())
    assert status == 0, told


def test_the_manual_is_written_from_the_tables_and_groff_likes_it(tmp_path):
    done = subprocess.run([base.program("stoad"), "-M"], capture_output=True, text=True, check=True,
                          env=base.sanitizer_env(str(tmp_path)))
    for word in ("max-file-size", "trusted-proxies", "put-validity", "drain-timeout"):
        assert word in done.stdout.replace("\\-", "-")
    page = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww"], input=done.stdout, capture_output=True, text=True, check=True)
    assert page.stderr == ""


def test_core_configuration_of_three_lines_is_enough(tested):
    status, told, _ = tested(CORE)
    assert status == 0, told
