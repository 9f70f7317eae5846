import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nginx_webhooks.certificates import authority, ca_rotation
from nginx_webhooks.certificates.authority import BACKDATE, CA_LIFETIME, LEAF_LIFETIME
from nginx_webhooks.certificates.ca_rotation import MAX_RETIRED, OVERLAP, CaSet, RotationError
from nginx_webhooks.certificates.pem import encode_certificates
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.validation import renewal_time, verifies, within_validity
from tests.support.webhooks.certificates import of_version_5

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
        (NOW + LEAF_LIFETIME - MINUTE, True),
        (NOW + LEAF_LIFETIME + MINUTE, False),
    ],
)
def test_a_leaf_verifies_within_its_dates_only(when: datetime, expected: bool) -> None:
    ca = authority.create(NOW)
    leaf = authority.issue(ca, NAMES, NOW).certificate
    bundle = encode_certificates([ca.certificate])
    assert within_validity(leaf, when) is expected
    assert verifies(bundle, leaf, NAMES[0], when) is expected


def test_a_leaf_verifies_for_its_names_and_its_authority_only() -> None:
    ca, other = authority.create(NOW), authority.create(NOW)
    leaf = authority.issue(ca, NAMES, NOW).certificate
    bundle = encode_certificates([ca.certificate])
    assert all(verifies(bundle, leaf, name, NOW) for name in NAMES)
    assert not verifies(bundle, leaf, "hooks.other.svc", NOW)
    assert not verifies(encode_certificates([other.certificate]), leaf, NAMES[0], NOW)
    assert verifies(encode_certificates([other.certificate, ca.certificate]), leaf, NAMES[0], NOW)


@pytest.mark.parametrize(
    "bundle",
    [
        b"",
        b"x",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        of_version_5(encode_certificates([authority.create(NOW).certificate])),
    ],
)
def test_a_malformed_bundle_verifies_nothing(bundle: bytes) -> None:
    leaf = authority.issue(authority.create(NOW), NAMES, NOW).certificate
    assert not verifies(bundle, leaf, NAMES[0], NOW)


def test_renewal_is_due_at_two_thirds() -> None:
    leaf = authority.issue(authority.create(NOW), NAMES, NOW).certificate
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert renewal_time(leaf) - leaf.not_valid_before_utc == life * 2 / 3


def test_a_leaf_does_not_outlive_its_authority() -> None:
    ca = authority.create(NOW, lifetime=timedelta(days=2))
    assert authority.issue(ca, NAMES, NOW).certificate.not_valid_after_utc == ca.certificate.not_valid_after_utc


def test_a_rotation_step_by_step() -> None:
    first, change = ca_rotation.advance(None, NOW, propagated=False)
    assert change == "created"
    assert len(first.trust_anchors) == 1
    due = renewal_time(first.issuing.certificate)
    assert ca_rotation.advance(first, due - MINUTE, propagated=True) == (first, "")

    second, change = ca_rotation.advance(first, due, propagated=True)
    assert change == "published"
    assert second.issuing == first.issuing
    assert second.trust_anchors[0] == first.issuing.certificate
    assert len(second.trust_anchors) == 2
    assert ca_rotation.advance(second, due + MINUTE, propagated=False) == (second, "")

    third, change = ca_rotation.advance(second, due + MINUTE, propagated=True)
    assert change == "promoted"
    assert third.issuing == second.next
    assert set(third.trust_anchors) == set(second.trust_anchors)
    last_leaf = authority.issue(first.issuing, NAMES, due + MINUTE).certificate
    (retired,) = third.retired
    assert retired.trusted_until > last_leaf.not_valid_after_utc
    assert ca_rotation.advance(third, retired.trusted_until - MINUTE, propagated=True) == (third, "")

    fourth, change = ca_rotation.advance(third, due + MINUTE + OVERLAP, propagated=True)
    assert change == "dropped"
    assert fourth == CaSet(third.issuing)


def test_rotations_close_to_each_other_keep_every_authority_whose_leaves_may_live() -> None:
    kept, _ = ca_rotation.advance(None, NOW, propagated=False)
    signed = [authority.issue(kept.issuing, NAMES, NOW).certificate]
    for number in range(MAX_RETIRED):
        now = NOW + number * MINUTE
        kept = ca_rotation.begin(kept, now)
        with pytest.raises(RotationError, match="under way"):
            ca_rotation.begin(kept, now)
        kept, change = ca_rotation.advance(kept, now, propagated=True)
        assert change == "promoted"
        signed.append(authority.issue(kept.issuing, NAMES, now).certificate)
    assert all(verifies(kept.ca_bundle, leaf, NAMES[0], now) for leaf in signed)
    with pytest.raises(RotationError, match=r"4 earlier authorities .* can begin after 2026-03-08T13:00:00\+00:00"):
        ca_rotation.begin(kept, now)
    later, change = ca_rotation.advance(kept, NOW + OVERLAP, propagated=True)
    assert (change, later.retired) == ("dropped", kept.retired[:-1])
    assert ca_rotation.begin(later, NOW + OVERLAP).next


def test_an_upcoming_authority_that_has_expired_is_replaced_and_never_signs() -> None:
    kept, _ = ca_rotation.advance(None, NOW, propagated=False)
    stale = replace(kept, next=authority.create(NOW, lifetime=timedelta(hours=1)))
    renewed, change = ca_rotation.advance(stale, NOW + timedelta(hours=2), propagated=True)
    assert change == "published"
    assert renewed.issuing == kept.issuing
    assert renewed.next not in (None, stale.next)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-5)], ids=["ahead", "behind"])
def test_a_clock_that_is_five_minutes_off_harms_nobody(ahead: timedelta) -> None:
    """One replica's clock is off; it makes, rotates and signs, and the others and the API server live with it."""
    kept, _ = ca_rotation.advance(None, NOW + ahead, propagated=False)
    assert ca_rotation.advance(kept, NOW - ahead, propagated=True) == (kept, "")
    leaf = authority.issue(kept.issuing, NAMES, NOW + ahead).certificate
    for now in (NOW - timedelta(minutes=5), NOW, NOW + timedelta(minutes=5)):
        assert verifies(kept.ca_bundle, leaf, NAMES[0], now)
    rotated, change = ca_rotation.advance(ca_rotation.begin(kept, NOW + ahead), NOW + ahead, propagated=True)
    assert change == "promoted"
    late = authority.issue(kept.issuing, NAMES, NOW - ahead).certificate  # by a replica that has not heard of it
    end = late.not_valid_after_utc - MINUTE
    dropping, _ = ca_rotation.advance(rotated, end + ahead, propagated=True)
    assert verifies(dropping.ca_bundle, late, NAMES[0], end)


def test_at_no_moment_of_two_years_a_leaf_goes_unverified() -> None:
    """Day by day, with the bundle of the day before: what an API server that lags behind knows."""
    kept, _ = ca_rotation.advance(None, NOW, propagated=False)
    leaf = authority.issue(kept.issuing, NAMES, NOW).certificate
    bundle, changes = kept.ca_bundle, []
    for days in range(2 * 365):
        now = NOW + timedelta(days=days)
        kept, change = ca_rotation.advance(kept, now, propagated=kept.ca_bundle == bundle)
        changes += [change] if change else []
        if leaf.issuer != kept.issuing.certificate.subject or now >= renewal_time(leaf):
            leaf = authority.issue(kept.issuing, NAMES, now).certificate
        assert verifies(bundle, leaf, NAMES[0], now), now
        bundle = kept.ca_bundle
        assert verifies(bundle, leaf, NAMES[0], now), now
    assert changes[:3] == ["published", "promoted", "dropped"]
    assert changes.count("promoted") >= 2


def test_an_expired_authority_is_replaced_at_once() -> None:
    first, _ = ca_rotation.advance(None, NOW, propagated=False)
    late = NOW + CA_LIFETIME + MINUTE
    renewed, change = ca_rotation.advance(first, late, propagated=False)
    assert change == "created"
    assert within_validity(renewed.issuing.certificate, late)
    pending = replace(first, next=authority.create(late))
    promoted, change = ca_rotation.advance(pending, late, propagated=False)
    assert (promoted.issuing, change) == (pending.next, "promoted")


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
    first = CaSet(authority.create(now))
    second = replace(first, next=authority.create(now))
    third, change = ca_rotation.advance(second, now, propagated=True)
    assert change == "promoted"
    live = ServingCertificate()
    leaf = authority.issue(first.issuing, NAMES, now)
    live.load(leaf.certificate_pem, leaf.key_pem)
    async with tls_server(live) as port:
        await handshake(port, first.ca_bundle)
        await handshake(port, second.ca_bundle)
        renewed = authority.issue(third.issuing, NAMES, now)
        live.load(renewed.certificate_pem, renewed.key_pem)
        await handshake(port, second.ca_bundle)
        await handshake(port, third.ca_bundle)
        with pytest.raises(ssl.SSLCertVerificationError):
            await handshake(port, first.ca_bundle)
