"""A ping: one ICMP echo request to an address, and whether its answer came (RFC 792)."""

from __future__ import annotations

import os
import socket
import struct
from time import monotonic

ECHO_REQUEST, ECHO_REPLY = 8, 0
_HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence."""


def answers_ping(address: str, seconds: float = 0.5, sequence: int = 1) -> bool:
    """True when `address` answers one echo request in time; needs root (a raw socket), as the whole command does."""
    # Each request is a connection of its own: one that a virtual switch still tracks may lead to the guest that had the
    # address before, and every further packet of it would keep that memory alive.
    identifier = int.from_bytes(os.urandom(2), "big")
    payload = os.urandom(16)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as ping:
        try:
            ping.sendto(echo_request(identifier, sequence, payload), (address, 0))
            return wait_for_reply(ping, (identifier, sequence, payload), monotonic() + seconds)
        except OSError:  # no route yet, host unreachable: no answer
            return False


def echo_request(identifier: int, sequence: int, payload: bytes) -> bytes:
    """The packet, checksum filled in."""
    bare = _HEADER.pack(ECHO_REQUEST, 0, 0, identifier, sequence) + payload
    return _HEADER.pack(ECHO_REQUEST, 0, checksum(bare), identifier, sequence) + payload


def checksum(packet: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = packet + b"\0" * (len(packet) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def wait_for_reply(ping: socket.socket, wanted: tuple[int, int, bytes], end: float) -> bool:
    """Read packets until the wanted reply comes or the time is over; others' replies are passed over."""
    while (left := end - monotonic()) > 0:
        ping.settimeout(left)
        try:
            packet = ping.recv(2048)
        except TimeoutError:
            return False
        if is_reply(packet, wanted):
            return True
    return False


def is_reply(packet: bytes, wanted: tuple[int, int, bytes]) -> bool:
    """Tell whether an IPv4 packet is the echo reply to what was sent."""
    start = (packet[0] & 0x0F) * 4
    message = packet[start:]
    if len(message) < _HEADER.size:
        return False
    kind, _, _, identifier, sequence = _HEADER.unpack(message[: _HEADER.size])
    return kind == ECHO_REPLY and (identifier, sequence, message[_HEADER.size :]) == wanted
