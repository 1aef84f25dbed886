# SPDX-License-Identifier: ISC
"""peers.py - who is measured beside Stoa, each as its manual advises: two workers, sendfile, an access log."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "behave"))
from harness import base, servers  # noqa: E402

USERS = 16

NGINX = """worker_processes 2;
worker_rlimit_nofile 65536;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}events {{ worker_connections 16384; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    sendfile on; tcp_nopush on;
    keepalive_timeout 600s; keepalive_requests 1000000000;
    client_max_body_size 0;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    ssl_session_cache shared:tls:10m;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{tls} ssl backlog=4096;
        root {folder}/www;
        location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""

H2O = """{user}num-threads: 2
max-connections: 16384
access-log: {folder}/access.log
error-log: {folder}/error.log
http1-request-timeout: 600
file.send-compressed: OFF
hosts:
  default:
    listen:
      port: {port}
      host: 127.0.0.1
    listen:
      port: {tls}
      host: 127.0.0.1
      ssl:
        certificate-file: {certificate}
        key-file: {certificate}
    paths:
      "/":
        file.dir: {folder}/www
"""

LIGHTTPD = """server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ( "mod_accesslog", "mod_openssl" )
accesslog.filename = "{folder}/access.log"
server.errorlog = "{folder}/error.log"
server.max-worker = 2
server.max-connections = 4096
server.max-keep-alive-requests = 1000000
server.max-keep-alive-idle = 600
{user}$SERVER["socket"] == "127.0.0.1:{tls}" {{
    ssl.engine = "enable"
    ssl.pemfile = "{certificate}"
}}
"""


class FileServer:
    """name; port and tls; files of folder/www are served."""
    text = command = user_line = name = None

    def __init__(self, folder, certificate):
        self.folder, self.certificate, self.process = folder, certificate, None

    def start(self):
        for name in ("", "www", "body"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
            if os.getuid() == 0:
                os.chmod(os.path.join(self.folder, name), 0o777)
        self.port, self.tls = base.free_port(), base.free_port()
        config = os.path.join(self.folder, "server.conf")
        with open(config, "w") as file:
            file.write(self.text.format(folder=self.folder, port=self.port, tls=self.tls, certificate=self.certificate,
                                        user=self.user_line if os.getuid() == 0 else ""))
        log = os.path.join(self.folder, "console.log")
        self.process = base.spawn([c.format(folder=self.folder, config=config) for c in self.command], log)
        base.wait_for(lambda: self.process.poll() is not None or (base.listening(self.port) and base.listening(self.tls)),
                      lambda: "%s: %s" % (self.name, base.tail(log)))
        if self.process.poll() is not None:
            raise base.Failed("%s ended: %s" % (self.name, base.tail(log)))
        return self

    pid = property(lambda self: self.process.pid)

    def put(self, name, data):
        """A file to be served; its path."""
        with open(os.path.join(self.folder, "www", name), "wb") as file:
            file.write(data)
        return "/" + name

    def stop(self):
        base.end(self.process.pid)


class Nginx(FileServer):
    name, text, user_line = "nginx", NGINX, "user nobody nogroup;\n"
    command = ["nginx", "-e", "{folder}/error.log", "-c", "{config}", "-g", "daemon off;"]


class H2o(FileServer):
    name, text, user_line = "h2o", H2O, "user: nobody\n"
    command = ["h2o", "-m", "worker", "-c", "{config}"]


class Lighttpd(FileServer):
    name, text, user_line = "lighttpd", LIGHTTPD, 'server.username = "nobody"\nserver.groupname = "nogroup"\n'
    command = ["lighttpd", "-D", "-f", "{config}"]


OWN_MODULE = """
Component "share.localhost" "http_file_share"
    http_host = "127.0.0.1"
    http_external_url = "http://127.0.0.1:{web}/"
    http_file_share_size_limit = 10*1024*1024
    http_file_share_daily_quota = 1024*1024*1024*1024
    http_file_share_global_quota = 1024*1024*1024*1024
"""


def accounts():
    return {"user%d" % i: "secret%d" % i for i in range(USERS)}


def prosody(folder):
    """A Prosody with USERS accounts, Stoa's components, and a component of its own upload module."""
    class WithShare(servers.Prosody):
        def launch(self, log):
            self.extra = OWN_MODULE.format(web=self.web)
            super().launch(log)

    server = WithShare(folder, modules=("http",), settings="http_default_host = \"127.0.0.1\"\n")
    server.accounts.update(accounts())
    return server.start()


def ejabberd(folder):
    """An ejabberd with USERS accounts and its own upload module."""
    class WithUpload(servers.Ejabberd):
        def configuration(self, pem):
            out = super().configuration(pem)
            out["listen"][-1]["request_handlers"]["/upload"] = "mod_http_upload"
            out["modules"]["mod_http_upload"] = {
                "hosts": ["share.localhost"], "docroot": os.path.join(self.folder, "files"), "max_size": 10 << 20, "access": "all",
                "put_url": "http://127.0.0.1:%d/upload" % self.web}
            return out

    server = WithUpload(folder)
    server.accounts.update(accounts())
    return server.start()
