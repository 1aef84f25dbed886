# SPDX-License-Identifier: ISC
"""Two hundred SIGKILLs of random processes under load: no wrong byte, no lost upload, no slot stuck."""
import os
import random
import re
import signal
import time

from harness import base, load, web

KILLS = int(os.environ.get("STOA_KILLS", "200"))


def test_two_hundred_kills_under_load(make):
    house = make("upload/limits/burst=1000000", "upload/limits/rate-period=PT1S", workers=3)
    choice = random.Random(20261122)
    absent = []
    kinds = {"worker": 0, "router": 0, "keeper": 0}
    with load.Load(house, house.server, threads=4, tolerant=True) as crowd:
        base.wait_for(lambda: crowd.uploads >= 5, "the load to begin")
        for number in range(KILLS):
            kind = choice.choices(("worker", "router", "keeper"), (6, 3, 1))[0]
            pids = base.wait_for(lambda k=kind: house.pids(k), kind)
            try:
                os.kill(choice.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                continue
            kinds[kind] += 1
            began = time.monotonic()
            before = crowd.uploads
            if number % 10 == 9:  # every tenth time: is the whole service back?
                base.wait_for(lambda b=before: crowd.uploads > b and house.ready(), "uploads after kill %d" % number)
                absent.append(time.monotonic() - began)
            else:
                time.sleep(choice.uniform(0, 0.08))  # the moment of the next kill is what is random
        base.wait_for(house.ready, "all processes after the last kill")
    assert not crowd.problems, crowd.problems[:5]
    assert min(kinds.values()) > 0
    assert crowd.uploads > KILLS / 4
    wrong = crowd.verify()
    assert not wrong, wrong[:5]
    # The promise is a second; what it was is shown, not asserted, as neighbours may be at work here.
    print("back after %.2f s (median of %d)" % (sorted(absent)[len(absent) // 2], len(absent)))

    # no slot is stuck: a promise that was broken off can be used, once
    slot = house.slot("last.bin", 3)
    assert web.put(slot.put, b"abc").status == 201
    house.ctl("fsck")
    assert not re.search(r"\bbug\b|assert|must\(", house.log())
    house.check_sanitizers()
