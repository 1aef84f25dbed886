# SPDX-License-Identifier: ISC
"""Steering by command: settings, modules, certificates, files of the configuration; and by stoactl."""
import os
import re
import signal
import socket
import ssl
import threading

import pytest

from harness import base, certs, rest, web
from harness.load import Load

HTTP = "http.localhost"


class Steered:
    """A Stoa whose administrator runs commands over REST."""

    def __init__(self, house):
        self.house, self.admin = house, rest.Api(house, "admin@localhost")
        self.alice = rest.Api(house, "alice@localhost")

    def run(self, node, **fields):
        """The note and the values of the answer; a test that runs a command wants it to succeed."""
        reply = self.try_to(node, **fields)
        assert reply.status == 200, reply
        return rest.tree(reply)["command"]

    def try_to(self, node, **fields):
        return self.admin.command(HTTP, node, {k.replace("_", "-"): v for k, v in fields.items()})

    def refused(self, node, **fields):
        """What the form that comes back says is wrong."""
        reply = self.try_to(node, **fields)
        assert reply.status == 422, reply
        return rest.tree(reply)["command"]["note"]["value"]

    def change(self, section, **fields):
        return self.run("update-config-tdsl", section=section, **fields)

    def changes(self):
        return base.read(os.path.join(self.house.folder, "changes.tdsl"))

    def generation(self):
        return self.house.status()["configuration"]


@pytest.fixture
def steered(make):
    host = make.host(mechanisms=("PLAIN",))
    return Steered(make(server=host, security="plain"))


def realm_of(house):
    """As each of some connections sees it: a setting that all workers have."""
    out = set()
    for _ in range(8):
        reply = house.request("GET", "/rest/adhoc/" + HTTP, [("Api-Key", rest.KEY)])
        assert reply.status == 401
        out.add(re.search('realm="([^"]*)"', reply["www-authenticate"]).group(1))
    return out


# ---- settings ----

def test_a_setting_counts_at_once_for_all_workers(steered):
    assert realm_of(steered.house) == {"stoa"}
    done = steered.change("http", realm="It is 'new'")
    assert "in force" in done["note"]["value"], done
    assert realm_of(steered.house) == {"It is 'new'"}
    assert re.search(r"^#! admin@localhost 2\d{3}-.*Z\nhttp/realm = \"It is 'new'\"$", steered.changes(), re.M)
    assert base.read(steered.house.config).count("realm") == 0


def test_only_what_changed_is_written(steered):
    steered.change("http", realm="other")
    assert "Nothing was changed" in steered.change("http", realm="other")["note"]["value"]
    lines = [line for line in steered.changes().split("\n") if line and not line.startswith("#")]
    assert lines == ["http/realm = 'other'"]


def test_taken_back(steered):
    steered.change("http", realm="other")
    steered.change("http", take_back=["http/realm"])
    assert realm_of(steered.house) == {"stoa"}
    assert "realm" not in steered.changes()


# ---- what is refused leaves all as it was ----

def test_what_does_not_load_is_refused_with_its_line(steered):
    steered.change("http", realm="good")
    before, generation = steered.changes(), steered.generation()
    said = steered.refused("update-config-tdsl", section="httpServer", idle_timeout="5 parsecs")
    assert "changes.tdsl:5:1" in said and "idle-timeout" in said, said
    assert steered.changes() == before and steered.generation() == generation
    assert realm_of(steered.house) == {"good"}
    assert [n for n in os.listdir(steered.house.folder) if n.startswith(".stoa-new")] == []


@pytest.mark.parametrize("value", ["a\r\nprocesses/user=root", "a\nlog/level=debug", "x\x7fy"])
def test_a_value_cannot_become_a_line(steered, value):
    reply = steered.try_to("update-config-tdsl", section="http", realm=value)
    assert reply.status >= 400 or "control" in rest.tree(reply)["command"]["note"]["value"] or \
        "line" in rest.tree(reply)["command"]["note"]["value"]
    assert "root" not in steered.changes() and "debug" not in steered.changes()


def test_who_may(steered):
    for node in ("update-config-tdsl", "plugin-manager", "comp-manager", "get-config-file", "get-config-tdsl", "reload",
                 "ssl-certificate-add", "get-any-file"):
        assert steered.alice.command(HTTP, node).status == 403, node
    assert not os.path.exists(os.path.join(steered.house.folder, "changes.tdsl"))


def test_guarded_settings_are_not_fields(steered):
    form = rest.tree(steered.admin.command(HTTP, "update-config-tdsl", {"section": "xmpp"}))["command"]
    sections = rest.tree(steered.try_to("update-config-tdsl"))["command"]["fields"]
    options = str(sections)
    assert "processes" not in options and "connections" not in options and "components" not in options, options
    assert "in config.tdsl only" in str(form) and "iq-timeout" in [f.get("var") for f in form["fields"]]
    for setting in ("admins", "host", "c2s-host", "domains"):
        assert setting not in [f.get("var") for f in form["fields"]]
        steered.try_to("update-config-tdsl", section="xmpp", iq_timeout="21s", **{setting: "mallory@localhost"})
    assert "mallory" not in steered.changes()


def test_switched_off_by_the_file(make):
    steered = Steered(make("processes/changes=false", server=make.host(mechanisms=("PLAIN",)), security="plain"))
    assert "switched off" in steered.refused("update-config-tdsl", section="http", realm="other")
    assert realm_of(steered.house) == {"stoa"}
    steered.run("reload")


# ---- secrets ----

def test_secrets_are_never_shown(steered):
    secret = "planted" + os.urandom(8).hex()
    answer = steered.change("http/rest", api_keys=[rest.KEY, secret])
    assert "in force" in answer["note"]["value"]
    assert secret in steered.changes() and os.stat(os.path.join(steered.house.folder, "changes.tdsl")).st_mode & 0o77 == 0
    shown = [steered.try_to("update-config-tdsl", section="http/rest").body,
             steered.try_to("get-config-tdsl").body,
             steered.try_to("get-config-file", file=os.path.join(steered.house.folder, "changes.tdsl")).body,
             steered.try_to("get-config-file", file=steered.house.config).body,
             steered.try_to("list-config-tdsl", section="http/rest").body,
             steered.house.ctl("changes").stdout.encode()]
    for text in shown:
        assert secret.encode() not in text and b"verysecret" not in text
    assert b"(hidden)" in shown[1] and b"(hidden)" in shown[2]
    assert secret not in steered.house.log()
    assert rest.Api(steered.house, "admin@localhost", key=secret).get("/rest/adhoc/" + HTTP).status == 200


# ---- modules ----

def test_a_module_is_switched_off_and_on(steered):
    house = steered.house
    assert all(house.request("GET", "/").status == 200 for _ in range(4))
    steered.run("plugin-manager", index="false")
    assert {house.request("GET", "/").status for _ in range(8)} == {404}
    listed = str(steered.run("comp-manager", action="list"))
    assert "not active" in listed
    steered.run("comp-manager", action="add", module="index")
    assert {house.request("GET", "/").status for _ in range(8)} == {200}
    steered.run("comp-manager", action="remove", module="index")
    assert {house.request("GET", "/").status for _ in range(8)} == {404}


# ---- everything at once, and nobody is dropped ----

def test_no_request_is_dropped(steered):
    house, problems, over = steered.house, [], threading.Event()

    def ask():
        conn = None
        while not over.is_set():
            try:
                conn = conn or house.conn()
                reply = conn.request("GET", "/rest/adhoc/" + HTTP, [("Api-Key", rest.KEY)])
                if reply.status != 401:
                    problems.append(reply)
                if reply.closes:
                    conn.close()
                    conn = None
            except web.Closed as error:  # an idle connection was closed: RFC 9112 9.3.1
                if error.got:
                    problems.append(error)
                conn = None

    threads = [threading.Thread(target=ask) for _ in range(3)]
    with Load(house, house.server) as load:
        for thread in threads:
            thread.start()
        for number in range(3):
            steered.change("http", realm="turn %d" % number)
            assert realm_of(house) == {"turn %d" % number}
        steered.run("reload")
        steered.run("plugin-manager", index="false")
        steered.run("plugin-manager", index="true")
        over.set()
        for thread in threads:
            thread.join(60)
    assert problems == [] and load.problems == []


def test_two_administrators_at_once(steered):
    """Each change is tried by itself, none is lost, and each is said to whom it belongs."""
    answers = []

    def change(section, **fields):
        answers.append(rest.tree(steered.try_to("update-config-tdsl", section=section, **fields))["command"]["note"]["value"])

    threads = [threading.Thread(target=change, args=("http",), kwargs={"realm": "both"}),
               threading.Thread(target=change, args=("httpServer",), kwargs={"idle_timeout": "61s"}),
               threading.Thread(target=change, args=("log",), kwargs={"level": "debug"})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    said = [a for a in answers if "in force" in a]
    lines = sorted(line for line in steered.changes().split("\n") if line and not line.startswith("#"))
    assert len(said) == len(lines) >= 1, (answers, lines)
    assert base.read(os.path.join(steered.house.folder, "changes.tdsl")).endswith("\n")
    assert steered.house.ctl("changes").stdout == steered.changes()


# ---- files ----

def test_get_any_file(steered):
    folder = steered.house.folder
    shown = steered.try_to("get-any-file", file="logs/stoa.log")
    assert shown.status == 200 and b"starts with" in shown.body
    outside = os.path.join(folder, "outside.txt")
    with open(outside, "w") as file:
        file.write("out of reach")
    os.chmod(outside, 0o644)
    os.symlink(outside, os.path.join(folder, "logs", "link"))
    os.mkfifo(os.path.join(folder, "logs", "pipe"))
    for name in ("logs/../outside.txt", "../outside.txt", "/etc/passwd", "logs//etc/passwd", "logs/link", "logs/pipe",
                 "logs", "logs/", "config.tdsl", "logs/../config.tdsl", "certs/localhost.pem", "logs/./../outside.txt",
                 "logs/no-such", "logs/" + "a" * 900, "data/x"):
        reply = steered.try_to("get-any-file", file=name)
        assert b"out of reach" not in reply.body and b"root:" not in reply.body and b"BEGIN" not in reply.body, name
        assert reply.status >= 400 or rest.tree(reply)["command"]["note"]["type"] == "error", (name, reply)


def test_the_end_of_a_large_file(steered):
    with open(os.path.join(steered.house.folder, "logs", "large.txt"), "w") as file:
        for number in range(200_000):
            file.write("line %d\n" % number)
    os.chmod(file.name, 0o644)
    reply = steered.try_to("get-any-file", file="logs/large.txt")
    assert b"line 199999" in reply.body and b"line 100000" not in reply.body and len(reply.body) < 300_000


# ---- certificates ----

def pem_of(make, names, **more):
    folder = make.folder("pem")
    path = os.path.join(folder, "one.pem")
    certs.certificate(folder, path, names, **more)
    return base.read(path)


def shown_to(house, name):
    """The certificate that a client which asks for that name is shown, in DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", house.https), 20) as raw:
        with context.wrap_socket(raw, server_hostname=name) as tls:
            return tls.getpeercert(True)


def der_of(pem):
    return ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERT"):pem.index("-----END CERTIFICATE-----") + 26])


def set_certificate(steered, domain, pem, keep):
    return steered.admin.command(HTTP, "ssl-certificate-add", {
        "VHost": domain, "Certificate in PEM format": pem, "Save to disk": keep})


@pytest.mark.parametrize("keep", ["true", "false"])
def test_a_certificate_is_replaced(steered, make, keep):
    house, pem = steered.house, pem_of(make, ["chat.localhost"])
    before = shown_to(house, "chat.localhost")
    reply = set_certificate(steered, "Chat.localhost", pem, keep)
    assert reply.status == 200, reply
    assert {shown_to(house, "chat.localhost") for _ in range(6)} == {der_of(pem)} != {before}
    assert shown_to(house, "other.localhost") == before
    path = os.path.join(house.folder, "certs", "chat.localhost.pem")
    assert os.path.exists(path) == (keep == "true")
    if keep == "true":
        assert os.stat(path).st_mode & 0o777 == 0o600
    house.ctl("reload")
    assert shown_to(house, "chat.localhost") == der_of(pem)
    key = pem[pem.index("PRIVATE KEY-----") + 20:][:60]
    assert key not in house.log() and key.encode() not in reply.body


def test_certificates_that_are_none(steered, make):
    house, good, other = steered.house, pem_of(make, ["chat.localhost"]), pem_of(make, ["elsewhere.localhost"])
    split = good.index("-----END CERTIFICATE-----") + 26
    certificate, key = good[:split], good[split:]
    other_split = other.index("-----END CERTIFICATE-----") + 26
    before, files = shown_to(house, "chat.localhost"), sorted(os.listdir(house.folder + "/certs"))
    for domain, pem in (("chat.localhost", "garbage"), ("chat.localhost", certificate), ("chat.localhost", key),
                        ("chat.localhost", certificate + other[other_split:]), ("chat.localhost", other),
                        ("../../chat.localhost", good), ("", good), ("a/b", good), ("chat..localhost", good),
                        ("chat.localhost", good[:-200]), ("chat.localhost", "A" * 200_000)):
        reply = set_certificate(steered, domain, pem, "true")
        assert reply.status >= 400, (domain, reply)
        assert b"PRIVATE" not in reply.body
    assert shown_to(house, "chat.localhost") == before and sorted(os.listdir(house.folder + "/certs")) == files


# ---- deaths ----

def test_killed_in_the_middle_the_file_is_whole(steered):
    """Of the keeper, who asks: the change comes or does not. Of master: all end, and what lies there loads."""
    house = steered.house
    steered.change("http", realm="first")
    done = []
    thread = threading.Thread(target=lambda: done.append(steered.try_to("update-config-tdsl", section="http", realm="second")))
    thread.start()
    for pid in house.pids("keeper"):
        os.kill(pid, signal.SIGKILL)
    thread.join(120)
    base.wait_for(house.ready, "all processes again")
    assert done
    base.wait_for(lambda: realm_of(house) in ({"first"}, {"second"}), "one realm, while workers take over")
    assert re.fullmatch(r"#[^\n]*\n#! [^\n]*\nhttp/realm = '(first|second)'\n", steered.changes())
    thread = threading.Thread(target=lambda: house.ctl("change", "http/realm=third", check=False))
    thread.start()
    os.kill(house.pid, signal.SIGKILL)
    thread.join(60)
    house.process.wait()
    base.wait_for(lambda: not [p for p in base.family(house.pid) if base.alive(p)], "the end of all children")
    assert re.fullmatch(r"#[^\n]*\n#! [^\n]*\nhttp/realm = '(first|second|third)'\n", steered.changes())


def test_by_stoactl(steered):
    house = steered.house
    house.ctl("change", "http/realm=by ctl", "log/level=debug")
    assert realm_of(house) == {"by ctl"}
    assert "stoactl of user %d" % os.getuid() in house.ctl("changes").stdout
    for wrong, said in (("log/level=loud", "changes.tdsl:5:1"), ("processes/user=root", "config.tdsl"),
                        ("log/levle=x", "did you mean 'level'"), ("log/level=env('HOME')", "env()")):
        refused = house.ctl("change", wrong, check=False)
        assert refused.returncode == 1 and said in refused.stderr, refused.stderr
    house.ctl("change", "http/realm")
    assert realm_of(house) == {"stoa"} and "log/level" in house.ctl("changes").stdout


# ---- the log tracker ----

def test_tracker(steered):
    house, node = steered.house, "http://jabber.org/protocol/admin#"
    newest = os.path.join(house.folder, "logs", "alice.0")

    def add(jid, name):
        return steered.admin.command(HTTP, node + "add-user-tracker", {"accountjid": jid, "file-name": name})

    for name in ("../x", "/etc/x", "a/b", ".x", "stoa.log", "access.log", "a" * 65, "a b", ""):
        assert add("alice@localhost", name).status >= 400, name
    assert steered.alice.command(HTTP, node + "add-user-tracker").status == 403
    assert add("alice@localhost", "alice").status == 200
    assert add("alice@localhost", "other").status == 422 and add("admin@localhost", "alice").status == 422
    with Load(house, house.server):
        for _ in range(6):
            assert steered.alice.command(HTTP, "hello", {"name": "planted secret"}).status == 200
        base.wait_for(lambda: base.read(newest).count("http POST") >= 6, lambda: base.read(newest))
    text = base.read(newest)
    assert "/rest/adhoc/" + HTTP in text and "status=200" in text and "planted" not in text and "Authorization" not in text
    assert "admin@localhost" not in text
    house.server.ask(HTTP, "<ping xmlns='urn:xmpp:ping'/>", ident="t1").get(timeout=20)
    base.wait_for(lambda: "id=t1" in base.read(newest), lambda: base.read(newest))
    assert "<ping xmlns=urn:xmpp:ping>" in base.read(newest)
    steered.run("reload")
    before = base.read(newest).count("http POST")
    steered.alice.command(HTTP, "hello", {"name": "x"})
    base.wait_for(lambda: base.read(newest).count("http POST") > before, lambda: base.read(newest))
    assert steered.admin.command(HTTP, node + "remove-user-tracker", {"accountjid": "alice@localhost"}).status == 200
    before = base.read(newest).count("http POST")
    steered.alice.command(HTTP, "hello", {"name": "x"})
    assert add("alice@localhost", "again").status == 200
    steered.alice.command(HTTP, "hello", {"name": "x"})
    base.wait_for(lambda: "http POST" in base.read(newest[:-7] + "again.0"), "the other file")
    assert base.read(newest).count("http POST") == before
