"""The sum that a browser does before a public form is taken."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import proofs
from schemas.errors import TooMany
from schemas.limits import Limit, network

SECRET = b"s" * 32
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NONCE = "0" * 31 + "1"


def solved(challenge: proofs.Challenge) -> str:
    for number in range(challenge.most):
        if hashlib.sha256(f"{challenge.token}{number}".encode()).hexdigest() == challenge.digest:
            return str(number)
    raise AssertionError("no number solves it")


def test_who_did_the_sum_is_let_in_once_the_form_can_have_been_typed():
    challenge = proofs.issue(SECRET, NONCE, NOW)
    found = solved(challenge)
    verdicts = {
        seconds: proofs.judge(SECRET, challenge.token, found, NOW + timedelta(seconds=seconds))
        for seconds in (1, 3, 3600, 13 * 3600)
    }
    assert verdicts == {1: "soon", 3: "good", 3600: "good", 13 * 3600: "stale"}
    assert proofs.judge(SECRET, challenge.token, "", NOW + timedelta(seconds=5)) == "unproved"
    assert proofs.judge(b"x" * 32, challenge.token, found, NOW + timedelta(seconds=5)) == "stale"
    assert proofs.again(SECRET, challenge.token) == challenge
    assert proofs.nonce_of(challenge.token) == NONCE


def test_the_slower_way_needs_no_sum_but_time():
    token = proofs.issue(SECRET, NONCE, NOW, "slow").token
    assert proofs.judge(SECRET, token, "", NOW + timedelta(seconds=19)) == "soon"
    assert proofs.judge(SECRET, token, "", NOW + timedelta(seconds=20)) == "good_slow"
    quick = proofs.issue(SECRET, NONCE, NOW).token
    assert proofs.judge(SECRET, quick.replace(".q.", ".s."), "", NOW + timedelta(minutes=1)) == "stale"


@given(st.text(max_size=100), st.text(max_size=20))
def test_whatever_else_is_sent_is_worth_nothing(token: str, solution: str):
    assert proofs.judge(SECRET, token, solution, NOW) == "stale"
    made = proofs.issue(SECRET, NONCE, NOW).token
    assert proofs.judge(SECRET, made, f"x{solution}", NOW) == "unproved"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_of_one_network_count_together(address: str, expected: str):
    assert network(address) == expected


def test_many_at_once_are_let_in_then_one_now_and_then():
    at = [NOW]
    limit = Limit(lambda: at[0], 3, 2.0, "too often")
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooMany, match="too often"):
        limit.take("a")
    limit.take("b")
    at[0] += timedelta(seconds=2)
    limit.take("a")
    with pytest.raises(TooMany):
        limit.take("a")
