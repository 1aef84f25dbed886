# SPDX-License-Identifier: ISC
"""source.py - the files of the tree as the rules of t/lint see them: which there are, what they include."""
import os
import re

SKIPPED_FOLDERS = {".git", "build", "build-aux", "autom4te.cache", "__pycache__", ".pytest_cache", "m4"}
SKIPPED_PREFIXES = ("configure", "aclocal", "Makefile.in", "config.h.in")
CODE_ROOTS = ("src", "shm", "modules")


def files(top):
    """All files of the tree by their path from top, sorted; what a build makes is left out."""
    found = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith("stoa-"))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), top)
            if "/" not in path and path.startswith(SKIPPED_PREFIXES) and path != "configure.ac":
                continue
            found.append(path)
    return found


def is_c(path):
    return path.endswith((".c", ".h"))


def is_code(path):
    """A C file of the daemon itself, not of its tests."""
    return is_c(path) and path.split("/")[0] in CODE_ROOTS


def read(top, path):
    with open(os.path.join(top, path), "rb") as file:
        return file.read().decode("utf-8", "replace")


def without_comments(text, strings=True):
    """Comments, and strings unless told otherwise, become spaces; lines keep their numbers."""
    pattern = r"/\*.*?\*/|//[^\n]*"
    if strings:
        pattern += r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(pattern, blank, text, flags=re.S)


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def includes(top, path):
    """(line, path from top or None when there is no such file, text as written) of each "..." include."""
    text = without_comments(read(top, path), strings=False)
    for match in INCLUDE.finditer(text):
        name = match.group(1)
        line = text.count("\n", 0, match.start()) + 1
        for folder in (os.path.dirname(path), "src", ""):
            candidate = os.path.normpath(os.path.join(folder, name))
            if os.path.isfile(os.path.join(top, candidate)):
                yield line, candidate, name
                break
        else:
            yield line, None, name
