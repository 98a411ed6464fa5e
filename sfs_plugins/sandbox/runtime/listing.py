"""ListRecords: pages of a listing that goes on in the store, each page asked for by the token of the one before."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sfs_core import FeatureGroup
from sfs_plugins.sandbox.groups import Described, FolderStore
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.translation import validation_error

_MAX_LISTINGS = 64
_DEFAULT_RESULTS = 10


@dataclass
class Listing:
    """One listing under way: `ids` are those seen so far, so that a page can be asked for again."""

    batches: Iterator[Any]
    ids: list[str] = field(default_factory=list)
    is_whole: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, start: int, count: int) -> list[str]:
        """Return the ids from a place on, fewer than asked for at the end."""
        with self.lock:
            while len(self.ids) < start + count and not self.is_whole:
                batch = next(self.batches, None)
                if batch is None:
                    self.is_whole = True
                else:
                    self.ids += batch.column(0).to_pylist()
            return self.ids[start : start + count]


class Listings:
    """The listings under way. One that has been forgotten begins anew: an id may come twice, and none is left out."""

    def __init__(self, store: FolderStore, tokens: Tokens) -> None:
        self._store, self._tokens = store, tokens
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, described: Described, parameters: dict[str, Any], *, is_empty: bool = False) -> dict[str, Any]:
        """Return one page of ListRecords. A full page has a token even where nothing follows it."""
        group = described.group
        soft_deleted = bool(parameters.get("IncludeSoftDeletedRecords"))
        about = f"{group.arn} {group.created_at} {soft_deleted}"
        count = parameters.get("MaxResults") or _DEFAULT_RESULTS
        name, start = self._place(about, parameters.get("NextToken"))
        name, listing, start = self._listing(name, group, soft_deleted, start)
        if is_empty:
            # a token of its own: clients refuse to be given one twice
            return {"RecordIdentifiers": [], "NextToken": self._tokens.make(about, [name, start, secrets.token_hex(4)])}
        ids = listing.page(start, count)
        if len(ids) < count:
            return {"RecordIdentifiers": ids}
        return {"RecordIdentifiers": ids, "NextToken": self._tokens.make(about, [name, start + count])}

    def _place(self, about: str, token: str | None) -> tuple[str, int]:
        if token is None:
            return "", 0
        try:
            name, start, *_ = self._tokens.read(about, token)
        except BadToken as error:
            raise validation_error("NextToken is not valid for this FeatureGroup.") from error
        return name, start

    def _listing(self, name: str, group: FeatureGroup, soft_deleted: bool, start: int) -> tuple[str, Listing, int]:
        with self._lock:
            listing = self._listings.get(name)
            if listing is not None:
                self._listings.move_to_end(name)
                return name, listing, start
            listing = Listing(self._store.list_record_ids(group, soft_deleted=soft_deleted))
            name = secrets.token_hex(8)
            self._listings[name] = listing
            if len(self._listings) > _MAX_LISTINGS:
                self._listings.popitem(last=False)
            return name, listing, 0
