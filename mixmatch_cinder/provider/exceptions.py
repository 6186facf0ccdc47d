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

"""Errors of requests that the protection refuses: HTTP 409."""

from typing import Any

from cinder import exception
from oslo_log import log as logging

from mixmatch_cinder.provider import owner

LOG = logging.getLogger(__name__)


# NOTE: the controllers turn most other exceptions into 500.
class AttachmentProtected(exception.InvalidVolume):
    """The attachment has another owner."""

    code = 409


class OwnedByAnotherCloud(AttachmentProtected):
    message = ('Volume %(volume_id)s is attached to server %(server_id)s of '
               'the cloud "%(home)s"; only the Nova of that cloud may change '
               'the attachment. Detach the volume from the server in that '
               'cloud.')


class OwnedByUser(AttachmentProtected):
    message = ('Attachment %(attachment_id)s of volume %(volume_id)s for '
               'server %(server_id)s was created by a user, not by Nova. '
               'Its user has to delete it first.')


class OwnedByThisCloud(AttachmentProtected):
    message = ('Volume %(volume_id)s is attached to server %(server_id)s of '
               'this cloud; only the services of this cloud may change the '
               'attachment.')


class OwnerUnknown(AttachmentProtected):
    message = ('The owner of attachment %(attachment_id)s for server '
               '%(server_id)s is unknown. Detach the volume from the server '
               'in the cloud of that server, or ask the administrator of '
               'this cloud.')


class HostOfAnotherCloud(AttachmentProtected):
    """The connector of a user names a host of another cloud."""

    message = ('Host name "%(host)s" may belong to another cloud. Connect '
               'volume %(volume_id)s to a host with another name.')


class BeingAttached(AttachmentProtected):
    """An attachment was added while the volume was being detached."""

    message = ('Volume %(volume_id)s is being attached. If it stays '
               'reserved without an attachment, ask the administrator of '
               'this cloud to reset its state.')


class BeingDetached(AttachmentProtected):
    """The attachment to connect is being deleted."""

    message = ('Attachment %(attachment_id)s of volume %(volume_id)s is '
               'being deleted.')


def attachment_protected(context: Any, action: str, attachment: Any,
                         owned_by: owner.Owner | None) -> AttachmentProtected:
    """Log that an action was refused, and return the error to raise.

    :param owned_by: the owner of the attachment; None if it is unknown
    """
    kind = _kind(owned_by)
    LOG.warning(
        'Refused %(action)s of attachment %(attachment)s of volume '
        '%(volume)s for server %(server)s, owned by %(owner)s, to user '
        '%(user)s with service user %(service)s', {
            'user': context.user_id, 'service': context.service_user_id,
            'action': action, 'attachment': attachment.id,
            'volume': attachment.volume_id, 'owner': owned_by,
            'server': attachment.instance_uuid})
    return kind(volume_id=attachment.volume_id, attachment_id=attachment.id,
                server_id=attachment.instance_uuid,
                home=owned_by and owned_by.home)


def _kind(owned_by: owner.Owner | None) -> type[AttachmentProtected]:
    if owned_by is None:
        return OwnerUnknown
    if owned_by.home_id:
        return OwnedByAnotherCloud
    return OwnedByThisCloud if owned_by.is_own_service else OwnedByUser


def host_of_another_cloud(context: Any, volume_id: str,
                          host: str) -> AttachmentProtected:
    """Log a refused host name, and return the error to raise."""
    LOG.warning(
        'Refused to connect volume %(volume)s to host %(host)r for user '
        '%(user)s: the host name may belong to another cloud', {
            'user': context.user_id, 'volume': volume_id, 'host': host})
    return HostOfAnotherCloud(volume_id=volume_id, host=host)
