# SPDX-License-Identifier: ISC
"""R4: every route of every module, asked by nobody: only those that are meant for everybody answer."""
import pytest

import conftest
from harness import base, fake_c2s, stoa

# What anybody may ask for: module and path. Slots and links are secrets themselves, REST asks by itself.
PUBLIC = {
    ("assets", "/assets/*"), ("assets", "/favicon.ico/"), ("index", "/"),
    # each of the module status asks by itself who may see it (http/status/access)
    ("status", "/status/"), ("status", "/server/"), ("status", "/metrics/"), ("status", "/healthz/"), ("status", "/readyz/"),
    ("session", "/session/login"), ("session", "/session/logout"),
    ("upload", "/upload/*"), ("rest", "/rest/"), ("rest", "/rest/*"),
    ("well-known", "/.well-known/host-meta"), ("well-known", "/.well-known/host-meta.json"),
}
REFUSED = (401, 403, 404, 405)


@pytest.fixture(scope="module")
def house(certificates):
    host = fake_c2s.FakeHost(certificate=certificates + "/localhost.pem")
    out = stoa.Stoa(conftest.folder("crawler"), host, conftest.NO_LOGIN_LIMIT, certificates=certificates)
    out.start()
    host.wait_up("http.localhost")
    yield out
    out.stop()
    out.check_sanitizers()
    host.close()


def routes(house):
    return [line.split("\t") for line in house.ctl("routes").stdout.splitlines()]


def test_R4_the_list_is_whole(house):
    rows = routes(house)
    assert len(rows) > 10 and all(len(row) == 6 for row in rows)
    assert {row[0] for row in rows} <= {"open", "user", "admin"}
    assert {"session", "upload", "rest", "admin"} <= {row[4] for row in rows}
    assert ("user", "GET,HEAD", "/session/confirm") in {tuple(row[:3]) for row in rows}


def test_R4_nobody_is_let_in_where_somebody_is_asked_for(house):
    asked = 0
    for access, methods, path, _, module, _ in routes(house):
        if access == "open":
            continue
        for method in methods.split(","):
            for accept in ("text/html", "application/json"):
                target = path.replace("*", "x")
                body = b"" if method in ("POST", "PUT", "PATCH") else None
                reply = house.request("BREW" if method == "other" else method, target, {"Accept": accept}, body)
                assert reply.status in (401, 403), (module, method, target, reply)
                assert b"@localhost" not in reply.body.replace(b"name@localhost", b"")
                asked += 1
    assert asked > 10


def test_R4_what_is_open_is_meant_to_be(house):
    found = {(module, path) for access, _, path, _, module, _ in routes(house) if access == "open"}
    assert found == PUBLIC


@pytest.mark.parametrize("path", ["/session/", "/session", "/session/x", "/assets/x", "/admin/x", "/admin/../admin/", "/ADMIN/", "/admin%2f",
                                  "/session/confirm/", "/session/confirm%00", "//admin/", "/admin//", "/admin/;x"])
def test_R4_beside_the_routes_there_is_nothing(house, path):
    for method in ("GET", "POST"):
        reply = house.request(method, path, {"Accept": "text/html"}, b"" if method == "POST" else None)
        assert reply.status in REFUSED + (400,), (method, path, reply)
