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

"""Patches of ``nova.compute.api``: the block devices of a new server.

What its mappings name is looked at before anything is reserved. Those of
another cloud are marked before they are stored; what could not be marked, or
would not be released again, is refused.
"""

from collections.abc import Callable
from typing import Any

from nova import exception
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova import errors
from mixmatch_nova.reconcile import outcome
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_MODULE = 'nova.compute.api'


def _symbol(name: str, *parameters: str) -> patch.Symbol:
    return patch.Symbol(_MODULE, f'API.{name}', ('self', 'context',
                                                 *parameters))


PROVISION = _symbol('_provision_instances', 'flavor', 'min_count',
                    'max_count', 'base_options', 'boot_meta',
                    'security_groups', 'block_device_mapping')
VALIDATE = _symbol('_validate_bdm', 'instance', 'flavor',
                   'block_device_mappings')
FOR_INSTANCE = _symbol('_bdm_validate_set_size_and_instance', 'instance',
                       'flavor', 'block_device_mapping')

#: What else a mapping may hold that Nova then does not attach, attaches
#: without a reservation, or does not release.
_OTHERWISE = {'volume': ('image_id', 'snapshot_id', 'attachment_id',
                         'no_device'),
              'snapshot': ('attachment_id', 'no_device')}


def _validate(original: Callable, self: Any, context: Any, instance: Any,
              flavor: Any, block_device_mappings: Any, *args: Any,
              **kwargs: Any) -> None:
    for each in block_device_mappings:
        _check_type(each)
        _check_volume(context, each)
        _check_snapshot(context, self.volume_api, each)
    original(self, context, instance, flavor, block_device_mappings, *args,
             **kwargs)


def _check_type(bdm: Any) -> None:
    # NOTE: each mapping is still as the user, or an image, has it.
    if block_device.is_marker(block_device.attribute(bdm, 'volume_type')):
        raise exception.InvalidVolume(
            reason='volume types that begin with '
                   f'"{block_device.MARKER}:" are reserved')


def _check_volume(context: Any, bdm: Any) -> None:
    volume_id = block_device.attribute(bdm, 'volume_id')
    remote = _get_remote(context, volume_id)
    if remote:
        _check_form(bdm, 'volume', volume_id, remote)


def _check_snapshot(context: Any, volume_api: Any, bdm: Any) -> None:
    snapshot_id = block_device.attribute(bdm, 'snapshot_id')
    if not snapshot_id or any(block_device.attribute(bdm, each)
                              for each in ('volume_id', 'image_id')):
        # NOTE: Nova does not ask for it either. Should nova-compute make a
        # volume of it, the mapping is marked then.
        return
    try:
        snapshot = volume_api.get_snapshot(context, snapshot_id)
        remote = _get_remote(context, snapshot_id)
        if remote:
            # NOTE: only the volume tells that it is encrypted.
            volume_api.get(context, snapshot['volume_id'])
    except (exception.CinderConnectionFailed, exception.InvalidVolume):
        raise
    except Exception as exc:
        LOG.info('Snapshot %(snapshot)s cannot be used: %(reason)s',
                 {'snapshot': snapshot_id, 'reason': outcome.reason(exc)})
        raise exception.InvalidBDMSnapshot(id=snapshot_id) from exc
    # NOTE: Nova asks for it next, and has to be told no more than once.
    state.from_context(context).keep_snapshot(snapshot_id, snapshot)
    if not remote:
        return
    _check_form(bdm, 'snapshot', snapshot_id, remote)
    if block_device.attribute(bdm, 'volume_type'):
        raise exception.InvalidVolume(
            reason=f'snapshot {snapshot_id} lives at service provider '
                   f'{remote.service_provider}; a volume that a server boots '
                   'from has the type of the snapshot there, no volume_type '
                   'of this cloud')


def _get_remote(context: Any, resource_id: str | None) -> target.Target | None:
    with errors.for_nova(context):
        return state.from_context(context).get_remote(resource_id or '')


def _check_form(bdm: Any, kind: str, resource_id: str,
                remote: target.Target) -> None:
    """Refuse what Nova would not find, or not release, after the attach."""
    wrong = [f'{name} is not "{wanted}"' for name, wanted in (
        ('source_type', kind), ('destination_type', 'volume'))
        if block_device.attribute(bdm, name) != wanted]
    wrong += [f'it has {name} as well' for name in _OTHERWISE[kind]
              if block_device.attribute(bdm, name)]
    if wrong:
        raise exception.InvalidVolume(
            reason=f'{kind} {resource_id} lives at service provider '
                   f'{remote.service_provider}; its block device mapping is '
                   f'not possible from this cloud: {", ".join(wrong)}')


def _for_instance(original: Callable, self: Any, context: Any, *args: Any,
                  **kwargs: Any) -> Any:
    bdms = original(self, context, *args, **kwargs)
    # NOTE: these are stored; Nova checks the others again for the next
    # server of the same request.
    for each in bdms:
        block_device.mark(context, each)
    return bdms


def _provision(original: Callable, self: Any, context: Any, flavor: Any,
               min_count: int, max_count: int, base_options: Any,
               boot_meta: Any, security_groups: Any,
               block_device_mapping: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return original(self, context, flavor, min_count, max_count,
                        base_options, boot_meta, security_groups,
                        block_device_mapping, *args, **kwargs)
    except Exception:
        _release(context, self.volume_api, block_device_mapping)
        raise


def _release(context: Any, volume_api: Any, bdms: Any) -> None:
    """Give back what was reserved for a server that is not built."""
    for each in bdms:
        attachment_id = block_device.attribute(each, 'attachment_id')
        # NOTE: the request knows only an attachment that it has made.
        if attachment_id and state.from_context(context).has_bdm(
                attachment_id):
            try:
                volume_api.attachment_delete(context, attachment_id)
            except Exception as exc:  # noqa: BLE001 - the next one
                LOG.warning('Attachment %(attachment)s cannot be deleted: '
                            '%(reason)s', {'attachment': attachment_id,
                                           'reason': outcome.reason(exc)})


def patches() -> list[patch.Patch]:
    return [patch.Patch(VALIDATE, _validate),
            patch.Patch(FOR_INSTANCE, _for_instance),
            patch.Patch(PROVISION, _provision)]
