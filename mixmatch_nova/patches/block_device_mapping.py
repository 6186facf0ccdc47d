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

A mapping of a foreign volume is marked when it is created. Whoever loads it
later, from the database or from a message, knows where its volume and its
attachment live.
"""

from collections.abc import Callable
from typing import Any

from nova import exception

from mixmatch import patch
from mixmatch_nova import errors
from mixmatch_nova.patches import context as context_patch
from mixmatch_nova import target

_MODULE = 'nova.objects.block_device'


def _symbol(name: str, *parameters: str) -> patch.Symbol:
    return patch.Symbol(_MODULE, f'BlockDeviceMapping.{name}', parameters)


FROM_DB_OBJECT = _symbol('_from_db_object', 'cls', 'context',
                         'block_device_obj', 'db_block_device')
FROM_PRIMITIVE = _symbol('_obj_from_primitive', 'cls', 'context', 'objver',
                         'primitive')
CREATE = _symbol('_create', 'self', 'context')
DESTROY = _symbol('destroy', 'self')


def _attribute(bdm: Any, name: str) -> Any:
    return getattr(bdm, name) if bdm.obj_attr_is_set(name) else None


def target_of(bdm: Any) -> target.Target | None:
    """The service provider that a mapping is marked with, if it is.

    :param bdm: ``nova.objects.BlockDeviceMapping``
    """
    if _attribute(bdm, 'source_type') != 'volume':
        return None
    return target.Target.from_marker(_attribute(bdm, 'volume_type'))


def note(context: Any, bdm: Any) -> None:
    """Tell a request what a mapping remembers.

    :param bdm: ``nova.objects.BlockDeviceMapping``
    """
    volume_id = _attribute(bdm, 'volume_id')
    where = target_of(bdm)
    if where is None and bdm.obj_attr_is_set('id'):
        # NOTE: only one that was saved; before that nobody has marked it.
        where = target.HOME
    if volume_id and where:
        targets = target.of(context)
        for each in (volume_id, _attribute(bdm, 'attachment_id')):
            targets.note(each, where)
            if each and where != target.HOME:
                targets.mappings[each] = (volume_id,
                                          _attribute(bdm, 'instance_uuid'))


def _loaded(original: Callable, cls: type, context: Any, *args: Any,
            **kwargs: Any) -> Any:
    bdm = original(cls, context, *args, **kwargs)
    if context is not None:
        note(context, bdm)
    return bdm


def mark(context: Any, bdm: Any) -> target.Target | None:
    """Have a mapping remember where its volume lives, if that is not home.

    :param bdm: ``nova.objects.BlockDeviceMapping``, not saved yet
    :returns: where
    """
    volume_id = _attribute(bdm, 'volume_id')
    with errors.for_nova(context):
        where = target.of(context).foreign(volume_id) if volume_id else None
    if where is None or _attribute(bdm, 'source_type') != 'volume':
        return None
    bdm.volume_type = where.marker
    return where


def _create(original: Callable, self: Any, context: Any, *args: Any,
            **kwargs: Any) -> None:
    where = mark(context, self)
    if where:
        _refuse_stranger(context, where, 'create')
    original(self, context, *args, **kwargs)


def _destroy(original: Callable, self: Any) -> None:
    where = target_of(self)
    if where:
        _refuse_stranger(self._context, where, 'destroy')
    original(self)


def _refuse_stranger(context: Any, where: target.Target,
                     action: str) -> None:
    # NOTE: a nova-compute without the plugin asks home's Cinder for a
    # foreign attachment, is told that there is none, and at the next reboot
    # destroys the mapping: the server would lose its disk.
    if context_patch.from_stranger(context):
        raise exception.InvalidVolume(
            reason=f'A Nova service that does not run mixmatch tried to '
                   f'{action} an attachment of a volume of service provider '
                   f'{where.service_provider}. Enable mixmatch in the '
                   f'nova.conf of every nova service of this cell')


def patches() -> list[patch.Patch]:
    return [patch.Patch(FROM_DB_OBJECT, _loaded),
            patch.Patch(FROM_PRIMITIVE, _loaded),
            patch.Patch(CREATE, _create),
            patch.Patch(DESTROY, _destroy)]
