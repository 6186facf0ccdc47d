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

from typing import Any

from cinder import objects
from cinder.objects import fields
from oslo_log import log as logging

from mixmatch_cinder import holder

LOG = logging.getLogger(__name__)


def of_volume(context: Any, volume_id: str) -> Any:
    """Return the attachments of a volume, whosever they are."""
    return objects.VolumeAttachmentList.get_all_by_volume_id(
        context.elevated(), volume_id)


def is_reserved(attachment: Any) -> bool:
    """Return whether no host has the volume by this attachment yet."""
    return attachment.attach_status == fields.VolumeAttachStatus.RESERVED


def note(context: Any, attachment: Any, home_id: str | None) -> None:
    """Note the holder of an attachment, and log it."""
    by = holder.note(context, attachment, home_id)
    LOG.info('Attachment %(attachment)s of volume %(volume)s for server '
             '%(server)s is held by %(by)s', {
                 'attachment': attachment.id, 'by': by,
                 'volume': attachment.volume_id,
                 'server': attachment.instance_uuid})
