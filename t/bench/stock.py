# SPDX-License-Identifier: ISC
"""stock.py - scale: what a million stored slots cost a GET and a slot; expiry: what a sweep of 100,000 files leaves others."""
import os
import subprocess
import threading
import time

import cycles
import figures
import files
import house
from harness import base

FILLER = os.path.join(base.TOP, "build", "release", "t", "bench", "slots_fill")


def filled(front, count, expires, size, with_files):
    """So many stored slots, put there by the upload module's own tables while nobody serves."""
    area = os.path.join(front.folder, "data")
    done = subprocess.run([FILLER, area, str(count), str(expires), str(size), "files" if with_files else "rows"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise base.Failed("slots_fill: %s%s" % (done.stdout, done.stderr))
    subprocess.run(["chown", "-R", "--reference", os.path.join(area, "upload"), area], check=False)


class Scale(house.Workload):
    """Small GET and slot requests with 1 k, 100 k and 1 M slots in the store."""
    name = "scale"
    SIZES = (1000, 100_000, 1_000_000)

    def start(self):
        """A house for each size, so that rounds can be interleaved."""
        self.sides = []
        for count in self.SIZES:
            driver = self.keep(cycles.Driver())
            name = "scale-%d" % count
            front = self.keep(cycles.driven(self.house, driver, name))
            front.stop()
            driver.up.clear()
            begin = time.monotonic()
            filled(front, count, 0, files.SMALL, False)
            self.house.results.add(self.name, name, fill_s=time.monotonic() - begin)
            front.start()
            _, pairs = driver.ask(files.NAMES, 64, files.SMALL)
            paths = files.write_paths(self.house.folder, name + ".paths", cycles.fill(front, pairs, files.SMALL))
            self.sides.append((name, driver, front, paths))

    def round(self, turn):
        for name, driver, front, paths in self.sides if turn % 2 else reversed(self.sides):
            got = house.wrk("http://127.0.0.1:%d" % front.http, "paths.lua", ["GET", paths], files.CROWD)
            self.house.results.add(self.name, name, get_per_s=got["per_s"])
            before = house.cpu_seconds(front.pid)
            spent, _ = driver.ask(cycles.Slots.COUNT, 256, files.SMALL)
            self.house.results.add(self.name, name, slots_per_s=cycles.Slots.COUNT / spent, slot_cpu_us=(
                house.cpu_seconds(front.pid) - before) / cycles.Slots.COUNT * 1e6)

    def rows(self):
        r, out, least = self.house.results, [], "scale-%d" % self.SIZES[0]
        for count in self.SIZES[1:]:
            name = "scale-%d" % count
            for figure, text in (("get_per_s", "small GET"), ("slots_per_s", "slots")):
                row = figures.Row.against(r, "%s with %d slots stored / with 1000" % (text, count), self.name, figure, "/s", least,
                                          (">=", 0.9), who=name)
                row.peer_name = "1000:"
                out.append(row)
        return out


class Expiry(house.Workload):
    """100,000 files become due at once while others download."""
    name = "expiry"
    COUNT = 100_000

    def start(self):
        pass

    def round(self, turn):
        driver = cycles.Driver()
        front = cycles.driven(self.house, driver, "expiry-%d" % turn, ["upload/expiration/limit=1000000", "upload/expiration/delay=2s"])
        try:
            _, pairs = driver.ask(files.NAMES, 64, files.SMALL)
            paths = files.write_paths(self.house.folder, "expiry.paths", cycles.fill(front, pairs, files.SMALL))
            front.stop()
            driver.up.clear()
            filled(front, self.COUNT, int(time.time()) - 60, 1, True)
            front.start()
            url = "http://127.0.0.1:%d" % front.http
            begin, over, rates = time.monotonic(), threading.Event(), []
            removed = front.counter("files_expired")
            while front.counter("files_expired") == removed:
                if time.monotonic() - begin > 300:
                    raise base.Failed("the sweep does not begin")
                time.sleep(0.1)
            while not over.is_set():
                before = front.counter("files_expired")
                rate = house.wrk(url, "paths.lua", ["GET", paths], files.CROWD, 2)["per_s"]
                if front.counter("files_expired") < removed + self.COUNT:
                    rates.append(rate)
                elif before == removed + self.COUNT:
                    over.set()
                if time.monotonic() - begin > 600:
                    raise base.Failed("the sweep does not end")
            alone = house.wrk(url, "paths.lua", ["GET", paths], files.CROWD, 3)["per_s"]
            for rate in rates:
                self.house.results.add(self.name, "stoa", per_s=rate)
                self.house.results.add(self.name, "alone", per_s=alone)
        finally:
            front.stop()
            driver.stop()

    def rows(self):
        if not self.house.results.has(self.name, "stoa", "per_s"):
            raise base.Failed("the sweep was over before anything could be measured beside it")
        return [figures.Row.against(self.house.results, "small GET beside the expiry of 100,000 files / alone", self.name, "per_s", "/s",
                                    "alone", (">=", 0.8))]
