"""`sagemaker-fs doctor`: what stands between this machine and a feature store, looked at one thing after another."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from typing import Any, ClassVar

from sfs_core import (
    BadOption,
    ExitCode,
    GroupQuery,
    Message,
    OutputOptions,
    SfsCommand,
    SfsError,
    argument,
    option,
    render,
    say,
)
from sfs_plugins.sagemaker_store.permissions import VERBS
from sfs_plugins.sagemaker_store.simulation import Simulation, principal_to_ask
from sfs_plugins.sagemaker_store.store import SageMakerStore

COLUMNS = ("check", "state", "found")
_TRIES = 2


class State(StrEnum):
    """How a thing stands. `unknown` is no failure: it could not be looked at."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `exit_code` is what the command ends with where it failed."""

    check: str
    state: State
    found: Message | str
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True)
class DoctorOptions:
    """What is looked at."""

    role_arn: str | None = option("Role that feature groups with an offline store are made with.", default=None)


class DoctorCommand(SfsCommand):
    """Looks at credentials, Region, endpoint, permissions, versions and plugins; changes nothing."""

    name = "doctor"
    description = "Check credentials, Region, endpoint, permissions of each verb, versions and plugins."
    arguments: ClassVar = [argument("verbs", "Verbs to check the permissions of (all).", optional=True, multiple=True)]
    declares = (DoctorOptions, OutputOptions)

    def answer(self) -> ExitCode:
        """Write a line a finding; end as the first one that failed."""
        for verb in self.argument("verbs"):
            if verb not in VERBS:
                raise BadOption(option="VERBS", value=verb, expected=say("some of {verbs}", verbs=", ".join(VERBS)))
        findings = list(self._findings())
        lines = ({"check": one.check, "state": one.state.value, "found": one.found} for one in findings)
        render(lines, COLUMNS, self.given(OutputOptions).output, self.stdout)
        return next((one.exit_code for one in findings if one.state is State.FAILED), ExitCode.DONE)

    def _findings(self) -> Iterator[Finding]:
        yield from versions()
        yield from self._plugins()
        name = self.session.default_connection
        store = self.session.store(name)
        yield Finding("connection", State.OK, say("{name}: store {store}", name=name, store=store.name))
        if isinstance(store, SageMakerStore):
            verbs = self.argument("verbs") or list(VERBS)
            yield from of_aws(store, verbs, self.given(DoctorOptions).role_arn)
        else:
            yield looked_at("reachability", lambda: _count(store))

    def _plugins(self) -> Iterator[Finding]:
        for plugin in self.environment.plugins.all:
            check = f"plugin {plugin.name}"
            is_aside = plugin in self.environment.plugins.aside
            state = State.FAILED if is_aside else State.OK
            found = plugin.reason if is_aside and plugin.reason else say("{version}", version=plugin.version)
            yield Finding(check, state, found, ExitCode.USAGE)


def versions() -> Iterator[Finding]:
    """Tell which versions of what matters are installed."""
    yield Finding("python", State.OK, platform.python_version())
    for distribution in ("sfs-core", "sfs-sagemaker-store", "boto3", "botocore", "pyarrow"):
        yield Finding(distribution, State.OK, version(distribution))


def of_aws(store: SageMakerStore, verbs: list[str], role_arn: str | None) -> Iterator[Finding]:
    """Look at a connection to AWS; what needs an answer of the step before is not looked at where that failed."""
    # a person waits for this: what does not answer soon is told so
    store.calls.attempts = _TRIES
    credentials = looked_at("credentials", lambda: _credentials(store))
    yield credentials
    if credentials.state is not State.OK:
        return
    region = looked_at("region", lambda: store.clients.region_name)
    yield region
    if region.state is not State.OK:
        return
    for service in ("sagemaker", "sagemaker-featurestore-runtime", "athena", "s3"):
        yield looked_at(f"endpoint {service}", partial(_endpoint, store, service))
    identity = looked_at("identity", lambda: store.identity().principal)
    yield identity
    yield looked_at("reachability", lambda: _count(store))
    yield looked_at("athena results", lambda: str(store.athena.place() or say("kept by the workgroup")))
    if identity.state is State.OK:
        yield from permissions(store, verbs, role_arn)


def permissions(store: SageMakerStore, verbs: list[str], role_arn: str | None) -> Iterator[Finding]:
    """Tell of each verb which permissions its caller lacks, as IAM's own simulation has it."""
    identity = store.identity()
    fields = {
        "region": identity.region, "account": identity.account, "workgroup": store.workgroup,
        "role_arn": role_arn or "*", "bucket": "*",
    }  # fmt: skip
    iam = store.clients.get("iam")
    principal = principal_to_ask(store.calls, iam, identity.principal)
    wanted = [one for verb in verbs for one in VERBS[verb]]
    simulation = Simulation(store.calls, iam, principal, wanted, fields)
    for verb in verbs:
        check = f"permissions of {verb}"
        try:
            missing = simulation.missing(VERBS[verb])
        except SfsError as error:
            text = "IAM cannot be asked ({problem}); docs/reference/iam.md lists what {verb} needs"
            yield Finding(check, State.UNKNOWN, say(text, problem=error.message, verb=verb))
            continue
        needed = [one.action for one in missing if not one.when]
        on_occasion = [f"{one.action} ({one.when})" for one in missing if one.when]
        if needed or on_occasion:
            found = say("missing: {actions}", actions=", ".join([*needed, *on_occasion]))
            yield Finding(check, State.FAILED if needed else State.UNKNOWN, found, ExitCode.ACCESS_DENIED)
        else:
            yield Finding(check, State.OK, say("all {count}", count=len(VERBS[verb])))


def looked_at(check: str, look: Callable[[], Any]) -> Finding:
    """Return what was found, or the failure in its own words."""
    try:
        return Finding(check, State.OK, look())
    except SfsError as error:
        return Finding(check, State.FAILED, error.message, error.exit_code)


def _credentials(store: SageMakerStore) -> Message:
    credentials = store.clients.session().get_credentials()
    return say("found by {method}", method=credentials.method)


def _endpoint(store: SageMakerStore, service: str) -> str:
    return str(store.clients.get(service).meta.endpoint_url)


def _count(store: Any) -> Message:
    names = list(store.groups(GroupQuery()))
    return say("{count} feature groups listed", count=len(names))
