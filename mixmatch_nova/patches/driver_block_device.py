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


"""Patches of ``nova.virt.block_device``: a detach that fails half-way.

If the other cloud cannot be asked for the volume, Nova gives a detach up
before it begins, and nobody tells Cinder that the volume is in use again.
"""

from collections.abc import Callable
import functools
from typing import Any

from mixmatch import patch
from mixmatch_nova import correction
from mixmatch_nova import outstanding
from mixmatch_nova.patches import block_device_mapping

DETACH = patch.Symbol(
    'nova.virt.block_device', 'DriverVolumeBlockDevice.detach',
    ('self', 'context', 'instance', 'volume_api', 'virt_driver'))


def _detach(owed: outstanding.Outstanding, original: Callable, self: Any,
            context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
    try:
        original(self, context, instance, *args, **kwargs)
    except Exception as exc:
        where = block_device_mapping.target_of(self._bdm_obj)
        if where:
            owed.add(context, correction.Subject(
                where, self.volume_id, instance.uuid), exc)
        raise


def patches(owed: outstanding.Outstanding) -> list[patch.Patch]:
    return [patch.Patch(DETACH, functools.partial(_detach, owed))]
