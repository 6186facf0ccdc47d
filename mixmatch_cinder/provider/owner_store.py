# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Database store with one record for each attachment: its owner.

The table ``driver_initiator_data`` is Cinder's own store of keys and values,
made for drivers. Its rows are inserted and read, each driver in a namespace
of its own; Cinder itself never updates a row, and no API shows one. Each
supported release has it.

The admin metadata of a volume, where owners were stored before, is not safe:
``Volume.save()`` deletes each key that was added after the object was loaded,
and ``os-attach``, the end of an extension and others save it. Records that are
there are still read.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from cinder.db import api as db
from cinder import exception
import sqlalchemy as sa

try:
    from cinder.db import api as sql
    from cinder.db import models
except ImportError:  # until 2026.1
    from cinder.db.sqlalchemy import api as sql
    from cinder.db.sqlalchemy import models

_NAMESPACE = 'mixmatch'
_OLD_PREFIX = 'mixmatch:'
_RECORD, _OLD = models.DriverInitiatorData, models.VolumeAdminMetadata
_ATTACHMENT = models.VolumeAttachment

#: Volumes in one query, since databases limit its length.
_BATCH_SIZE = 500


def read(context: Any, volume_ids: Iterable[str]
         ) -> Iterator[tuple[str, str, str]]:
    """Yield volume, attachment and text of each record of some volumes."""
    wanted = list(volume_ids)
    for first in range(0, len(wanted), _BATCH_SIZE):
        yield from _read(context, wanted[first:first + _BATCH_SIZE])


def _read(context: Any, volume_ids: list[str]
          ) -> Iterator[tuple[str, str, str]]:
    old = sa.select(_OLD.volume_id, _OLD.key, _OLD.value).where(
        _OLD.volume_id.in_(volume_ids), ~_OLD.deleted,
        _OLD.key.startswith(_OLD_PREFIX))
    new = sa.select(_RECORD.initiator, _RECORD.key, _RECORD.value).where(
        _RECORD.initiator.in_(volume_ids), _RECORD.namespace == _NAMESPACE)
    with sql.main_context_manager.reader.using(context) as session:
        rows = session.execute(sa.union_all(old, new)).all()
    # A record that is in both is newer in the second; a database may return
    # the rows in any order.
    for volume_id, key, text in sorted(
            rows, key=lambda row: not row[1].startswith(_OLD_PREFIX)):
        yield volume_id, key.removeprefix(_OLD_PREFIX), text


def add(context: Any, volume_id: str, attachment_id: str, text: str) -> None:
    """Add the record of an attachment unless it has one."""
    try:
        db.driver_initiator_data_insert_by_key(
            context, volume_id, _NAMESPACE, attachment_id, text)
    except exception.DriverInitiatorDataExists:
        pass


def delete(context: Any, volume_id: str,
           attachment_ids: Iterable[str]) -> None:
    """Delete the records of attachments that are gone."""
    with sql.main_context_manager.writer.using(context) as session:
        session.execute(sa.delete(_RECORD).where(
            _RECORD.initiator == volume_id, _RECORD.namespace == _NAMESPACE,
            _RECORD.key.in_(list(attachment_ids))))


def on_host(context: Any, host: str) -> list[str]:
    """Return the texts of the records of attachments to a host."""
    query = sa.select(_RECORD.value).join(
        _ATTACHMENT, sa.and_(_ATTACHMENT.volume_id == _RECORD.initiator,
                             _ATTACHMENT.id == _RECORD.key)).where(
        sa.func.lower(_ATTACHMENT.attached_host) == host.lower(),
        ~_ATTACHMENT.deleted, _RECORD.namespace == _NAMESPACE)
    with sql.main_context_manager.reader.using(context) as session:
        return list(session.scalars(query).all())


def nothing_is_attached() -> list[Any]:
    """Return filters for an update of a volume without attachments.

    The status ``reserved`` is set before its attachment is created.
    """
    return [models.Volume.status != 'reserved',
            ~db.volume_has_attachments_filter()]
