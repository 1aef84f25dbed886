# SPDX-License-Identifier: ISC
"""Steering by command: settings, modules, certificates, files of the configuration; and by stoactl."""
import os
import re
import threading

import pytest

from harness import base, rest, web
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
