# SPDX-License-Identifier: ISC
"""doc/modules.md, word for word: its module is built by its command, loaded, and does what is said of it."""
import os
import re
import shutil
import subprocess

import pytest

import conftest
from harness import base, rest, servers, stoa

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


class WithModules(stoa.Stoa):
    """With a folder of modules of its own."""
    modules = None

    def options(self):
        return ["-m", self.modules] + super().options()


@pytest.fixture(scope="module")
def built():
    """All modules that are installed, and the one of the document."""
    folder = conftest.folder("modules")
    with open(os.path.join(base.TOP, "doc", "modules.md")) as file:
        blocks = BLOCK.findall(file.read())
    source, command = (next(text for kind, text in blocks if kind == wanted) for wanted in ("c", "sh"))
    with open(os.path.join(folder, "greeting.c"), "w") as file:
        file.write(source)
    command = command.replace("stoa-module-greeting.so", folder + "/stoa-module-greeting.so").replace(
        " greeting.c", " %s/greeting.c" % folder)
    subprocess.run(["sh", "-ec", command.replace("cc ", "cc -Wall -Wextra -Werror -Wshadow -Wconversion ", 1)], cwd=base.TOP,
                   check=True)
    installed = os.path.join(base.prefix(), "lib", "stoa")
    for name in os.listdir(installed):
        if name.startswith("stoa-module-") and name.endswith(".so"):
            shutil.copy(os.path.join(installed, name), folder)
    return folder


def test_module_of_the_document_does_what_is_said_of_it(built, certificates):
    server = servers.Prosody(conftest.folder("prosody"))
    server.start()
    house = WithModules(conftest.folder("doc"), server, ["http/greeting/active=true", "http/greeting/words=Welcome"], workers=1,
                        certificates=certificates)
    house.modules = built
    house.start()
    house.streams_up()
    try:
        reply = house.request("GET", "/greeting/Ann%20Lee")
        assert (reply.status, reply.body) == (200, b"Welcome, Ann Lee!\n")
        api = rest.Api(house, rest.ALICE)
        reply = api.command("http.localhost", "greet", {"name": "Bob"})
        assert reply.status == 200 and b"Welcome, Bob!" in reply.body
        assert b"stoa_greeting_greeted 1" in house.request("GET", "/metrics").body
        manual = subprocess.run([base.program("stoad"), "-m", built, "-M"], capture_output=True, text=True, check=True).stdout
        assert "How visitors are greeted." in manual
    finally:
        house.stop()
        house.check_sanitizers()
        server.stop()
