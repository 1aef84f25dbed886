# SPDX-License-Identifier: ISC
"""smtp.py - a mail server (python3-aiosmtpd) that keeps what it said yes to, and is as unkind as the test says.

    server = MailServer(folder)            # STARTTLS and AUTH needed; folder/ca.pem vouches for it
    server.rcpt = lambda address: "550 5.1.1 nobody of that name"
    server.start(); ...; server.accepted   # Mail objects, in the order of the yes

Its hooks are called in its thread: each returns an answer instead of the usual one, or None. DIE instead of an
answer: the connection is cut without a word. server.hold names a step ("EHLO", "MAIL", "RCPT", "DATA", "QUIT") that
is answered only when it is let go."""
import asyncio
import email
import email.policy
import os
import ssl
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from . import base, certs

DIE = object()
USER, PASSWORD = "mailer@localhost", "mail-secret"


class Mail:
    def __init__(self, envelope):
        self.sender, self.recipients, self.bytes = envelope.mail_from, list(envelope.rcpt_tos), envelope.content
        self.message = email.message_from_bytes(envelope.content, policy=email.policy.default)

    @property
    def id(self):
        return self.message["Message-ID"]

    def text(self):
        return self.message.get_body(("plain",)).get_content()

    def html(self):
        part = self.message.get_body(("html",))
        return part.get_content() if part else None


class MailServer:
    """security: starttls, tls or plain. certificate: of the harness's certs; None: one for localhost by folder/ca.pem."""

    def __init__(self, folder, security="starttls", user=USER, password=PASSWORD, certificate=None):
        self.folder, self.security, self.user, self.password = folder, security, user, password
        self.port = base.free_port()
        self.certificate = certificate
        self.ca = os.path.join(folder, "ca.pem")
        self.accepted, self.seen, self.logins, self.steps = [], [], [], []
        self.mail = self.rcpt = self.data = self.login = lambda *ignored: None
        self.hold = None
        self.smtputf8 = True
        self.controller = None
        self._held = threading.Event()  # somebody waits at the held step
        self._go = threading.Event()

    # -- life --
    def _context(self):
        if self.security == "plain":
            return None
        if self.certificate is None:
            self.certificate = os.path.join(self.folder, "smtp.pem")
            if not os.path.exists(self.certificate):
                certs.certificate(self.folder, self.certificate, ["localhost"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context

    def start(self):
        context = self._context()
        more = {"enable_SMTPUTF8": self.smtputf8}
        if self.security == "tls":
            more["ssl_context"] = context
        elif self.security == "starttls":
            more.update(tls_context=context, require_starttls=True)
        if self.user:
            more.update(authenticator=self._authenticate, auth_required=True,
                        auth_require_tls=self.security == "starttls")
        self.controller = Controller(self, hostname=base.LOOPBACK, port=self.port, ident="test", **more)
        self.controller.start()
        return self

    def stop(self):
        if self.controller:
            self.let_go()
            self.controller.stop()
            self.controller = None

    def wait_held(self):
        base.wait_for(self._held.is_set, "somebody at the held step %s; steps: %s" % (self.hold, self.steps[-10:]))

    def let_go(self):
        self.hold = None
        self._go.set()

    def hold_at(self, step):
        self._held.clear()
        self._go.clear()
        self.hold = step

    def config(self, **more):
        """mailer { } as Stoa's configuration has it."""
        rows = {"mailer-from-address": "noreply@localhost", "mailer-smtp-host": "localhost",
                "mailer-smtp-port": self.port, "mailer-smtp-security": self.security,
                "mailer-smtp-username": self.user, "mailer-smtp-password": self.password,
                "mailer-smtp-ca-file": self.ca if self.security != "plain" else None,
                "mailer-smtp-connect-timeout": "20s", "retry-least": "100ms", "retry-most": "1s"}
        rows.update({name.replace("_", "-"): value for name, value in more.items()})
        return "mailer {\n%s}\n" % "".join("    %s = '%s'\n" % (k, v) for k, v in rows.items() if v is not None)

    # -- what it saw --
    def wait_accepted(self, count=1):
        base.wait_for(lambda: len(self.accepted) >= count,
                      lambda: "%d mails; %d came, steps: %s" % (count, len(self.accepted), self.steps[-20:]))
        return self.accepted

    # -- aiosmtpd's hooks --
    def _authenticate(self, server, session, envelope, mechanism, auth_data):
        if isinstance(auth_data, LoginPassword):
            name, password = auth_data.login.decode(), auth_data.password.decode()
            self.logins.append((mechanism, name, password))
            return AuthResult(success=name == self.user and password == self.password, handled=False)
        return AuthResult(success=False, handled=False)

    async def _step(self, server, name, answer):
        self.steps.append(name)
        if self.hold == name:
            self._held.set()
            while not self._go.is_set():
                await asyncio.sleep(0.01)
        if answer is DIE:
            server.transport.abort()
            return "421 gone"
        return answer

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        await self._step(server, "EHLO", None)
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = await self._step(server, "MAIL", self.mail(address))
        if answer:
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = await self._step(server, "RCPT", self.rcpt(address))
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(envelope)
        self.seen.append(mail)
        answer = await self._step(server, "DATA", self.data(mail))
        if answer:
            return answer
        if server.transport is None or server.transport.is_closing():
            return "421 gone"  # nobody is there to be told yes
        self.accepted.append(mail)
        return "250 2.0.0 kept as %d" % len(self.accepted)

    async def handle_QUIT(self, server, session, envelope):
        await self._step(server, "QUIT", None)
        return "221 Bye"
