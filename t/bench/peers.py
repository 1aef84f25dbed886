# SPDX-License-Identifier: ISC
"""peers.py - who is measured: Stoa, nginx with dav, Prosody with its own upload module; and what they cost."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "behave"))
from harness import base, servers, stoa  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")

NGINX = """worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    sendfile on; tcp_nopush on;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""


def cpu_seconds(pid):
    """Of a process and all its living descendants."""
    ticks = 0
    for member in base.family(pid):
        try:
            with open("/proc/%d/stat" % member) as file:
                words = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(words[11]) + int(words[12])
    return ticks / TICK


def pss_kib(pid):
    total = 0
    for member in base.family(pid):
        try:
            with open("/proc/%d/smaps_rollup" % member) as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


class Nginx:
    name = "nginx"

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def start(self):
        for name in ("", "www", "body"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.port = base.free_port()
        root = os.getuid() == 0
        if root:
            for name in ("", "www", "body"):
                os.chmod(os.path.join(self.folder, name), 0o777)
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w") as file:
            file.write(NGINX.format(folder=self.folder, port=self.port,
                                    user="user nobody nogroup;\n" if root else ""))
        self.process = base.spawn(["nginx", "-e", self.folder + "/error.log", "-c", config, "-g", "daemon off;"],
                                  os.path.join(self.folder, "console.log"))
        base.wait_for(lambda: base.listening(self.port), "nginx in " + self.folder)
        return self

    pid = property(lambda self: self.process.pid)

    def place(self, size):
        """(PUT address, GET address) for a new file."""
        url = "http://127.0.0.1:%d/f%d" % (self.port, int.from_bytes(os.urandom(6), "big"))
        return url, url

    def stop(self):
        base.end(self.process.pid)


class Stoa(stoa.Stoa):
    name = "stoa"

    def place(self, size):
        return self.slot_by_ctl("file.bin", size)


def curl(*arguments):
    """What curl measured of one transfer: (bytes per second of it, status)."""
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{time_total} %{http_code}"] + list(arguments),
                          stdout=subprocess.PIPE, text=True, check=True)
    seconds, status = done.stdout.split()
    return float(seconds), int(status)


OWN_MODULE = """
Component "share.localhost" "http_file_share"
    http_host = "127.0.0.1"
    http_external_url = "http://127.0.0.1:{web}/"
    http_file_share_size_limit = 10*1024*1024
    http_file_share_daily_quota = 1024*1024*1024*1024
    http_file_share_global_quota = 1024*1024*1024*1024
"""

USERS = 16


def prosody(folder):
    """A Prosody with USERS accounts, Stoa's components, and a component of its own upload module."""
    class WithShare(servers.Prosody):
        def launch(self, log):
            self.extra = OWN_MODULE.format(web=self.web)
            super().launch(log)

    server = WithShare(folder, modules=("http",), settings="http_default_host = \"127.0.0.1\"\n")
    server.accounts.update({"user%d" % i: "secret%d" % i for i in range(USERS)})
    return server.start()
