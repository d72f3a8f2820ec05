"""The development PKI: a made-up qualified trust service on loopback, worthless in law and saying so in every name.

`make` writes it into a folder once, `load` finds it again, `serve` answers for it over HTTP (time-stamps, OCSP, CRL).
It stands where a qualified provider stands in production, so everything else can be the same code.
"""

from connectors.devpki.certificates import MARK
from connectors.devpki.folder import DevPki, load, make, revoke
from connectors.devpki.server import Service, serve

__all__ = ["MARK", "DevPki", "Service", "load", "make", "revoke", "serve"]
