# SPDX-License-Identifier: ISC
"""floors.py - who may include whom. The table is that of the architecture; each file repeats its part of it.

A file sees its own folder and what its row names. The first comment of each file says the same in short
("floor 4 sees 0 and os/log"): it may promise less than the table allows, never more, and its includes must
keep the promise."""
import os
import re

import source

# folder: (floor, what it sees). A number is a whole floor, a name a folder, a path one header.
TABLE = {
    "src/base": (0, ()),
    "etc": (0, ()),
    "src/parse": (1, (0,)),
    "src/os": (2, (0,)),
    "shm": (3, (0, "os/log", "os/bell", "os/loop")),
    "src/conf": (4, (0, "os/log", "os/file")),
    "src/store": (4, (0, "os/log", "os/disk", "os/loop", "os/file")),
    "src/xmpp": (5, (0, 1, 2, 4)),
    "src/http": (5, (0, 1, 2, 3, 4)),
    "src/page": (5, (0, 1, 2, 3, 4, "http")),
    "src/module": (6, (0, 1, 2, 3, 4, 5)),
    "modules": (7, (0, 1, 2, 3, 4, 5, 6)),
    "src/router": (8, (0, 1, 2, 3, 4, "xmpp")),
    "src/worker": (8, (0, 1, 2, 3, 4, "http", "page", 6)),
    "src/keeper": (8, (0, 2, 3, 4, 6)),
    "src/ctl": (9, (0, 2, 3, 4, 6)),
    "src/master": (9, (0, 2, 3, 4, "router/router_main", "worker/worker_main", "keeper/keeper_main")),
    "src": (10, tuple(range(10))),
}
FIRST = re.compile(r"/\* floor (\d+) sees ([^:]*):\s*(\S+)\s+-\s")


def home(path):
    """The row of the table a file belongs to; each folder below modules/ is a home of its own."""
    folder = os.path.dirname(path)
    if folder.startswith("modules/"):
        return "modules"
    return folder if folder in TABLE else None


def short(path):
    """'src/os/log.h' -> 'os/log': as the table and the comments write it."""
    return re.sub(r"^src/", "", os.path.splitext(path)[0])


def seen(allowed, path):
    floor = TABLE[home(path)][0]
    folder = short(os.path.dirname(path) + "/x").rsplit("/", 1)[0]
    return floor in allowed or folder in allowed or short(path) in allowed


def promised(text):
    """What the comment names: floors as numbers, folders and headers as names; other words count nothing."""
    out = set()
    for low, high in re.findall(r"(\d+)\s*\.\.\s*(\d+)", text):
        out.update(range(int(low), int(high) + 1))
    text = re.sub(r"\d+\s*\.\.\s*\d+", " ", text)
    for _, folder in re.findall(r"(\d+)\((\w+)\)", text):
        out.add(folder)
    text = re.sub(r"\d+\(\w+\)", " ", text)
    out.update(int(n) for n in re.findall(r"(?<![\w/])(\d+)(?![\w/])", text))
    out.update(re.sub(r"\.h$", "", n) for n in re.findall(r"[a-z]+/[a-z_0-9]+(?:\.h)?", text))
    if re.search(r"all below|\ball\b", text):
        out.update(range(10))
    return out


def check_comments(top, paths):
    """Each file of ours begins with its licence and with its floor, its name and why it exists."""
    for path in paths:
        if not source.is_code(path):
            continue
        lines = source.read(top, path).split("\n")
        head = "\n".join(lines[:12])
        match = FIRST.search(head)
        if not match or match.start() > len(lines[0]) + 1:
            yield "%s:2: the second line must begin '/* floor N sees ...: %s - why'" % (path, os.path.basename(path))
            continue
        place = home(path)
        if place and int(match.group(1)) != TABLE[place][0]:
            yield "%s:2: says floor %s, lies on floor %d" % (path, match.group(1), TABLE[place][0])
        if match.group(3) != os.path.basename(path):
            yield "%s:2: names itself %s" % (path, match.group(3))


def check_arrows(top, paths):
    for path in paths:
        if not source.is_code(path):
            continue
        place = home(path)
        if not place:
            yield "%s: its folder stands on no floor of the table in t/lint/floors.py" % path
            continue
        match = FIRST.search(source.read(top, path)[:2000])
        promise = promised(match.group(2)) if match else None
        for line, target, name in source.includes(top, path):
            if target is None:
                if not name.endswith("config.h"):
                    yield "%s:%d: there is no %s" % (path, line, name)
                continue
            if os.path.dirname(target) == os.path.dirname(path):
                continue
            other = home(target)
            if other is None or (place == "modules" and other == "modules"):
                yield "%s:%d: may not see %s" % (path, line, target)
            elif not seen(TABLE[place][1], target):
                yield "%s:%d: floor %d (%s) may not see %s of floor %d" % (
                    path, line, TABLE[place][0], place, name, TABLE[other][0])
            elif promise is not None and not seen(promise, target):
                yield "%s:%d: includes %s, but its first comment sees only '%s'" % (
                    path, line, name, match.group(2).strip())


def check_circles(top, paths):
    graph = {p: [t for _, t, _ in source.includes(top, p) if t] for p in paths if source.is_code(p)}
    state, stack = {}, []

    def visit(path):
        state[path] = 1
        stack.append(path)
        for target in graph.get(path, ()):
            if state.get(target) == 1 and target != path:
                yield " -> ".join(stack[stack.index(target):] + [target])
            elif target not in state:
                yield from visit(target)
        stack.pop()
        state[path] = 2

    for path in graph:
        if path not in state:
            yield from visit(path)
