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

"""At a service provider: whom a volume is connected to, and under which name.

These are the last steps in cinder-api before cinder-volume is asked, where the
old way (``os-initialize_connection`` and its kin) and that of attachments have
been decided.
"""

from collections.abc import Callable
from typing import Any

from mixmatch import patch
from mixmatch_cinder.provider import attachments
from mixmatch_cinder.provider import connectors
from mixmatch_cinder.provider import owner as holder
from mixmatch_cinder.provider import owner_store as notes
from mixmatch_cinder.provider import exceptions as refusals
from mixmatch_cinder.provider import requester

CONNECT = patch.Symbol(
    'cinder.volume.rpcapi', 'VolumeAPI.attachment_update',
    ('self', 'ctxt', 'vref', 'connector', 'attachment_id'))
INITIALIZE = patch.Symbol(
    'cinder.volume.rpcapi', 'VolumeAPI.initialize_connection',
    ('self', 'ctxt', 'volume', 'connector'))
TERMINATE = patch.Symbol(
    'cinder.volume.rpcapi', 'VolumeAPI.terminate_connection',
    ('self', 'ctxt', 'volume', 'connector', 'force'))
DETACH = patch.Symbol(
    'cinder.volume.rpcapi', 'VolumeAPI.detach_volume',
    ('self', 'ctxt', 'volume', 'attachment_id'))


class Connections:
    """Replace what cinder-api asks of cinder-volume.

    :param requesters: who is who
    """

    def __init__(self, requesters: requester.Requesters) -> None:
        self._requesters = requesters

    def patches(self) -> list[patch.Patch]:
        return [patch.Patch(CONNECT, self._connect),
                patch.Patch(INITIALIZE, self._initialize),
                patch.Patch(TERMINATE, self._terminate),
                patch.Patch(DETACH, self._detach)]

    def _connect(self, original: Callable, rpc: Any, context: Any,
                 volume: Any, connector: dict[str, Any],
                 attachment_id: str) -> Any:
        """Connect a host, under a name that no other cloud uses.

        :raises Held: it is a host that another cloud uses the volume on
        """
        if self._requesters.is_own_service(context):
            return original(rpc, context, volume, connector, attachment_id)
        home_id = self._requesters.home(context)
        held = holder.of_volume(context, volume.id)
        reserved = None
        for each in attachments.of_volume(context, volume.id):
            by = held.get(each.id)
            if each.id == attachment_id:
                if home_id and attachments.is_reserved(each):
                    reserved = each
            elif by is not None and by.home_id not in (None, home_id) and (
                    connectors.share_a_host(each.connector, connector)):
                raise refusals.refusal(context, 'connect', each, by)
        connector = self._named(context, volume, connector)
        if reserved is None:
            return original(rpc, context, volume, connector, attachment_id)
        if attachment_id not in held:
            # Made before the protection, and never connected.
            attachments.note(context, reserved, home_id)
        with attachments.being_connected(reserved):
            return original(rpc, context, volume, connector, attachment_id)

    def _initialize(self, original: Callable, rpc: Any, context: Any,
                    volume: Any, connector: Any) -> Any:
        """Connect a host in the old way; the names are the same."""
        return original(rpc, context, volume,
                        self._named(context, volume, connector))

    def _terminate(self, original: Callable, rpc: Any, context: Any,
                   volume: Any, connector: Any, force: bool = False) -> Any:
        """Disconnect a host in the old way.

        An administrator may end what a cloud that is gone has left.
        """
        if not context.is_admin:
            connector = self._named(context, volume, connector)
        return original(rpc, context, volume, connector, force)

    def _named(self, context: Any, volume: Any, connector: Any) -> Any:
        """Return a connector with a name that no other cloud uses.

        :raises NameOfAnotherCloud: a user has chosen one that may be
        """
        if self._requesters.is_own_service(context):
            return connector
        home_id = self._requesters.home(context)
        if home_id:
            return connectors.told_apart(connector, home_id)
        host = connectors.host_of(connector)
        if host and (connectors.is_told_apart(host)
                     or holder.is_on_host(context, host)):
            raise refusals.named_apart(context, volume.id, host)
        return connector

    def _detach(self, original: Callable, rpc: Any, context: Any,
                volume: Any, attachment_id: str | None) -> Any:
        """Detach what is attached by then.

        NOTE: cinder-volume goes by the attachments that cinder-api has read
        and sent along. If there were none, it makes the volume available,
        whatever has come since; if there was one, it ends the export even
        where that one has gone and another is there.

        :raises BeingAttached: something has been attached meanwhile
        """
        known = volume.volume_attachment
        if attachment_id is None and len(known) == 1:
            attachment_id = known[0].id
        if attachment_id is not None or known:
            return original(rpc, context, volume, attachment_id)
        if not volume.conditional_update(
                {'status': 'available', 'attach_status': 'detached'}, {},
                notes.nothing_is_attached()):
            raise refusals.BeingAttached(volume_id=volume.id)
        return None
