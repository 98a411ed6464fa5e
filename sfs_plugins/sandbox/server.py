"""The process that serves: its store, its services, two loopback ports, and the file that says where they are."""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from sfs_core import BadOption, StoreUnavailable, say
from sfs_plugins.sandbox.asgi import Application
from sfs_plugins.sandbox.athena.service import athena
from sfs_plugins.sandbox.control.service import control_plane
from sfs_plugins.sandbox.control_port import ControlPort
from sfs_plugins.sandbox.elsewhere import Elsewhere
from sfs_plugins.sandbox.faults import Faults
from sfs_plugins.sandbox.front import Front, Service
from sfs_plugins.sandbox.glue.catalog import Catalogue
from sfs_plugins.sandbox.glue.service import glue
from sfs_plugins.sandbox.groups import FolderStore, Groups
from sfs_plugins.sandbox.iam import iam, role_of
from sfs_plugins.sandbox.place import HOST, Place, Where
from sfs_plugins.sandbox.runtime.service import RuntimeService
from sfs_plugins.sandbox.s3.service import S3Service
from sfs_plugins.sandbox.settling import Settler
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.sts import sts
from sfs_plugins.sandbox.tokens import Tokens

_THREADS = 8
_COLLECT_AFTER = 50_000
_FOR_EVER_SECONDS = 10.0 * 365 * 86_400


@dataclass(frozen=True)
class Settings:
    """How a sandbox is run."""

    port: int
    control_port: int
    offline_delay_seconds: float
    faults: dict[str, Any] = field(default_factory=dict)


def serve(store: FolderStore, settings: Settings, told: Callable[[Where], None]) -> None:
    """Serve a store until the process is asked to stop. `told` is called with the ports once they answer."""
    import uvicorn

    # a request of 25 records is some 500 dictionaries, which go by themselves: collect seldom
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    place = Place(store.path)
    with place.held():
        sockets = [_listening(settings.port, "--port"), _listening(settings.control_port, "--control-port")]
        ports = [found.getsockname()[1] for found in sockets]
        services = Services(store, settings)
        application = Application(services.front.answer, services.control.answer, ports[1])
        config = uvicorn.Config(
            application, http="httptools", loop="auto", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75, timeout_graceful_shutdown=3, ws="none",
        )  # fmt: skip
        server = uvicorn.Server(config)
        services.control.on_stop = lambda: setattr(server, "should_exit", True)
        identity = store.identity()
        where = Where(os.getpid(), ports[0], ports[1], identity.account, identity.region)
        place.write(where)
        told(where)
        # uvicorn sends itself what stopped it once more, which would end the process before anything is closed
        before = signal.signal(signal.SIGTERM, lambda number, frame: None)
        try:
            server.run(sockets=sockets)
        finally:
            signal.signal(signal.SIGTERM, before)
            place.forget()
            services.close()


def _listening(port: int, option: str) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(512)
    except OverflowError as error:
        listening.close()
        raise BadOption(option=option, value=port, expected=say("a port from 0 to 65535")) from error
    except OSError as error:
        listening.close()
        problem = say("{reason}; give another with {option}, or 0", reason=error.strerror, option=option)
        raise StoreUnavailable(store=say("port {port} of {host}", port=port, host=HOST), problem=problem) from error
    return listening


class Services:
    """Everything behind the ports, made from one store."""

    def __init__(self, store: FolderStore, settings: Settings) -> None:
        # the serving process only buffers offline writes; the settler brings them to disk
        serving: Any = replace(store, offline_delay=_FOR_EVER_SECONDS)  # type: ignore[type-var]
        self.store: FolderStore = serving
        settled: Any = replace(store, offline_delay=settings.offline_delay_seconds)  # type: ignore[type-var]
        self.settler = Settler(settled, settings.offline_delay_seconds)
        self.state = State(store.path)
        self.pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="answer")
        groups, tokens = Groups(self.store), Tokens(self.state.secret())
        self.runtime = RuntimeService(self.store, groups, tokens, self.pool)
        catalogue = Catalogue(self.store, self.state)
        identity = store.identity()
        faults = Faults(store.path / "sandbox-faults.jsonl")
        faults.set(settings.faults)
        elsewhere = Elsewhere(identity.account, self.pool)
        s3 = S3Service(self.state, tokens, identity.account, identity.region, self.pool)
        control = control_plane(self.store, groups, self.state, tokens, s3.buckets.exists, catalogue, self.pool)
        queries, self._executions = athena(self.state, catalogue, s3.objects, tokens, self.pool)
        services: list[Service] = [
            queries,
            self.runtime,
            control,
            s3,
            *identities(identity.account, faults, tokens, elsewhere, self.pool),
            glue(catalogue, tokens, identity.account, self.pool),
        ]
        self.front = Front(services, elsewhere.service_of, identity, faults, self.settler.hold)
        self.control = ControlPort(self.settler, self.pool, faults)

    def close(self) -> None:
        """End threads and the settler, and close every file."""
        self.runtime.writer.close()
        self._executions.close()
        self.pool.shutdown()
        self.settler.stop()
        self.store.close()
        self.state.close()


def identities(
    account: str, faults: Faults, tokens: Tokens, elsewhere: Elsewhere, pool: Executor
) -> tuple[Service, Service]:
    """Return STS and IAM of an account."""

    def find_role(name: str) -> dict[str, Any] | None:
        return elsewhere.find_role(name, role_of(account, name))

    return sts(account, pool), iam(account, faults.denies, tokens, find_role, pool)


def stop(where: Where) -> None:
    """Ask the process of a sandbox to stop."""
    os.kill(where.pid, signal.SIGTERM)
