"""The election's rules, on Leases that are stored with conflicts. What takes seconds is in tests/faults."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.resources import LEASES
from nginx_operator.runtime.leader_election import LeaderElector, LeaseTimings, LostLeaseError
from tests.support import tokens
from tests.support.apiserver.faults import Hold, refused
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until

#: Standbys look often; a lease lasts so long that it cannot run out during a test.
LASTING = LeaseTimings(duration=3600, renew_deadline=2400.0, renew=0.01, retry=0.01)
LEASE = LEASES.path("operators", "nginx-operator")


def take(api: ApiServer, holder: str, duration: int = 3600, renewed: str = "2026-01-01T00:00:00.000000Z") -> None:
    """Writes the Lease as another process would."""
    api.put(LEASE, {"spec": {"holderIdentity": holder, "leaseDurationSeconds": duration, "renewTime": renewed}})


async def answered(api: ApiServer, count: int) -> None:
    """Waits for so many requests from now on; the one before the last of them has its answer."""
    wanted = len(api.requests) + count + 1
    await until(lambda: len(api.requests) >= wanted)


def elector(client: Client, identity: str, timings: LeaseTimings = LASTING) -> LeaderElector:
    return LeaderElector(client, "operators", "nginx-operator", identity, timings)


@contextlib.asynccontextmanager
async def running(elector: LeaderElector) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(elector.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, LostLeaseError):
            await task


def test_the_times_keep_their_proportions() -> None:
    timings = LeaseTimings.of(15)
    assert (timings.duration, timings.renew_deadline, timings.renew, timings.retry) == (15, 10, 2, 1)
    assert LeaseTimings.of(3).renew_deadline < 3


async def test_a_lease_that_is_not_there_is_made(client: Client, api: ApiServer) -> None:
    one = elector(client, "one")
    assert not one.is_leader()
    async with running(one):
        await one.leading.wait()
        assert one.is_leader()
    spec = api.objects[LEASE]["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("one", 3600, 0)


async def test_a_lease_goes_with_the_account_that_made_it(api: ApiServer) -> None:
    connection = ClientConfig(api.url, token=lambda: tokens.token("operators"))
    async with Client(connection) as client, running(one := elector(client, "one")):
        await one.leading.wait()
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "nginx-operator", "uid": "u"}
    assert api.objects[LEASE]["metadata"]["ownerReferences"] == [owner]


async def test_a_lease_that_another_renews_is_left_alone_until_it_is_given_up(client: Client, api: ApiServer) -> None:
    one, two = elector(client, "one"), elector(client, "two")
    async with running(one) as first:
        await one.leading.wait()
        async with running(two):
            await answered(api, 10)
            assert not two.leading.is_set()
            first.cancel()
            await asyncio.wait([first])
            await one.release()
            await two.leading.wait()
            assert (one.is_leader(), two.is_leader()) == (False, True)
    assert api.objects[LEASE]["spec"]["leaseTransitions"] == 1


async def test_a_lease_that_nobody_renews_is_taken_by_our_own_clock(client: Client, api: ApiServer) -> None:
    # The time that the holder wrote is of another clock, here in the future: it counts from when we saw it.
    take(api, "gone", duration=1, renewed="2999-01-01T00:00:00.000000Z")
    two = elector(client, "two")
    async with running(two):
        await two.leading.wait()
    assert api.objects[LEASE]["spec"]["holderIdentity"] == "two"


async def test_who_lost_the_lease_ends(client: Client, api: ApiServer) -> None:
    one = elector(client, "one")
    async with running(one) as task:
        await one.leading.wait()
        take(api, "two")
        with pytest.raises(LostLeaseError, match="Lease operators/nginx-operator was lost"):
            await task
    assert not one.is_leader()
    await one.release()
    assert api.objects[LEASE]["spec"]["holderIdentity"] == "two"


async def test_a_lease_that_was_deleted_is_made_again(client: Client, api: ApiServer) -> None:
    one = elector(client, "one")
    async with running(one):
        await one.leading.wait()
        api.delete(LEASE)
        await answered(api, 5)
    assert api.objects[LEASE]["spec"]["holderIdentity"] == "one"


async def test_of_two_that_write_at_once_one_leads(client: Client, api: ApiServer) -> None:
    take(api, "")
    both = [elector(client, "one"), elector(client, "two")]
    async with running(both[0]), running(both[1]):
        await asyncio.wait([asyncio.create_task(e.leading.wait()) for e in both], return_when="FIRST_COMPLETED")
        await answered(api, 10)
        assert [elector.is_leader() for elector in both].count(True) == 1


async def test_without_renewal_the_holder_does_not_hold_but_does_not_end(client: Client, api: ApiServer) -> None:
    one = elector(client, "one", LeaseTimings(duration=3600, renew_deadline=0.2, renew=0.01, retry=0.01))
    async with running(one) as task:
        await one.leading.wait()
        with api.faults.every("*", "leases", refused(500, "InternalError")):
            await until(lambda: not one.is_leader())
            assert not task.done()
        await until(one.is_leader)


class Failover:
    """The address of an API server whose packets are lost for those who are connected, while new connections work.

    Attributes:
        url: where clients connect.
        connections: how many there were.
        lost: connections of before this number are silent: nothing of them ends, and nothing comes.
    """

    def __init__(self, api: ApiServer) -> None:
        self.url = ""
        self.connections = self.lost = 0
        self._serving: set[asyncio.Task[Any]] = set()
        self._port = urlsplit(api.url).port

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        self._serving.add(asyncio.current_task())
        theirs, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(self._copy(number, reader, to_server), self._copy(number, theirs, writer))
        finally:
            for each in (writer, to_server):
                each.close()
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()

    async def _copy(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if number >= self.lost:
                writer.write(data)
        writer.close()


async def test_the_election_outlives_a_failover_that_leaves_all_connections_silent(api: ApiServer) -> None:
    timings = LeaseTimings.of(3)
    failover = Failover(api)
    async with failover.serving(), Client(ClientConfig(failover.url)) as client:
        one = elector(client, "one", timings)
        async with running(one):
            await one.leading.wait()
            reads = (client.list(LEASES, "operators") for _ in range(8))  # each leaves an idle connection
            hold = Hold()
            with api.faults.every("list", "leases", hold):
                together = asyncio.gather(*reads)
                await until(lambda: len(api.sent("list")) == 8)
                hold.released.set()
                await together
            failover.lost = before = failover.connections
            renewed = api.objects[LEASE]["spec"]["renewTime"]
            while api.objects[LEASE]["spec"]["renewTime"] == renewed:
                assert one.is_leader(), "the Lease lapsed"
                await asyncio.sleep(0.01)
            assert one.is_leader()
    assert failover.connections == before + 1
