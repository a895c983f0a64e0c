"""Certificates of a private authority, made by openssl for the tests."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")
CLIENT = "extendedKeyUsage=clientAuth"


def openssl(folder, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)


def self_signed(folder, name):
    """As `openssl req -x509` makes it: an authority's, by its own word."""
    openssl(folder, "req", "-x509", *EC, "-noenc", "-days", 30, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")


class Authority:
    """NAME.crt and NAME.key, which are there."""

    def __init__(self, folder, name):
        self.folder, self.name = Path(folder), name

    def issue(self, name, *extensions, kind=EC, days=30, authority=False):
        """A certificate with its key: NAME.crt and NAME.key."""
        constraint = "basicConstraints=critical,CA:" + ("TRUE" if authority else "FALSE")
        Path(self.folder, f"{name}.ext").write_text("\n".join([constraint, *extensions]))
        openssl(self.folder, "req", *kind, "-noenc", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ["-CA", f"{self.name}.crt", "-CAkey", f"{self.name}.key", "-CAcreateserial", "-days", days]
        openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def folder():
    """A folder with all of them, for the tests of one module."""
    path = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, path)
    make(path)
    return path


def make(folder):
    """Everything that tests/web/cases.py names."""
    for name in ("ca", "foreign-ca", "self"):
        self_signed(folder, name)
    own, foreign = Authority(folder, "ca"), Authority(folder, "foreign-ca")
    own.issue("server", "subjectAltName=DNS:localhost,IP:127.0.0.1", kind=RSA)
    own.issue("renewed", "subjectAltName=DNS:localhost,IP:127.0.0.1", kind=RSA)
    own.issue("client", CLIENT, "subjectAltName=DNS:scraper.example.org,IP:192.0.2.7,email:scraper@example.org,URI:spiffe://example.org/scraper")
    own.issue("plain", CLIENT)
    own.issue("no-client", "extendedKeyUsage=serverAuth")
    own.issue("expired", CLIENT, days=-1)
    foreign.issue("foreign", CLIENT, "subjectAltName=DNS:scraper.example.org")
    own.issue("between", authority=True)
    Authority(folder, "between").issue("below", CLIENT)
    chain = Path(folder, "below.crt").read_text() + Path(folder, "between.crt").read_text()
    Path(folder, "below.crt").write_text(chain)
    openssl(folder, "genrsa", "-out", "small.key", 1024)
    openssl(folder, "pkcs8", "-topk8", "-in", "server.key", "-out", "encrypted.key", "-passout", "pass:secret")
    Path(folder, "junk.pem").write_text("no PEM\n")
    Path(folder, "cut.pem").write_text(Path(folder, "server.crt").read_text()[:200])

