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

"""Find and end block device mappings whose attach never came to anything.

Nova makes the mapping first and asks Cinder for an attachment next. If
nova-conductor, or nova-api before 2026.1, ends in between, a mapping without
an attachment stays: the volume can be used by no server and be taken from
none.

Such a mapping is ended by the user who takes the volume from the server, by
nova-conductor after a while, and is found by ``mixmatch-nova check``. It is
none as long as it may still be given its attachment:

* for :data:`SECONDS` after it was made; nova-conductor waits :data:`LONG`,
* while the server is being built, moved or deleted (``task_state``).

One whose volume nova-compute was to make, of a snapshot, is none either: it
goes with its server, and so may the volume.

It is ended in the database by one statement, only if it still has no
attachment. Should a request want to give it one after that, Nova finds no row,
gives the attach up, and what the other cloud has reserved is deleted like any
attachment whose creation was not answered.
"""

import dataclasses
import datetime
from typing import Any

from nova.db.main import api as nova_db
from nova.db.main import models
from oslo_log import log as logging
from oslo_utils import timeutils

from mixmatch_nova import block_device
from mixmatch_nova.reconcile import pending
from mixmatch_nova.reconcile import servers
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

#: For which an attach may take until the mapping has its attachment.
SECONDS = 30
#: ... if no user waits for the volume.
LONG = 600


class AttachDied(Exception):
    """A mapping has not got its attachment."""


@dataclasses.dataclass(frozen=True)
class UnfinishedBdm:
    """A mapping of a foreign volume that has no attachment.

    :param key: of its row
    """

    key: int
    target: target.Target
    volume_id: str
    server_id: str


def find(context: Any, seconds: int = SECONDS) -> list[UnfinishedBdm]:
    """The unfinished mappings of a cell.

    :param context: of the cell, in a process that has its database
    :param seconds: how old they are at least
    """
    cell_servers = servers.Servers(context)
    return [each for each in _find(
        context, timeutils.utcnow() - datetime.timedelta(seconds=seconds))
        if not cell_servers.is_busy(each.server_id)]


def end(context: Any, pending: pending.Queue, found: UnfinishedBdm) -> bool:
    """End one, and have the volume looked at.

    :returns: False if it has got an attachment, or is gone
    """
    # NOTE: first, since a request may have made an attachment of which
    # home does not know.
    pending.add(context, _subject(found), AttachDied())
    if not _end(context, found):
        return False
    LOG.warning('The block device mapping of %s never got an attachment; it '
                'is deleted', _subject(found))
    return True


def end_all(context: Any, pending: pending.Queue) -> None:
    """End those that no user waits for."""
    for each in find(context, LONG):
        end(context, pending, each)


def _subject(found: UnfinishedBdm) -> target.Subject:
    return target.Subject(found.target, found.volume_id, found.server_id)


def _unfinished(context: Any) -> Any:
    model = models.BlockDeviceMapping
    return nova_db.model_query(context, model, read_deleted='no').filter(
        block_device.is_marked(),
        model.source_type == 'volume', model.destination_type == 'volume',
        model.volume_id.isnot(None),
        model.attachment_id.is_(None))


@nova_db.pick_context_manager_reader
def _find(context: Any, before: datetime.datetime) -> list[UnfinishedBdm]:
    model = models.BlockDeviceMapping
    found = []
    for row in _unfinished(context).filter(model.created_at < before):
        remote = block_device.from_marker(row.volume_type)
        if remote:
            found.append(UnfinishedBdm(row.id, remote, row.volume_id,
                                       row.instance_uuid))
    return found


@nova_db.pick_context_manager_writer
def _end(context: Any, found: UnfinishedBdm) -> bool:
    model = models.BlockDeviceMapping
    return bool(_unfinished(context).filter(
        model.id == found.key).soft_delete(synchronize_session=False))
