"""`runs resume`: go on with a run that was interrupted or that failed."""

from __future__ import annotations

from dataclasses import dataclass

from sfs_core import ExitCode, SfsCommand, argument, option, resume


@dataclass(frozen=True)
class ResumeOptions:
    """How a run is gone on with."""

    force: bool = option("Do not ask before going on with a run that deletes.", default=False)


class RunsResume(SfsCommand):
    """Go on with a run."""

    name = "runs resume"
    description = "Go on with a run that was interrupted or failed, with its own options and clock."
    arguments = [argument("run", "Name of the run, or how it begins.")]  # noqa: RUF012  (Cleo's)
    declares = (ResumeOptions,)

    def answer(self) -> ExitCode:
        """Run its command once more; what is done already stays done. Raises RunNotFound, NotResumable."""
        return ExitCode(resume(self.environment, self.argument("run"), force=self.given(ResumeOptions).force))
