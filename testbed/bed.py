"""A bed: one Kubernetes cluster on this machine, in a network namespace of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from testbed import access, api, archives, cache, cgroups, cleanup, debian, network, node, tools
from testbed.bringup import PART_SECONDS, BringUp, write_files
from testbed.debian import Level
from testbed.errors import BedError
from testbed.gobuild import KUBERNETES, GoModule
from testbed.layout import Layout
from testbed.network import Families
from testbed.parts import FORWARDER, Parts, listen
from testbed.progress import SILENT, Progress
from testbed.ready import Readiness
from testbed.state import State

Health = Literal["absent", "up", "broken"]
STOP_SECONDS = 15.0


class Bed:
    """A cluster by name. Making the object starts nothing; it also serves for a bed that is up already.

    Args:
        name: 1 to 40 of a-z, 0-9 and '-'.
        level: `control-plane` runs no containers; `node` adds one real node, `node0`.
        kwok_nodes: number of fake nodes, on which pods become Ready without running. Beside a real
            node they are tainted with `kwok.x-k8s.io/node=fake:NoSchedule`.
        kubernetes: whose programs it runs; `OLDEST_KUBERNETES` has those of level `control-plane` only.
        families: the IP families of its network; other than IPv4 on level `control-plane` only.

    Raises:
        BedError: the name will not do, or the level not with that Kubernetes or these families.
    """

    def __init__(
        self,
        name: str,
        level: Level = "control-plane",
        kwok_nodes: int = 0,
        kubernetes: GoModule = KUBERNETES,
        families: Families = "IPv4",
    ) -> None:
        if level == "node" and "kubelet" not in kubernetes.packages:
            raise BedError(f"{kubernetes.name} has no kubelet: its beds are of level control-plane.")
        if level == "node" and families != "IPv4":
            raise BedError(f"A bed of {families} is of level control-plane: the node's pods have IPv4.")
        self.kubernetes = kubernetes
        self.families = families
        self.name = name
        self.level = level
        self.kwok_nodes = kwok_nodes
        self._layout = Layout(name)
        self._parts = Parts(self._layout)
        self._idle: list[api.Connection] = []

    def up(self, progress: Progress = SILENT) -> Bed:
        """Bring the bed up, or return at once when it is; a broken or interrupted one is made anew.

        Raises:
            BedError: the machine cannot do it, a part failed, or a healthy bed of this name has
                another level or number of fake nodes.
        """
        debian.provide(self.level, progress)
        programs = tools.programs(self.level, self.kwok_nodes, self.kubernetes, progress)
        tools.folder(progress)
        asked = State(self.level, self.kwok_nodes, 0, programs.fingerprint, self.families)
        with cache.locked(f"bed-{self.name}"):
            if self._reusable(asked, progress):
                return self
            with listen(0) as listener:
                self._bring_up(asked, programs, listener.getsockname()[1], listener.fileno(), progress)
        return self

    def _reusable(self, asked: State, progress: Progress) -> bool:
        """Return whether the bed that is there will do; else remove it, if there is one."""
        health = self.health()
        if health == "absent":
            return False
        found = State.load(self._layout.state)
        if health == "up" and found and found.programs == asked.programs:
            if found.same_shape(asked):
                return True
            raise BedError(
                f"bed {self.name} is up at level {found.level} with {found.kwok_nodes} fake nodes and {found.families},"
                f" not {asked.level} with {asked.kwok_nodes} and {asked.families}: take it down first, or use another "
                "name."
            )
        why = "broken or interrupted" if health == "broken" else "made of other programs"
        with progress.step(f"removing bed {self.name}, which is {why}"):
            cleanup.remove(self._layout)
        return False

    def _bring_up(self, asked: State, programs: tools.Programs, port: int, listener: int, progress: Progress) -> None:
        for folder in self._layout.folders():
            folder.mkdir(parents=True, exist_ok=True)
        self._layout.root.chmod(0o700)
        state = replace(asked, port=port)
        state.save(self._layout.state)
        write_files(self._layout, port, asked.families)
        steps = BringUp(self._layout, programs, port, progress)
        try:
            steps.control_plane(listener, asked.families)
            if self.level == "node":
                steps.containers()
                self.load_image(archives.pause(steps.pause()))
                steps.real_node()
            if self.kwok_nodes:
                steps.fake_nodes(self.kwok_nodes, tainted=self.level == "node")
        except BaseException:
            cleanup.end_all(self._layout)  # the logs stay, for whoever reads the error
            raise
        state.completed().save(self._layout.state)

    def down(self) -> None:
        """Take the bed down, whatever state it is in. Nothing of it remains, its logs included."""
        self.disconnect()
        with cache.locked(f"bed-{self.name}"):
            cleanup.remove(self._layout)

    def health(self) -> Health:
        """Return `absent`, `up` (all parts run, API server and node are ready) or `broken`."""
        if not self._layout.root.is_dir():
            return "absent"
        state = State.load(self._layout.state)
        if state is None or not state.complete or not network.exists(self._layout.netns):
            return "broken"
        ready = Readiness(self._layout, self._parts, state.port)
        if not all(self._parts.alive(part) for part in self._parts.started()):
            return "broken"
        served = ready.of(FORWARDER) and (state.level != "node" or ready.node_ready())
        return "up" if served else "broken"

    def parts(self) -> dict[str, bool]:
        """Return the bed's parts in their order of starting, and whether each is running."""
        return {part: self._parts.alive(part) for part in self._parts.started()}

    def pid(self, part: str) -> int:
        """Return the process id of a part that was started, such as `kube-apiserver`.

        Raises:
            BedError: it was not.
        """
        process = self._parts.process(part)
        if process is None:
            raise BedError(f"bed {self.name} has no {part}.")
        return process.pid

    @property
    def state(self) -> State:
        """The bed's shape and progress.

        Raises:
            BedError: there is no such bed.
        """
        state = State.load(self._layout.state)
        if state is None:
            raise BedError(f"There is no bed {self.name}: bring it up first.")
        return state

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig for programs outside of the bed's network namespace."""
        return self._layout.kubeconfig

    @property
    def inside_kubeconfig(self) -> Path:
        """The administrator's kubeconfig for programs inside of the bed's network namespace."""
        return self._layout.inside_kubeconfig(access.ADMIN)

    @property
    def administrator(self) -> access.Access:
        """URLs, CA file and token of the bed's API server."""
        port, families = self.state.port, self.state.families
        token = access.token_of(access.ADMIN, self._layout.tokens.read_text(encoding="utf-8"))
        ca = self._layout.pki / "ca.crt"
        return access.Access(f"https://127.0.0.1:{port}", access.INSIDE[families], ca, token)

    @property
    def node_ip(self) -> str:
        """The address of the bed's one machine; the first, if it has two."""
        return network.NODE_IPS[self.families][0]

    @property
    def tools(self) -> Path:
        """The folder that holds kubectl and helm (4); built if need be."""
        return tools.folder(SILENT)

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, one JSON object a line, level Metadata."""
        return self._layout.audit_log

    def log(self, part: str) -> Path:
        """The log file of a part, such as `kube-apiserver`."""
        return self._layout.log(part)

    @property
    def environment(self) -> dict[str, str]:
        """The caller's environment, with kubectl and Helm pointed at this bed."""
        home = self._layout.home
        return {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            # kubectl keeps what it discovers by host and port, and the next bed may have the same port.
            "KUBECACHEDIR": str(home / "kube"),
            "HELM_CACHE_HOME": str(home / "helm/cache"),
            "HELM_CONFIG_HOME": str(home / "helm/config"),
            "HELM_DATA_HOME": str(home / "helm/data"),
            "PATH": f"{self.tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def get(self, path: str) -> dict[str, Any] | None:
        """Return what the API server answers to the administrator's GET of a path; None where nothing is there.

        For tests that look often: kubectl starts a process and discovers the API for each look.

        Raises:
            BedError: it answers something else.
        """
        status, found = self.request("GET", path)
        if status not in (200, 404):
            raise BedError(f"GET {path}: {status}, {found.get('message')}")
        return found if status == 200 else None

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send the administrator's request to the API server; status and body, as JSON, of its answer.

        A `body` of bytes goes as it is, others as JSON.
        """
        connection = self._connection()
        try:
            status, answer = connection.request(method, path, body, headers)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return status, json.loads(answer)

    def _connection(self) -> api.Connection:
        """Return an idle connection to the API server, or a new one: its handshakes take longer than most requests."""
        with contextlib.suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if connection.usable:
                    return connection
                connection.close()
        config = self.administrator
        return api.Connection(None, ("127.0.0.1", self.state.port), api.trusting(config.ca), config.token)

    def disconnect(self) -> None:
        """Close the idle connections to the API server."""
        while self._idle:
            self._idle.pop().close()

    def status_of(self, address: tuple[str, int], path: str) -> int:
        """Return the HTTP status with which an address inside of the bed answers a GET; 0 when nobody answers."""
        try:
            with api.Connection(self._layout.netns, address) as connection:
                return connection.request("GET", path)[0]
        except (OSError, http.client.HTTPException):
            return 0

    def read(self, address: tuple[str, int], path: str) -> str:
        """Return what an address inside of the bed answers to a GET.

        Raises:
            OSError: nobody listens there.
        """
        with api.Connection(self._layout.netns, address) as connection:
            return connection.request("GET", path)[1].decode()

    def dial(self, address: tuple[str, int]) -> socket.socket:
        """Return a connection to an address inside of the bed.

        Raises:
            OSError: nobody listens there.
        """
        return network.inside(self._layout.netns, lambda: socket.create_connection(address, api.TIMEOUT_SECONDS))

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs `argv` in the bed's network namespace."""
        return [*network.enter(self._layout.netns), *argv]

    def run(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run `argv` in the bed's network namespace; `options` are those of `subprocess.run`.

        KUBECONFIG is the inside one, unless `options` has an `env`.
        """
        options.setdefault("env", {**self.environment, "KUBECONFIG": str(self.inside_kubeconfig)})
        return subprocess.run(self.command(argv), **options)

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - subprocess's name
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl from outside of the bed and return what it wrote.

        Raises:
            BedError: it failed and `check` is set; with its stderr.
        """
        return self._tool(self.tools / "kubectl", arguments, input, check)

    def helm(
        self,
        *arguments: str,
        version: Literal[3, 4] = 4,
        input: str | None = None,  # noqa: A002 - subprocess's name
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run Helm 4 or 3 from outside of the bed and return what it wrote; the first use of Helm 3 builds it.

        Raises:
            BedError: it failed and `check` is set; with its stderr.
        """
        program = self.tools / "helm" if version == 4 else tools.helm3(Progress(sys.stderr))
        return self._tool(program, arguments, input, check)

    def _tool(
        self, program: Path, arguments: Sequence[str], text: str | None, check: bool
    ) -> subprocess.CompletedProcess[str]:
        command = [str(program), *arguments]
        done = subprocess.run(command, input=text, env=self.environment, capture_output=True, text=True)
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:]
            raise BedError(f"{program.name} {' '.join(arguments)}: ended with {done.returncode}: {said}")
        return done

    def load_image(self, archive: Path) -> None:
        """Import the images of an archive (docker-archive or OCI) into the real node, unless done before.

        Raises:
            BedError: there is no real node, or containerd refused.
        """
        found = archive.stat()
        mark = self._layout.imported(cache.key(str(archive), str(found.st_mtime_ns), str(found.st_size)))
        if mark.exists():
            return
        self._images("import", str(archive))
        mark.touch()

    def tag_image(self, name: str, other: str) -> None:
        """Give an image of the real node another name beside its own.

        Raises:
            BedError: there is no real node, or no such image.
        """
        self._images("tag", "--force", name, other)

    def _images(self, *arguments: str) -> None:
        command = [*self._parts.enter(node.CONTAINERD), "ctr", "--namespace=k8s.io", "images", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise BedError(f"images {' '.join(arguments)} in bed {self.name}: {done.stderr.strip()}")

    def processes_of(self, container: str) -> list[int]:
        """Return the processes of a container of the real node, by its id as containerd has it."""
        return cgroups.of_container(self._layout.id, container)

    def stop(self, part: str, *, grace: float = STOP_SECONDS) -> None:
        """End a part: SIGTERM and up to `grace` seconds, then SIGKILL; with grace 0 SIGKILL at once.

        Raises:
            BedError: there is no such part.
        """
        self._parts.end(part, grace=grace)

    def start(self, part: str) -> None:
        """Start a stopped part with the same flags, and wait until it is ready.

        Raises:
            BedError: there is no such part, or it does not become ready.
        """
        port = self.state.port
        with contextlib.ExitStack() as stack:
            listener = None
            if part == FORWARDER and not self._parts.alive(part):
                listener = stack.enter_context(listen(port)).fileno()
            self._parts.start_again(part, listener=listener)
        ready = Readiness(self._layout, self._parts, port)
        self._parts.wait(part, lambda: ready.of(part), seconds=PART_SECONDS, what="readiness")

    def restart(self, part: str, *, grace: float = STOP_SECONDS) -> None:
        """Stop a part and start it again."""
        self.stop(part, grace=grace)
        self.start(part)
