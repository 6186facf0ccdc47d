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

"""Calls of cinder-api to cinder-volume that connect and disconnect hosts.

These are the last steps in cinder-api before the remote procedure call. The
older API (``os-initialize_connection`` and its kin) and the attachment API
both end here.
"""

from collections.abc import Callable
from typing import Any

from mixmatch import patch
from mixmatch_cinder.provider import attachments
from mixmatch_cinder.provider import connectors
from mixmatch_cinder.provider import exceptions
from mixmatch_cinder.provider import owner
from mixmatch_cinder.provider import owner_store
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
    """Wrappers for the calls of cinder-api to cinder-volume.

    :param requesters: tells services, other clouds and users apart
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

        :raises AttachmentProtected: another cloud uses the volume on this
            host
        """
        if self._requesters.is_own_service(context):
            return original(rpc, context, volume, connector, attachment_id)
        home_id = self._requesters.home_domain(context)
        owners = owner.list_for_volume(context, volume.id)
        reserved = None
        for each in attachments.list_for_volume(context, volume.id):
            owned_by = owners.get(each.id)
            if each.id == attachment_id:
                if home_id and attachments.is_reserved(each):
                    reserved = each
            elif (owner.is_of_another_cloud(owned_by, home_id)
                  and connectors.have_same_host(each.connector, connector)):
                raise exceptions.attachment_protected(
                    context, 'connect', each, owned_by)
        connector = self._with_unique_host(context, volume, connector)
        if reserved is None:
            return original(rpc, context, volume, connector, attachment_id)
        if attachment_id not in owners:
            # Created before the protection was enabled, and never connected.
            attachments.record_owner(context, reserved, home_id)
        with attachments.connecting(reserved):
            return original(rpc, context, volume, connector, attachment_id)

    def _initialize(self, original: Callable, rpc: Any, context: Any,
                    volume: Any, connector: Any) -> Any:
        """Connect a host by the older API, under the same name."""
        return original(rpc, context, volume,
                        self._with_unique_host(context, volume, connector))

    def _terminate(self, original: Callable, rpc: Any, context: Any,
                   volume: Any, connector: Any, force: bool = False) -> Any:
        """Disconnect a host by the older API.

        An administrator may end connections left by a cloud that is gone, so
        the connector of an administrator is not changed.
        """
        if not context.is_admin:
            connector = self._with_unique_host(context, volume, connector)
        return original(rpc, context, volume, connector, force)

    def _with_unique_host(self, context: Any, volume: Any,
                          connector: Any) -> Any:
        """Return a connector with a host name that no other cloud uses.

        :raises HostOfAnotherCloud: a user has chosen a host name that may
            belong to another cloud
        """
        if self._requesters.is_own_service(context):
            return connector
        home_id = self._requesters.home_domain(context)
        if home_id:
            return connectors.with_unique_host(connector, home_id)
        host = connectors.host_name(connector)
        if host and (connectors.may_be_of_another_cloud(host)
                     or owner.another_cloud_uses_host(context, host)):
            raise exceptions.host_of_another_cloud(context, volume.id, host)
        return connector

    def _detach(self, original: Callable, rpc: Any, context: Any,
                volume: Any, attachment_id: str | None) -> Any:
        """Detach by ``os-detach`` if no attachment has been added meanwhile.

        NOTE: cinder-volume uses the attachments that cinder-api has read and
        sent along. If there were none, it makes the volume available even if
        one has been added since. If there was one, it ends the export even
        if another attachment has replaced it.

        :raises BeingAttached: an attachment has been added meanwhile
        """
        known = volume.volume_attachment
        if attachment_id is None and len(known) == 1:
            attachment_id = known[0].id
        if attachment_id is not None or known:
            return original(rpc, context, volume, attachment_id)
        if not volume.conditional_update(
                {'status': 'available', 'attach_status': 'detached'}, {},
                owner_store.nothing_is_attached()):
            raise exceptions.BeingAttached(volume_id=volume.id)
        return None
