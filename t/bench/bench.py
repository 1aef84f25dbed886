# SPDX-License-Identifier: ISC
"""bench.py - ./dev bench [--rounds N] [WORKLOAD]...: Stoa beside those whom users would take instead, in one run."""
import argparse
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import peers  # noqa: E402,F401  (first: it knows where the harness is)
import crowds  # noqa: E402
import cycles  # noqa: E402
import figures  # noqa: E402
import files  # noqa: E402
import house  # noqa: E402
import rest  # noqa: E402
import stock  # noqa: E402
from harness import base  # noqa: E402

WORKLOADS = [files.SmallGet, files.LargeGet, files.SmallPut, files.LargePut, cycles.SlotCycle, cycles.Slots, rest.Rest,
             crowds.IdleConnections, crowds.SlowClients, crowds.TlsHandshake, stock.Scale, stock.Expiry]
OUT = os.path.join(base.TOP, "build", "bench")


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(bench, kind, rounds):
    """The rows of one workload; its servers are ended whatever happens."""
    work = kind(bench)
    try:
        work.start()
        for turn in range(rounds):
            say("%s: round %d of %d" % (kind.name, turn + 1, rounds))
            work.round(turn)
        return work.rows()
    finally:
        work.stop()


def report(rows, failed, load, seconds):
    print(figures.table(rows))
    noisy = [r.text.strip() for r in rows if r.spread and r.spread > 0.2]
    print("\n%d goals hold, %d missed; load before the run %.2f; %.0f minutes" % (
        sum(r.verdict() == "holds" for r in rows), sum(r.verdict() == "MISSED" for r in rows), load, seconds / 60))
    if load > 0.5:
        print("The machine was busy before the run began: figures of another run may differ.")
    if noisy:
        print("Rounds differed by more than a tenth either way, so the machine was busy: " + "; ".join(noisy))
    for text in failed:
        print("FAILED " + text)


def main():
    names = [w.name for w in WORKLOADS]
    parser = argparse.ArgumentParser(prog="./dev bench", description="Workloads: " + " ".join(names))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("workload", nargs="*", choices=[[]] + names, help="default: all of them")
    wish = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="stoa-bench-")
    os.chmod(folder, 0o755)
    load, begin, rows, failed = figures.busy(), time.monotonic(), [], []
    bench = house.House(folder, figures.Results(os.path.join(OUT, "figures.jsonl")), wish.rounds)
    try:
        for kind in WORKLOADS:
            if wish.workload and kind.name not in wish.workload:
                continue
            try:
                rows += run(bench, kind, wish.rounds)
            except Exception as error:  # noqa: BLE001 - the other workloads are still worth their time
                failed.append("%s: %s" % (kind.name, error or repr(error)))
                say(failed[-1])
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    report(rows, failed, load, time.monotonic() - begin)
    with open(os.path.join(OUT, "table.md"), "w") as file:
        file.write(figures.markdown(rows) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
