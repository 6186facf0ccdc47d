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

"""Look at attachments as they are now, and note who makes one."""

from collections.abc import Iterator
import contextlib
from typing import Any

from cinder import objects
from cinder.objects import fields
from oslo_log import log as logging

from mixmatch_cinder.provider import owner as holder
from mixmatch_cinder.provider import exceptions as refusals

LOG = logging.getLogger(__name__)

_RESERVED = fields.VolumeAttachStatus.RESERVED
_CONNECTING = fields.VolumeAttachStatus.ATTACHING
#: Cinder has no better word; the status of a volume does not depend on it.
_ENDING = fields.VolumeAttachStatus.ERROR_DETACHING


def of_volume(context: Any, volume_id: str) -> Any:
    """Return the attachments of a volume, whosever they are."""
    return objects.VolumeAttachmentList.get_all_by_volume_id(
        context.elevated(), volume_id)


def is_reserved(attachment: Any) -> bool:
    """Return whether no host has the volume by this attachment yet."""
    return attachment.attach_status == _RESERVED or (
        attachment.attach_status == _ENDING and not attachment.connector)


def begin_to_end(attachment: Any) -> bool:
    """End a reserved attachment, unless a host is just being connected.

    Cinder looks at its state, and deletes it a moment later without another
    look.
    """
    return attachment.conditional_update(
        {'attach_status': _ENDING},
        {'attach_status': [_RESERVED, _ENDING], 'connector': None})


@contextlib.contextmanager
def being_connected(attachment: Any) -> Iterator[None]:
    """Connect a reserved attachment, unless it is just being ended.

    :raises BeingDetached: it is
    """
    if not attachment.conditional_update({'attach_status': _CONNECTING},
                                         {'attach_status': _RESERVED}):
        raise refusals.BeingDetached(volume_id=attachment.volume_id,
                                     attachment_id=attachment.id)
    with contextlib.ExitStack() as undo:
        undo.callback(attachment.conditional_update,
                      {'attach_status': _RESERVED},
                      {'attach_status': _CONNECTING, 'connector': None})
        yield
        undo.pop_all()


def note(context: Any, attachment: Any, home_id: str | None) -> None:
    """Note the holder of an attachment, and log it."""
    by = holder.note(context, attachment, home_id)
    LOG.info('Attachment %(attachment)s of volume %(volume)s for server '
             '%(server)s is held by %(by)s', {
                 'attachment': attachment.id, 'by': by,
                 'volume': attachment.volume_id,
                 'server': attachment.instance_uuid})
