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

"""nova.compute.api: a user takes away a volume that was never attached.

Cinder begins to detach only what is in use; Nova would ask it first, and give
the request up. The mapping that is in the way is only at home.
"""

from collections.abc import Callable
import functools
from typing import Any

from nova.compute import instance_actions
from nova import objects

from mixmatch import patch
from mixmatch_nova.reconcile import pending
from mixmatch_nova.reconcile import unfinished
from mixmatch_nova import state

_MODULE = 'nova.compute.api'

DETACH = tuple(patch.Symbol(
    _MODULE, f'API.{name}', ('self', 'context', 'instance', 'volume'))
    for name in ('_detach_volume', '_detach_volume_shelved_offloaded'))


def detach(pending: pending.Queue, original: Callable, self: Any,
           context: Any, instance: Any, volume: dict[str, Any]) -> Any:
    if state.from_context(context).get_remote(volume['id']):
        for each in unfinished.find(context):
            if (each.server_id, each.volume_id) == (
                    instance.uuid, volume['id']) and unfinished.end(
                        context, pending, each):
                objects.InstanceAction.action_start(
                    context, instance.uuid, instance_actions.DETACH_VOLUME,
                    want_result=False)
                return None
    return original(self, context, instance, volume)


def patches(pending: pending.Queue) -> list[patch.Patch]:
    return [patch.Patch(each, functools.partial(detach, pending))
            for each in DETACH]
