import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.authority import (
    BACKDATE,
    CA_LIFE,
    LEAF_LIFE,
    OVERLAP,
    RETIRED_LIMIT,
    Authorities,
    RotationError,
)
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from tests.support.webhooks.made import of_version_5

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = authority.server_names("hooks", "system")
MINUTE = timedelta(minutes=1)


def test_server_names_begin_with_the_one_that_the_api_server_asks_for() -> None:
    assert NAMES == ("hooks.system.svc", "hooks.system", "hooks.system.svc.cluster.local")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (NOW - BACKDATE - MINUTE, False),
        (NOW - BACKDATE + MINUTE, True),
        (NOW, True),
        (NOW + LEAF_LIFE - MINUTE, True),
        (NOW + LEAF_LIFE + MINUTE, False),
    ],
)
def test_a_leaf_verifies_within_its_dates_only(when: datetime, expected: bool) -> None:
    ca = authority.create(NOW)
    leaf = authority.issue(ca, NAMES, NOW).certificate
    bundle = authority.pem([ca.certificate])
    assert authority.valid(leaf, when) is expected
    assert authority.verifies(bundle, leaf, NAMES[0], when) is expected


def test_a_leaf_verifies_for_its_names_and_its_authority_only() -> None:
    ca, other = authority.create(NOW), authority.create(NOW)
    leaf = authority.issue(ca, NAMES, NOW).certificate
    bundle = authority.pem([ca.certificate])
    assert all(authority.verifies(bundle, leaf, name, NOW) for name in NAMES)
    assert not authority.verifies(bundle, leaf, "hooks.other.svc", NOW)
    assert not authority.verifies(authority.pem([other.certificate]), leaf, NAMES[0], NOW)
    assert authority.verifies(authority.pem([other.certificate, ca.certificate]), leaf, NAMES[0], NOW)


@pytest.mark.parametrize(
    "bundle",
    [
        b"",
        b"x",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        of_version_5(authority.pem([authority.create(NOW).certificate])),
    ],
)
def test_a_malformed_bundle_verifies_nothing(bundle: bytes) -> None:
    leaf = authority.issue(authority.create(NOW), NAMES, NOW).certificate
    assert not authority.verifies(bundle, leaf, NAMES[0], NOW)


def test_renewal_is_due_at_two_thirds() -> None:
    leaf = authority.issue(authority.create(NOW), NAMES, NOW).certificate
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert authority.renew_at(leaf) - leaf.not_valid_before_utc == life * 2 / 3


def test_a_leaf_does_not_outlive_its_authority() -> None:
    ca = authority.create(NOW, life=timedelta(days=2))
    assert authority.issue(ca, NAMES, NOW).certificate.not_valid_after_utc == ca.certificate.not_valid_after_utc


def test_a_rotation_step_by_step() -> None:
    first, change = authority.rotated(None, NOW, published=False)
    assert change == "created"
    assert len(first.trusted) == 1
    due = authority.renew_at(first.current.certificate)
    assert authority.rotated(first, due - MINUTE, published=True) == (first, "")

    second, change = authority.rotated(first, due, published=True)
    assert change == "published"
    assert second.current == first.current
    assert second.trusted[0] == first.current.certificate
    assert len(second.trusted) == 2
    assert authority.rotated(second, due + MINUTE, published=False) == (second, "")

    third, change = authority.rotated(second, due + MINUTE, published=True)
    assert change == "promoted"
    assert third.current == second.upcoming
    assert set(third.trusted) == set(second.trusted)
    last_leaf = authority.issue(first.current, NAMES, due + MINUTE).certificate
    (retired,) = third.retired
    assert retired.until > last_leaf.not_valid_after_utc
    assert authority.rotated(third, retired.until - MINUTE, published=True) == (third, "")

    fourth, change = authority.rotated(third, due + MINUTE + OVERLAP, published=True)
    assert change == "dropped"
    assert fourth == Authorities(third.current)


def test_rotations_close_to_each_other_keep_every_authority_whose_leaves_may_live() -> None:
    kept, _ = authority.rotated(None, NOW, published=False)
    signed = [authority.issue(kept.current, NAMES, NOW).certificate]
    for number in range(RETIRED_LIMIT):
        now = NOW + number * MINUTE
        kept = authority.begun(kept, now)
        with pytest.raises(RotationError, match="under way"):
            authority.begun(kept, now)
        kept, change = authority.rotated(kept, now, published=True)
        assert change == "promoted"
        signed.append(authority.issue(kept.current, NAMES, now).certificate)
    assert all(authority.verifies(kept.bundle, leaf, NAMES[0], now) for leaf in signed)
    with pytest.raises(RotationError, match=r"4 earlier authorities .* can begin after 2026-03-08T13:00:00\+00:00"):
        authority.begun(kept, now)
    later, change = authority.rotated(kept, NOW + OVERLAP, published=True)
    assert (change, later.retired) == ("dropped", kept.retired[:-1])
    assert authority.begun(later, NOW + OVERLAP).upcoming


def test_an_upcoming_authority_that_has_expired_is_replaced_and_never_signs() -> None:
    kept, _ = authority.rotated(None, NOW, published=False)
    stale = replace(kept, upcoming=authority.create(NOW, life=timedelta(hours=1)))
    renewed, change = authority.rotated(stale, NOW + timedelta(hours=2), published=True)
    assert change == "published"
    assert renewed.current == kept.current
    assert renewed.upcoming not in (None, stale.upcoming)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-5)], ids=["ahead", "behind"])
def test_a_clock_that_is_five_minutes_off_harms_nobody(ahead: timedelta) -> None:
    """One replica's clock is off; it makes, rotates and signs, and the others and the API server live with it."""
    kept, _ = authority.rotated(None, NOW + ahead, published=False)
    assert authority.rotated(kept, NOW - ahead, published=True) == (kept, "")
    leaf = authority.issue(kept.current, NAMES, NOW + ahead).certificate
    for now in (NOW - timedelta(minutes=5), NOW, NOW + timedelta(minutes=5)):
        assert authority.verifies(kept.bundle, leaf, NAMES[0], now)
    rotated, change = authority.rotated(authority.begun(kept, NOW + ahead), NOW + ahead, published=True)
    assert change == "promoted"
    late = authority.issue(kept.current, NAMES, NOW - ahead).certificate  # by a replica that has not heard of it
    end = late.not_valid_after_utc - MINUTE
    dropping, _ = authority.rotated(rotated, end + ahead, published=True)
    assert authority.verifies(dropping.bundle, late, NAMES[0], end)


def test_at_no_moment_of_two_years_a_leaf_goes_unverified() -> None:
    """Day by day, with the bundle of the day before: what an API server that lags behind knows."""
    kept, _ = authority.rotated(None, NOW, published=False)
    leaf = authority.issue(kept.current, NAMES, NOW).certificate
    bundle, changes = kept.bundle, []
    for days in range(2 * 365):
        now = NOW + timedelta(days=days)
        kept, change = authority.rotated(kept, now, published=kept.bundle == bundle)
        changes += [change] if change else []
        if leaf.issuer != kept.current.certificate.subject or now >= authority.renew_at(leaf):
            leaf = authority.issue(kept.current, NAMES, now).certificate
        assert authority.verifies(bundle, leaf, NAMES[0], now), now
        bundle = kept.bundle
        assert authority.verifies(bundle, leaf, NAMES[0], now), now
    assert changes[:3] == ["published", "promoted", "dropped"]
    assert changes.count("promoted") >= 2


def test_an_expired_authority_is_replaced_at_once() -> None:
    first, _ = authority.rotated(None, NOW, published=False)
    late = NOW + CA_LIFE + MINUTE
    renewed, change = authority.rotated(first, late, published=False)
    assert change == "created"
    assert authority.valid(renewed.current.certificate, late)
    pending = replace(first, upcoming=authority.create(late))
    promoted, change = authority.rotated(pending, late, published=False)
    assert (promoted.current, change) == (pending.upcoming, "promoted")


@asynccontextmanager
async def tls_server(live: ServingCertificate) -> AsyncIterator[int]:
    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=live.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def handshake(port: int, bundle: bytes) -> None:
    trust = ssl.create_default_context(cadata=bundle.decode())
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=NAMES[0])
    writer.close()


async def test_handshakes_succeed_with_every_bundle_of_a_rotation() -> None:
    """OpenSSL as the client; the certificate is exchanged under the running server."""
    now = datetime.now(UTC)
    first = Authorities(authority.create(now))
    second = replace(first, upcoming=authority.create(now))
    third, change = authority.rotated(second, now, published=True)
    assert change == "promoted"
    live = ServingCertificate()
    leaf = authority.issue(first.current, NAMES, now)
    live.load(leaf.certificate_pem, leaf.key_pem)
    async with tls_server(live) as port:
        await handshake(port, first.bundle)
        await handshake(port, second.bundle)
        renewed = authority.issue(third.current, NAMES, now)
        live.load(renewed.certificate_pem, renewed.key_pem)
        await handshake(port, second.bundle)
        await handshake(port, third.bundle)
        with pytest.raises(ssl.SSLCertVerificationError):
            await handshake(port, first.bundle)
