# SPDX-License-Identifier: ISC
"""base.py - paths, free ports, waiting for conditions, processes that are ended by their pid."""
import fcntl
import os
import random
import signal
import socket
import subprocess
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", ".."))
LOOPBACK = "127.0.0.1"
WAIT = float(os.environ.get("STOA_WAIT", "30"))  # seconds for a condition: far more than needed, for busy machines


class Failed(Exception):
    """Something that the test or the person asked for did not come about; the text says what."""


def prefix():
    """Where the build to be used is installed: $STOA_PREFIX, else the sanitizer build, else the optimised one."""
    given = os.environ.get("STOA_PREFIX")
    for folder in [given] if given else ["build/check/root", "build/release/root"]:
        folder = os.path.join(TOP, folder)
        if os.access(os.path.join(folder, "sbin/stoad"), os.X_OK):
            return folder
    raise Failed("no stoad is built: run ./dev build")


def program(name):
    return os.path.join(prefix(), "sbin", name)


# ---- waiting ----

def wait_for(condition, what, seconds=WAIT, pause=0.02):
    """Asks condition() until it is true and returns its value. No test sleeps for a guessed time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("waited %g s in vain for: %s" % (seconds, what() if callable(what) else what))
        time.sleep(pause)


# ---- ports ----

_held = {}  # port -> lock file, kept open while this process lives


def free_port(address=LOOPBACK):
    """A port below the range of outgoing connections; a lock file keeps other test processes from choosing it."""
    folder = "/tmp/stoa-ports.%d" % os.getuid()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for _ in range(2000):
        port = random.randrange(15000, 32000)
        if port in _held:
            continue
        lock = open(os.path.join(folder, str(port)), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for family, where in ((socket.AF_INET, address), (socket.AF_INET6, "::1")):
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    if family == socket.AF_INET6:
                        try:
                            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                            probe.bind((where, port))
                        except OSError as error:
                            if error.errno == 98:
                                raise
                    else:
                        probe.bind((where, port))
        except OSError:
            lock.close()
            continue
        _held[port] = lock
        return port
    raise Failed("no free port on " + address)


def listening(port, address=LOOPBACK):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


# ---- processes ----

def alive(pid):
    """Whether that process exists and is no zombie."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def born(pid):
    """When that process began, in clock ticks since boot: with its number, it names one process for ever."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except (OSError, IndexError):
        return None


def cmdline(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def family(pid):
    """The process and all that descend from it."""
    out = [pid]
    for child in children(pid):
        out += family(child)
    return out


def reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def end(pid, seconds=20, first=signal.SIGTERM):
    """Ends a process by its pid: asks, waits, then insists. Its descendants are waited for too."""
    members = family(pid)
    try:
        os.kill(pid, first)
    except ProcessLookupError:
        pass
    deadline = time.monotonic() + seconds
    while any(alive(p) for p in members):
        reap(pid)
        if time.monotonic() > deadline:
            for member in members:
                if alive(member):
                    os.kill(member, signal.SIGKILL)
            deadline = time.monotonic() + 5
        time.sleep(0.01)
    reap(pid)


def spawn(argv, log, env=None, cwd=None, **more):
    """A process in a session of its own, so that a Ctrl-C at the terminal is the starter's to handle."""
    with open(log, "ab") as out:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                env=env, cwd=cwd, **more)


def tail(path, lines=20):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


# ---- sanitizers ----

def sanitizer_env(folder, more=None):
    """Each process writes its reports to a file of its own: a child's would go unseen otherwise."""
    env = dict(os.environ)
    log = os.path.join(folder, "sanitizer", "report")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    os.chmod(os.path.dirname(log), 0o777)  # children that gave up root write there too
    env["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=0:allocator_may_return_null=1:log_path=" + log
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:log_path=" + log
    env.pop("NOTIFY_SOCKET", None)
    env.pop("LISTEN_FDS", None)
    env.update(more or {})
    return env


def sanitizer_reports(folder):
    folder = os.path.join(folder, "sanitizer")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return ["%s:\n%s" % (name, read(os.path.join(folder, name))[:6000]) for name in names]
