# SPDX-License-Identifier: ISC
"""conftest.py - what every behaviour test may ask for, and what is looked at behind each of them."""
import os
import resource
import shutil
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from harness import base, certs, fake, fake_c2s, rest, servers, stoa  # noqa: E402

ROOT = os.environ.get("STOA_BEHAVE_DIR") or tempfile.mkdtemp(prefix="stoa-behave-")
os.makedirs(ROOT, exist_ok=True)
os.chmod(ROOT, 0o755)
os.environ.pop("http_proxy", None)  # nothing but loopback is ever asked
os.environ.pop("https_proxy", None)
# Some tests hold a thousand connections; a login shell allows that many descriptors only when asked.
_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))


def pytest_configure(config):
    config.addinivalue_line("markers", "root: only root can do what the test does")
    config.addinivalue_line("markers", "long: only in ./dev check long (STOA_LONG=1)")


def pytest_collection_modifyitems(config, items):
    """What only root can do is left out for others: not skipped, since a test that did not run has not passed."""
    if os.getuid() != 0:
        items[:] = [i for i in items if not i.get_closest_marker("root")]
    if not os.environ.get("STOA_LONG"):
        items[:] = [i for i in items if not i.get_closest_marker("long")]


# Tests ask for more slots in a minute than any user: only those about the limit keep it.
NO_LIMIT = "upload/limits/burst=1000000"
# Nor does any user give so many wrong passwords: only tests about those limits keep them.
NO_LOGIN_LIMIT = ["xmpp/login-failures-%s=0" % n for n in ("most", "per-address", "per-account")]


def folder(name):
    out = tempfile.mkdtemp(prefix=name + "-", dir=ROOT)
    os.chmod(out, 0o755)
    return out


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """A failed test's daemons are told to the reader, so that no log has to be searched."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for value in list(getattr(item, "funcargs", {}).values()):
            if isinstance(value, stoa.Stoa):
                report.sections.append(("stoad in " + value.folder, value.said()))
            elif isinstance(value, Maker):
                for made in value.made:
                    report.sections.append(("stoad in " + made.folder, made.said()))


@pytest.fixture(scope="session")
def certificates():
    """A folder of certificates that all instances of this run share: making keys takes time."""
    out = folder("certs")
    certs.certificate(out, os.path.join(out, "localhost.pem"), ["localhost", "*.localhost"])
    return out


@pytest.fixture(scope="module")
def server():
    """A fake XMPP server."""
    out = fake.FakeServer()
    yield out
    out.close()


@pytest.fixture(scope="module")
def shared(server, certificates):
    out = stoa.Stoa(folder("shared"), server, [NO_LIMIT], certificates=certificates)
    out.start()
    server.wait_up("upload.localhost")
    yield out
    out.stop()
    out.check_sanitizers()
    shutil.rmtree(out.folder, ignore_errors=True)


@pytest.fixture
def house(shared):
    """A Stoa with two workers beside a fake XMPP server, shared by the tests of a file."""
    yield shared
    shared.check_sanitizers()
    assert shared.process is not None and shared.process.poll() is None, "master ended:\n" + shared.said()


class Maker:
    """Starts Stoas that differ from the shared one; they end with the test."""

    def __init__(self, certificates):
        self.certificates, self.made, self.others = certificates, [], []

    def __call__(self, *sets, server=None, start=True, **more):
        if server is None:
            server = self.server()
        where = more.pop("folder", None) or folder("house")
        if not any(s.startswith("upload/limits/") for s in sets):
            sets = (NO_LIMIT,) + sets
        out = stoa.Stoa(where, server or None, sets, certificates=self.certificates, **more)
        self.made.append(out)
        if start:
            out.start()
            if isinstance(server, fake.FakeServer) and server.listener and server.behaviour == "normal":
                for jid in out.components:
                    server.wait_up(jid)
        else:
            out.write()
        return out

    def server(self, **more):
        out = fake.FakeServer(**more)
        self.others.append(out)
        return out

    def host(self, **more):
        """A fake server that has clients too."""
        out = fake_c2s.FakeHost(**more)
        self.others.append(out)
        return out

    def folder(self, name="extra"):
        return folder(name)

    def end(self):
        problems = []
        for made in self.made:
            try:
                made.stop()
                made.check_sanitizers()
            except base.Failed as error:
                problems.append(str(error))
            if not problems:
                shutil.rmtree(made.folder, ignore_errors=True)
        for other in self.others:
            other.close()
        assert not problems, "\n".join(problems)


@pytest.fixture
def make(certificates):
    out = Maker(certificates)
    yield out
    out.end()


@pytest.fixture(scope="session")
def _browser():
    from harness import browser as chromium  # only what tests pages needs it installed
    out = chromium.Browser(folder("browser"))
    yield out
    out.close()


@pytest.fixture
def browser(_browser):
    """A browser without cookies; whatever it complains about fails the test."""
    _browser.reset()
    yield _browser
    _browser.check()


@pytest.fixture
def other_browser():
    """Another one, that knows nothing of the first."""
    from harness import browser as chromium
    out = chromium.Browser(folder("browser"))
    yield out
    try:
        out.check()
    finally:
        out.close()


def _real(kind):
    out = servers.KINDS[kind](folder(kind))
    out.start()
    return out


@pytest.fixture(scope="session")
def prosody():
    out = _real("prosody")
    yield out
    out.stop()


@pytest.fixture(scope="session")
def ejabberd():
    out = _real("ejabberd")
    yield out
    out.stop()


class Front:
    """A Stoa beside a real server, and those who call it: admin, alice, bob, and nobody."""

    def __init__(self, house, server):
        self.house, self.server, self.kind = house, server, server.kind
        self.nobody, self.admin, self.alice, self.bob = (
            rest.Api(house, user) for user in (None, rest.ADMIN, rest.ALICE, rest.BOB))


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def front(request, certificates):
    server = request.getfixturevalue(request.param)
    house = stoa.Stoa(folder("front"), server, [NO_LIMIT] + NO_LOGIN_LIMIT, certificates=certificates)
    house.start()
    house.streams_up()
    yield Front(house, server)
    house.stop()
    house.check_sanitizers()


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and "STOA_BEHAVE_DIR" not in os.environ:
        shutil.rmtree(ROOT, ignore_errors=True)
