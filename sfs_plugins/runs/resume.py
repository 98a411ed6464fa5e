"""`runs resume`: go on with a run that was interrupted or that failed."""

from __future__ import annotations

from sfs_core import ExitCode, SfsCommand, argument, resume


class RunsResume(SfsCommand):
    """Go on with a run."""

    name = "runs resume"
    description = "Go on with a run that was interrupted or failed, with its own options and clock."
    arguments = [argument("run", "Name of the run, or how it begins.")]  # noqa: RUF012  (Cleo's)

    def answer(self) -> ExitCode:
        """Run its command once more; what is done already stays done. Raises RunNotFound, NotResumable."""
        return ExitCode(resume(self.environment, self.argument("run")))
