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

"""Current attachments of a volume, and a log line for each owner."""

from collections.abc import Iterator
import contextlib
from typing import Any

from cinder import objects
from cinder.objects import fields
from oslo_log import log as logging

from mixmatch_cinder.provider import exceptions
from mixmatch_cinder.provider import owner

LOG = logging.getLogger(__name__)

_RESERVED = fields.VolumeAttachStatus.RESERVED
_CONNECTING = fields.VolumeAttachStatus.ATTACHING
#: Cinder has no better word; the status of a volume does not depend on it.
_ENDING = fields.VolumeAttachStatus.ERROR_DETACHING


def list_for_volume(context: Any, volume_id: str) -> Any:
    """List all attachments of a volume, whatever their owners."""
    return objects.VolumeAttachmentList.get_all_by_volume_id(
        context.elevated(), volume_id)


def is_reserved(attachment: Any) -> bool:
    """Return True if no host is connected through this attachment yet."""
    return attachment.attach_status == _RESERVED or (
        attachment.attach_status == _ENDING and not attachment.connector)


def begin_delete(attachment: Any) -> bool:
    """Mark a reserved attachment as ending unless a host is connecting.

    Cinder checks its state, and deletes it later without a second check.

    :returns: whether the attachment was marked
    """
    return attachment.conditional_update(
        {'attach_status': _ENDING},
        {'attach_status': [_RESERVED, _ENDING], 'connector': None})


@contextlib.contextmanager
def connecting(attachment: Any) -> Iterator[None]:
    """Mark a reserved attachment as connecting unless it is ending.

    :raises BeingDetached: the attachment is ending
    """
    if not attachment.conditional_update({'attach_status': _CONNECTING},
                                         {'attach_status': _RESERVED}):
        raise exceptions.BeingDetached(volume_id=attachment.volume_id,
                                       attachment_id=attachment.id)
    with contextlib.ExitStack() as undo:
        undo.callback(attachment.conditional_update,
                      {'attach_status': _RESERVED},
                      {'attach_status': _CONNECTING, 'connector': None})
        yield
        undo.pop_all()


def record_owner(context: Any, attachment: Any, home_id: str | None) -> None:
    """Record the owner of an attachment, and log it."""
    owned_by = owner.record(context, attachment, home_id)
    LOG.info('Attachment %(attachment)s of volume %(volume)s for server '
             '%(server)s is owned by %(owner)s', {
                 'attachment': attachment.id, 'owner': owned_by,
                 'volume': attachment.volume_id,
                 'server': attachment.instance_uuid})
