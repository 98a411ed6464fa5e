"""The offline objects of a feature group: listed and deleted under its own root, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfs_core import Batch, Fact, FeatureGroup, Refused, Remark, StoreNotEnabled, TargetStore, say
from sfs_plugins.local_store import layout
from sfs_plugins.local_store.catalogue import Catalogue
from sfs_plugins.local_store.errors import OutsideRoot

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "key"
_BATCH_OBJECTS = 10_000


@dataclass(frozen=True, slots=True)
class OwnRoot:
    """A root that is one group's alone: `uri` ends in `/`, `path` is its folder on disk."""

    group: str
    uri: str
    path: Path

    def object_path(self, uri: str) -> Path:
        """Return where an object of this root lies. Raises Refused for one that is not strictly under the root.

        Neither the text nor a link on the way may lead outside.
        """
        inside = uri.removeprefix(self.uri) if uri.startswith(self.uri) else ""
        parts = inside.split("/")
        path = self.path.joinpath(*parts)
        if not inside or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise OutsideRoot(uri=uri, root=self.uri, group=self.group)
        if path.is_symlink() or path.parent.resolve() != self.path.resolve().joinpath(*parts[:-1]):
            raise OutsideRoot(uri=uri, root=self.uri, group=self.group)
        return path

    def delete(self, uri: str) -> None:
        """Delete an object; one that is not there is deleted already. Raises Refused for one outside the root."""
        path = self.object_path(uri)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            # folders are no objects: those that are left empty go, up to the root
            if folder == self.path or not _removed(folder):
                break


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def deleted(root: OwnRoot, batch: Batch) -> Fact:
    """Delete the objects of a batch, and return what became of each."""
    remarks = []
    for row, key in enumerate(batch.records.column(KEY).to_pylist()):
        try:
            root.delete(key)
        except OutsideRoot as error:
            remarks.append(Remark.failed(row, error))
    return Fact.of(batch, remarks)


def own_root(catalogue: Catalogue, group: FeatureGroup) -> OwnRoot:
    """Return the root of a group, also of a deleted one. Raises StoreNotEnabled, Refused if it is not its alone."""
    uri = group.offline.root if group.offline else None
    if group.offline is None:
        raise StoreNotEnabled(group=group.name, store=TargetStore.OFFLINE)
    if uri is None:
        uri = catalogue.find(group.name).root or ""
    path = layout.local_path(catalogue.folder, uri)
    if not _has_the_form(catalogue, group.name, uri) or _is_linked(catalogue.folder / "s3", path):
        raise Refused(problem=say("{root} is not the root of {group}", root=uri, group=group.address))
    for other in catalogue.other_roots(uri):
        folded, others = uri.lower(), other.lower()
        if folded.startswith(others) or others.startswith(folded):
            problem = say(
                "{root} is not the root of {group} alone: {other} is another group's", root=uri, group=group.address,
                other=other,
            )  # fmt: skip
            raise Refused(problem=problem)
    return OwnRoot(group.name, uri, path)


def _has_the_form(catalogue: Catalogue, name: str, uri: str) -> bool:
    """Tell whether a root could have been given to the group by this store, and has no part that leads elsewhere."""
    parts = uri.removeprefix("s3://").rstrip("/").split("/")
    ending = f"/{catalogue.account}/sagemaker/{catalogue.region}/offline-store/{name}-"
    form = rf"s3://[^/]+(/.+)?{re.escape(ending)}\d+/"
    return re.fullmatch(form, uri) is not None and not any(part in ("", ".", "..") for part in parts)


def _is_linked(above: Path, path: Path) -> bool:
    return path.resolve() != above.resolve() / path.relative_to(above)


def listed(root: OwnRoot) -> Iterator[pa.RecordBatch]:
    """Yield the objects under a root: `key` (an s3:// URI) and `size` in bytes."""
    import pyarrow as pa

    keys: list[str] = []
    sizes: list[int] = []
    for inside, size in layout.objects_under(root.path):
        keys.append(root.uri + inside)
        sizes.append(size)
        if len(keys) == _BATCH_OBJECTS:
            yield _objects(pa.array(keys), pa.array(sizes))
            keys, sizes = [], []
    if keys:
        yield _objects(pa.array(keys), pa.array(sizes))


def _objects(keys: pa.Array, sizes: pa.Array) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.record_batch([keys, sizes.cast(pa.int64())], names=[KEY, "size"])
