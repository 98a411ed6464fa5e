"""Finding a feature group whatever its status: one that is being made, or that failed, can be seen and deleted too."""

from __future__ import annotations

from sfs_core import FeatureGroup, FeatureGroupNotFound, Session


def found_group(session: Session, address: str) -> FeatureGroup:
    """Return a feature group of any status. Raises FeatureGroupNotFound."""
    group = session.find_group(address)
    if group is None:
        connection, name = session.address(address)
        raise FeatureGroupNotFound(name=name, place=session.store(connection).place())
    return group
