# SPDX-License-Identifier: ISC
"""doc/scripting.md, word for word: its scripts are installed, its commands run, their output is what it says."""
import os
import re
import subprocess

import conftest
from harness import base, rest, servers, stoa

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks():
    with open(os.path.join(base.TOP, "doc", "scripting.md")) as file:
        return BLOCK.findall(file.read())


def test_what_scripting_md_shows_is_so(certificates):
    server = servers.Prosody(conftest.folder("prosody"))
    server.start()
    house = stoa.Stoa(conftest.folder("doc"), server, [], certificates=certificates)
    house.start()
    house.streams_up()
    try:
        ran = compared = 0
        found = blocks()
        for kind, text in found:
            if kind == "lua" and text.startswith("-- scripts/rest/"):
                path = os.path.join(house.folder, text.split("\n")[0][3:])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as file:
                    file.write(text)
        for at, (kind, text) in enumerate(found):
            if kind != "sh":
                continue
            command = text.replace("'Api-Key: KEY'", "'Api-Key: %s'" % rest.KEY).replace(
                "http://localhost:8080", house.url("").rstrip("/")).replace("stoactl", house.folder + "/stoactl")
            done = subprocess.run(["sh", "-ec", command.replace("curl ", "curl -sS ")], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=house.env(), check=False)
            assert done.returncode == 0, (command, done.stdout)
            ran += 1
            if found[at + 1][0] == "" and "curl" in text:
                assert done.stdout.rstrip("\n") == found[at + 1][1].rstrip("\n"), command
                compared += 1
        assert ran >= 7 and compared >= 6
    finally:
        house.stop()
        house.check_sanitizers()
        server.stop()
