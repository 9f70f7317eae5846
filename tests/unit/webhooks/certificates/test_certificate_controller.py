"""The whole of mode `auto` against an API server: from an empty Secret to trusted certificates, and back from harm."""

import logging
from base64 import b64encode
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_webhooks.certificates import authority, ca_rotation
from nginx_webhooks.certificates.ca_injector import WRITE_BURST, WRITE_PERIOD
from nginx_webhooks.certificates.ca_secret import from_data, to_data
from nginx_webhooks.certificates.self_signed_source import PROPAGATION_DELAY, STEP_BURST, STEP_PERIOD
from nginx_webhooks.certificates.validation import verifies, within_validity
from tests.support.apiserver.faults import refused
from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until
from tests.support.webhooks.certificates import of_version_5
from tests.support.webhooks.replica import (
    MUTATING,
    NAMES,
    SECRET,
    VALIDATING,
    Replica,
    ca_bundle,
    configuration,
    install,
    install_configurations,
    secret,
    writes,
)


def trusted(api: ApiServer, replica: Replica) -> bool:
    """Whether the API server would accept the replica's certificate at this moment, by both configurations."""
    leaf = replica.serving.certificate
    return leaf is not None and all(
        verifies(ca_bundle(api, path), leaf, NAMES[0], replica.now()) for path in (MUTATING, VALIDATING)
    )


async def test_from_an_empty_secret_to_ready(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        assert trusted(api, replica)
        assert ca_bundle(api, MUTATING) == api.data(SECRET)["ca.crt"]
        ours, other = api.objects[MUTATING]["webhooks"]
        assert ours["clientConfig"]["service"]["name"] == "hooks"
        assert other["clientConfig"] == {"url": "https://example.com"}
        assert (writes(api, "secrets"), writes(api, "mutatingwebhookconfigurations")) == (1, 1)


async def test_two_replicas_agree_on_one_authority(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as one, Replica(client).running() as two:
        await one.ready()
        await two.ready()
        assert one.changes("created") + two.changes("created") == 1
        assert trusted(api, one)
        assert trusted(api, two)
        assert one.serving.certificate != two.serving.certificate


async def test_a_later_replica_writes_nothing(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as first:
        await first.ready()
    written = api.sent("patch")
    async with Replica(client).running() as later:
        await later.ready()
        assert api.sent("patch") == written


async def test_wiped_bundles_are_healed(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        install_configurations(api)
        await until(lambda: trusted(api, replica))
        api.delete(VALIDATING)
        api.put(VALIDATING, configuration("ValidatingWebhookConfiguration", "validate.nginxes.proxy.example.com"))
        await until(lambda: trusted(api, replica))
        assert not replica.readiness.fault


async def test_who_undoes_it_without_end_does_not_make_us_write_without_end(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        for _ in range(WRITE_BURST - 1):
            install_configurations(api)
            await until(lambda: trusted(api, replica))
        written = api.sent("patch")
        install_configurations(api)
        await until(lambda: "somebody else keeps changing the caBundle" in caplog.text)
        assert api.sent("patch") == written
        replica.pass_time(timedelta(seconds=WRITE_PERIOD))
        await until(lambda: trusted(api, replica))


@pytest.mark.parametrize("odd", [False, True], ids=["no PEM", "X.509 version 5"])
async def test_a_malformed_secret_is_restored(api: ApiServer, client: Client, odd: bool) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        before = api.data(SECRET)
        broken = {**before, "tls.crt": of_version_5(before["tls.crt"])} if odd else {"tls.crt": b"x"}
        api.put(SECRET, {**secret(), "data": {key: b64encode(value).decode() for key, value in broken.items()}})
        await until(lambda: api.data(SECRET) == before)
        await until(lambda: replica.changes("restored") == 1)  # counted when the answer is in, after the write


async def test_taking_the_data_away_begins_a_rotation(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as one, Replica(client).running() as two:
        await one.ready()
        await two.ready()
        before = api.data(SECRET)
        api.put(SECRET, secret())
        await until(lambda: "next.crt" in api.data(SECRET))
        assert api.data(SECRET)["tls.crt"] == before["tls.crt"]
        await until(lambda: all(ca_bundle(api, path).count(b"BEGIN") == 2 for path in (MUTATING, VALIDATING)))
        following = api.data(SECRET)["next.crt"]
        for replica in (one, two):
            replica.pass_time(PROPAGATION_DELAY)
        await until(lambda: api.data(SECRET)["tls.crt"] == following)
        await until(lambda: all(_signed_by_current(api, replica) for replica in (one, two)))
        assert all(trusted(api, replica) for replica in (one, two))
        assert sum(replica.changes("restored") for replica in (one, two)) == 1


async def test_a_secret_that_is_emptied_over_and_over_makes_the_bundle_no_longer(
    api: ApiServer, client: Client
) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        for number in range(ca_rotation.MAX_RETIRED + 2):
            api.put(SECRET, secret())
            await until(lambda number=number: replica.changes("restored") == number + 1)
            replica.pass_time(PROPAGATION_DELAY)
            await until(lambda: "tls.crt" in api.data(SECRET) and "next.crt" not in api.data(SECRET))
        assert replica.changes("promoted") == ca_rotation.MAX_RETIRED
        await until(lambda: ca_bundle(api, MUTATING).count(b"BEGIN") == ca_rotation.MAX_RETIRED + 1)


async def settled(api: ApiServer, replica: Replica) -> None:
    """Until the caBundles are what the Secret says, and the replica has seen it all."""
    watches = {SECRET: replica.secret, MUTATING: replica.mutating, VALIDATING: replica.validating}
    await until(lambda: all(ca_bundle(api, path) == api.data(SECRET)["ca.crt"] for path in (MUTATING, VALIDATING)))
    await until(lambda: all(watch.object == api.objects[path] for path, watch in watches.items()))


def backup(api: ApiServer) -> dict[str, Any]:
    return {**secret(), "data": dict(api.objects[SECRET]["data"])}


async def test_a_backup_from_during_a_rotation_is_promoted_once(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        api.put(SECRET, secret())
        await until(lambda: "next.crt" in api.data(SECRET))
        during = backup(api)
        first = api.data(SECRET)["tls.crt"]
        for promoted in (1, 2):
            await until(lambda: ca_bundle(api, MUTATING).startswith(first))
            await until(lambda: replica.injected(api))
            replica.pass_time(PROPAGATION_DELAY)
            await until(lambda promoted=promoted: replica.changes("promoted") == promoted)
            await until(lambda: ca_bundle(api, MUTATING) == api.data(SECRET)["ca.crt"])
            assert "next.crt" not in api.data(SECRET)
            assert api.data(SECRET)["previous.crt"] == first
            if promoted == 1:
                api.put(SECRET, during)
        await settled(api, replica)
    written = writes(api, "secrets")
    replica.pass_time(PROPAGATION_DELAY * 10)
    await replica.controller.reconcile()
    assert writes(api, "secrets") == written
    assert trusted(api, replica)


async def test_a_backup_from_after_a_rotation_is_cleared_by_one_write(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        kept = from_data(api.data(SECRET))
        assert kept is not None
        rotated, _ = ca_rotation.advance(ca_rotation.begin(kept, replica.now()), replica.now(), propagated=True)
        data = {key: b64encode(value).decode() for key, value in to_data(rotated).items()}
        api.put(SECRET, {**secret(), "data": data})
        await until(lambda: ca_bundle(api, MUTATING) == rotated.ca_bundle)
        written = writes(api, "secrets")
        replica.pass_time(ca_rotation.OVERLAP)
        await until(lambda: "previous.crt" not in api.data(SECRET))
        await settled(api, replica)
    await replica.controller.reconcile()
    assert (replica.changes("dropped"), writes(api, "secrets")) == (1, written + 1)


async def test_a_stray_key_of_somebody_else_is_taken_away_by_one_write(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        before, written = api.data(SECRET), writes(api, "secrets")
        stray = backup(api)
        stray["data"]["next.crt"] = stray["data"]["tls.crt"]
        api.put(SECRET, stray)
        await until(lambda: api.data(SECRET) == before)
        await settled(api, replica)
    await replica.controller.reconcile()
    assert (replica.changes("restored"), writes(api, "secrets")) == (1, written + 1)


@pytest.mark.parametrize("touched", [False, True], ids=["nothing changes", "something else does"])
async def test_a_step_that_somebody_undoes_is_paced_and_told_of_once(
    api: ApiServer, client: Client, touched: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """An admission plugin brings the stray key back into whatever is written."""
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        stray = backup(api)["data"] | {"next.crt": "eA=="}

        def undo(info: RequestInfo, body: dict[str, Any]) -> dict[str, Any]:
            if info.plural != "secrets":
                return body
            touch = {"annotations": {"touched": str(api.store.version)}} if touched else {}
            return {**body, "metadata": {**body["metadata"], **touch}, "data": stray}

        api.store.admit = undo
        api.put(SECRET, {**secret(), "data": stray})
        for tries in range(1, STEP_BURST + 1):
            await until(lambda tries=tries: replica.changes("restored") >= tries)
            replica.pass_time(timedelta(0))
        await until(lambda: "somebody keeps undoing what is written to Secret system/ca" in caplog.text)
        assert replica.changes("restored") == STEP_BURST
        install_configurations(api)  # the rest goes on
        await until(lambda: trusted(api, replica))
        for tries in (1, 2, 3):
            replica.pass_time(timedelta(seconds=STEP_PERIOD))
            await until(lambda tries=tries: replica.changes("restored") == STEP_BURST + tries)
        assert caplog.text.count("somebody keeps undoing") <= 4
        api.store.admit = lambda _, body: body
        replica.pass_time(timedelta(seconds=STEP_PERIOD))
        await until(lambda: "next.crt" not in api.data(SECRET))
        await settled(api, replica)
    await replica.controller.reconcile()  # no warning any more


async def test_a_malformed_secret_is_overwritten_by_a_new_replica(api: ApiServer, client: Client) -> None:
    install(api)
    api.put(SECRET, {**secret(), "data": {"tls.crt": "!!!"}})
    async with Replica(client).running() as replica:
        await replica.ready()
        assert from_data(api.data(SECRET)) is not None


async def test_an_authority_put_there_by_hand_is_taken_over(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as first:
        await first.ready()
        foreign = api.objects[SECRET]["data"]
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        api.put(SECRET, {**secret(), "data": foreign})
        await until(lambda: ca_bundle(api, MUTATING) == api.data(SECRET)["ca.crt"])
        await until(lambda: trusted(api, replica))


async def test_a_pair_that_cannot_sign_is_never_published(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        good = dict(api.objects[SECRET]["data"])
        leaf = authority.issue(authority.create(replica.now()), ("web.example",), replica.now())
        pair = {"tls.crt": leaf.certificate_pem, "tls.key": leaf.key_pem}
        api.put(SECRET, {**secret(), "data": {key: b64encode(value).decode() for key, value in pair.items()}})
        await until(lambda: api.objects[SECRET]["data"] == good)
        assert ca_bundle(api, MUTATING) == api.data(SECRET)["ca.crt"]
        assert trusted(api, replica)
        assert replica.changes("restored") == 1


async def test_a_rotation_never_leaves_a_certificate_untrusted(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as one, Replica(client).running() as two:
        replicas = (one, two)
        for replica in replicas:
            await replica.ready()
        first = api.data(SECRET)["tls.crt"]

        def step(delta: timedelta) -> None:
            for replica in replicas:
                replica.pass_time(delta)

        step(timedelta(days=244))
        await until(lambda: "next.crt" in api.data(SECRET))
        await until(lambda: all(ca_bundle(api, path).count(b"BEGIN") == 2 for path in (MUTATING, VALIDATING)))
        assert api.data(SECRET)["tls.crt"] == first
        assert all(trusted(api, replica) for replica in replicas)

        step(PROPAGATION_DELAY)
        await until(lambda: api.data(SECRET)["tls.crt"] != first)
        await until(lambda: all(_signed_by_current(api, replica) for replica in replicas))
        assert api.data(SECRET)["previous.crt"] == first
        assert "next.crt" not in api.data(SECRET)
        assert all(trusted(api, replica) for replica in replicas)

        step(timedelta(days=8))
        await until(lambda: "previous.crt" not in api.data(SECRET))
        await until(lambda: all(ca_bundle(api, path).count(b"BEGIN") == 1 for path in (MUTATING, VALIDATING)))
        await until(lambda: all(trusted(api, replica) for replica in replicas))
        assert sum(replica.changes("promoted") for replica in replicas) == 1


def _signed_by_current(api: ApiServer, replica: Replica) -> bool:
    kept, leaf = from_data(api.data(SECRET)), replica.serving.certificate
    assert kept is not None
    assert leaf is not None
    return leaf.issuer == kept.issuing.certificate.subject


@pytest.mark.parametrize("first", [timedelta(minutes=5), timedelta(minutes=-5), timedelta(0)], ids=str)
async def test_replicas_whose_clocks_differ_agree(api: ApiServer, client: Client, first: timedelta) -> None:
    """The first one makes the authority; the others' clocks are ahead of it and behind it, by ten minutes at most."""
    install(api)
    async with AsyncExitStack() as stack:
        replicas = []
        for ahead in (first, timedelta(minutes=5), timedelta(minutes=-5), timedelta(0)):
            replicas.append(await stack.enter_async_context(Replica(client, ahead=ahead).running()))
            await replicas[-1].ready()
        assert sum(replica.changes("created") for replica in replicas) == 1
        now = datetime.now(UTC)
        for replica in replicas:
            leaf = replica.serving.certificate
            assert leaf is not None
            assert verifies(ca_bundle(api, MUTATING), leaf, NAMES[0], now)
            assert within_validity(leaf, now - timedelta(minutes=5))


async def test_a_clock_that_is_set_back_makes_a_new_leaf(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        replica.pass_time(timedelta(days=1))
        old = authority.issue(authority.create(replica.now()), NAMES, replica.now() + timedelta(days=1))
        replica.serving.load(old.certificate_pem, old.key_pem)
        replica.pass_time(timedelta(0))
        await until(lambda: trusted(api, replica))


async def test_metrics_tell_expiry_writes_and_rotations(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        kept, leaf = from_data(api.data(SECRET)), replica.serving.certificate
        assert kept is not None
        assert leaf is not None
        assert replica.metric("ca_expiry_timestamp_seconds") == kept.issuing.certificate.not_valid_after_utc.timestamp()
        assert replica.metric("ca_changes_total", change="promoted") == 0
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            assert replica.metric("cabundle_writes_total", kind=kind) == 1
        install_configurations(api)
        await until(lambda: trusted(api, replica))
        assert replica.metric("cabundle_writes_total", kind="MutatingWebhookConfiguration") == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (SECRET, "Secret"),
        (MUTATING, "MutatingWebhookConfiguration"),
        (VALIDATING, "ValidatingWebhookConfiguration"),
    ],
)
async def test_an_object_that_goes_is_told_by_its_kind_and_makes_no_pod_unready(
    path: str, kind: str, api: ApiServer, client: Client
) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        kept = api.objects[path]
        assert replica.metric("object_faults", kind=kind) == 0
        api.delete(path)
        await until(lambda: replica.metric("object_faults", kind=kind) == 1)
        others = {"Secret", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"} - {kind}
        assert [replica.metric("object_faults", kind=other) for other in others] == [0, 0]
        assert not replica.readiness.fault
        api.put(path, kept)
        await until(lambda: replica.metric("object_faults", kind=kind) == 0)


async def test_credentials_that_are_refused_are_told_with_what_to_do(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The ServiceAccount was deleted and created again: the pod's token is of the former one."""
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        assert replica.metric("watch_failing", kind="Secret") == 0
        with api.faults.every("*", "*", refused(401, "Unauthorized", "Unauthorized")):
            for watch in list(api.watches):
                watch.end()
            await until(lambda: replica.metric("watch_failing", kind="Secret") == 1)
        assert "kubectl rollout restart of its Deployment gives the pods new tokens" in caplog.text
        assert not replica.readiness.fault
        await until(lambda: len(api.watches) == 3)
        for watch in api.watches:
            watch.bookmark(api.store.version)
        await until(lambda: replica.metric("watch_failing", kind="Secret") == 0)


async def test_one_fault_is_told_once_where_a_new_pod_has_no_certificate_yet(api: ApiServer, client: Client) -> None:
    """The Secret is gone, and its certificate cannot be made: that says nothing of the configurations."""
    install(api)
    api.delete(SECRET)
    async with Replica(client).running() as replica:
        await until(lambda: replica.metric("object_faults", kind="Secret") == 1)
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            assert replica.metric("object_faults", kind=kind) == 0
        assert replica.readiness.fault
        api.delete(MUTATING)
        await until(lambda: replica.metric("object_faults", kind="MutatingWebhookConfiguration") == 1)


async def test_a_watch_that_stands_still_is_unhealthy(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        for watch, words in (
            (replica.secret, "Secret system/ca"),
            (replica.mutating, "MutatingWebhookConfiguration nginx-operator"),
            (replica.validating, "ValidatingWebhookConfiguration nginx-operator"),
        ):
            assert replica.controller.unhealthy() is None
            watch.reflector.turned -= 700
            assert replica.controller.unhealthy() == f"the watch of {words} has stood still for 700 s"
            install_configurations(api)
            api.touch(SECRET)
            await until(lambda: replica.controller.unhealthy() is None)  # it has heard of that


async def test_a_watch_that_has_not_begun_stands_not_still(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nginx_operator.serving.health._STUCK_SECONDS", 0.0)
    install(api)
    replica = Replica(client)
    assert replica.controller.unhealthy() is None
    async with replica.running():
        await replica.ready()
        await until(lambda: "stood still" in (replica.controller.unhealthy() or ""))


async def test_a_leaf_is_renewed_while_the_api_server_is_away() -> None:
    async with ApiServer() as api, Client(ClientConfig(server=api.url)) as client:
        install(api)
        async with Replica(client).running() as replica:
            await replica.ready()
            before = replica.serving.certificate
            for plural in ("secrets", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
                for verb in ("get", "list", "watch", "patch"):
                    api.faults.forbid(verb, plural)
            api.put(SECRET, secret())  # known from the open watch; the refill is refused
            replica.pass_time(timedelta(days=5))
            await until(lambda: replica.serving.certificate != before)
            assert trusted(api, replica)
            assert not replica.readiness.fault


@pytest.mark.parametrize(
    ("verb", "plural", "words"),
    [
        ("list", "secrets", "cannot watch Secret system/ca"),
        ("watch", "secrets", "cannot watch Secret system/ca"),
        ("patch", "secrets", "secrets is forbidden"),
        ("list", "mutatingwebhookconfigurations", "cannot watch MutatingWebhookConfiguration nginx-operator"),
        ("patch", "validatingwebhookconfigurations", "validatingwebhookconfigurations is forbidden"),
        ("get", "secrets", "secrets is forbidden"),
    ],
)
async def test_a_missing_right_is_named_once_and_waited_for(
    api: ApiServer, client: Client, verb: str, plural: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    install(api)
    api.faults.forbid(verb, plural)

    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    async with Replica(client).running() as replica:
        await until(lambda: len(api.sent(verb, plural=plural)) >= 2)
        await until(lambda: any(words in text for text in warnings()))
        assert len([text for text in warnings() if words in text]) == 1, warnings()
        assert f'cannot {verb} resource "{plural}"' in " ".join(warnings())
        if verb != "watch":  # what was listed suffices to begin with
            assert replica.readiness.fault
        api.faults.allow(verb, plural)
        await replica.ready()
        await until(lambda: trusted(api, replica))


async def test_what_is_missing_is_named_and_waited_for(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with Replica(client).running() as replica:
        await until(lambda: "there is no Secret system/ca" in replica.readiness.fault)
        api.put(SECRET, secret())
        await until(lambda: "there is no MutatingWebhookConfiguration" in replica.readiness.fault)
        api.put(MUTATING, configuration("MutatingWebhookConfiguration", "renamed.example.com"))
        wanted = "MutatingWebhookConfiguration nginx-operator has no webhook mutate.nginxes.proxy.example.com"
        await until(lambda: wanted in replica.readiness.fault)
        assert writes(api, "mutatingwebhookconfigurations") == 0
        install_configurations(api)
        await replica.ready()
    assert all(caplog.text.count(text) == 1 for text in ("there is no Secret", "has no webhook"))


async def test_an_unreachable_api_server_is_named_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async with Client(ClientConfig(server="http://127.0.0.1:1")) as client, Replica(client).running() as replica:
        await until(lambda: "cannot reach the API server http://127.0.0.1:1" in replica.readiness.fault)
        assert caplog.text.count("cannot watch Secret system/ca") == 1
