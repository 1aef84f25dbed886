# SPDX-License-Identifier: ISC
"""A web client (strophe.js in Chromium) reaches Prosody by what host-meta says, over WebSocket and over BOSH."""
import http.server
import os
import threading

import pytest

from harness import base, servers

STROPHE = os.path.join(base.TOP, "build", "web", "node_modules", "strophe.js", "dist", "strophe.umd.min.js")
PAGE = b"<!DOCTYPE html><title>client</title><link rel=icon href=data:,><script src=strophe.js></script><p>client</p>"
CONNECT = """
const api = window.Strophe.Strophe ? window.Strophe : window;
const [hostMeta, relation, jid, password] = arguments, done = arguments[arguments.length - 1];
fetch(hostMeta).then(r => r.json()).then(meta => {
    const link = meta.links.find(l => l.rel === "urn:xmpp:alt-connections:" + relation);
    const client = new api.Strophe.Connection(link.href);
    client.connect(jid, password, status => {
        if (status === api.Strophe.Status.CONNECTED)
            client.sendIQ(api.$iq({type: "get", to: "localhost"}).c("ping", {xmlns: "urn:xmpp:ping"}),
                          answer => done([link.href, client.jid, answer.getAttribute("type")]),
                          () => done([link.href, client.jid, "error"]));
        else if (status === api.Strophe.Status.AUTHFAIL || status === api.Strophe.Status.CONNFAIL)
            done([link.href, null, "status " + status]);
    });
}).catch(error => done(["", null, String(error)]));
"""


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body, kind = PAGE, "text/html"
        if self.path.endswith(".js"):
            kind = "text/javascript"
            with open(STROPHE, "rb") as file:
                body = file.read()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer((base.LOOPBACK, base.free_port()), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield "http://127.0.0.1:%d/" % server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def web_prosody():
    from conftest import folder
    out = servers.Prosody(folder("prosody-web"), modules=("websocket", "bosh"),
                          settings="consider_websocket_secure = true\nconsider_bosh_secure = true\n")
    out.start()
    yield out
    out.stop()


@pytest.mark.parametrize("relation, scheme", [("websocket", "ws"), ("xbosh", "http")])
def test_strophe_connects_by_what_host_meta_says(make, browser, site, web_prosody, relation, scheme):
    links = {"websocket": "ws://localhost:%d/xmpp-websocket" % web_prosody.web,
             "xbosh": "http://localhost:%d/http-bind" % web_prosody.web}
    house = make(server=web_prosody, workers=1, more="http {\n    'well-known' {\n        allow-plain = true\n"
                 "        websocket = [ '%s' ]\n        bosh = [ '%s' ]\n    }\n}\n" % (links["websocket"], links["xbosh"]))
    browser.open(site)
    found = browser.driver.execute_async_script(
        CONNECT, "http://localhost:%d/.well-known/host-meta.json" % house.http, relation, "alice@localhost",
        web_prosody.accounts["alice"])
    assert found[0] == links[relation] and found[0].startswith(scheme + "://"), found
    assert found[1] and found[1].startswith("alice@localhost/") and found[2] == "result", found
