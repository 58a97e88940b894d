"""Tell network addresses of the public internet from private ones."""

from __future__ import annotations

import ipaddress

__all__ = ["PrivateAddressError", "is_public"]

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddressError(Exception):
    """A host all of whose addresses are of this machine or its networks."""


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address is one of the public internet.

    Not loopback, link-local (where clouds keep their metadata), private, shared, multicast or
    reserved ones, nor IPv6 forms of them.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(ip.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
