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

from mixmatch_cinder import holder

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


class HolderUnknown(Held):
    message = ('It is not known whose attachment %(attachment_id)s for '
               'server %(server_id)s is. Detach the volume from the server '
               'in the cloud where that is, or ask the administrator of this '
               'cloud.')


def refusal(context: Any, action: str, attachment: Any,
            by: holder.Holder | None) -> Held:
    """The error to raise; what was tried goes to the log.

    :param by: who holds the attachment; None if that is not known
    """
    kind = HolderUnknown if by is None else (
        HeldByAnotherCloud if by.home_id else HeldByUser)
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
