"""boto3 sessions and clients of one connection: made when first needed, shared by threads, credentials refreshed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from sfs_plugins.sagemaker_store.errors import ConnectionUnusable, ProfileMissing, RegionMissing, no_credentials

RUNTIME: Final = "sagemaker-featurestore-runtime"


@dataclass
class Clients:
    """Clients by service name. A role is assumed through STS, and assumed again before its credentials expire."""

    connection: str
    profile: str | None
    region: str | None
    role_arn: str | None
    endpoint_url: str | None
    connect_seconds: float = 10
    read_seconds: float = 60
    _made: dict[str, Any] = field(default_factory=dict)
    _session: Any = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, service: str) -> Any:
        """Return the client of a service. Raises ProfileMissing, NoCredentials, RegionMissing, ConnectionUnusable."""
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    @property
    def region_name(self) -> str:
        """The Region: the connection's own, else what botocore finds. Raises RegionMissing."""
        region = self.session().region_name
        if not region:
            raise RegionMissing(connection=self.connection)
        return str(region)

    def session(self) -> Any:
        """Return the boto3 session, with the role's credentials where the connection has one.

        Raises ProfileMissing; NoCredentials before anything is sent, and before a missing Region is looked at.
        """
        with self._lock:
            if self._session is None:
                self._session = self._opened()
            return self._session

    def close(self) -> None:
        """Close every client that was made."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()

    def _opened(self) -> Any:
        import boto3
        from botocore.exceptions import BotoCoreError, ProfileNotFound

        try:
            # boto3 itself knows AWS_DEFAULT_REGION only; every other tool of AWS reads this one first
            region = self.region or os.environ.get("AWS_REGION") or None
            base = boto3.Session(profile_name=self.profile, region_name=region)
            credentials = base.get_credentials()
        except ProfileNotFound as error:
            raise ProfileMissing(connection=self.connection, profile=self.profile or error.kwargs["profile"]) from error
        except (BotoCoreError, OSError, ValueError) as error:
            # the last two are those of a credential_process that is not there, or answers with something else
            raise no_credentials(self.connection, error) from error
        if credentials is None:
            raise no_credentials(self.connection)
        return self._assumed(base, credentials) if self.role_arn else base

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        # every try again is ours to decide: a write that is sent twice is written down as such; and botocore need not
        # look at every value of a record, which `check` has seen before and the service looks at again
        config = Config(
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            max_pool_connections=64,
            retries={"total_max_attempts": 1},
            user_agent_extra="sagemaker-fs",
            parameter_validation=service != RUNTIME,
        )
        session, region = self.session(), self.region_name
        try:
            return session.client(service, region_name=region, endpoint_url=self.endpoint_url, config=config)
        except ValueError as error:
            raise ConnectionUnusable(connection=self.connection, problem=str(error).rstrip(".")) from error

    def _assumed(self, base: Any, credentials: Any) -> Any:
        """Return a session whose credentials are the role's, refreshed by botocore some minutes before they expire."""
        import boto3
        from botocore.credentials import (
            AssumeRoleCredentialFetcher,
            CredentialProvider,
            CredentialResolver,
            DeferredRefreshableCredentials,
        )
        from botocore.session import Session

        def client(name: str, **given: Any) -> Any:
            # a global STS endpoint would need no Region, and none that is set may be left out elsewhere
            return base.client(name, **{"endpoint_url": self.endpoint_url, "region_name": base.region_name, **given})

        fetcher = AssumeRoleCredentialFetcher(
            client, credentials, self.role_arn, extra_args={"RoleSessionName": "sagemaker-fs"}
        )

        class Role(CredentialProvider):  # type: ignore[misc]
            METHOD = "sagemaker-fs-role"

            def load(self) -> Any:
                return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

        core = Session(profile=self.profile)
        core.register_component("credential_provider", CredentialResolver([Role()]))
        return boto3.Session(botocore_session=core, region_name=base.region_name)
