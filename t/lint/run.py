#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""run.py [RULE...] - what the compiler does not see: floors, sizes, headers, banned words. Prints TAP.

A rule is a function that yields one sentence per offence, each beginning with the place; a rule without
offences is ok. See README.md for what each rule protects."""
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import floors  # noqa: E402
import source  # noqa: E402

FILE_LINES_MOST = 600
FUNCTION_LINES_MOST = 100
BANNED = ("strcpy strcat sprintf vsprintf gets strtok rand random srand srandom drand48 rand_r atoi atol "
          "alloca system popen").split()
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Isrc", "-I.", "-fsyntax-only"]
# A path of somebody's machine in a file that others get: it works there and nowhere else.
FOREIGN_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users|mnt/sandboxing)/[\w.]")
notes = {}


def spdx(paths):
    """Each source file says its licence in its first line (the second of a script)."""
    kinds = (".c", ".h", ".py", ".tbl", ".sh", ".lua")
    for path in paths:
        text = source.read(TOP, path)
        if path.endswith(kinds) or text.startswith("#!"):
            head = text.split("\n")[:2]
            wanted = head[:1] if not head[0].startswith("#!") else head[1:2]
            if not any("SPDX-License-Identifier: ISC" in line for line in wanted):
                yield "%s:1: lacks 'SPDX-License-Identifier: ISC'" % path


def file_sizes(paths):
    kinds = (".c", ".h", ".py", ".am", ".ac", ".tbl", ".sh")
    for path in paths:
        text = source.read(TOP, path)
        if path.endswith(kinds) or text.startswith("#!"):
            lines = text.count("\n")
            if lines > FILE_LINES_MOST:
                yield "%s: %d lines; %d are the most" % (path, lines, FILE_LINES_MOST)


def functions(paths):
    """(path, line, name, lines) of each C function, by universal-ctags."""
    wanted = [p for p in paths if p.endswith(".c")]
    done = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--c-kinds=f", "-f", "-", "-L", "-"],
                          input="\n".join(wanted), text=True, cwd=TOP, capture_output=True, check=True)
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            yield tag["path"], tag["line"], tag["name"], tag["end"] - tag["line"] + 1


def function_sizes(paths):
    every = [f for f in functions(paths) if not f[0].startswith("t/")]
    sizes = sorted(f[3] for f in every)
    if sizes:
        notes["function_sizes"] = "%d functions: median %d lines, p95 %d, longest %d" % (
            len(sizes), sizes[len(sizes) // 2], sizes[int(len(sizes) * 0.95)], sizes[-1])
    for path, line, name, lines in every:
        if lines > FUNCTION_LINES_MOST:
            yield "%s:%d: %s has %d lines; %d are the most" % (path, line, name, lines, FUNCTION_LINES_MOST)


def xml_cflags():
    packages = ["libxml-2.0", "json-c", "libpcre2-8", "lua5.4"]
    done = subprocess.run(["pkg-config", "--cflags"] + packages, capture_output=True, text=True, check=False)
    return done.stdout.split()


def headers_alone(paths):
    """Each header compiles with nothing before it, and twice."""
    flags = FLAGS + xml_cflags()

    def compile_one(path):
        text = '#include "%s"\n#include "%s"\nint stoa_lint_unit;\n' % (path, path)
        done = subprocess.run(["gcc"] + flags + ["-x", "c", "-"], input=text, text=True, cwd=TOP,
                              capture_output=True, check=False)
        first = [line for line in done.stderr.splitlines() if "error" in line][:1]
        return None if done.returncode == 0 else "%s: does not compile alone: %s" % (path, "".join(first))

    with ThreadPoolExecutor(2) as pool:
        for verdict in pool.map(compile_one, [p for p in paths if p.endswith(".h") and source.is_code(p)]):
            if verdict:
                yield verdict


def banned_functions(paths):
    """R8: no weak randomness, no unbounded copies, no shell."""
    pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
    for path in paths:
        if source.is_c(path):
            text = source.without_comments(source.read(TOP, path))
            for match in pattern.finditer(text):
                yield "%s:%d: calls %s" % (path, text.count("\n", 0, match.start()) + 1, match.group(1))


def clang_format(paths):
    if not shutil.which("clang-format"):
        yield "clang-format is not installed: run ./dev setup"
        return

    def check_one(path):
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", path], cwd=TOP, capture_output=True,
                              text=True, check=False)
        first = re.search(r":(\d+):", done.stderr)
        return None if done.returncode == 0 else "%s:%s: run clang-format -i" % (path, first.group(1) if first else 1)

    with ThreadPoolExecutor(2) as pool:
        for verdict in pool.map(check_one, [p for p in paths if source.is_c(p)]):
            if verdict:
                yield verdict


def readmes(paths):
    """Each folder that holds files says in a README.md what lives there; scripts/README.md tells of scripts."""
    known = {os.path.dirname(p) for p in paths if os.path.basename(p) == "README.md"}
    data = ("t/fuzz/corpus", ".ci", "scripts/rest")
    for folder in sorted({os.path.dirname(p) for p in paths}):
        if folder not in known and not folder.startswith(data):
            yield "%s/: has no README.md" % (folder or ".")


def machine_paths(paths):
    for path in paths:
        if path.startswith("t/fuzz/corpus/") or path == "t/lint/run.py":
            continue
        for number, line in enumerate(source.read(TOP, path).split("\n"), 1):
            if FOREIGN_PATHS.search(line):
                yield "%s:%d: names a path of one machine" % (path, number)


def script_syntax(paths):
    for path in paths:
        text = source.read(TOP, path)
        first = text.split("\n", 1)[0]
        if path.endswith(".py") or (first.startswith("#!") and "python" in first):
            try:
                compile(text, path, "exec")
            except SyntaxError as error:
                yield "%s:%s: %s" % (path, error.lineno, error.msg)
        elif path.endswith(".sh") or (first.startswith("#!") and first.rstrip().endswith("sh")):
            done = subprocess.run(["sh", "-n", path], cwd=TOP, capture_output=True, text=True, check=False)
            if done.returncode:
                yield done.stderr.strip()


RULES = [
    ("spdx", spdx),
    ("floor_comments", lambda paths: floors.check_comments(TOP, paths)),
    ("floor_arrows", lambda paths: floors.check_arrows(TOP, paths)),
    ("include_circles", lambda paths: floors.check_circles(TOP, paths)),
    ("file_sizes", file_sizes),
    ("function_sizes", function_sizes),
    ("headers_alone", headers_alone),
    ("R8_banned_functions", banned_functions),
    ("clang_format", clang_format),
    ("readmes", readmes),
    ("machine_paths", machine_paths),
    ("script_syntax", script_syntax),
]


def main():
    wanted = [(n, r) for n, r in RULES if not sys.argv[1:] or any(w in n for w in sys.argv[1:])]
    paths = source.files(TOP)
    bad = 0
    print("1..%d" % len(wanted))
    for number, (name, rule) in enumerate(wanted, 1):
        offences = list(rule(paths))
        bad += bool(offences)
        print("%s %d - lint %s" % ("not ok" if offences else "ok", number, name))
        for offence in offences:
            print("# " + offence)
        if name in notes:
            print("# " + notes[name])
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
