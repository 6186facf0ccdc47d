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

"""What a nova-compute that was killed had begun is brought to an end.

A process that is killed in the middle of an attach or a detach leaves a
volume that its user can neither use nor detach: Cinder begins to detach only
what is *in-use*. Nova leaves such a volume of home to its operator, who can
reset it. What lives at another cloud he cannot, so the next nova-compute on
that host does what is left:

* A detach is finished, since its user was told that it is accepted.
* An attach is undone, like one that fails.

Which servers that concerns is known at home: an event of their actions has
begun before this process and not ended. Nobody else is asked for.
"""

from collections.abc import Iterator
import dataclasses
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from nova.compute import instance_actions
from nova import objects
from nova import utils
from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import timeutils

from mixmatch import federation
from mixmatch import patch
from mixmatch_nova import correction
from mixmatch_nova import doubt
from mixmatch_nova import home
from mixmatch_nova.patches import block_device_mapping

LOG = logging.getLogger(__name__)

DETACH = patch.Symbol(
    'nova.compute.manager', 'ComputeManager._detach_volume',
    ('self', 'context', 'bdm', 'instance', 'destroy_bdm', 'attachment_id'))


@dataclasses.dataclass(frozen=True)
class _Mapping:
    """A block device mapping, and what the other cloud says of it."""

    bdm: Any
    #: None if the other cloud has no such attachment
    attachment: Any
    volume: Any

    @property
    def is_detaching(self) -> bool:
        return self.attachment is not None and (
            self.volume.status == 'detaching')

    @property
    def is_attaching(self) -> bool:
        return self.attachment is not None and (
            self.attachment.status in ('reserved', 'attaching'))


class Recovery:
    """Ends what was interrupted on this host, once.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds
        self._began = timeutils.utcnow(with_timezone=True)
        #: servers to look at; None as long as that is not known
        self._servers: dict[str, Any] | None = None

    def run(self, context: Any, manager: Any) -> None:
        """Do what is left; again, while another cloud does not answer.

        :param context: of an administrator, without a token
        :param manager: ``nova.compute.manager.ComputeManager``
        """
        if self._servers is None:
            self._servers = self._with_foreign_volumes(context, manager.host)
        for server_id, server in tuple(self._servers.items()):
            try:
                utils.synchronized(server_id)(self._recover)(
                    context, manager, server)
            except Exception as exc:  # noqa: BLE001 - the others go on
                LOG.warning('What was interrupted on server %(server)s '
                            'cannot be ended yet: %(reason)s', {
                                'server': server_id,
                                'reason': doubt.reason(exc)})
            else:
                del self._servers[server_id]

    @staticmethod
    def _with_foreign_volumes(context: Any, host: str) -> dict[str, Any]:
        servers = {each.uuid: each for each in
                   objects.InstanceList.get_by_host(context, host)}
        mappings = objects.BlockDeviceMappingList.bdms_by_instance_uuid(
            context, list(servers))
        return {server_id: server for server_id, server in servers.items()
                if any(map(block_device_mapping.target_of,
                           mappings.get(server_id, ())))}

    def _recover(self, context: Any, manager: Any, server: Any) -> None:
        for action, event in home.unfinished(
                context, server.uuid, instance_actions.ATTACH_VOLUME,
                instance_actions.DETACH_VOLUME):
            if event.start_time >= self._began or event.host not in (
                    None, manager.host):
                continue
            # NOTE: the request id joins the logs of both clouds, and is how
            # Nova finds the action.
            own = context.elevated()
            own.request_id = action.request_id
            mappings = list(self._mappings(own, server))
            if action.action == instance_actions.DETACH_VOLUME:
                left = _left_by_detach(mappings)
                problem: tuple[str, ...] = ()
            else:
                left = [each for each in mappings if each.is_attaching]
                problem = ('nova-compute ended while it attached the volume',
                           '')
            for each in left:
                self._detach(own, manager, server, each)
                LOG.warning('%(action)s of volume %(volume)s was interrupted '
                            'by the end of nova-compute; it is %(done)s',
                            {'action': action.action,
                             'volume': each.bdm.volume_id,
                             'done': 'undone' if problem else 'finished'},
                            instance=server)
            if left:
                objects.InstanceActionEvent.event_finish_with_failure(
                    own, server.uuid, event.event, *problem)

    def _mappings(self, context: Any, server: Any) -> Iterator[_Mapping]:
        for bdm in objects.BlockDeviceMappingList.get_by_instance_uuid(
                context, server.uuid):
            where = block_device_mapping.target_of(bdm)
            if not (where and bdm.attachment_id):
                continue
            client = correction.client_of(self._clouds, where,
                                          context.global_id)
            volume = attachment = None
            try:
                volume = client.volumes.get(bdm.volume_id)
                attachment = client.attachments.show(bdm.attachment_id)
            except cinder_exceptions.NotFound:
                pass
            yield _Mapping(bdm, attachment, volume)

    def _detach(self, context: Any, manager: Any, server: Any,
                mapping: _Mapping) -> None:
        """Take a volume from a server, as far as it has it."""
        bdm = mapping.bdm
        block_device_mapping.note(context, bdm)
        if not bdm.connection_info and mapping.attachment:
            # NOTE: Nova saves it only after the guest has the disk. Its API
            # checks and translates what the other cloud says.
            connection = manager.volume_api.attachment_get(
                context, bdm.attachment_id)['connection_info']
            if connection:
                bdm.connection_info = jsonutils.dumps(
                    {**connection, 'serial': bdm.volume_id})
        if bdm.connection_info:
            manager._detach_volume(context, bdm, server,
                                   attachment_id=bdm.attachment_id)
        else:
            manager.volume_api.attachment_delete(context, bdm.attachment_id)
            bdm.destroy()


def _left_by_detach(mappings: list[_Mapping]) -> list[_Mapping]:
    """What a detach has left; the event does not say of which volume."""
    detaching = [each for each in mappings if each.is_detaching]
    gone = [each for each in mappings if each.attachment is None]
    # NOTE: that another cloud does not find an attachment is no reason to
    # take a disk from a server, unless nothing else can have been meant.
    return detaching or (gone if len(gone) == 1 else [])
