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

"""Finish or undo what a killed nova-compute had begun.

A process that is killed in the middle of an attach or a detach leaves a
volume that its user can neither use nor detach: Cinder begins to detach only
what is *in-use*. Nova leaves such a volume of home to the operator, who can
reset it. An operator of home cannot do that at another cloud, so the next
nova-compute on that host does what is left.

It looks once, when it starts, for the notes that the one before it left open
(see :mod:`mixmatch_nova.reconcile.intent_log`). Each is of one volume, one
attachment of one server and one request; nothing else is looked at, however it
looks. They are worked off one by one, and come back while the other cloud does
not answer, or while the server is busy. A note cannot be too old: it ends with
the first start of nova-compute at which both are well, and by then the
attachment must still be the one that the mapping has.

====== =============================== =========== ============================
Note   What is found                   What is     Why it is nobody else's
                                       done
====== =============================== =========== ============================
any    request of this process         nothing     it goes on
any    server gone, no mapping, or     end the     whoever made the mapping
       mapping with another            events      that is there does not know
       attachment, or of home                      of this request
any    server with a task_state        come back   moved, rebuilt, deleted ...:
                                                   its mappings may change
any    server on another host          end the     its disk is not here; the
                                       events, and correction looks from home
                                       have the
                                       volume
                                       looked at
detach volume *detaching*, attachment  finish      the user was told that it
       there                                       is accepted
detach attachment gone                 finish      deleted for this request;
                                                   the user wants it so
detach attachment there, volume in any nothing     it was rolled back: the user
       other state                                 may detach again
attach attachment *reserved* or        undo, like  an attachment becomes
       *attaching*                     one that    *attached* by the request of
                                       fails       the note alone, and that is
                                                   dead
attach attachment gone, mapping not    undo        nothing can use it; the
       connected                                   deletion goes on record if
                                                   the other cloud knows better
attach attachment gone, mapping        nothing     a guest may use it: one 404
       connected                                   takes no disk from a server
attach attachment *attached*           nothing     it has succeeded
====== =============================== =========== ============================

All of it happens under the lock that Nova's own attach and detach take.
"""

import dataclasses
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from nova import exception
from nova import objects
from nova import utils
from oslo_log import log as logging
from oslo_serialization import jsonutils

from mixmatch import federation
from mixmatch import patch
from mixmatch_nova import auth
from mixmatch_nova import block_device
from mixmatch_nova.reconcile import intent_log
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import pending
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

#: Private functions of Nova that are called here.
CALLED = (patch.Symbol(
    'nova.compute.manager', 'ComputeManager._detach_volume',
    ('self', 'context', 'bdm', 'instance', 'destroy_bdm', 'attachment_id')),)

#: Number of a server's newest actions to look at: of one that uses
#: foreign volumes, and of one that may have used some.
_ACTIONS, _ACTIONS_OF_OTHERS = 20, 2

_FAILED = 'nova-compute ended while it attached the volume'


class ServerMoved(Exception):
    """The server of something that was interrupted is on another host."""


@dataclasses.dataclass(frozen=True)
class _Found:
    """A volume and an attachment as the other cloud shows them.

    :param volume: None if it has no such volume
    :param attachment: None if it has no such attachment
    """

    volume: Any
    attachment: Any


class Recovery:
    """Ends what was interrupted on this host, once.

    :param clouds: the service providers of this process
    :param pending: the queue of this process
    :param intents: what this process has begun itself
    """

    def __init__(self, clouds: federation.Federation,
                 pending: pending.Queue,
                 intents: intent_log.IntentLog) -> None:
        self._clouds = clouds
        self._pending = pending
        self._intents = intents
        #: what is left; None as long as that is not known
        self._remaining: list[intent_log.Intent] | None = None

    def run(self, context: Any, manager: Any) -> None:
        """Do what is left; again, while something has to wait.

        :param context: of an administrator, without a token
        :param manager: ``nova.compute.manager.ComputeManager``
        """
        if self._remaining is None:
            self._remaining = self._collect(context, manager.host)
        for each in tuple(self._remaining):
            # NOTE: the request id joins the logs of both clouds, and is how
            # Nova finds the action.
            own = context.elevated()
            own.request_id = each.request_id
            try:
                done = utils.synchronized(each.server_id)(self._recover)(
                    own, manager, each)
            except Exception as exc:  # noqa: BLE001 - the others go on
                LOG.warning('%(intent)s was interrupted and cannot be ended '
                            'yet: %(reason)s', {
                                'intent': each, 'reason': outcome.reason(exc)})
            else:
                if done:
                    self._remaining.remove(each)

    def _collect(self, context: Any, host: str) -> list[intent_log.Intent]:
        servers = [each.uuid for each in
                   objects.InstanceList.get_by_host(context, host)]
        bdms = objects.BlockDeviceMappingList.bdms_by_instance_uuid(
            context, servers)
        found = []
        for server_id in servers:
            is_foreign = any(map(block_device.target_of,
                                 bdms.get(server_id, ())))
            found += self._intents.list_interrupted(
                context, host, server_id,
                _ACTIONS if is_foreign else _ACTIONS_OF_OTHERS)
        return found

    def _recover(self, context: Any, manager: Any,
                 intent: intent_log.Intent) -> bool:
        """Do what is left of one request.

        :returns: False if that has to wait
        """
        try:
            server = objects.Instance.get_by_uuid(context, intent.server_id)
        except exception.InstanceNotFound:
            return True
        if server.task_state is not None:
            return False
        bdm = _get_bdm(context, intent)
        if bdm is None:
            intent_log.finish(context, intent)
            return True
        if server.host != manager.host:
            self._hand_over(context, bdm)
            intent_log.finish(context, intent, 'nova-compute ended')
            return True
        self._settle(context, manager, intent, server, bdm)
        return True

    def _settle(self, context: Any, manager: Any, intent: intent_log.Intent,
                server: Any, bdm: Any) -> None:
        found = self._ask(context, bdm)
        problem: tuple[str, ...] = ()
        if intent.action == intent_log.DETACH:
            unfinished = found.attachment is None or (
                found.volume is not None
                and found.volume.status == 'detaching')
            if not unfinished:
                problem = ('nova-compute ended before the volume was '
                           'detached',)
        elif found.attachment is None:
            unfinished = not bdm.connection_info
            problem = (_FAILED,)
        else:
            unfinished = found.attachment.status in ('reserved', 'attaching')
            problem = (_FAILED,) if unfinished else ()
        if unfinished:
            self._detach(context, manager, server, bdm, found.attachment)
        intent_log.finish(context, intent, *problem)
        LOG.warning('%(intent)s was interrupted by the end of nova-compute; '
                    'it is %(done)s', {
                        'intent': intent,
                        'done': 'left as it is' if not unfinished else
                        'undone' if problem else 'finished'},
                    instance=server)

    def _ask(self, context: Any, bdm: Any) -> _Found:
        remote = block_device.target_of(bdm)
        assert remote
        client = auth.client_for(self._clouds, remote, context.global_id)
        return _Found(
            _get(client.volumes.get, bdm.volume_id),
            _get(client.attachments.show, bdm.attachment_id))

    def _hand_over(self, context: Any, bdm: Any) -> None:
        remote = block_device.target_of(bdm)
        assert remote
        self._pending.add(context, target.Subject(
            remote, bdm.volume_id, bdm.instance_uuid), ServerMoved())

    @staticmethod
    def _detach(context: Any, manager: Any, server: Any, bdm: Any,
                attachment: Any) -> None:
        """Take a volume from a server, as far as it has it."""
        block_device.remember(context, bdm)
        if not bdm.connection_info and attachment:
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


def _get_bdm(context: Any, intent: intent_log.Intent) -> Any:
    """The mapping that an intent is about, if it is still there."""
    try:
        bdm = objects.BlockDeviceMapping.get_by_volume_and_instance(
            context, intent.volume_id, intent.server_id)
    except exception.VolumeBDMNotFound:
        return None
    if (block_device.target_of(bdm) is None
            or bdm.attachment_id != intent.attachment_id):
        return None
    return bdm


def _get(function: Any, resource_id: str) -> Any:
    try:
        return function(resource_id)
    except cinder_exceptions.NotFound:
        return None
