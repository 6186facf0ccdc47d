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

"""nova.objects.block_device.BlockDeviceMapping: the durable memory.

A mapping of a foreign volume is marked when it is created, whatever it was
made of; that of a foreign snapshot before there is a volume. What loads it
later, from the database or from a message, knows where its volume and its
attachment live, or where its volume is to be made.
"""

from collections.abc import Callable
from typing import Any

from nova import exception
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_MODULE = 'nova.objects.block_device'


def _symbol(name: str, *parameters: str) -> patch.Symbol:
    return patch.Symbol(_MODULE, f'BlockDeviceMapping.{name}', parameters)


FROM_DB_OBJECT = _symbol('_from_db_object', 'cls', 'context',
                         'block_device_obj', 'db_block_device')
FROM_PRIMITIVE = _symbol('_obj_from_primitive', 'cls', 'context', 'objver',
                         'primitive')
CREATE = _symbol('_create', 'self', 'context')
DESTROY = _symbol('destroy', 'self')


def _load(original: Callable, cls: type, context: Any, *args: Any,
          **kwargs: Any) -> Any:
    bdm = original(cls, context, *args, **kwargs)
    if context is not None:
        block_device.remember(context, bdm)
    return bdm


def _create(original: Callable, self: Any, context: Any, *args: Any,
            **kwargs: Any) -> None:
    remote = block_device.mark(context, self)
    if remote:
        _refuse_unpatched(context, remote, 'create')
    original(self, context, *args, **kwargs)


def _destroy(original: Callable, self: Any) -> None:
    remote = block_device.target_of(self)
    if remote:
        _refuse_unpatched(self._context, remote, 'destroy')
    original(self)


def _refuse_unpatched(context: Any, remote: target.Target,
                      action: str) -> None:
    # NOTE: a nova-compute without the plugin asks home's Cinder for a
    # foreign attachment, is told that there is none, and at the next reboot
    # destroys the mapping: the server would lose its disk.
    if state.is_sender_unpatched(context):
        raise exception.InvalidVolume(
            reason=f'A Nova service that does not run mixmatch tried to '
                   f'{action} an attachment of a volume of service provider '
                   f'{remote.service_provider}. Enable mixmatch in the '
                   f'nova.conf of every nova service of this cell')


def patches() -> list[patch.Patch]:
    return [patch.Patch(FROM_DB_OBJECT, _load),
            patch.Patch(FROM_PRIMITIVE, _load),
            patch.Patch(CREATE, _create),
            patch.Patch(DESTROY, _destroy)]
