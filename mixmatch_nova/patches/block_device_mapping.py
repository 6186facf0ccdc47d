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
made of; that of a foreign snapshot before there is a volume. Whoever loads it
later, from the database or from a message, knows where its volume and its
attachment live, or where its volume is to be made.
"""

from collections.abc import Callable
from typing import Any

from nova import exception
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import errors
from mixmatch_nova.patches import context as context_patch
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


def attribute(bdm: Any, name: str) -> Any:
    """A field of a mapping; None if it is not set."""
    return getattr(bdm, name) if bdm.obj_attr_is_set(name) else None


def target_of(bdm: Any) -> target.Target | None:
    """The service provider that a mapping is marked with, if it is.

    :param bdm: ``nova.objects.BlockDeviceMapping``
    :returns: None also while there is no volume yet
    """
    if attribute(bdm, 'volume_id') is None:
        return None
    return target.Target.from_marker(attribute(bdm, 'volume_type'))


def note(context: Any, bdm: Any) -> None:
    """Tell a request what a mapping remembers.

    :param bdm: ``nova.objects.BlockDeviceMapping``
    """
    where = target.Target.from_marker(attribute(bdm, 'volume_type'))
    is_saved = bdm.obj_attr_is_set('id')
    if not is_saved and context_patch.from_stranger(context):
        # NOTE: a nova-api without the plugin marks nothing; its users do.
        where = None
    targets = target.of(context)
    if where and attribute(bdm, 'source_type') == 'snapshot':
        targets.note(attribute(bdm, 'snapshot_id'), where)
    if where is None and is_saved:
        # NOTE: only one that was saved; before that nobody has marked it.
        where = target.HOME
    volume_id = attribute(bdm, 'volume_id')
    if volume_id and where:
        for each in (volume_id, attribute(bdm, 'attachment_id')):
            targets.note(each, where)
            if each and where != target.HOME:
                targets.mappings[each] = (volume_id,
                                          attribute(bdm, 'instance_uuid'))


def _loaded(original: Callable, cls: type, context: Any, *args: Any,
            **kwargs: Any) -> Any:
    bdm = original(cls, context, *args, **kwargs)
    if context is not None:
        note(context, bdm)
    return bdm


def mark(context: Any, bdm: Any) -> target.Target | None:
    """Have a mapping remember where its volume lives, if that is not home.

    A mark that is not ours, a volume type that a user has chosen, is cleared.

    :param bdm: ``nova.objects.BlockDeviceMapping``, not saved yet
    :returns: where
    """
    source = attribute(bdm, 'volume_id')
    if not source and attribute(bdm, 'source_type') == 'snapshot':
        source = attribute(bdm, 'snapshot_id')
    with errors.for_nova(context):
        where = target.of(context).foreign(source) if source else None
    if where:
        bdm.volume_type = where.marker
    elif target.is_marker(attribute(bdm, 'volume_type')):
        LOG.warning('A volume type that looks like a mark of mixmatch is '
                    'ignored: %s', bdm.volume_type)
        bdm.volume_type = None
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
