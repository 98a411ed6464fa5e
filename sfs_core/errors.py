"""Every failure a user can meet: one sentence a class, one exit code a family.

A class holds its sentence as a template; a raise gives the fields, which machine-readable logs carry too.
A sentence says what, where and what to do next, in lower case and without a full stop.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from sfs_core.messages import Message


class ExitCode(IntEnum):
    """What the process says to its caller; each number means one thing."""

    DONE = 0
    BUG = 1
    USAGE = 2
    RECORDS_FAILED = 3
    REFUSED = 4
    PLAN_CHANGED = 5
    DIFFERENCES = 6
    DELETION_CAP = 7
    NOT_FOUND = 10
    ACCESS_DENIED = 11
    STORE_UNAVAILABLE = 12
    RECORDS_LOST = 70
    INTERRUPTED = 130


class SfsError(Exception):
    """A failure with a sentence for the user.

    Subclasses set `sentence` (a template) and `exit_code`; `raise Subclass(field=value)` gives the fields.
    """

    sentence: ClassVar[str] = ""
    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, **fields: object) -> None:
        self.message = Message(self.sentence, fields)
        super().__init__(str(self.message))

    def __str__(self) -> str:
        return str(self.message)

    @property
    def code(self) -> str:
        """The name machine-readable output gives this failure."""
        return type(self).__name__


# usage: what was asked for cannot be understood


class UsageError(SfsError):
    """What was asked for is not understood; nothing was done."""

    sentence = "{problem}"
    exit_code = ExitCode.USAGE


class BadOption(UsageError):
    """An option's value does not have the form it needs."""

    sentence = "{option} does not take {value!r}: give {expected}"


class OptionsConflict(UsageError):
    """Two options contradict each other."""

    sentence = "{first} and {second} contradict each other: give one of them"


class OptionOfAnother(UsageError):
    """An option belongs to a part that is not the chosen one, so nothing would read it."""

    sentence = "--{option} belongs to --{choice} {name}, and {chosen} is used: leave it out"


class UnknownPart(UsageError):
    """No plugin provides a part of that name."""

    sentence = "no {kind} is named {name!r}: there are {known}; `sagemaker-fs plugins` shows what each plugin provides"


class ConfigUnreadable(UsageError):
    """The configuration file is not valid."""

    sentence = "configuration file {path} cannot be used: {problem}"


class ConnectionUnknown(UsageError):
    """No connection of that name is configured."""

    sentence = "no connection is named {name!r}: there are {known}; add [connections.{name}] to {path} to make one"


class StoreMissing(UsageError):
    """The store plugin that a connection names is not installed."""

    sentence = (
        "connection {connection!r} needs the store {store!r}, which no installed plugin provides (there are {known}): "
        "install it, name another connection, or see it all on the embedded store with `sagemaker-fs demo`"
    )


class BadFeatureType(UsageError):
    """A feature definition's text is not understood."""

    sentence = (
        "{text!r} is not a feature type: give String, Integral or Fractional, "
        "and if it is a collection :List, :Set or :Vector(n)"
    )


class BadDuration(UsageError):
    """A time to live is not understood."""

    sentence = "{text!r} is not a time to live: give a whole number and a unit, s, m, h, d or w, as in 30d"


class BadEventTime(UsageError):
    """A text is not an event time of the kind the feature group needs."""

    sentence = "{text!r} is not an event time: give {expected}"


class BadValue(UsageError):
    """A value does not have its feature's type."""

    sentence = "feature {feature!r} is {type}, and {value!r} is not: give {expected}"


class BadRecord(UsageError):
    """A record breaks a rule of the service that is not about one value's type."""

    sentence = "{problem}"


class UnknownFeature(UsageError):
    """A feature is named that the group does not have."""

    sentence = "feature group {group!r} has no feature {feature!r}: `sagemaker-fs describe {group}` shows them all"


class MissingFeature(UsageError):
    """A record lacks its record identifier or its event time."""

    sentence = "a record needs {feature!r}, the {role} of feature group {group!r}: give it a value"


class BadDefinition(UsageError):
    """A feature group's definition breaks a rule of the service."""

    sentence = "feature group {name!r} cannot be made or changed so: {problem}"


class BadRequest(UsageError):
    """The store refuses a request as invalid, for a reason it gives itself."""

    sentence = "{store} refuses this for feature group {group!r}: {problem}"


class EventTimeNotLater(UsageError):
    """A hard delete whose event time is not later than the record's; nothing was removed."""

    sentence = (
        "record {record_id!r} of {group!r} has an event time that is not before {event_time}: "
        "delete it with a later event time"
    )


class StoreNotEnabled(UsageError):
    """A target store is named that the feature group does not have."""

    sentence = "feature group {group!r} has no {store}: `sagemaker-fs describe {group}` shows its stores"


class FileUnreadable(UsageError):
    """An input file cannot be read."""

    sentence = "{path} cannot be read: {problem}"


class FileUnwritable(UsageError):
    """An output file cannot be written."""

    sentence = "{path} cannot be written: {problem}"


# refused by a guard


class Refused(SfsError):
    """A guard stands in the way; nothing was changed."""

    sentence = "{problem}"
    exit_code = ExitCode.REFUSED


class NotAnIcebergTable(Refused):
    """Something that only an Iceberg table can do was asked of an offline store in the Glue format."""

    sentence = "the offline store of {group} is not an Iceberg table, so its records are not deleted by their days"


class FilesOfATable(Refused):
    """Objects that are the files of an Iceberg table: deleting them by themselves corrupts it."""

    sentence = (
        "the offline objects of {group} are the files of an Iceberg table, which deleting them would corrupt, so "
        "nothing was deleted: delete records by their days, or the group"
    )


class NotConfirmed(Refused):
    """The user did not type the name that was asked for."""

    sentence = "not confirmed, so nothing was changed: type {name!r} when asked, or give --force"


class NoTerminal(Refused):
    """A question has to be asked and there is nobody to ask."""

    sentence = (
        "this asks for {name!r} to be typed, and there is no terminal to ask on: "
        "look at the plan with --dry-run, then give --force"
    )


class ConnectionProtected(Refused):
    """The connection is marked protected in the configuration."""

    sentence = (
        "connection {connection!r} is protected in {path}, so nothing was changed: give --unprotect if you mean it"
    )


class GroupBusy(Refused):
    """Another run is changing this feature group."""

    sentence = (
        "run {run} (process {pid}) is changing {group} already: wait for it, or see `sagemaker-fs runs show {run}`"
    )


class GroupNotReady(Refused):
    """The feature group's status does not allow this."""

    sentence = "feature group {group!r} is {status}{reason}: wait until it is Created, then try again"


class GroupExists(Refused):
    """A feature group of that name is there already."""

    sentence = "a feature group named {name!r} is there already: choose another name, or delete it first"


class NotResumable(Refused):
    """The run cannot be gone on with."""

    sentence = "run {run} cannot be resumed: {problem}"


class StillThere(Refused):
    """What a step had to remove keeps coming back."""

    sentence = "{what} still holds {left} after {rounds} rounds: stop what writes to it, then `runs resume`"


class PlanChanged(SfsError):
    """What was shown is no longer what would be done."""

    sentence = "{what} changed since the plan was shown, so nothing more was done: look at a new plan with --dry-run"
    exit_code = ExitCode.PLAN_CHANGED


class DifferencesFound(SfsError):
    """Verification found differences."""

    sentence = "{source} and {target} differ, in records: {count}"
    exit_code = ExitCode.DIFFERENCES


class DeletionCapReached(SfsError):
    """More would be deleted than allowed."""

    sentence = "{group} would lose {count} {things}, and the cap is {cap}: give --max-delete {count} if you mean it"
    exit_code = ExitCode.DELETION_CAP


# not found, denied, unavailable


class NotFound(SfsError):
    """Something named is not there."""

    sentence = "{what} is not there"
    exit_code = ExitCode.NOT_FOUND


class FeatureGroupNotFound(NotFound):
    """No feature group of that name in this account and Region."""

    sentence = "no feature group {name!r} in {place}: `sagemaker-fs list` shows them"


class RecordNotFound(NotFound):
    """The online store holds no live record of that id."""

    sentence = "no record {record_id!r} in the online store of {group!r}"


class RunNotFound(NotFound):
    """No run of that name is on this machine."""

    sentence = "no run {run!r} in {folder}: `sagemaker-fs runs list` shows them"


class AccessDenied(SfsError):
    """The store does not allow this principal to do this."""

    sentence = "{principal} may not {action} on {resource}: ask for the permission {action}"
    exit_code = ExitCode.ACCESS_DENIED


class StoreUnavailable(SfsError):
    """The store does not answer, or cannot be written to."""

    sentence = "{store} cannot be used: {problem}"
    exit_code = ExitCode.STORE_UNAVAILABLE


class DiskFull(StoreUnavailable):
    """There is no space left where something must be written down."""

    sentence = "no space is left in {folder}, so nothing more was done: free some, then try again"


class NoCredentials(StoreUnavailable):
    """No credentials were found for a store that needs them."""

    sentence = (
        "connection {connection!r} has no credentials: {how}; "
        "or use the embedded store, which needs none: `sagemaker-fs demo`"
    )


class PartLostRecords(SfsError):
    """A part gave fewer or more outcomes than it was given records."""

    sentence = "{part} was given {given} records and accounted for {accounted}: this is a bug in that part"
    exit_code = ExitCode.RECORDS_LOST


class Interrupted(SfsError):
    """The user asked to stop."""

    sentence = "stopped as asked"
    exit_code = ExitCode.INTERRUPTED
