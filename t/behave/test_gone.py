# SPDX-License-Identifier: ISC
"""A client that goes away right after its last byte, and comes back at once."""
import os
import socket
import struct

from harness import base, web


def send_and_go(house, slot, body):
    """Sends a whole PUT and resets the connection without waiting for its answer."""
    with house.conn() as conn:
        conn.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (
            web.split(slot.put)[2], len(body)))
        conn.send(body)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_second_try_after_a_lost_answer_is_never_undone_by_the_first(house):
    """Whatever a 201 or 409 says is stored stays stored, although the first try may be taking its file back."""
    slots = []
    for _ in range(150):
        body = os.urandom(2000)
        slot = house.slot("again.bin", len(body))
        send_and_go(house, slot, body)
        last = base.wait_for(lambda s=slot, b=body: (lambda r: r if r.status == 201 or web.get(s.get).status == 200
                                                     else None)(web.put(s.put, b)), "an end of the second try")
        assert last.status in (201, 409), last
        slots.append((slot, body))
    for slot, body in slots:
        reply = web.get(slot.get)
        assert reply.status == 200 and reply.body == body, reply
    done = house.ctl("fsck", "--deep", check=False)
    assert done.returncode == 0, done.stdout
