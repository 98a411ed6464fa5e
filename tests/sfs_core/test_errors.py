"""Failures: a sentence a class, an exit code a family, fields for machines."""

from __future__ import annotations

import pytest

from sfs_core import (
    AccessDenied,
    BadOption,
    DeletionCapReached,
    DifferencesFound,
    DiskFull,
    ExitCode,
    FeatureGroupNotFound,
    Interrupted,
    NoCredentials,
    NotConfirmed,
    NotFound,
    PartLostRecords,
    PlanChanged,
    Refused,
    SfsError,
    StoreMissing,
    StoreUnavailable,
    UsageError,
)


def test_an_error_says_its_sentence_with_the_fields_it_was_raised_with():
    error = FeatureGroupNotFound(name="orders", place="eu-west-1 of account 1111")

    assert str(error) == "no feature group 'orders' in eu-west-1 of account 1111: `sagemaker-fs list` shows them"
    assert error.code == "FeatureGroupNotFound"
    assert error.message.fields == {"name": "orders", "place": "eu-west-1 of account 1111"}


@pytest.mark.parametrize(
    ("family", "code"),
    [
        (SfsError, 1),
        (UsageError, 2),
        (Refused, 4),
        (PlanChanged, 5),
        (DifferencesFound, 6),
        (DeletionCapReached, 7),
        (NotFound, 10),
        (AccessDenied, 11),
        (StoreUnavailable, 12),
        (PartLostRecords, 70),
        (Interrupted, 130),
    ],
)
def test_each_family_has_its_exit_code(family, code):
    assert family.exit_code == code


@pytest.mark.parametrize(
    ("error", "family"),
    [(BadOption, UsageError), (NotConfirmed, Refused), (DiskFull, StoreUnavailable), (NoCredentials, StoreUnavailable)],
)
def test_an_error_inherits_the_exit_code_of_its_family(error, family):
    assert error.exit_code is family.exit_code


def test_every_number_but_partial_success_and_success_belongs_to_a_family():
    raised = {error.exit_code for error in _all(SfsError) if error.__module__ == "sfs_core.errors"}

    assert set(ExitCode) - raised == {ExitCode.DONE, ExitCode.RECORDS_FAILED}


def test_a_missing_store_says_how_to_get_one_and_offers_the_demo():
    error = StoreMissing(connection="sagemaker", store="sagemaker", known="local")

    assert "no installed plugin provides (there are local)" in str(error)
    assert "`sagemaker-fs demo`" in str(error)


def _all(root: type[SfsError]) -> list[type[SfsError]]:
    return [root, *(one for child in root.__subclasses__() for one in _all(child))]
