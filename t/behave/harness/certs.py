# SPDX-License-Identifier: ISC
"""certs.py - an authority of one's own and certificates signed by it, made by openssl, once per folder."""
import os
import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _openssl(*arguments):
    subprocess.run(["openssl"] + list(arguments), check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(folder):
    """folder/ca.pem and its key; the path of the former."""
    os.makedirs(folder, exist_ok=True)
    ca, key = os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
    if not os.path.exists(ca):
        _openssl("req", "-x509", *EC, "-days", "3650", "-subj", "/CN=Stoa test authority", "-keyout", key,
                 "-out", ca, "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    return ca


def certificate(folder, target, names, addresses=("127.0.0.1", "::1")):
    """target: chain and key in one file, as Stoa wants it; target's .crt and .key beside it for the others."""
    ca = authority(folder)
    crt, key, csr = target + ".crt", target + ".key", target + ".csr"
    san = ",".join(["DNS:" + n for n in names] + ["IP:" + a for a in addresses])
    extensions = target + ".ext"
    with open(extensions, "w") as file:
        file.write("subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n" % san)
    _openssl("req", "-new", *EC, "-subj", "/CN=" + names[0], "-keyout", key, "-out", csr)
    _openssl("x509", "-req", "-in", csr, "-CA", ca, "-CAkey", os.path.join(folder, "ca.key"), "-CAcreateserial",
             "-days", "3650", "-extfile", extensions, "-out", crt)
    with open(target, "w") as out:
        os.chmod(target, 0o600)
        for part in (crt, ca, key):
            with open(part) as file:
                out.write(file.read())
    for name in (csr, extensions):
        os.unlink(name)
    return target
