"""One watch, one Secret, one caBundle: each against an API server, without the loop that ties them together."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nginx_operator.api import names
from nginx_operator.kube import resources
from nginx_operator.kube.client import Client
from nginx_webhooks.certificates import authority, ca_rotation
from nginx_webhooks.certificates.ca_rotation import CaSet
from nginx_webhooks.certificates.ca_secret import CaSecret, MalformedSecretError, from_data, to_data
from nginx_webhooks.certificates.pem import encode_certificates, encode_private_key
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.certificates.webhook_configuration import MissingWebhookError, WebhookConfiguration
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until
from tests.support.webhooks.certificates import of_version_5
from tests.support.webhooks.replica import MUTATING, SECRET, ca_bundle, configuration, install, secret, writes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = CaSet(authority.create(NOW))
ROTATING = replace(FIRST, next=authority.create(NOW))
ROTATED, _ = ca_rotation.advance(ROTATING, NOW, propagated=True)
TWICE, _ = ca_rotation.advance(ca_rotation.begin(ROTATED, NOW), NOW, propagated=True)
#: A server's certificate where an authority belongs, as a Secret of cert-manager would bring it.
LEAF = authority.issue(FIRST.issuing, ("web.example",), NOW)
VERSION_5 = of_version_5(encode_certificates([FIRST.issuing.certificate]))


@asynccontextmanager
async def watching(client: Client, resource: resources.Resource = resources.SECRETS) -> AsyncIterator[ObjectWatch]:
    namespace, name = ("system", "ca") if resource == resources.SECRETS else (None, "nginx-operator")
    watch = ObjectWatch(client, resource, namespace, name, lambda: None)
    task = asyncio.create_task(watch.run())
    await until(lambda: watch.seen)
    yield watch
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("kept", [FIRST, ROTATING, ROTATED, TWICE], ids=["first", "rotating", "rotated", "twice"])
def test_a_secret_holds_every_stage_of_a_rotation(kept: CaSet) -> None:
    found = from_data(to_data(kept))
    assert found is not None
    assert found.ca_bundle == kept.ca_bundle
    assert found.retired == kept.retired
    assert [entry.key.private_numbers() for entry in found.with_keys] == [
        entry.key.private_numbers() for entry in kept.with_keys
    ]
    assert "tls.key" in to_data(kept)


def test_the_key_of_a_retired_authority_is_gone() -> None:
    retired = encode_private_key(FIRST.issuing.key)
    assert retired in to_data(ROTATING).values()
    assert retired not in to_data(ROTATED).values()


@pytest.mark.parametrize("data", [{}, {"tls.crt": b""}])
def test_an_empty_secret_holds_nothing(data: dict[str, bytes]) -> None:
    assert from_data(data) is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"tls.key": None}, "tls.key"),
        ({"tls.crt": b"x"}, None),
        ({"tls.key": b"x"}, None),
        ({"tls.key": encode_private_key(authority.create(NOW).key)}, "belong together"),
        ({"previous.crt": b"x"}, None),
        ({"next.crt": b"x"}, None),
        ({"tls.crt": VERSION_5}, "4 is not a valid X509 version"),
        ({"previous.crt": VERSION_5}, "4 is not a valid X509 version"),
        ({"tls.crt": LEAF.certificate_pem, "tls.key": LEAF.key_pem}, "tls.crt is not a certificate authority"),
        ({"next.crt": LEAF.certificate_pem, "next.key": LEAF.key_pem}, "next.crt is not a certificate authority"),
        ({"previous-until": b"2026-03-09T00:00:00"}, "time zone"),
        ({"previous-until": b""}, "1 certificates, and previous-until 0 times"),
    ],
)
def test_a_malformed_secret_is_told_from_an_empty_one(change: dict[str, bytes | None], word: str | None) -> None:
    data = {key: value for key, value in {**to_data(ROTATED), **change}.items() if value is not None}
    with pytest.raises(MalformedSecretError, match=word):
        from_data(data)


async def test_the_faster_of_two_writers_wins(api: ApiServer, client: Client) -> None:
    install(api)
    async with watching(client) as watch:
        store = CaSecret(watch)
        store.read()
        with api.faults.every("patch", "secrets", lambda _: api.touch(SECRET)):
            assert not await store.write(FIRST)
        assert "data" not in api.objects[SECRET]
        await until(lambda: watch.object == api.objects[SECRET])
        store.read()
        assert await store.write(ROTATING)
        assert await store.write(ROTATED)
        assert api.data(SECRET) == to_data(ROTATED)
        kept = store.read()
        assert kept is not None
        assert kept.ca_bundle == ROTATED.ca_bundle


async def test_a_write_takes_away_what_is_over_whoever_put_it_there(api: ApiServer, client: Client) -> None:
    install(api)
    foreign = {key: b64encode(value).decode() for key, value in {**to_data(ROTATING), "notes": b"theirs"}.items()}
    api.put(SECRET, {**secret(), "data": foreign})  # as `kubectl create` from a backup does
    async with watching(client) as watch:
        store = CaSecret(watch)
        store.read()
        assert await store.write(ROTATED)
        assert api.data(SECRET) == {**to_data(ROTATED), "notes": b"theirs"}


async def test_an_answer_that_is_known_already_wakes_nobody(api: ApiServer, client: Client) -> None:
    install(api)
    woken: list[None] = []
    watch = ObjectWatch(client, resources.SECRETS, "system", "ca", lambda: woken.append(None))
    watch.observed(None)
    watch.observed(None)
    assert len(woken) == 1
    for _ in range(2):
        watch.observed(api.objects[SECRET])
    assert len(woken) == 2


def test_an_authority_that_was_retired_twice_counts_once() -> None:
    twice = replace(ROTATED, retired=(*ROTATED.retired, ca_rotation.RetiredCa(ROTATED.retired[0].certificate, NOW)))
    found = from_data(to_data(twice))
    assert found is not None
    assert found.retired == ROTATED.retired
    assert found.ca_bundle == ROTATED.ca_bundle


async def test_a_secret_that_has_changed_since_it_was_read_is_noticed(api: ApiServer, client: Client) -> None:
    install(api)
    async with watching(client) as watch:
        store = CaSecret(watch)
        store.read()
        assert await store.is_current()
        assert await store.write(FIRST)
        assert await store.is_current()
        api.put(SECRET, secret())
        await until(lambda: watch.object == api.objects[SECRET])  # seen by the watch, but not decided upon
        assert not await store.is_current()
        assert not await store.write(ROTATING)
        store.read()
        assert await store.is_current()


async def test_a_bundle_is_written_into_its_entry_alone(api: ApiServer, client: Client) -> None:
    install(api)
    async with watching(client, resources.MUTATING_CONFIGURATIONS) as watch:
        target = WebhookConfiguration(watch, names.MUTATING_WEBHOOK)
        assert target.ca_bundles == (b"",)
        before = api.objects[MUTATING]["webhooks"]
        assert await target.inject(FIRST.ca_bundle)
        assert target.ca_bundles == (ca_bundle(api, MUTATING),) == (FIRST.ca_bundle,)
        after = api.objects[MUTATING]["webhooks"]
        assert after[1] == before[1]
        assert after[0]["clientConfig"]["service"] == before[0]["clientConfig"]["service"]
        assert set(after[0]) == set(before[0])


async def test_every_entry_of_ours_gets_the_bundle(api: ApiServer, client: Client) -> None:
    several = configuration("MutatingWebhookConfiguration", names.MUTATING_WEBHOOK)
    strict = {**several["webhooks"][0], "name": f"strict.{names.MUTATING_WEBHOOK}"}
    api.put(MUTATING, {**several, "webhooks": [*several["webhooks"], strict]})
    async with watching(client, resources.MUTATING_CONFIGURATIONS) as watch:
        target = WebhookConfiguration(watch, names.MUTATING_WEBHOOK)
        assert await target.inject(FIRST.ca_bundle)
        assert target.ca_bundles == (FIRST.ca_bundle, FIRST.ca_bundle)
        ours, other, also_ours = api.objects[MUTATING]["webhooks"]
        assert ours["clientConfig"] == also_ours["clientConfig"]
        assert "caBundle" not in other["clientConfig"]


async def test_no_entry_comes_into_being(api: ApiServer, client: Client) -> None:
    api.put(MUTATING, configuration("MutatingWebhookConfiguration", "renamed.example.com"))
    async with watching(client, resources.MUTATING_CONFIGURATIONS) as watch:
        target = WebhookConfiguration(watch, names.MUTATING_WEBHOOK)
        with pytest.raises(MissingWebhookError, match=r"has no webhook mutate\.nginxes"):
            await target.inject(FIRST.ca_bundle)
        api.delete(MUTATING)
        await until(lambda: watch.object is None)
        with pytest.raises(MissingWebhookError, match="there is no MutatingWebhookConfiguration nginx-operator"):
            await target.inject(FIRST.ca_bundle)
    assert writes(api, "mutatingwebhookconfigurations") == 0


async def test_an_entry_that_vanishes_just_before_a_write_does_not_come_back(api: ApiServer, client: Client) -> None:
    install(api)
    async with watching(client, resources.MUTATING_CONFIGURATIONS) as watch:
        with api.faults.every("patch", "*", lambda _: api.touch(MUTATING)):
            assert not await WebhookConfiguration(watch, names.MUTATING_WEBHOOK).inject(FIRST.ca_bundle)
        assert ca_bundle(api, MUTATING) == b""


async def test_a_bundle_that_is_no_base64_counts_as_lost(api: ApiServer, client: Client) -> None:
    broken = configuration("MutatingWebhookConfiguration", names.MUTATING_WEBHOOK)
    broken["webhooks"][0]["clientConfig"]["caBundle"] = "!"
    api.put(MUTATING, broken)
    async with watching(client, resources.MUTATING_CONFIGURATIONS) as watch:
        assert WebhookConfiguration(watch, names.MUTATING_WEBHOOK).ca_bundles == (b"",)


async def test_a_watch_follows_changes_deletions_and_a_lost_history(api: ApiServer, client: Client) -> None:
    async with watching(client) as watch:
        assert watch.object is None
        api.put(SECRET, secret())
        await until(lambda: watch.object == api.objects[SECRET])
        api.delete(SECRET)
        await until(lambda: watch.object is None)
        api.put("/api/v1/namespaces/system/secrets/other", secret())
        api.compact()
        changed = api.put(SECRET, {**secret(), "data": {"a": "eA=="}})
        listed = {key: value for key, value in changed.items() if key not in ("apiVersion", "kind")}
        await until(lambda: watch.object == listed)
    assert {request.query["fieldSelector"] for request in api.sent("list", "watch")} == {"metadata.name=ca"}


def test_an_event_that_a_write_has_overtaken_is_dropped(client: Client) -> None:
    watch = ObjectWatch(client, resources.SECRETS, "system", "ca", lambda: None)
    newer, older = {"metadata": {"resourceVersion": "10"}}, {"metadata": {"resourceVersion": "9"}}
    watch.observed(newer)
    watch.observed(older)
    assert watch.object == newer
