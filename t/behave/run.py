# SPDX-License-Identifier: ISC
"""run.py [--jobs N] [PATTERN] - runs the behaviour tests, several files at a time. Prints TAP.

Each file is a pytest process of its own with its own servers and ports. The longest files go first. PATTERN
chooses tests by a part of their name (pytest -k)."""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NO_TESTS = 5  # pytest's status when the pattern fits nothing in a file


def times_file():
    folder = os.path.join(TOP, "build")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, "behave-times.json")


def known_times():
    try:
        with open(times_file()) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def run_file(path, pattern, folder):
    """(seconds, [(name, ok, text)])"""
    report = os.path.join(folder, os.path.basename(path) + ".xml")
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "-rN",
            "--junit-xml=" + report, "-o", "junit_family=xunit2", "-o", "addopts=", "--rootdir", HERE, path]
    if pattern:
        argv += ["-k", pattern]
    env = dict(os.environ, STOA_BEHAVE_DIR=os.path.join(folder, os.path.basename(path)[:-3]))
    done = subprocess.run(argv, cwd=HERE, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    name = os.path.basename(path)
    if done.returncode == NO_TESTS:
        return 0, []
    try:
        suite = ET.parse(report).getroot().find("testsuite")
    except (OSError, ET.ParseError):
        return 0, [(name, False, "pytest itself failed:\n" + done.stdout[-6000:])]
    rows, seen = [], {}
    for case in suite.iter("testcase"):
        troubles = [c for c in case if c.tag in ("failure", "error")]
        skipped = [c for c in case if c.tag == "skipped"]
        title = "%s::%s" % (name, case.get("name"))
        text = "\n".join("%s\n%s" % (t.get("message", ""), t.text or "") for t in troubles)
        text += "".join("\n" + (c.text or "") for c in case if troubles and c.tag.startswith("system-"))
        text += "".join("skipped: " + (s.get("message") or "") for s in skipped)
        ok = not troubles and not skipped  # a test that did not run has not passed
        if title in seen:  # an error in the end of a fixture comes as a second row of the same test
            at = seen[title]
            rows[at] = (title, rows[at][1] and ok, rows[at][2] + text)
        else:
            seen[title] = len(rows)
            rows.append((title, ok, text))
    if done.returncode not in (0, 1):
        rows.append((name, False, done.stdout[-6000:]))
    return float(suite.get("time", 0)), rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("pattern", nargs="?", default="")
    given = parser.parse_args()
    paths = sorted(glob.glob(os.path.join(HERE, "test_*.py")))
    pattern = given.pattern
    whole = [p for p in paths if pattern and re.sub(r"^test_|\.py$", "", os.path.basename(p)) == pattern]
    if whole:  # the name of a file: all of it
        paths, pattern = whole, ""
    times, lock = known_times(), threading.Lock()
    paths.sort(key=lambda p: -times.get(os.path.basename(p), 30))
    number = bad = 0
    folder = tempfile.mkdtemp(prefix="stoa-behave-")
    os.chmod(folder, 0o755)

    def one(path):
        nonlocal number, bad
        seconds, rows = run_file(path, pattern, folder)
        with lock:
            if not pattern:
                times[os.path.basename(path)] = seconds
            for title, ok, text in rows:
                number += 1
                bad += not ok
                print("%s %d - behave %s" % ("ok" if ok else "not ok", number, title))
                if not ok:
                    for line in text.strip().split("\n")[:400]:
                        print("# " + line)
            sys.stdout.flush()

    with ThreadPoolExecutor(given.jobs) as pool:
        for future in [pool.submit(one, p) for p in paths]:
            future.result()
    print("1..%d" % number)
    with open(times_file(), "w") as file:
        json.dump(times, file, indent=1)
    if not bad:
        subprocess.run(["rm", "-rf", folder], check=False)
    else:
        print("# folders of the failed tests are kept in " + folder)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
