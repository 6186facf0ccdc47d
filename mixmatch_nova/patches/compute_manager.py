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


"""nova.compute.manager.ComputeManager: attach and detach leave a note.

It tells the next nova-compute of this host what this one was killed in the
middle of (see :mod:`mixmatch_nova.reconcile.intent_log`).
"""

from collections.abc import Callable
from typing import Any

from nova import exception
from nova import objects

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova.reconcile import intent_log
from mixmatch_nova import state
from mixmatch_nova import target

_MODULE = 'nova.compute.manager'

ATTACH = patch.Symbol(_MODULE, 'ComputeManager.attach_volume',
                      ('self', 'context', 'instance', 'bdm'))
DETACH = patch.Symbol(
    _MODULE, 'ComputeManager.detach_volume',
    ('self', 'context', 'volume_id', 'instance', 'attachment_id'))


class Wrappers:
    """The wrappers of both.

    :param intents: of this process
    """

    def __init__(self, intents: intent_log.IntentLog) -> None:
        self._intents = intents

    def attach_volume(self, original: Callable, manager: Any, context: Any,
                      instance: Any, bdm: Any) -> Any:
        if not (block_device.target_of(bdm) and bdm.attachment_id):
            return original(manager, context, instance, bdm)
        with self._noted(manager, context, intent_log.ATTACH, bdm.volume_id,
                         bdm.attachment_id, instance):
            return original(manager, context, instance, bdm)

    def detach_volume(self, original: Callable, manager: Any, context: Any,
                      volume_id: str, instance: Any,
                      attachment_id: str | None) -> Any:
        # NOTE: nova-api has loaded the mapping, and its context says where.
        bdm = None
        known = state.from_context(context).get_target(volume_id)
        if known not in (None, target.HOME):
            bdm = self._get_bdm(context, volume_id, instance)
        if not (bdm and bdm.attachment_id):
            return original(manager, context, volume_id, instance,
                            attachment_id)
        with self._noted(manager, context, intent_log.DETACH, volume_id,
                         bdm.attachment_id, instance):
            return original(manager, context, volume_id, instance,
                            attachment_id)

    @staticmethod
    def _get_bdm(context: Any, volume_id: str, instance: Any) -> Any:
        try:
            return objects.BlockDeviceMapping.get_by_volume_and_instance(
                context, volume_id, instance.uuid)
        except exception.VolumeBDMNotFound:
            return None

    def _noted(self, manager: Any, context: Any, action: str, volume_id: str,
               attachment_id: str, instance: Any) -> Any:
        return self._intents.recorded(context, manager.host, intent_log.Intent(
            action, volume_id, attachment_id, instance.uuid,
            context.request_id))


def patches(intents: intent_log.IntentLog) -> list[patch.Patch]:
    notes = Wrappers(intents)
    return [patch.Patch(ATTACH, notes.attach_volume),
            patch.Patch(DETACH, notes.detach_volume)]
