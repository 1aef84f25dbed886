# SPDX-License-Identifier: ISC
"""servers.py - a private Prosody or ejabberd on free loopback ports, as root or as anybody.

Everything lies in one folder; nothing of an installed service is read or touched."""
import glob
import json
import os
import re
import shutil
import urllib.error
import urllib.request

from . import base, certs

DOMAIN = "localhost"
ACCOUNTS = {"admin": "admin-secret", "alice": "alice-secret", "bob": "bob-secret"}
COMPONENTS = ["upload.localhost", "http.localhost", "upload2.localhost", "upload3.localhost", "upload4.localhost"]
SECRET = "component-secret"


class Server:
    """kind, folder; c2s, c2s_tls (from the first byte), component, web: ports; domain, secret, accounts: as configured; pid."""
    kind = "none"

    def __init__(self, folder, components=None, domain=DOMAIN):
        self.folder = os.path.abspath(folder)
        self.domain, self.secret, self.accounts = domain, SECRET, dict(ACCOUNTS)
        self.components = components or COMPONENTS
        self.c2s = self.component = self.pid = self.process = None
        os.makedirs(self.folder, exist_ok=True)

    def start(self):
        """Tries again with other ports when somebody took one between our look and the server's bind."""
        for attempt in range(4):
            self.c2s, self.component, self.web, self.c2s_tls = (base.free_port() for _ in range(4))
            log = os.path.join(self.folder, "console.log")
            open(log, "w").close()
            self.launch(log)
            self.pid = self.process.pid
            try:
                base.wait_for(lambda: self.up() or self.process.poll() is not None,
                              "%s in %s; its last words:\n%s" % (self.kind, self.folder, base.tail(log)), 90)
                if self.process.poll() is None:
                    self.ready()
                    return self
            except base.Failed:
                if attempt == 3:
                    raise
            self.stop()
        raise base.Failed("%s does not start: %s" % (self.kind, base.tail(os.path.join(self.folder, "console.log"))))

    def up(self):
        return base.listening(self.c2s) and base.listening(self.component)

    def ready(self):
        pass

    def stop(self):
        if self.pid:
            base.end(self.pid)
            self.pid = None

    def password(self, jid):
        return self.accounts[jid.split("@")[0]]

    @property
    def ca(self):
        """Who signed the server's certificate."""
        return os.path.join(self.folder, "ca.pem")


PROSODY = """-- written anew at each start
run_as_root = true -- else Prosody refuses to start as root
daemonize = false
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
plugin_paths = {{ "{folder}/plugins" }}
log = {{ info = "{folder}/server.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ {c2s_tls} }}
component_ports = {{ {component} }}
component_interfaces = {{ "127.0.0.1" }}
http_interfaces = {{ "127.0.0.1" }}
http_ports = {{ {http} }}
https_ports = {{ }}
ssl = {{ certificate = "{certificate}.crt"; key = "{certificate}.key" }}
certificates = "{folder}"
admins = {{ "admin@{domain}" }}
authentication = "{storage}"
c2s_require_encryption = {encryption}
allow_unencrypted_plain_auth = true
http_default_host = "{domain}"
modules_disabled = {{ "s2s" }}
modules_enabled = {{ "disco"; "roster"; "saslauth"; "tls"; "ping"; "version"; "time"; "uptime"; "offline";
	"admin_adhoc"; "announce"; "pep"; "vcard4"; "vcard_legacy"; "http"; "stoa_count"; {modules} }}
{globals}
VirtualHost "{domain}"
{host}
"""


# What no XMPP command of Prosody tells: who has a session, whether or not he ever sent presence.
PROSODY_COUNT = """module:depends("http")
module:provides("http", { default_path = "/sessions"; route = {
    ["GET /*"] = function (_, user)
        local out, account = {}, prosody.hosts[module.host].sessions[user]
        for resource in pairs(account and account.sessions or {}) do table.insert(out, resource) end
        return table.concat(out, "\\n")
    end } })
"""


class Prosody(Server):
    kind = "prosody"

    def __init__(self, folder, modules=(), host="", extra="", settings="", encryption=False, storage="internal_plain",
                 **more):
        """modules: more of them, for all hosts; settings: global Lua; host: Lua of the virtual host; extra: Lua
        behind the components; encryption: clients must use TLS; storage: internal_hashed is what Debian has."""
        super().__init__(folder, **more)
        self.modules, self.host, self.extra, self.settings = modules, host, extra, settings
        self.encryption, self.storage = encryption, storage

    def launch(self, log):
        if not shutil.which("prosody"):
            raise base.Failed("prosody is not installed: run ./dev setup")
        pem = os.path.join(self.folder, self.domain + ".pem")
        if not os.path.exists(pem):
            certs.certificate(self.folder, pem, [self.domain, "*." + self.domain])
        accounts = os.path.join(self.folder, "data", self.domain.replace(".", "%2e"), "accounts")
        os.makedirs(accounts, exist_ok=True)
        for user, password in self.accounts.items():
            path = os.path.join(accounts, user + ".dat")
            if not os.path.exists(path):
                with open(path, "w") as file:
                    file.write('return { ["password"] = "%s"; };\n' % password)
        os.makedirs(os.path.join(self.folder, "plugins"), exist_ok=True)
        with open(os.path.join(self.folder, "plugins", "mod_stoa_count.lua"), "w") as file:
            file.write(PROSODY_COUNT)
        config = os.path.join(self.folder, "prosody.cfg.lua")
        text = PROSODY.format(folder=self.folder, c2s=self.c2s, component=self.component, certificate=pem,
                              domain=self.domain, host=self.host, http=self.web, globals=self.settings,
                              storage=self.storage, c2s_tls=self.c2s_tls, encryption="true" if self.encryption else "false",
                              modules=" ".join('"%s";' % m for m in self.modules))
        own = set(re.findall(r"(?m)^(\w+) *=", self.settings))
        # Prosody 0.12 reads no file that sets an option twice, if its path is long
        before, after = text.split(self.settings, 1) if self.settings else (text, "")
        text = "".join(x for x in before.splitlines(True) if x.split(" ", 1)[0] not in own) + self.settings + after
        for name in self.components:
            text += 'Component "%s"\n\tcomponent_secret = "%s"\n' % (name, self.secret)
        with open(config, "w") as file:
            os.chmod(config, 0o600)
            file.write(text + self.extra)
        self.process = base.spawn(["prosody", "--root", "-F", "--config", config], log, cwd=self.folder)

    def resources(self, user):
        """The sessions of an account, those that never sent presence included."""
        request = urllib.request.Request("http://127.0.0.1:%d/sessions/%s" % (self.web, user))
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as reply:
            return sorted(reply.read().decode().split())


class Ejabberd(Server):
    """The Erlang VM is started without ejabberdctl, which would want epmd and a certain user."""
    kind = "ejabberd"

    def __init__(self, folder, encryption=False, storage="plain", modules=None, **more):
        """modules: more of them, with their options; encryption: clients must use TLS; storage: scram is Debian's."""
        super().__init__(folder, **more)
        self.encryption, self.storage, self.modules = encryption, storage, dict(modules or {})

    def configuration(self, pem):
        c2s = {"port": self.c2s, "ip": "127.0.0.1", "module": "ejabberd_c2s", "max_stanza_size": 262144,
               "shaper": "fast", "access": "c2s"}
        direct = dict(c2s, port=self.c2s_tls, tls=True)
        c2s["starttls_required" if self.encryption else "starttls"] = True
        secret = {"password": self.secret}
        return {
            "loglevel": "info", "hosts": [self.domain], "certfiles": [pem],
            "registration_timeout": "infinity", "auth_password_format": self.storage,
            "disable_sasl_mechanisms": ["digest-md5", "X-OAUTH2"],
            "listen": [
                c2s, direct,
                # without global_routes: false each component would get the stanzas of all of them
                {"port": self.component, "ip": "127.0.0.1", "module": "ejabberd_service", "access": "all",
                 "global_routes": False, "hosts": {name: secret for name in self.components}},
                {"port": self.web, "ip": "127.0.0.1", "module": "ejabberd_http",
                 "request_handlers": {"/api": "mod_http_api"}},
            ],
            "acl": {"admin": {"user": ["admin@" + self.domain]}, "loopback": {"ip": ["127.0.0.0/8"]}},
            "access_rules": {"c2s": {"allow": "all"}, "configure": {"allow": "admin"}, "announce": {"allow": "admin"}},
            "api_permissions": {"loopback": {"who": {"acl": "loopback"}, "what": ["*", "!stop", "!start"]}},
            "shaper": {"fast": {"rate": 10000000, "burst_size": 10000000}},
            "modules": dict({
                "mod_adhoc": {}, "mod_admin_extra": {}, "mod_announce": {"access": "announce"}, "mod_avatar": {},
                "mod_caps": {}, "mod_configure": {}, "mod_disco": {}, "mod_http_api": {}, "mod_last": {}, "mod_offline": {},
                "mod_ping": {}, "mod_pubsub": {"plugins": ["flat", "pep"]}, "mod_roster": {}, "mod_stats": {},
                "mod_time": {}, "mod_vcard": {"search": False}, "mod_vcard_xupdate": {}, "mod_version": {}}, **self.modules),
        }

    def launch(self, log):
        found = sorted(glob.glob("/usr/lib/*/ejabberd-[0-9]*/ebin/ejabberd.app") +
                       glob.glob("/usr/lib/ejabberd-[0-9]*/ebin/ejabberd.app"))
        if not found or not shutil.which("erl"):
            raise base.Failed("ejabberd is not installed: run ./dev setup")
        pem = os.path.join(self.folder, self.domain + ".pem")
        if not os.path.exists(pem):
            certs.certificate(self.folder, pem, [self.domain, "*." + self.domain])
        config = os.path.join(self.folder, "ejabberd.yml")
        with open(config, "w") as file:
            os.chmod(config, 0o600)
            json.dump(self.configuration(pem), file, indent=1)  # JSON is YAML
        with open(os.path.join(self.folder, "inetrc"), "w") as file:
            file.write("{lookup, [file, native]}.\n")
        env = dict(os.environ, HOME=self.folder, EJABBERD_CONFIG_PATH=config,
                   ERL_LIBS=os.path.dirname(os.path.dirname(os.path.dirname(found[-1]))),
                   EJABBERD_LOG_PATH=os.path.join(self.folder, "server.log"), ERL_CRASH_DUMP_BYTES="0",
                   ERL_INETRC=os.path.join(self.folder, "inetrc"),
                   CONTRIB_MODULES_PATH=os.path.join(self.folder, "contrib"))
        self.process = base.spawn(["erl", "-noinput", "-mnesia", "dir", '"%s/data"' % self.folder, "-s", "ejabberd"],
                                  log, env=env, cwd=self.folder)

    def api(self, command, **arguments):
        request = urllib.request.Request("http://127.0.0.1:%d/api/%s" % (self.web, command),
                                         json.dumps(arguments).encode(), {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as reply:
            return json.load(reply)

    def register(self, user, password):
        try:
            self.api("register", user=user, host=self.domain, password=password)
        except urllib.error.HTTPError as error:
            return error.code == 409  # is there already
        except OSError:
            return False
        return True

    def resources(self, user):
        """The sessions of an account, those that never sent presence included."""
        return sorted(self.api("user_resources", user=user, host=self.domain))

    def ready(self):
        for user, password in self.accounts.items():
            base.wait_for(lambda u=user, p=password: self.register(u, p), "account %s on ejabberd" % user)


KINDS = {"prosody": Prosody, "ejabberd": Ejabberd}
