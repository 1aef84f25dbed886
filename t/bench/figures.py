# SPDX-License-Identifier: ISC
"""figures.py - what was measured: every single figure as a line of JSON, ratios round by round, and the table.

A ratio is taken within a round, where both sides met the same machine; what is shown is the median of the rounds'
ratios, and its spread says how quiet the machine was."""
import json
import os
import statistics


class Results:
    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.path = path
        self.file = open(path, "w")
        self.values = {}

    def add(self, workload, who, **measured):
        self.file.write(json.dumps(dict(workload=workload, who=who, **measured)) + "\n")
        self.file.flush()
        for name, value in measured.items():
            self.values.setdefault((workload, who, name), []).append(value)

    def has(self, workload, who, name):
        return (workload, who, name) in self.values

    def median(self, workload, who, name):
        return statistics.median(self.values[workload, who, name])

    def ratios(self, workload, who, name, other, other_name=None):
        """Of each round: who's figure by other's."""
        mine, theirs = self.values[workload, who, name], self.values[workload, other, other_name or name]
        return [a / b for a, b in zip(mine, theirs) if b]

    def ratio(self, workload, who, name, other, other_name=None):
        return statistics.median(self.ratios(workload, who, name, other, other_name))


def number(value):
    """Three digits that count: 12345, 1.23, 0.0456."""
    if value >= 100:
        return "%.0f" % value
    return "%.*f" % (1 if value >= 10 else 2 if value >= 0.1 else 4, value)


class Row:
    """One line of the table. goal: None, or (">=" | "<=", bound); judged: the figure that is held against it."""

    def __init__(self, text, mine, unit, peer=None, peer_name="", judged=None, goal=None, spread=None):
        self.text, self.mine, self.unit, self.peer, self.peer_name = text, mine, unit, peer, peer_name
        self.judged, self.goal, self.spread = judged, goal, spread

    @classmethod
    def against(cls, results, text, workload, name, unit, peer, goal=None, who="stoa", other_name=None):
        """Stoa's figure beside a peer's, judged by the median of the rounds' ratios."""
        ratios = results.ratios(workload, who, name, peer, other_name)
        middle = statistics.median(ratios)
        return cls(text, results.median(workload, who, name), unit, results.median(workload, peer, other_name or name), peer,
                   middle, goal, (max(ratios) - min(ratios)) / middle if middle else 0)

    @classmethod
    def alone(cls, results, text, workload, name, unit, goal=None, who="stoa"):
        value = results.median(workload, who, name)
        return cls(text, value, unit, judged=value, goal=goal)

    def verdict(self):
        if self.goal is None:
            return ""
        kind, bound = self.goal
        good = self.judged >= bound if kind == ">=" else self.judged <= bound
        return "holds" if good else "MISSED"

    def cells(self):
        ratio = "" if self.peer is None else number(self.judged)
        return (self.text, "%s %s" % (number(self.mine), self.unit),
                "" if self.peer is None else "%s %s" % (self.peer_name, number(self.peer)), ratio,
                "" if not self.spread else "±%.0f %%" % (self.spread * 50),
                "" if self.goal is None else "%s %s" % (self.goal[0], number(self.goal[1])), self.verdict())


HEAD = ("", "Stoa", "peer", "ratio", "spread", "goal", "")


def table(rows):
    cells = [HEAD] + [row.cells() for row in rows]
    widths = [max(len(c[i]) for c in cells) for i in range(len(HEAD))]
    return "\n".join("  ".join(c[i].ljust(widths[i]) if i == 0 else c[i].rjust(widths[i]) for i in range(len(HEAD))).rstrip()
                     for c in cells)


def markdown(rows):
    lines = ["| %s |" % " | ".join(("workload",) + HEAD[1:6] + ("verdict",)), "|" + " --- |" * len(HEAD)]
    return "\n".join(lines + ["| %s |" % " | ".join(row.cells()) for row in rows])


def busy():
    """Running processes but ours, as the kernel counts them over the last minute."""
    return os.getloadavg()[0]
