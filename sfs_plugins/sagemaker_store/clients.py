"""boto3 sessions and clients of one connection: made when first needed, shared by threads, credentials refreshed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from sfs_plugins.sagemaker_store.errors import ProfileMissing, RegionMissing


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
        """Return the client of a service. Raises ProfileMissing, RegionMissing."""
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
        """Return the boto3 session, with the role's credentials where the connection has one."""
        with self._lock:
            if self._session is None:
                import boto3
                from botocore.exceptions import ProfileNotFound

                try:
                    base = boto3.Session(profile_name=self.profile, region_name=self.region)
                except ProfileNotFound as error:
                    raise ProfileMissing(connection=self.connection, profile=self.profile) from error
                self._session = self._assumed(base) if self.role_arn else base
            return self._session

    def close(self) -> None:
        """Close every client that was made."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            max_pool_connections=64,
            retries={"total_max_attempts": 1},
            user_agent_extra="sagemaker-fs",
        )
        return self.session().client(
            service, region_name=self.region_name, endpoint_url=self.endpoint_url, config=config
        )

    def _assumed(self, base: Any) -> Any:
        import boto3
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
        from botocore.session import get_session

        def client(name: str, **given: Any) -> Any:
            return base.client(name, **{"endpoint_url": self.endpoint_url, "region_name": base.region_name, **given})

        fetcher = AssumeRoleCredentialFetcher(
            client, base.get_credentials(), self.role_arn, extra_args={"RoleSessionName": "sagemaker-fs"}
        )
        core = get_session()
        core._credentials = DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return boto3.Session(botocore_session=core, region_name=base.region_name)
