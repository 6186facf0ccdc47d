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

"""What is answered to those who touch what somebody else holds: 409."""

from typing import Any

from cinder import exception
from oslo_log import log as logging

from mixmatch_cinder.provider import owner as holder

LOG = logging.getLogger(__name__)


# NOTE: the controllers answer most other exceptions with 500.
class Held(exception.InvalidVolume):
    """Somebody else holds an attachment."""

    code = 409


class HeldByAnotherCloud(Held):
    message = ('Volume %(volume_id)s is attached to server %(server_id)s of '
               'the cloud "%(home)s", and only the Nova of that cloud may '
               'change this: detach it from the server there.')


class HeldByUser(Held):
    message = ('A user has attached volume %(volume_id)s by himself, for '
               'server %(server_id)s: he has to end that first.')


class HeldByThisCloud(Held):
    message = ('Volume %(volume_id)s is attached to server %(server_id)s of '
               'this cloud, whose services alone may change this.')


class HolderUnknown(Held):
    message = ('It is not known whose attachment %(attachment_id)s for '
               'server %(server_id)s is. Detach the volume from the server '
               'in the cloud where that is, or ask the administrator of this '
               'cloud.')


class NameOfAnotherCloud(Held):
    """A user's connector has the name of a host of another cloud."""

    message = ('"%(host)s" may be the name of a host of another cloud here. '
               'Connect volume %(volume_id)s to a host with another name.')


class BeingAttached(Held):
    """There was nothing to detach, and there is something now."""

    message = ('Volume %(volume_id)s is just being attached. If it stays '
               'reserved without an attachment, ask the administrator of '
               'this cloud to reset its state.')


class BeingDetached(Held):
    """Somebody has just ended what is to be connected."""

    message = ('Attachment %(attachment_id)s of volume %(volume_id)s is just '
               'being deleted.')


def refusal(context: Any, action: str, attachment: Any,
            by: holder.Holder | None) -> Held:
    """The error to raise; what was tried goes to the log.

    :param by: who holds the attachment; None if that is not known
    """
    kind = _kind(by)
    LOG.warning(
        'Refused to user %(user)s with service user %(service)s: %(action)s '
        'of attachment %(attachment)s, volume %(volume)s, server %(server)s, '
        'held by %(by)s', {
            'user': context.user_id, 'service': context.service_user_id,
            'action': action, 'attachment': attachment.id,
            'volume': attachment.volume_id, 'by': by,
            'server': attachment.instance_uuid})
    return kind(volume_id=attachment.volume_id, attachment_id=attachment.id,
                server_id=attachment.instance_uuid, home=by and by.home)


def _kind(by: holder.Holder | None) -> type[Held]:
    if by is None:
        return HolderUnknown
    if by.home_id:
        return HeldByAnotherCloud
    return HeldByThisCloud if by.own else HeldByUser


def named_apart(context: Any, volume_id: str, host: str) -> Held:
    """The error for a user's connector with another cloud's host."""
    LOG.warning(
        'Refused to user %(user)s: volume %(volume)s on host %(host)r, which '
        'is named as one of another cloud', {
            'user': context.user_id, 'volume': volume_id, 'host': host})
    return NameOfAnotherCloud(volume_id=volume_id, host=host)
