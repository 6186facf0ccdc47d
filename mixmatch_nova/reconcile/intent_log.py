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

"""Record each attach and detach of a foreign volume while it runs.

An event of Nova's own (``compute_detach_volume``) does not say of which volume
it is, and one that has not ended may be of a volume of home, be years old, or
be of this process. So nova-compute adds one of its own to the same action,
before Nova's begins, whose name holds the volume and the attachment. It ends
with the request, whatever comes of it; only the end of the process leaves it
open. It is in the database of the cell, is archived with its server, and costs
a request for a volume of home nothing.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
from typing import Any

from nova import objects
from oslo_log import log as logging
from oslo_utils import uuidutils

from mixmatch_nova.reconcile import servers

LOG = logging.getLogger(__name__)

ATTACH, DETACH = 'attach_volume', 'detach_volume'

_PREFIX = 'mixmatch'


@dataclasses.dataclass(frozen=True)
class Intent:
    """An attach or a detach that nova-compute has begun.

    :param action: ``ATTACH`` or ``DETACH``
    :param attachment_id: of the mapping when it began
    """

    action: str
    volume_id: str
    attachment_id: str
    server_id: str
    request_id: str

    @property
    def event(self) -> str:
        """The name of the event."""
        return ':'.join((_PREFIX, self.action, self.volume_id,
                         self.attachment_id))

    @property
    def nova_event(self) -> str:
        """The name of Nova's event of the same request."""
        return f'compute_{self.action}'

    @classmethod
    def parse(cls, name: str, server_id: str, request_id: str
              ) -> 'Intent | None':
        """The intent that an event is; None for events of Nova."""
        prefix, *rest = name.split(':')
        if prefix != _PREFIX or len(rest) != 3 or rest[0] not in (
                ATTACH, DETACH) or not all(map(uuidutils.is_uuid_like,
                                               rest[1:])):
            return None
        action, volume_id, attachment_id = rest
        return cls(action, volume_id, attachment_id, server_id, request_id)


class IntentLog:
    """The intents of this process, and those that the last one left."""

    def __init__(self) -> None:
        # NOTE: times do not tell them apart: the clocks of nova-conductor,
        # which writes them, and of this host may differ.
        self._running: set[Intent] = set()

    @contextlib.contextmanager
    def recorded(self, context: Any, host: str,
                 intent: Intent) -> Iterator[None]:
        """Record an intent while it is being carried out.

        If that fails, the request goes on: no process that comes later then
        ends what this one leaves.
        """
        self._running.add(intent)
        recorded = self._write('recorded', intent, lambda: (
            objects.InstanceActionEvent.event_start(
                context, intent.server_id, intent.event, want_result=False,
                host=host)))
        try:
            yield
        finally:
            if recorded:
                self._write('ended', intent, lambda: (
                    objects.InstanceActionEvent.event_finish(
                        context, intent.server_id, intent.event,
                        want_result=False)))
            self._running.discard(intent)

    @staticmethod
    def _write(what: str, intent: Intent, function: Any) -> bool:
        try:
            function()
        except Exception as exc:  # noqa: BLE001 - the request goes on
            LOG.warning('%(intent)s cannot be %(what)s: %(reason)s', {
                'intent': intent, 'what': what,
                'reason': type(exc).__name__})
            return False
        return True

    def list_interrupted(self, context: Any, host: str, server_id: str,
                         actions: int) -> list[Intent]:
        """Return the intents that another process of this host left open.

        :param actions: how many of the newest are looked at
        """
        found = []
        for action, event in servers.unfinished_events(
                context, server_id, ATTACH, DETACH, limit=actions):
            intent = Intent.parse(event.event, server_id, action.request_id)
            if (intent and event.host == host
                    and intent.action == action.action
                    and intent not in self._running):
                found.append(intent)
        return found


def finish(context: Any, intent: Intent, *problem: str) -> None:
    """End what is open of an intent: Nova's event, and that of it.

    :param context: with the id of the intent's request
    :param problem: the message of Nova's event; nothing if all is well
    """
    for action, event in servers.unfinished_events(
            context, intent.server_id, intent.action):
        if action.request_id != intent.request_id:
            continue
        if event.event == intent.nova_event:
            objects.InstanceActionEvent.event_finish_with_failure(
                context, intent.server_id, event.event,
                *((*problem, '') if problem else ()))
        elif event.event == intent.event:
            objects.InstanceActionEvent.event_finish(
                context, intent.server_id, event.event)
