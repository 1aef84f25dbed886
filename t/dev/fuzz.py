# SPDX-License-Identifier: ISC
"""fuzz.py [--build-only] [--jobs N] [NAME...] - builds the fuzzers with clang and lets each run for a while. TAP.

Each t/fuzz/NAME_fuzz.c starts from t/fuzz/corpus/NAME and, if there is one, t/fuzz/NAME.dict; inputs that
reach new code are kept in build/fuzz/corpus/NAME, findings in build/fuzz/findings. STOA_FUZZ_SECONDS is the
time for each; unset: 45 s for what strangers can reach first, 20 s for the rest."""
import argparse
import glob
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
BUILD = os.path.join(TOP, "build", "fuzz")
FIRST_IN_LINE = {"form", "http_head", "http_chunk", "http_value", "uri", "tdsl", "xml", "jid", "dns_reply"}
FLAGS = "-O1 -g -fsanitize=fuzzer-no-link"


def seconds_for(name):
    given = os.environ.get("STOA_FUZZ_SECONDS")
    return int(given) if given else 30 if name in FIRST_IN_LINE else 10


def run(argv, log, cwd=BUILD):
    with open(log, "a") as out:
        out.write("$ %s\n" % " ".join(argv))
        out.flush()
        return subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode


def die(text, log):
    with open(log, errors="replace") as file:
        for line in file.readlines()[-40:]:
            print("# " + line.rstrip())
    print("Bail out! " + text)
    sys.exit(1)


def makefile_value(name):
    text = "include Makefile\nprint-it:\n\t@echo $(%s)\n" % name
    done = subprocess.run(["make", "-s", "-f", "-", "print-it"], input=text, text=True, cwd=BUILD,
                          capture_output=True, check=True)
    return done.stdout.split()


def build(names):
    """The library through configure, as it is always built; then a program for each fuzzer."""
    os.makedirs(BUILD, exist_ok=True)
    log = os.path.join(BUILD, "build.log")
    open(log, "w").close()
    if not os.path.exists(os.path.join(TOP, "configure")) and run(["./autogen.sh"], log, TOP):
        die("autogen.sh failed", log)
    if not os.path.exists(os.path.join(BUILD, "Makefile")) and run(
            [os.path.join(TOP, "configure"), "--quiet", "--enable-developer", "CC=clang", "CFLAGS=" + FLAGS], log):
        die("configure failed", log)
    if run(["make", "-s", "libstoa.a"], log):
        die("the library does not build with clang", log)
    generated = makefile_value("GENERATED")
    if generated and run(["make", "-s"] + generated, log):
        die("sources that the build makes cannot be made", log)
    flags = makefile_value("AM_CPPFLAGS") + makefile_value("AM_CFLAGS") + FLAGS.split() + ["-Wno-missing-prototypes"]
    libs = makefile_value("ALL_LIBS")
    archives = [os.path.join(BUILD, "libstoa.a")]
    for folder in sorted(glob.glob(os.path.join(TOP, "modules", "*", ""))):
        module = os.path.basename(folder[:-1])
        archive = os.path.join(BUILD, "module-%s.a" % module)
        objects = []
        made = [os.path.join(BUILD, path) for path in generated if path.startswith("modules/%s/" % module)]
        for source in sorted(glob.glob(folder + "*.c")) + made:
            target = os.path.join(BUILD, "module-%s-%s.o" % (module, os.path.basename(source)[:-2]))
            objects.append(target)
            if run(["clang"] + flags + ["-c", source, "-o", target], log):
                die("%s does not build with clang" % source, log)
        if objects:
            if os.path.exists(archive):
                os.unlink(archive)
            run(["ar", "rcs", archive] + objects, log)
            archives.insert(0, archive)
    for name in names:
        source = os.path.join(TOP, "t", "fuzz", name + "_fuzz.c")
        if run(["clang"] + flags + ["-fsanitize=fuzzer", source, "-o", os.path.join(BUILD, name + "_fuzz")] +
               archives + libs, log):
            die("%s_fuzz.c does not build" % name, log)


def fuzz(name):
    """(name, ended well, lines of the log that tell what happened)"""
    kept, findings = os.path.join(BUILD, "corpus", name), os.path.join(BUILD, "findings")
    for folder in (kept, findings):
        os.makedirs(folder, exist_ok=True)
    log = os.path.join(BUILD, name + ".log")
    open(log, "w").close()
    argv = [os.path.join(BUILD, name + "_fuzz"), "-max_total_time=%d" % seconds_for(name), "-timeout=20",
            "-rss_limit_mb=2048", "-print_final_stats=1", "-artifact_prefix=%s/%s-" % (findings, name), kept]
    seeds = os.path.join(TOP, "t", "fuzz", "corpus", name)
    if os.path.isdir(seeds):
        argv.append(seeds)
    words = os.path.join(TOP, "t", "fuzz", name + ".dict")
    if os.path.exists(words):
        argv.insert(1, "-dict=" + words)
    status = run(argv, log)
    with open(log, errors="replace") as file:
        lines = [line.rstrip() for line in file]
    if status == 0:
        return name, True, [line for line in lines if "number_of_executed_units" in line]
    return name, False, lines[-60:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    every = sorted(os.path.basename(p)[:-len("_fuzz.c")] for p in glob.glob(os.path.join(TOP, "t/fuzz/*_fuzz.c")))
    names = [n for n in every if not given.names or any(w in n for w in given.names)]
    build(names)
    if given.build_only:
        return 0
    print("1..%d" % len(names))
    lock, number, bad = threading.Lock(), 0, 0

    with ThreadPoolExecutor(given.jobs) as pool:
        # the long ones first, so that the short ones fill the gaps
        for name, well, lines in pool.map(fuzz, sorted(names, key=lambda n: -seconds_for(n))):
            with lock:
                number += 1
                bad += not well
                print("%s %d - fuzz %s" % ("ok" if well else "not ok", number, name))
                for line in lines:
                    print("# " + line)
                sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
