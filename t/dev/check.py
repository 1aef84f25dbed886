# SPDX-License-Identifier: ISC
"""check.py - ./dev check: all kinds of tests, what can overlap overlapping; counts; the last line sums up.

The parts print TAP; here each becomes a list of (name, ok, comment lines). A part that cannot even start counts
as one failure. stdout is for people: one line for each part as it ends, and all of what failed."""
import glob
import os
import re
import subprocess
import sys
import threading
import time

import paths

TOP = paths.TOP
PYTHON = [sys.executable, "-B"]
lock = threading.Lock()
passed = failed = 0


def say(text):
    with lock:
        print(text, flush=True)


def read_tap(text):
    """[(name, ok, lines)] of a TAP stream; lines are the comments that follow, else those before."""
    rows = []
    for line in text.splitlines():
        match = re.match(r"(not )?ok\b\s*\d*\s*-?\s*(.*)", line)
        if match:
            rows.append((match.group(2).strip(), not match.group(1), []))
        elif line.startswith("Bail out!"):
            rows.append((line, False, []))
        elif rows and line.startswith("#"):
            rows[-1][2].append(line)
    return rows


def account(title, rows, started, trouble=""):
    """Counts a part's rows, shows its failures, and a line of result."""
    global passed, failed
    if not rows:
        rows = [(title + ": no test ran", False, trouble.splitlines()[-40:])]
    bad = [r for r in rows if not r[1]]
    with lock:
        for name, _, lines in bad:
            print("FAILED %s" % name)
            for line in lines:
                print("    " + line)
        passed += len(rows) - len(bad)
        failed += len(bad)
        print("%-8s %4d passed, %d failed   (%d s)" % (title, len(rows) - len(bad), len(bad),
                                                       time.monotonic() - started), flush=True)


def run_tap(title, argv, **more):
    started = time.monotonic()
    done = subprocess.run(argv, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **more)
    rows = read_tap(done.stdout)
    if done.returncode and not any(not ok for _, ok, _ in rows):
        rows.append(("%s ended with status %d" % (title, done.returncode), False, done.stdout.splitlines()[-40:]))
    account(title, rows, started, done.stdout)


def lint(pattern=""):
    run_tap("lint", PYTHON + ["t/lint/run.py"] + ([pattern] if pattern else []))


def unit(pattern=""):
    """make check; each test program leaves a .log (TAP) and a .trs (what the harness made of it)."""
    started = time.monotonic()
    build = os.path.join(TOP, "build", "check")
    argv = ["make", "-C", build, "-j2", "check", "VERBOSE="]
    if pattern:
        names = [os.path.relpath(p, TOP)[:-2] for p in sorted(glob.glob(TOP + "/t/unit/*_test.c"))]
        argv.append("TESTS=" + " ".join(n for n in names if pattern in n))
    for old in glob.glob(build + "/t/unit/*.trs"):
        os.unlink(old)
    done = subprocess.run(argv, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    rows = []
    for trs in sorted(glob.glob(build + "/t/unit/*.trs")):
        program = os.path.basename(trs)[:-4]
        with open(trs[:-4] + ".log", errors="replace") as file:
            log = file.read().splitlines()
        with open(trs, errors="replace") as file:
            results = re.findall(r"^:test-result: (\w+)(?: \d+)?(?: -)? ?(.*)$", file.read(), re.M)
        bad = [r for r in results if r[0] not in ("PASS", "XFAIL")]
        for verdict, name in results:
            ok = verdict in ("PASS", "XFAIL")
            lines = [] if ok or (verdict, name) != bad[0] else log[-60:]
            rows.append(("unit %s: %s" % (program, name), ok, lines))
    if done.returncode and not any(not ok for _, ok, _ in rows):
        rows.append(("unit: make check failed", False, done.stdout.splitlines()[-60:]))
    account("unit", rows, started, done.stdout)


def fuzz(pattern="", jobs=2):
    # politely: fuzzers have all the time that they are given, behaviour waits for conditions
    run_tap("fuzz", ["nice", "-n", "10"] + PYTHON + ["t/dev/fuzz.py", "--jobs", str(jobs)] + ([pattern] if pattern else []))


def behave(pattern="", jobs=3):
    run_tap("behave", PYTHON + ["t/behave/run.py", "--jobs", str(jobs)] + ([pattern] if pattern else []))


def distribution():
    """make distcheck: the tarball builds, tests and installs elsewhere."""
    started = time.monotonic()
    done = subprocess.run(["make", "-C", os.path.join(TOP, "build", "check"), "distcheck",
                           "DISTCHECK_CONFIGURE_FLAGS="], cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    account("dist", [("make distcheck", done.returncode == 0, done.stdout.splitlines()[-40:])], started)


def everything(long):
    """Lint while the fuzzers are built; units alone, for their own races; then fuzzers beside the behaviour."""
    if long:
        os.environ["STOA_LONG"] = "1"  # tests that are marked so
    built = threading.Thread(target=subprocess.run, args=(PYTHON + ["t/dev/fuzz.py", "--build-only"],),
                             kwargs=dict(cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    built.start()
    lint()
    unit()
    built.join()
    beside = threading.Thread(target=fuzz, kwargs=dict(jobs=os.cpu_count() or 2))
    beside.start()
    behave(jobs=3)
    beside.join()
    if long:
        distribution()


def main():
    words = sys.argv[1:]
    parts = {"unit": unit, "behave": behave, "fuzz": fuzz, "lint": lint}
    if words and words[0] in parts:
        parts[words[0]](*words[1:2])
    else:
        everything("long" in words)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
