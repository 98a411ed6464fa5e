"""Feature groups made, changed and deleted: the catalogue and what a group holds, in an order that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sfs_core import Clock, GroupChange, NewFeatureGroup, StoreUnavailable
from sfs_plugins.local_store import emptying
from sfs_plugins.local_store.catalogue import Catalogue
from sfs_plugins.local_store.definitions import StoredGroup
from sfs_plugins.local_store.errors import told_of
from sfs_plugins.local_store.opened import Opened


@dataclass(frozen=True)
class LifeCycle:
    """Makes, changes and deletes the groups of a catalogue; `opened` gives what is at hand of one."""

    catalogue: Catalogue
    clock: Clock
    opened: Callable[[StoredGroup], Opened]

    def create(self, new: NewFeatureGroup) -> None:
        """Make a group; one whose Iceberg table cannot be made has the status CreateFailed, and the reason.

        Raises GroupExists, BadDefinition.
        """
        for group in self.catalogue.gone():
            self._remove_if_it_can_be(group, new)
        made = self.catalogue.create(new)
        with self.catalogue.making(made):
            self.bring_up_to_date(self.opened(made))

    def _remove_if_it_can_be(self, group: StoredGroup, new: NewFeatureGroup) -> None:
        """Take away what a deletion left; where that fails, which was told then, it is in the way of its name alone."""
        try:
            self.remove(group)
        except StoreUnavailable:
            if group.new.name.lower() == new.name.lower():
                raise

    def bring_up_to_date(self, opened: Opened) -> None:
        """Make the Iceberg table of a group that has one, or give it the columns that it lacks."""
        if opened.is_iceberg:
            with told_of(self.catalogue.folder):
                opened.iceberg_files().table()

    def update(self, name: str, change: GroupChange) -> None:
        """Change a group. Raises BadDefinition, GroupNotReady, and what is wrong with its Iceberg table."""
        if change.add_features:
            # a table that cannot be read is told of before the group has features that it lacks
            self.bring_up_to_date(self.opened(self.catalogue.ready(name)))
        self.catalogue.change(name, change)
        if change.add_features:
            self.bring_up_to_date(self.opened(self.catalogue.find(name)))

    def delete(self, name: str) -> None:
        """Delete a group and its online records, once what is buffered for its offline store is on disk.

        Where that cannot be brought there, the group stays as it is.
        """
        self.opened(self.catalogue.made(name)).settle(self.clock.now(), everything=True)
        self.remove(self.catalogue.begin_deletion(name))

    def remove(self, group: StoredGroup) -> None:
        """Take away what a group being deleted holds; repeated after a crash, it goes on where that stopped."""
        emptying.take_away(self.opened(group), self.clock)
        if group.is_gone(self.clock.now()):
            self.catalogue.forget(group)
