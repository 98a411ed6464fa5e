"""A session of sagemaker-core's FeatureGroup resource, as a process of its own: its import takes seconds, it reads
configuration files, keeps its clients for the life of the process, and could send telemetry.

`python sagemaker_core_session.py OUT life ROLE S3URI` uses every operation on a group of its own, and
`... OUT view NAME` puts a record into a group and looks at it; what each call gave is written to the file OUT as JSON.
It is kept offline: a connection to anywhere but this machine ends it.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")


def stay_here(event: str, given: tuple[Any, ...]) -> None:
    """Let no connection and no look-up leave this machine."""
    host = {"socket.getaddrinfo": lambda: given[0], "socket.connect": lambda: given[1][0]}.get(event, lambda: None)()
    if host not in (None, "127.0.0.1", "localhost"):
        sys.stderr.write(f"{event} {host}\n")
        raise SystemExit(9)


def plain(content: Any) -> Any:
    """Return a resource or a shape as JSON has it, without what was not assigned."""
    from sagemaker.core.utils.utils import Unassigned

    if isinstance(content, Unassigned):
        return None
    if isinstance(content, list):
        return [plain(item) for item in content]
    fields = getattr(type(content), "model_fields", None)
    if fields is None:
        return content if isinstance(content, (str, int, float, bool, type(None))) else str(content)
    found = {name: plain(getattr(content, name)) for name in fields}
    return {name: value for name, value in found.items() if value is not None}


def features(**values: str) -> list[Any]:
    from sagemaker.core import shapes

    return [shapes.FeatureValue(feature_name=name, value_as_string=value) for name, value in values.items()]


def life(role: str, uri: str) -> dict[str, Any]:
    """Make a feature group, use every operation on it, and delete it."""
    from sagemaker.core import shapes
    from sagemaker.core.resources import FeatureGroup

    kinds = {"id": "String", "time": "String", "count": "Integral"}
    group = FeatureGroup.create(
        feature_group_name="core-made", record_identifier_feature_name="id", event_time_feature_name="time",
        feature_definitions=[shapes.FeatureDefinition(feature_name=n, feature_type=k) for n, k in kinds.items()],
        online_store_config=shapes.OnlineStoreConfig(enable_online_store=True),
        offline_store_config=shapes.OfflineStoreConfig(s3_storage_config=shapes.S3StorageConfig(s3_uri=uri)),
        role_arn=role, tags=[shapes.Tag(key="team", value="sales")],
    )  # fmt: skip
    group.wait_for_status("Created", poll=1, timeout=30)
    seen: dict[str, Any] = {"created": plain(group.refresh())}
    group.put_record(record=features(id="a", time="2025-06-01T00:00:00Z", count="1"))
    entries = [
        shapes.BatchWriteRecordEntry(
            feature_group_name="core-made", record=features(id=one, time="2025-06-01T00:00:00Z", count="2")
        )
        for one in ("b", "c")
    ]
    seen["written"] = plain(group.batch_write_record(entries=entries))
    seen["got"] = plain(group.get_record(record_identifier_value_as_string="a"))
    group.delete_record(record_identifier_value_as_string="b", event_time="2025-06-02T00:00:00Z")
    seen["deleted"] = plain(group.get_record(record_identifier_value_as_string="b"))
    wanted = shapes.BatchGetRecordIdentifier(
        feature_group_name="core-made", record_identifiers_value_as_string=["a", "b", "c"]
    )
    batch = group.batch_get_record(identifiers=[wanted])
    seen["batch"] = sorted(one.record_identifier_value_as_string for one in batch.records)
    seen["ids"] = sorted(group.list_records(max_results=100).record_identifiers)
    group.update(feature_additions=[shapes.FeatureDefinition(feature_name="colour", feature_type="String")])
    seen["updated"] = plain(group.refresh())
    seen["all"] = [one.feature_group_name for one in FeatureGroup.get_all(name_contains="core-made")]
    group.delete()
    group.wait_for_delete(poll=1, timeout=30)
    seen["left"] = [one.feature_group_name for one in FeatureGroup.get_all(name_contains="core-made")]
    try:
        FeatureGroup.get(feature_group_name="core-made")
    except Exception as error:  # whatever class the library makes of it
        seen["gone"] = str(error)
    return seen


def view(name: str) -> dict[str, Any]:
    """Put a record into a group, and look at the group and all of its records."""
    from sagemaker.core.resources import FeatureGroup

    group = FeatureGroup.get(feature_group_name=name)
    group.put_record(record=features(id="core", time="2025-06-03T00:00:00Z", note="sagemaker-core"))
    ids = sorted(group.list_records(max_results=100).record_identifiers)
    records = {one: plain(group.get_record(record_identifier_value_as_string=one)) for one in ids}
    return {"group": plain(group), "records": records}


if __name__ == "__main__":
    sys.addaudithook(stay_here)
    out, what, *given = sys.argv[1:]
    seen = life(*given) if what == "life" else view(*given)
    Path(out).write_text(json.dumps(seen), "utf-8")
