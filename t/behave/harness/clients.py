# SPDX-License-Identifier: ISC
"""clients.py - real clients run as programs: slixmpp with its plugin for XEP-0363, and go-sendxmpp."""
import asyncio
import json
import os
import shutil
import subprocess
import sys

from . import base


class Result:
    """url: where the file is to be had; error: None, or what the client says went wrong."""

    def __init__(self, url, error):
        self.url, self.error = url, error


def slixmpp_upload(server, path, name=None, kind=None, user="alice", service="upload.localhost", seconds=120):
    """name: what the client calls the file, which need not be its name on this disk."""
    job = dict(port=server.c2s, jid="%s@%s/slixmpp" % (user, server.domain), password=server.accounts[user], path=path,
               name=name or os.path.basename(path), kind=kind, service=service)
    done = subprocess.run([sys.executable, "-B", "-m", "harness.clients", json.dumps(job)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, check=False,
                          cwd=os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    try:
        answer = json.loads(done.stdout.decode().strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise base.Failed("slixmpp said nothing; stderr: %s" % done.stderr.decode()[-2000:]) from None
    return Result(answer.get("url"), answer.get("error"))


def go_sendxmpp_upload(server, path, to="bob", user="alice", seconds=120):
    """The client sends the link to another user; that one is the test's to be. The result's url is not known here."""
    if not shutil.which("go-sendxmpp"):
        raise base.Failed("go-sendxmpp is not installed: run ./dev setup")
    home = os.path.join(os.path.dirname(path), "go-home")
    os.makedirs(home, exist_ok=True)
    argv = ["go-sendxmpp", "-n", "-u", "%s@%s" % (user, server.domain), "-p", server.accounts[user],
            "-j", "127.0.0.1:%d" % server.c2s, "-h", path, "%s@%s" % (to, server.domain)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, env=dict(os.environ, HOME=home), check=False)
    return Result(None, done.stdout.strip() if done.returncode else None)


async def _slixmpp(job):
    import slixmpp  # the program's own needs; the harness works without it

    out = asyncio.get_running_loop().create_future()
    client = slixmpp.ClientXMPP(job["jid"], job["password"])
    client.register_plugin("xep_0363")
    client.plugin["xep_0363"].upload_service = slixmpp.JID(job["service"])  # its own search fails on Python 3.11

    async def started(_):
        try:
            with open(job["path"], "rb") as file:
                url = await client.plugin["xep_0363"].upload_file(
                    job["name"], size=os.path.getsize(job["path"]), content_type=job["kind"], input_file=file, timeout=100)
            out.set_result({"url": url})
        except slixmpp.exceptions.IqError as error:
            out.set_result({"error": "%s %s" % (error.condition, error.text)})
        except Exception as error:  # noqa: BLE001 - told to the test
            out.set_result({"error": repr(error)})

    def refused(_):
        if not out.done():
            out.set_result({"error": "login refused"})

    client.add_event_handler("session_start", started)
    client.add_event_handler("failed_all_auth", refused)
    client.connect(("127.0.0.1", job["port"]), disable_starttls=True)
    print(json.dumps(await asyncio.wait_for(out, 110)), flush=True)
    os._exit(0)  # nothing is to be told to the server


if __name__ == "__main__":
    asyncio.run(_slixmpp(json.loads(sys.argv[1])))
