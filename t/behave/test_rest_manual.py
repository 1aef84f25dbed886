# SPDX-License-Identifier: ISC
"""doc/rest.md, word for word: its configurations are good, its commands do what it says, beside real servers."""
import json
import os
import re
import struct
import subprocess
import zlib

import pytest

from harness import base, rest, servers

TOP = os.environ.get("STOA_TOP") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
MANUAL = open(os.path.join(TOP, "doc", "rest.md")).read()


def blocks(kind):
    """The code blocks of a kind, without the indentation of the list they may be in."""
    out, inside = [], None
    for line in MANUAL.splitlines():
        if inside is None and line.lstrip().startswith("```"):
            inside, indent, lines = line.strip()[3:], len(line) - len(line.lstrip()), []
        elif inside is not None and line.strip() == "```":
            if inside == kind:
                out.append("".join(lines))
            inside = None
        elif inside is not None:
            lines.append(line[indent:] + "\n")
    return out


def commands():
    """Each curl of the blocks of shell, with the lines that belong to it."""
    found = [c for block in blocks("sh") for c in re.findall(r"^curl (?:.*\\\n|.*-d '\n(?:.*\n)*?.*}'.*\n)*.*$", block, re.M)]
    assert len(found) >= 9, found
    return [command.strip() for command in found]


def picture():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = b"".join(b"\0" + b"\x10\x80\xc0" * 8 for _ in range(8))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def test_the_configurations_are_good(tmp_path):
    whole = [b for b in blocks("") if b.startswith("xmpp {")]
    lists = [b for b in blocks("") if b.startswith("api-keys = [")]
    assert len(whole) == 1 and len(lists) == 1
    for number, text in enumerate(whole + ["http { rest {\n%s} }\n" % lists[0]]):
        path = tmp_path / ("%d.tdsl" % number)
        path.write_text(text)
        done = subprocess.run([base.program("stoad"), "-t", "-c", str(path)], capture_output=True, text=True, check=False,
                              env=base.sanitizer_env(str(tmp_path), {}))
        assert done.returncode == 0 and "warning" not in done.stderr + done.stdout, done


def test_json_is_json():
    for block in blocks("json"):
        for line in [block] if block.count("\n{ ") == 0 else block.splitlines():
            json.loads(line)


def run(front, command, folder):
    """As a reader would who puts in names and keys of his own; the answer's status and body."""
    house = front.house
    for account in ("admin", "alice"):
        jid = "%s@example.org" % account
        command = command.replace("-u %s " % jid, "-u '%s:%s' " % (jid, servers.ACCOUNTS[account]))
    command = command.replace("https://example.org", house.url("")).replace("example.org", servers.DOMAIN)
    command = command.replace("Api-Key: KEY", "Api-Key: " + rest.KEY)
    env = dict(os.environ, HTTP_URL=house.url(""), API_KEY=rest.KEY, DOMAIN=servers.DOMAIN, ADMIN_JID=rest.ADMIN,
               ADMIN_PASSWORD=servers.ACCOUNTS["admin"])
    command = command.split(" | ")[0]
    done = subprocess.run(["sh", "-c", command + " -s -w '\\n%{http_code}'"], cwd=folder, env=env, capture_output=True,
                          text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body, command


@pytest.mark.parametrize("front", ["prosody", "ejabberd"], indirect=True)
def test_the_commands_do_what_is_said(front, tmp_path):
    (tmp_path / "alice.png").write_bytes(picture())
    wanted = commands()
    # the avatar is fetched before it is set: the reader has one already
    wanted.sort(key=lambda c: "alice.png" in c and " -T " not in c)
    for command in wanted:
        status, body, ran = run(front, command, tmp_path)
        assert status in (200, 409) and (status == 200 or "carol" in ran), (ran, status, body)
    assert (tmp_path / "alice.png").read_bytes() == picture()
