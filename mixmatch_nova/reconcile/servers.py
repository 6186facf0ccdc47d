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

"""The state of servers in this cloud's own database."""

from collections.abc import Iterator
import datetime
from typing import Any

from nova.compute import instance_actions
from nova import context as nova_context
from nova import exception
from nova import objects
from oslo_utils import timeutils

#: A detach that has not ended by then has died with its nova-compute.
_LONGEST_DETACH = datetime.timedelta(minutes=10)

#: How many of a server's last actions are looked at.
_ACTIONS = 20


def unfinished_events(context: Any, server_id: str, *actions: str,
                      limit: int = _ACTIONS) -> Iterator[tuple[Any, Any]]:
    """Events of a server that have begun and not ended.

    :param context: of the server's cell
    :param actions: of ``nova.compute.instance_actions``
    :param limit: how many of its newest actions, of all kinds, to look at
    :returns: each with the action that it belongs to, the newest first
    """
    for action in objects.InstanceActionList.get_by_instance_uuid(
            context, server_id, limit=limit):
        if action.action in actions:
            for event in objects.InstanceActionEventList.get_by_action(
                    context, action.id):
                if event.finish_time is None:
                    yield action, event


class Servers:
    """Access to servers long after the request that was about them.

    :param context: of that request; only its cell is kept, never a token
    """

    def __init__(self, context: Any) -> None:
        self._cell = {name: getattr(context, name) for name in (
            'db_connection', 'mq_connection', 'cell_uuid')}
        self.global_request_id = context.global_id

    def attachments(self, server_id: str) -> set[str]:
        """The ids of attachments that the mappings of a server know."""
        bdms = objects.BlockDeviceMappingList.get_by_instance_uuid(
            self.context(), server_id)
        return {each.attachment_id for each in bdms if each.attachment_id}

    def is_busy(self, server_id: str) -> bool:
        """Return whether a server is being built, moved, rebuilt, shelved, ...

        Nova then has attachments for it that no mapping knows yet. Attach
        and detach are not among these.
        """
        try:
            server = objects.Instance.get_by_uuid(self.context(), server_id)
        except exception.InstanceNotFound:
            return False
        return server.task_state is not None

    def is_detaching(self, server_id: str) -> bool:
        """Return whether a detach of some volume of a server is under way."""
        oldest = timeutils.utcnow(with_timezone=True) - _LONGEST_DETACH
        return any(event.start_time > oldest for _, event in unfinished_events(
            self.context(), server_id, instance_actions.DETACH_VOLUME))

    def context(self) -> Any:
        """A context of an administrator, in that cell."""
        context = nova_context.get_admin_context()
        for name, value in self._cell.items():
            setattr(context, name, value)
        return context
