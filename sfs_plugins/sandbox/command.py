"""`sagemaker-fs sandbox start`, `stop`, `status` and `env`."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from sfs_core import (
    ExitCode,
    Message,
    Output,
    OutputOptions,
    Session,
    SfsCommand,
    StoreUnavailable,
    option,
    render_one,
    say,
)
from sfs_plugins.sandbox.faults import read_rules
from sfs_plugins.sandbox.groups import FolderStore
from sfs_plugins.sandbox.place import Place, Where

_START_SECONDS = 60.0
_STOP_SECONDS = 90.0
_IN_THE_WAY = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_SESSION_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
"""What goes before the sandbox's variables, and would send a call elsewhere: to AWS itself, at worst."""


@dataclass(frozen=True)
class StartOptions:
    """How a sandbox is started."""

    port: int = option("Port on 127.0.0.1 (0: any that is free).", default=4571)
    control_port: int = option("Port of the sandbox's own controls (0: any that is free).", default=0)
    offline_delay: float = option("Seconds until a record shows in the offline store.", default=1.0)
    faults: Path | None = option("File of faults to strike requests with.", default=None, value="FILE")
    detach: bool = option("Go on in the background; `sandbox stop` ends it.", default=False)


def served_store(session: Session) -> FolderStore:
    """Return the embedded store of the connection asked for, or of the connection `local`."""
    name = session.default_connection
    if session.connection(name).store != "local":
        name = "local"
    return cast(FolderStore, session.store(name))


class StartCommand(SfsCommand):
    """Serves the local store over AWS's wire protocol until it is stopped."""

    name = "sandbox start"
    description = "Serve the local store on 127.0.0.1 as AWS would: boto3, the AWS CLI and others work against it."
    declares = (StartOptions,)

    def answer(self) -> ExitCode:
        """Serve in the foreground, or leave that to a process of its own."""
        given, store = self.given(StartOptions), served_store(self.session)
        faults = {} if given.faults is None else read_rules(given.faults)
        place = Place(store.path)
        where = self._detached(place) if given.detach else None
        if where is not None:
            self._tell(where)
            return ExitCode.DONE
        from sfs_plugins.sandbox.server import Settings, serve

        serve(store, Settings(given.port, given.control_port, given.offline_delay, faults), self._tell)
        return ExitCode.DONE

    def _tell(self, where: Where) -> None:
        text = "serving account {account} in {region} at {endpoint}; controls at {control}"
        self.session.console.note(say(text, **asdict(where), endpoint=where.endpoint, control=where.control))
        # the folder is named: another terminal may have another default
        folder = shlex.quote(str(served_store(self.session).path.resolve()))
        self.session.console.note(
            say('speak to it with: eval "$(sagemaker-fs sandbox env --path {folder})"', folder=folder)
        )

    def _detached(self, place: Place) -> Where:
        """Start this command once more, in the background, and return where it serves once it does."""
        with place.held():
            pass
        place.forget()
        argv = [part for part in self.environment.argv if part != "--detach"]
        code = "import sys; from sfs_core.application import main; sys.exit(main())"
        log = place.folder / "sandbox.log"
        with log.open("ab") as written:
            begins = written.tell()
            process = subprocess.Popen(  # noqa: S603  (this program itself)
                [sys.executable, "-c", code, *argv],
                stdin=subprocess.DEVNULL, stdout=written, stderr=written, cwd=self.environment.folder,
                env=dict(self.environment.environ), start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            where = place.read()
            if where is not None:
                return where
            time.sleep(0.05)
        raise StoreUnavailable(store=say("the sandbox"), problem=_why_not(log, begins))


def _why_not(log: Path, begins: int) -> Message:
    """Return why a sandbox in the background never answered: the last that it wrote into its log."""
    lines = log.read_bytes()[begins:].decode("utf-8", "replace").splitlines()
    if not lines:
        return say("it did not answer, and {log} does not say why", log=log)
    return say("it did not answer: {last} (in {log})", last=lines[-1].removeprefix("error: "), log=log)


class StopCommand(SfsCommand):
    """Stops the sandbox of a folder, and waits until it has stopped."""

    name = "sandbox stop"
    description = "Stop the sandbox that serves this folder."

    def answer(self) -> ExitCode:
        """Ask it to stop, and wait until what was buffered is on disk and every file is closed."""
        from sfs_plugins.sandbox.server import stop

        place = Place(served_store(self.session).path)
        where = place.find()
        stop(where)
        if not place.wait_until_free(_STOP_SECONDS):
            problem = say("it does not stop; end process {pid} yourself", pid=where.pid)
            raise StoreUnavailable(store=say("the sandbox"), problem=problem)
        return ExitCode.DONE


class StatusCommand(SfsCommand):
    """Shows where the sandbox of a folder serves."""

    name = "sandbox status"
    description = "Show where the sandbox of this folder serves; exit code 10 if none does."
    declares = (OutputOptions,)

    def answer(self) -> ExitCode:
        """Write where it is."""
        where = Place(served_store(self.session).path).find()
        content: dict[str, Any] = {"endpoint": where.endpoint, "control": where.control, **asdict(where)}
        output: Output = self.given(OutputOptions).output
        render_one(content, output, self.stdout)
        return ExitCode.DONE


class EnvCommand(SfsCommand):
    """Writes the environment that points AWS's tools at the sandbox."""

    name = "sandbox env"
    description = 'Write export lines for the shell: eval "$(sagemaker-fs sandbox env)".'

    def answer(self) -> ExitCode:
        """Write one export line a variable, after a line that takes away what would go before them."""
        found = Place(served_store(self.session).path).find()
        others = sorted(name for name in self.environment.environ if name.startswith("AWS_ENDPOINT_URL_"))
        self.stdout.write(f"unset {' '.join([*_IN_THE_WAY, *others])}\n")
        for name, value in found.environment().items():
            self.stdout.write(f"export {name}={shlex.quote(value)}\n")
        return ExitCode.DONE
