# SPDX-License-Identifier: ISC
"""TLS: versions, certificates by name, resumption at any worker, what is refused."""
import os
import socket
import ssl
import threading

import pytest

from harness import base, certs, web


def test_upload_and_download_over_tls(house):
    slot = house.slot("tls.bin", 1_000_000)
    body = os.urandom(1_000_000)
    with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
        assert conn.request("PUT", web.split(slot.put)[2], body=body).status == 201
        assert conn.request("GET", web.split(slot.get)[2]).body == body


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_1_2_and_1_3_are_spoken(house, version):
    wanted = getattr(ssl.TLSVersion, version)
    ctx = house.tls(minimum_version=wanted, maximum_version=wanted)
    with web.Conn((base.LOOPBACK, house.https), ctx) as conn:
        assert conn.sock.version() == version.replace("_", ".")
        assert conn.request("GET", "/nowhere").status == 404


def test_tls_1_1_is_refused(house):
    ctx = house.tls()
    ctx.minimum_version = ssl.TLSVersion.TLSv1
    ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    ctx.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        web.Conn((base.LOOPBACK, house.https), ctx)


def test_least_version_can_be_raised(make):
    house = make("httpServer/tls-min-version=1.3")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        web.Conn((base.LOOPBACK, house.https), house.tls(maximum_version=ssl.TLSVersion.TLSv1_2))
    with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
        assert conn.request("GET", "/nowhere").status == 404


@pytest.fixture(scope="module")
def names(certificates):
    """A Stoa with certificates of three names, one of them a wildcard."""
    import conftest
    folder = conftest.folder("names")
    certs.authority(folder)
    for name, sans in (("files.example.org", ["files.example.org"]), ("default", ["localhost"]),
                       ("_.example.net", ["*.example.net"])):
        certs.certificate(folder, os.path.join(folder, name + ".pem"), sans)
    maker = conftest.Maker(folder)
    house = maker()
    yield house
    maker.end()


@pytest.mark.parametrize("asked,shown", [("files.example.org", "files.example.org"), ("FILES.example.org", "files.example.org"),
                                         ("a.example.net", "*.example.net"), ("unknown.example.com", "localhost")])
def test_certificate_is_chosen_by_the_name_asked_for(names, asked, shown):
    ctx = names.tls(check_hostname=False)
    with web.Conn((base.LOOPBACK, names.https), ctx, server_name=asked) as conn:
        assert ("DNS", shown) in conn.sock.getpeercert()["subjectAltName"]


def test_certificate_of_a_connection_can_be_fixed(make, certificates):
    folder = make.folder("certs")
    certs.authority(folder)
    certs.certificate(folder, os.path.join(folder, "fixed.example.org.pem"), ["fixed.example.org"])
    certs.certificate(folder, os.path.join(folder, "localhost.pem"), ["localhost"])
    make.certificates = folder
    house = make(start=False)
    house.sets.append("httpServer/connections/%d/domain=fixed.example.org" % house.https)
    house.start()
    with web.Conn((base.LOOPBACK, house.https), house.tls(check_hostname=False), server_name="localhost") as conn:
        assert ("DNS", "fixed.example.org") in conn.sock.getpeercert()["subjectAltName"]


def test_certificates_are_read_anew_on_reload(make):
    folder = make.folder("certs")
    certs.authority(folder)
    certs.certificate(folder, os.path.join(folder, "localhost.pem"), ["localhost"])
    make.certificates = folder
    house = make()

    def serial():
        with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
            return conn.sock.getpeercert()["serialNumber"]

    before = serial()
    certs.certificate(house.folder, os.path.join(house.folder, "certs", "localhost.pem"), ["localhost"])
    house.ca = os.path.join(house.folder, "ca.pem")
    if os.getuid() == 0:
        for name in os.listdir(os.path.join(house.folder, "certs")):
            if not name.endswith(".pem"):
                os.unlink(os.path.join(house.folder, "certs", name))
    house.ctl("reload")
    assert serial() != before


@pytest.mark.parametrize("fields", [b"GET /none HTTP/1.0\r\n\r\n", b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"])
def test_connection_ends_with_close_notify(house, fields):
    """RFC 8446 6.1: without it OpenSSL's clients take the end for an attack and never resume the session."""
    ctx = house.tls()
    ctx.options &= ~(1 << 7)  # SSL_OP_IGNORE_UNEXPECTED_EOF, which Python sets
    with socket.create_connection((base.LOOPBACK, house.https), base.WAIT) as sock:
        with ctx.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
            tls.sendall(fields)
            got = b""
            while piece := tls.recv(65536):  # a ragged end raises
                got += piece
    assert got.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_resume_at_any_worker(make, version):
    house = make(workers=3)
    wanted = getattr(ssl.TLSVersion, version)
    ctx = house.tls(minimum_version=wanted, maximum_version=wanted)
    with web.Conn((base.LOOPBACK, house.https), ctx) as conn:
        conn.request("GET", "/nowhere")
        session = conn.sock.session
    resumed = 0
    for _ in range(12):
        with web.Conn((base.LOOPBACK, house.https), ctx, session=session) as conn:
            conn.request("GET", "/nowhere")
            resumed += conn.sock.session_reused
            session = conn.sock.session or session
    assert resumed == 12
    base.wait_for(lambda: house.counter("tls_resumed") >= 12, "the counter of resumed sessions")


def test_sessions_resume_after_a_reload(make):
    house = make()
    ctx = house.tls(maximum_version=ssl.TLSVersion.TLSv1_2)
    with web.Conn((base.LOOPBACK, house.https), ctx) as conn:
        conn.request("GET", "/nowhere")
        session = conn.sock.session
    house.ctl("reload")
    with web.Conn((base.LOOPBACK, house.https), ctx, session=session) as conn:
        assert conn.sock.session_reused


def test_alpn_answers_http_1_1_to_those_who_speak_that(house):
    ctx = house.tls()
    ctx.set_alpn_protocols(["spdy/3", "http/1.1"])
    with web.Conn((base.LOOPBACK, house.https), ctx) as conn:
        assert conn.sock.selected_alpn_protocol() == "http/1.1"


def test_plain_http_on_a_tls_port_does_no_harm(house):
    with web.Conn((base.LOOPBACK, house.https)) as conn:
        conn.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = conn.rest()
        assert got == b"" or b" 400 " in got or got[:1] == b"\x15"
    with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
        assert conn.request("GET", "/nowhere").status == 404


def test_handshake_that_stalls_is_closed(make):
    house = make("httpServer/header-timeout=PT1S")
    with web.Conn((base.LOOPBACK, house.https)) as conn:
        conn.send(b"\x16\x03\x01\x02\x00")
        conn.rest()


def test_tls_download_survives_a_slow_reader(house):
    body = os.urandom(400_000)
    slot = house.store(body, "slow.bin")
    with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert conn.request("GET", web.split(slot.get)[2]).body == body


def test_many_tls_connections_at_once(house):
    body = os.urandom(300_000)
    slot, wrong = house.store(body, "many.bin"), []

    def one():
        try:
            with web.Conn((base.LOOPBACK, house.https), house.tls()) as conn:
                for _ in range(5):
                    if conn.request("GET", web.split(slot.get)[2]).body != body:
                        wrong.append("different bytes")
        except Exception as error:  # noqa: BLE001 - every kind of failure is one here
            wrong.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_ssl_connection_without_any_certificate_does_not_start(make):
    make.certificates = make.folder("no-certs")
    house = make(start=False)
    for name in os.listdir(os.path.join(house.folder, "certs")):
        os.unlink(os.path.join(house.folder, "certs", name))
    with pytest.raises(base.Failed) as error:
        house.start()
    assert "cert" in str(error.value)
