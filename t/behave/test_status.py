# SPDX-License-Identifier: ISC
"""How the daemon stands: /status as page and JSON, /metrics, /healthz, /readyz; and who is shown it."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import base, rest

OPEN = "application/openmetrics-text"
FAR = ("http/status/access=['192.0.2.0/24']", "http/status/metrics-networks=['192.0.2.0/24']")


def get(house, target, accept=None, fields=()):
    return house.request("GET", target, ([("Accept", accept)] if accept else []) + list(fields))


def facts(house, query=""):
    reply = get(house, "/status?format=json" + query)
    assert reply.status == 200 and reply["content-type"] == "application/json", reply
    return json.loads(reply.body)


def metrics(house, accept=OPEN):
    reply = get(house, "/metrics", accept)
    assert reply.status == 200, reply
    return reply.body.decode()


def value(text, series):
    """Of one sample line."""
    found = re.findall(r"^%s (\S+)$" % re.escape(series), text, re.M)
    assert len(found) == 1, (series, found)
    return float(found[0])


# ---- OpenMetrics, strictly ----

NAME = r"[a-z][a-z0-9_]*"
SAMPLE = re.compile(r'(%s)(?:\{((?:%s="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9][0-9.e+-]*|\+Inf|NaN)' % (NAME, NAME))
ENDINGS = {"counter": {"_total"}, "gauge": {""}, "info": {"_info"}, "histogram": {"_bucket", "_count", "_sum"}}


def families(text):
    """name: (type, unit, [(sample, labels, value)]); every rule of OpenMetrics 1.0 that this text could break."""
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""] and "\r" not in text
    out, current = {}, None
    for line in lines[:-2]:
        if line.startswith("# "):
            _, word, name, rest_ = (line.split(" ", 3) + [""])[:4]
            assert word in ("TYPE", "UNIT", "HELP"), line
            if word == "TYPE":
                assert name not in out, "a family twice, or in two pieces: " + name
                current = name
                out[name] = {"type": rest_, "samples": [], "words": set(), "unit": ""}
                assert rest_ in ENDINGS
            assert name == current and word not in out[name]["words"] and not out[name]["samples"], line
            out[name]["words"].add(word)
            if word == "UNIT":
                assert rest_ and name.endswith("_" + rest_), line
                out[name]["unit"] = rest_
            if word == "HELP":
                assert rest_
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name, labels, number = match.groups()
        family = out[current]
        assert name.startswith(current) and name[len(current):] in ENDINGS[family["type"]], line
        key = (name, labels or "")
        assert key not in {s[:2] for s in family["samples"]}, "the same sample twice: " + line
        family["samples"].append(key + (float(number),))
        if family["type"] in ("counter", "histogram"):
            assert float(number) >= 0
    for name, family in out.items():
        assert family["words"] >= {"TYPE", "HELP"} and family["samples"], name
        if family["type"] == "histogram":
            buckets = [(l, v) for n, l, v in family["samples"] if n.endswith("_bucket")]
            bounds = [float(re.fullmatch(r'le="(.*)"', l).group(1)) for l, _ in buckets]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf")
            assert [v for _, v in buckets] == sorted(v for _, v in buckets)
            assert buckets[-1][1] == [v for n, _, v in family["samples"] if n.endswith("_count")][0]
    return out


def test_openmetrics_is_strict(house):
    reply = get(house, "/metrics", OPEN + ";version=1.0.0,text/plain;q=0.5")
    assert reply["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert reply["cache-control"] == "no-store"
    found = families(reply.body.decode())
    assert found["stoa_requests"]["type"] == "counter"
    assert found["stoa_upload_bytes"]["unit"] == "bytes"
    assert found["stoa_request_duration_seconds"]["type"] == "histogram"
    assert {l for _, l, _ in found["stoa_stream_up"]["samples"]} == {'component="upload.localhost"', 'component="http.localhost"'}
    counters = set(house.status()["counters"])
    named = {n[len("stoa_"):] for n, f in found.items() if f["type"] == "counter"}
    assert counters - named == {"bytes_in", "bytes_out"} | {c for c in counters if c.startswith("replies_")}


def test_promtool_has_nothing_to_say(house):
    house.request("GET", "/nowhere")
    reply = get(house, "/metrics", "text/plain;version=0.0.4")
    assert reply["content-type"] == "text/plain; version=0.0.4; charset=utf-8" and b"# EOF" not in reply.body
    tool = shutil.which("promtool")
    assert tool, "./dev setup installs prometheus, which has promtool"
    done = subprocess.run([tool, "check", "metrics"], input=reply.body, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout.decode()


@pytest.mark.parametrize("accept, is_open", [
    (None, True), ("*/*", True), (OPEN, True), ("text/plain", False), ("text/html,*/*;q=0.8", False),
    (OPEN + ";version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3", True),
])
def test_formats_of_metrics(house, accept, is_open):
    assert get(house, "/metrics", accept)["content-type"].startswith(OPEN if is_open else "text/plain")


# ---- the figures are true ----

def test_figures_are_true(make):
    house = make()
    before = metrics(house)
    for _ in range(7):
        assert house.request("GET", "/upload/nowhere/x").status == 404
    house.store(b"x" * 1000)
    after = metrics(house)

    def grown(series):
        return value(after, series) - value(before, series)
    assert grown('stoa_replies_total{class="4xx"}') == 7
    assert grown("stoa_requests_total") == 9  # the PUT, and the first look at the metrics
    assert grown("stoa_request_duration_seconds_count") == 9
    assert grown("stoa_uploads_total") == 1 and grown("stoa_upload_bytes_total") == 1000
    assert grown("stoa_slots_promised_total") == 1
    assert value(after, "stoa_upload_stored_bytes") == 1000 and value(after, "stoa_upload_stored_files") == 1
    assert value(after, 'stoa_stream_up{component="upload.localhost"}') == 1
    assert value(after, 'stoa_processes{kind="worker",state="live"}') == 2
    told = facts(house)
    assert told["counters"]["uploads"] == value(after, "stoa_uploads_total")
    assert told["counters"] == dict(house.status()["counters"], **{k: told["counters"][k] for k in (
        "requests", "replies_2xx", "bytes_out", "connections")})  # those grow by being looked at


def test_nothing_goes_backwards_when_a_worker_dies(make):
    house = make(workers=1)
    house.store(b"abc")
    before = families(metrics(house))
    os.kill(house.pids("worker")[0], signal.SIGKILL)
    base.wait_for(house.ready, "the worker again")
    after = families(metrics(house))
    for name, family in before.items():
        if family["type"] in ("counter", "histogram"):
            now = {s[:2]: s[2] for s in after[name]["samples"]}
            for sample, labels, number in family["samples"]:
                assert now[sample, labels] >= number, (sample, labels)


def test_quota_and_room(make):
    house = make("upload/quota/global=1M")
    house.store(b"x" * 2048)
    told = facts(house)
    figures = {f["name"]: f["value"] for f in told["figures"]}
    assert figures["upload_quota_bytes"] == 1 << 20 and figures["upload_stored_bytes"] == 2048
    assert {f["name"] for f in told["folders"]} == {"data", "logs", "uploads"}
    assert all(0 < f["free_bytes"] <= f["bytes"] for f in told["folders"])
    assert {"upload", "rest"} <= {s["name"] for s in told["stores"]} and all(s["bytes"] > 0 for s in told["stores"])


def test_the_shape_of_the_json(house):
    told = facts(house, "&history=1")
    assert told["version"] and told["uptime_seconds"] >= 0 and told["configuration"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["started"])
    assert sorted(p["kind"] for p in told["processes"]) == ["keeper", "router", "worker", "worker"]
    for stream in told["streams"]:
        assert stream["state"] == "up" and stream["trouble"] == "" and stream["since"]
    assert set(told["requests"]) == {"last_minutes", "count", "p50_seconds", "p90_seconds", "p99_seconds"}
    assert told["ready"] is True and told["reasons"] == [] and told["faults"] == []
    assert all(set(c) == {"level", "first", "last", "times", "process", "pid", "text"} for c in told["complaints"])
    assert "history" not in facts(house)


def test_history_knows_what_was_done(make):
    house = make()
    for _ in range(20):
        house.request("GET", "/healthz")
    base.wait_for(lambda: facts(house, "&history=1")["history"], "a point of the last hour")
    points = facts(house, "&history=1")["history"]
    assert sum(p["requests_per_second"] * p["seconds"] for p in points) >= 20
    assert all(p["p50_seconds"] is None or 0 < p["p50_seconds"] <= p["p99_seconds"] for p in points)


def test_last_errors(make):
    house = make(workers=1)
    pid = house.pids("worker")[0]
    os.kill(pid, signal.SIGKILL)
    line = base.wait_for(lambda: [c for c in facts_or_none(house) if str(pid) in c["text"]], "the line about its death")[0]
    assert line["level"] == "error" and line["process"] == "master" and line["times"] == 1
    assert "signal 9" in house.ctl("status").stdout


def facts_or_none(house):
    try:
        return facts(house)["complaints"]
    except (OSError, base.Failed, AssertionError):
        return []


def test_the_same_trouble_is_counted(make):
    """A server that is away is tried again and again, and told once."""
    house = make(server=False)
    base.wait_for(lambda: [s for s in facts(house)["streams"] if s["trouble"]], "the trouble")
    texts = [c["text"] for c in facts(house)["complaints"]]
    assert len(texts) == len(set(zip(texts, (c["process"] for c in facts(house)["complaints"]))))


# ---- health ----

def test_healthz(house):
    for method in ("GET", "HEAD"):
        reply = house.request(method, "/healthz")
        assert reply.status == 200 and reply.body == (b"ok\n" if method == "GET" else b"")
    assert house.request("POST", "/healthz").status == 405


def test_readyz_follows_the_server(make):
    server = make.server()
    house = make(server=server)
    house.streams_up()
    reply = get(house, "/readyz")
    assert (reply.status, reply.body) == (200, b"ready\n")
    server.stop()
    base.wait_for(lambda: get(house, "/readyz").status == 503, "readyz to see that the server is gone")
    reply = get(house, "/readyz")
    lines = reply.body.decode().splitlines()
    assert len(lines) == 2 and all(re.match(r"no stream for (upload|http)\.localhost since \d{4}-", l) for l in lines)
    assert reply["retry-after"]
    told = json.loads(get(house, "/readyz?format=json").body)
    assert told["ready"] is False and told["count"] == 2 and len(told["reasons"]) == 2
    assert get(house, "/healthz").status == 200
    assert value(metrics(house), "stoa_ready") == 0
    since = {s["name"]: s["since"] for s in facts(house)["streams"]}
    server.open()
    base.wait_for(lambda: get(house, "/readyz").status == 200, "readyz to see the server again")
    assert all(s["since"] >= since[s["name"]] for s in facts(house)["streams"])


def test_readyz_without_room(make):
    house = make("http/status/min-free-space=1000T")
    reply = get(house, "/readyz")
    assert reply.status == 503 and len(reply.body.decode().splitlines()) == 3 and b"no space" in reply.body


def test_readyz_tells_strangers_only_how_many(make):
    house = make("http/status/min-free-space=1000T", *FAR)
    reply = get(house, "/readyz")
    assert reply.status == 503 and reply.body == b"not ready: 3 reasons\n"
    told = json.loads(get(house, "/readyz", "application/json").body)
    assert told == {"ready": False, "count": 3}
    assert get(house, "/healthz").status == 200


def test_a_script_that_does_not_load_is_a_fault(make):
    house = make(start=False)
    folder = os.path.join(house.folder, "scripts", "rest", "mine")
    os.makedirs(folder)
    with open(os.path.join(folder, "Broken.lua"), "w") as file:
        file.write("return {")
    os.chmod(house.folder, 0o755)
    house.sets.append("http/rest/rest-scripts-dir=" + os.path.join(house.folder, "scripts", "rest"))
    house.start()
    faults = facts(house)["faults"]
    assert [f["what"] for f in faults] == ["script mine/Broken.lua"] and not faults[0]["blocks"]
    assert value(metrics(house), "stoa_faults") == 1
    base.wait_for(lambda: get(house, "/readyz").status == 200, "readiness: a broken script keeps nobody from working")


# ---- who sees it ----

@pytest.mark.parametrize("target", ["/status", "/status/", "/server", "/server/", "/metrics"])
def test_R26_metrics_and_status_are_closed_by_default_to_others(make, target):
    house = make(*FAR)  # our own address is now one of the others
    reply = get(house, target)
    assert reply.status in (401, 403) and b"stoa_" not in reply.body and b"upload.localhost" not in reply.body


@pytest.mark.parametrize("field", [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1"),
                                   ("Via", "1.1 proxy")])
@pytest.mark.parametrize("target", ["/status", "/metrics"])
def test_R26_metrics_behind_a_proxy_that_is_not_trusted(house, target, field):
    """A proxy on this machine that nobody told us of: all the world would come from loopback."""
    reply = get(house, target, fields=[field])
    assert reply.status in (401, 403), reply
    assert b"stoa_" not in reply.body


def test_R26_metrics_behind_a_trusted_proxy(make):
    house = make("httpServer/trusted-proxies=['127.0.0.1']", "http/status/metrics-networks=['192.0.2.7']")
    assert get(house, "/metrics", fields=[("X-Forwarded-For", "192.0.2.7")]).status == 200
    assert get(house, "/metrics", fields=[("X-Forwarded-For", "192.0.2.8")]).status in (401, 403)
    assert get(house, "/metrics").status in (401, 403)


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "everybody"])
@pytest.mark.parametrize("directive", ["access", "metrics-networks"])
def test_R26_metrics_are_never_for_all_the_world(make, directive, network):
    house = make("http/status/%s=['%s']" % (directive, network), start=False)
    house.write()
    done = subprocess.run([base.program("stoad"), "-t"] + house.options(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=house.env(), check=False)
    assert done.returncode != 0 and directive in done.stdout, done.stdout


def test_admins_see_it_and_others_do_not(make, prosody):
    server = prosody
    house = make(*FAR, server=server)
    house.streams_up()
    for user, password, wanted in (("admin", server.password("admin"), 200), ("alice", server.password("alice"), 403),
                                   ("admin", "wrong", 401)):
        fields = [("Authorization", rest.basic("%s@%s" % (user, server.domain), password))]
        for target in ("/status?format=json", "/metrics"):
            assert get(house, target, fields=fields).status == wanted, (user, target)


def test_commands_load_errors_and_connection_time(make, prosody):
    house = make(server=prosody, workers=1)
    house.streams_up()
    pid = house.pids("worker")[0]
    os.kill(pid, signal.SIGKILL)
    base.wait_for(lambda: [c for c in house.status()["complaints"] if str(pid) in c["text"]], "the line about its death")
    base.wait_for(house.ready, "the worker again")
    admin, alice = (rest.Api(house, "%s@%s" % (user, prosody.domain)) for user in ("admin", "alice"))
    for node, wanted in (("load-errors", str(pid)), ("connection-time", "upload.localhost")):
        reply = admin.command("http.localhost", node)
        assert reply.status == 200 and wanted in reply.body.decode(), reply
        assert alice.command("http.localhost", node).status == 403


def test_inactive(make):
    house = make("http/status/active=false")
    for target in ("/status", "/server", "/metrics", "/healthz", "/readyz"):
        assert get(house, target).status == 404


# ---- the page ----

def test_page_in_a_browser(house, browser):
    house.store(b"x" * 100)
    browser.open(house.url("/status"))
    assert browser.text("h1") == "Server status"
    for text in ("upload.localhost", "worker 0", "Everything works."):
        assert browser.has(text), text
    assert len(browser.all("svg[role=img]")) == 4 or browser.has("There is nothing to draw yet")
    browser.inspect()
    browser.fits()


def test_page_refreshes_by_itself(house, browser):
    browser.open(house.url("/status"))
    before = browser.text("#status-now")
    for _ in range(5):
        house.request("GET", "/upload/nowhere/x")
    part = get(house, "/status", "text/html", [("Stoa-Part", "1")])
    assert part.status == 200 and b"<html" not in part.body and b"replies_4xx" in part.body
    browser.wait(lambda: browser.text("#status-now") != before, "the page to look again")


def test_page_without_javascript(house, browser):
    with browser.without_script():
        browser.open(house.url("/status"))
        assert browser.has("Look again") and browser.has("upload.localhost")
        browser.go("Look again")
        assert browser.has("upload.localhost")


def test_page_escapes_what_others_say(make):
    """The trouble of a stream is the server's text."""
    server = make.server()
    server.behaviour = "host-unknown"
    house = make(server=server)
    base.wait_for(lambda: [s for s in facts(house)["streams"] if s["state"] != "up" and s["trouble"]], "a refusal")
    page = get(house, "/status", "text/html").body.decode()
    assert "Not ready to serve" in page and "<script>" not in page
