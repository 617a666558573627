"""The ping: packets as RFC 792 wants them, and real answers from the loopback."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mastic.verify.icmp import answers_ping, checksum, echo_request, is_reply

IP_HEADER = bytes([0x45]) + bytes(19)


def test_checksum_of_the_example_in_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=64))
def test_checksum_over_a_whole_packet_is_zero(identifier: int, sequence: int, payload: bytes) -> None:
    assert checksum(echo_request(identifier, sequence, payload)) == 0


def test_only_the_reply_to_the_same_request_counts() -> None:
    request = echo_request(7, 1, b"payload")
    reply = IP_HEADER + b"\0" + request[1:]
    assert is_reply(reply, (7, 1, b"payload"))
    assert not is_reply(IP_HEADER + request, (7, 1, b"payload"))
    assert not is_reply(reply, (8, 1, b"payload"))
    assert not is_reply(reply, (7, 1, b"another"))
    assert not is_reply(IP_HEADER + b"\0", (7, 1, b"payload"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a raw socket needs root")
def test_loopback_answers_and_a_reserved_address_does_not() -> None:
    assert answers_ping("127.0.0.1")
    assert not answers_ping("240.0.0.1", seconds=0.1)
