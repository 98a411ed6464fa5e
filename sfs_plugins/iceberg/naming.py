"""Names of data files, in the service's own layout. Source: feature-store-offline.

`data/0aec19ca/EventTime_trunc=2022-11-09/20221109T215231Z_yolTtpyuWbkaeGIl.parquet`: what looks random is drawn from
a seed, so that writing the same records again after a crash gives the same files.
"""

from __future__ import annotations

import hashlib
import re
import string

_ALPHABET = string.digits + string.ascii_lowercase


def data_location(root: str, partition: str, latest: str, part: int, seed: str) -> str:
    """Return where a data file goes; `latest` is the latest event time in it (ISO 8601), `part` counts from 0.

    Of files of one seed and partition, the names (behind the `_`) sort by part.
    """
    digest = hashlib.sha256(f"{seed} {partition} {part}".encode()).digest()
    stamp = re.sub("[-:]", "", latest[:19]) + "Z"
    name = f"{stamp}_{_in_base_36(part, 3)}{_in_base_36(int.from_bytes(digest[:16]), 13)}.parquet"
    return f"{root}/data/{digest[16:20].hex()}/{partition}/{name}"


def is_own_name(location: str) -> bool:
    """Tell whether a data file was named here, and so has the names of features as they are for its columns."""
    return re.fullmatch(r"\d{8}T\d{6}Z_[0-9a-z]{16}\.parquet", location.rpartition("/")[2]) is not None


def _in_base_36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
