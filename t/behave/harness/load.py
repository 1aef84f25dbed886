# SPDX-License-Identifier: ISC
"""load.py - a steady crowd of uploads and downloads, every byte of it checked, for tests that disturb the daemon.

What was answered 201 must be there with the same bytes for ever after; what was not may be there or not, but if
it is, whole. Clients try again as real ones do; how long each operation had to be tried is remembered."""
import hashlib
import os
import queue
import random
import threading
import time

from . import base, web, xmpp

SIZES = (1, 700, 10_000, 70_000, 600_000)


class Load:
    """tolerant: connections may break and 5xx may come, since processes are being killed. Otherwise each of
    these is a failure."""

    def __init__(self, house, server, threads=4, tolerant=False, patience=20):
        self.house, self.server, self.tolerant, self.patience = house, server, tolerant, patience
        self.stored, self.problems, self.lock = {}, [], threading.Lock()
        self.unsure, self.over, self.uploads, self.downloads, self.retries = [], threading.Event(), 0, 0, 0
        self.longest = 0.0
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(self.patience * 4)
            if thread.is_alive():
                self.problem("a client still hangs")

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def _run(self, number):
        random_source = random.Random(number)
        conn = None
        try:
            while not self.over.is_set():
                conn = self._upload(number, conn, random_source)
                conn = self._download(conn, random_source)
        except Exception as error:  # noqa: BLE001 - a client that dies is a failure like others
            self.problem("client %d: %r" % (number, error))
        finally:
            if conn:
                conn.close()

    def _ask(self, conn, method, target, body=None):
        """(connection to go on with, reply or None). A kept connection that was closed while idle is no failure:
        RFC 9112 9.3.1 lets clients repeat what is idempotent."""
        fresh = conn is None
        try:
            if fresh:
                conn = self.house.conn(seconds=self.patience)
            reply = conn.request(method, target, body=body)
            if reply.closes:
                conn.close()
                conn = None
            return conn, reply
        except (OSError, web.Closed) as error:
            if conn:
                conn.close()
            if not self.tolerant and (fresh or (isinstance(error, web.Closed) and error.got)):
                self.problem("%s %s: %r" % (method, target, error))
            return None, None

    def _slot(self, number, size):
        deadline = time.monotonic() + self.patience
        while True:
            try:
                answer = self.server.slot_iq("load.bin", size, sender="user%d@localhost/x" % number, seconds=5)
                if answer.get("type") == "result":
                    return xmpp.Slot(answer)
                if not self.tolerant:
                    self.problem("slot refused: %s" % (xmpp.error_of(answer),))
                    return None
            except (base.Failed, OSError, queue.Empty) as error:
                if not self.tolerant:
                    self.problem("slot: %r" % error)
                    return None
            if time.monotonic() > deadline:
                self.problem("no slot for %g s" % self.patience)
                return None
            time.sleep(0.02)

    def _upload(self, number, conn, random_source):
        size = random_source.choice(SIZES)
        body = os.urandom(16) * (size // 16 + 1)
        body = body[:size]
        slot = self._slot(number, size)
        if not slot:
            return conn
        target, began, tries = web.split(slot.put)[2], time.monotonic(), 0
        digest = hashlib.sha256(body).digest()
        with self.lock:
            self.unsure.append((slot.get, digest))
        while True:
            conn, reply = self._ask(conn, "PUT", target, body)
            status = reply.status if reply else 0
            tries += 1
            # 409 after a try without an answer: the first one had gone through
            if status == 201 or (status == 409 and tries > 1 and b"already" in reply.body):
                break
            if status and not (self.tolerant and (status >= 500 or status == 409)):
                self.problem("PUT %s: %r" % (target, reply))
                return conn
            if time.monotonic() - began > self.patience:
                self.problem("PUT %s was never taken; at last %r" % (target, reply))
                return conn
            if status:
                time.sleep(0.02)
        with self.lock:
            self.unsure.remove((slot.get, digest))
            self.stored[slot.get] = digest
            self.uploads += 1
            self.retries += tries - 1
            self.longest = max(self.longest, time.monotonic() - began)
        return conn

    def _download(self, conn, random_source):
        with self.lock:
            if not self.stored:
                return conn
            url, digest = random_source.choice(list(self.stored.items()))
        began = time.monotonic()
        while True:
            conn, reply = self._ask(conn, "GET", web.split(url)[2])
            if reply and reply.status == 200:
                if hashlib.sha256(reply.body).digest() != digest:
                    self.problem("GET %s: other bytes" % url)
                break
            if reply and not (self.tolerant and reply.status >= 500):
                self.problem("GET %s: %r" % (url, reply))
                break
            if time.monotonic() - began > self.patience:
                self.problem("GET %s was never answered" % url)
                break
        with self.lock:
            self.downloads += 1
            self.longest = max(self.longest, time.monotonic() - began)
        return conn

    def verify(self):
        """Everything that was acknowledged is there whole; all else is whole or absent."""
        wrong = []
        with self.house.conn() as conn:
            for url, digest in self.stored.items():
                reply = conn.request("GET", web.split(url)[2])
                if reply.status != 200 or hashlib.sha256(reply.body).digest() != digest:
                    wrong.append("%s: %r" % (url, reply.status))
            for url, digest in self.unsure:
                reply = conn.request("GET", web.split(url)[2])
                if reply.status == 200 and hashlib.sha256(reply.body).digest() != digest:
                    wrong.append("%s: partial" % url)
        return wrong
