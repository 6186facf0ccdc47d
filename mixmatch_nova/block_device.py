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

"""Read and write the target that a block device mapping (bdm) remembers.

The field ``volume_type`` holds it, of each mapping of a volume of another
cloud. Nova refuses that field from users where ``source_type`` is "volume",
and reads it only when it makes a volume (see patches.volume_sources). Where it
makes one, users may choose a type, but none that looks like a marker.
"""

import re
from typing import Any

from nova.db.main import models
from oslo_log import log as logging

from mixmatch_nova import errors
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

MARKER = 'mixmatch'

#: Marks of a later version: whatever follows, the volume is not home's.
_LATER = re.compile(rf'{MARKER}/\d+:')
_UNREADABLE = 'unreadable'


def marker(remote: target.Target) -> str:
    """Return the volume type that marks the mapping of a volume."""
    return f'{MARKER}:{remote}'


def from_marker(volume_type: str | None) -> target.Target | None:
    """Return the target that a volume type stands for; None if it is none.

    That of a later version, which cannot be read, is no cloud, and not home.
    """
    if _LATER.match(volume_type or ''):
        # NOTE: there is no such service provider, so all that needs it fails.
        return target.Target(str(volume_type), _UNREADABLE)
    prefix, _, text = (volume_type or '').partition(':')
    return target.Target.parse(text) if prefix == MARKER and text else None


def is_marker(volume_type: str | None) -> bool:
    """Return whether a volume type looks like a marker."""
    text = volume_type or ''
    return text.startswith(f'{MARKER}:') or bool(_LATER.match(text))


def is_marked() -> Any:
    """Return the SQL condition that finds the rows of marked mappings."""
    return models.BlockDeviceMapping.volume_type.like(f'{MARKER}:%')


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
    return from_marker(attribute(bdm, 'volume_type'))


def remember(context: Any, bdm: Any) -> None:
    """Remember the target of a mapping in the request.

    :param bdm: ``nova.objects.BlockDeviceMapping``
    """
    remote = from_marker(attribute(bdm, 'volume_type'))
    is_saved = bdm.obj_attr_is_set('id')
    if remote and remote.project_id == _UNREADABLE:
        LOG.error('The block device mapping of volume %(volume)s on server '
                  '%(server)s has the mark of a later mixmatch, %(mark)s: '
                  'this process does nothing with the volume. Upgrade '
                  'mixmatch on this host.',
                  {'volume': attribute(bdm, 'volume_id'),
                   'server': attribute(bdm, 'instance_uuid'),
                   'mark': remote.service_provider})
    if not is_saved and state.is_sender_unpatched(context):
        # NOTE: a nova-api without the plugin marks nothing; its users do.
        remote = None
    current = state.from_context(context)
    if remote and attribute(bdm, 'source_type') == 'snapshot':
        current.remember_target(attribute(bdm, 'snapshot_id'), remote)
    if remote is None and is_saved:
        # NOTE: only one that was saved; before that nobody has marked it.
        remote = target.HOME
    volume_id = attribute(bdm, 'volume_id')
    if volume_id and remote:
        for each in (volume_id, attribute(bdm, 'attachment_id')):
            current.remember_target(each, remote)
            if each and remote != target.HOME:
                current.remember_bdm(each, volume_id,
                                     attribute(bdm, 'instance_uuid'))


def mark(context: Any, bdm: Any) -> target.Target | None:
    """Have a mapping remember where its volume lives, if that is not home.

    A mark that is not ours, a volume type that a user has chosen, is cleared.

    :param bdm: ``nova.objects.BlockDeviceMapping``, not saved yet
    :returns: the target; None for home
    """
    source = attribute(bdm, 'volume_id')
    if not source and attribute(bdm, 'source_type') == 'snapshot':
        source = attribute(bdm, 'snapshot_id')
    with errors.for_nova(context):
        remote = (state.from_context(context).get_remote(source)
                  if source else None)
    if remote:
        bdm.volume_type = marker(remote)
    elif is_marker(attribute(bdm, 'volume_type')):
        LOG.warning('A volume type that looks like a mark of mixmatch is '
                    'ignored: %s', bdm.volume_type)
        bdm.volume_type = None
    return remote
