# SPDX-License-Identifier: ISC
"""bridge.py - what one writes in an hour in place of a REST front: slixmpp and aiohttp. Measured beside Stoa.

POST /stream with an IQ: a key and a login are looked at, the IQ is sent from a component, its answer is the body.

    bridge.py JID SECRET XMPP-PORT HTTP-PORT KEY USER:PASSWORD"""
import asyncio
import base64
import hmac
import sys
import xml.etree.ElementTree as ET

import slixmpp
from aiohttp import web
from slixmpp.exceptions import IqError, IqTimeout


async def main(jid, secret, xmpp_port, http_port, key, login):
    component = slixmpp.ComponentXMPP(jid, secret, "127.0.0.1", int(xmpp_port))
    up = asyncio.get_running_loop().create_future()
    component.add_event_handler("session_start", lambda _: up.done() or up.set_result(None))
    component.connect()
    await asyncio.wait_for(up, 30)
    wanted = "Basic " + base64.b64encode(login.encode()).decode()

    async def stream(request):
        if not hmac.compare_digest(request.headers.get("Api-Key", ""), key):
            return web.Response(status=403)
        if not hmac.compare_digest(request.headers.get("Authorization", ""), wanted):
            return web.Response(status=401)
        asked = ET.fromstring(await request.read())
        iq = component.make_iq(id=component.new_id(), ito=asked.get("to"), ifrom=jid, itype=asked.get("type"))
        for payload in asked:
            iq.append(payload)
        try:
            answer = await iq.send(timeout=20)
        except IqError as error:
            answer = error.iq
        except IqTimeout:
            return web.Response(status=504)
        return web.Response(text=str(answer), content_type="application/xml")

    application = web.Application()
    application.router.add_post("/stream", stream)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(http_port)).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
