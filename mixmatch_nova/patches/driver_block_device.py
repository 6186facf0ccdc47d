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

"""Patches of ``nova.virt.block_device``.

* A detach that fails half-way: if the other cloud cannot be asked for the
  volume, Nova gives a detach up before it begins, and does not tell Cinder
  that the volume is in use again.
* A volume that nova-compute has made at another cloud, of a snapshot. Its
  mapping knows it, and is marked, before Nova goes on to wait for it.
"""

from collections.abc import Callable, Iterator
import contextlib
import functools
from typing import Any

from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import pending
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

DETACH = patch.Symbol(
    'nova.virt.block_device', 'DriverVolumeBlockDevice.detach',
    ('self', 'context', 'instance', 'volume_api', 'virt_driver'))
CREATE = patch.Symbol(
    'nova.virt.block_device', 'DriverVolumeBlockDevice._create_volume',
    ('self', 'context', 'instance', 'volume_api', 'size', 'wait_func'))

_Wait = Callable[[Any, str], Any]


def _detach(pending: pending.Queue, original: Callable, self: Any,
            context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
    if block_device.target_of(self._bdm_obj) and not (
            self['attachment_id'] or self['connection_info']):
        # NOTE: it was never attached, and Nova would use the requests that
        # were there before attachments.
        return
    try:
        original(self, context, instance, *args, **kwargs)
    except Exception as exc:
        remote = block_device.target_of(self._bdm_obj)
        if remote:
            pending.add(context, target.Subject(
                remote, self.volume_id, instance.uuid), exc)
        raise


def _create_volume(original: Callable, self: Any, context: Any,
                   instance: Any, volume_api: Any, size: int,
                   wait_func: _Wait | None = None, **kwargs: Any
                   ) -> tuple[str, str]:
    def keep_and_wait(context: Any, volume_id: str) -> None:
        with _undone(context, volume_api, volume_id, wait_func):
            _keep(context, self._bdm_obj, volume_id)
        if wait_func:
            wait_func(context, volume_id)

    snapshot = kwargs.get('snapshot')
    if snapshot and state.from_context(context).get_remote(snapshot['id']):
        # NOTE: as Nova does for a blank one. If the answer is lost, it is by
        # the name that somebody finds it.
        kwargs['name'] = f'{instance.uuid}-snapshot-vol'
    return original(self, context, instance, volume_api, size, keep_and_wait,
                    **kwargs)


def _keep(context: Any, bdm: Any, volume_id: str) -> None:
    """Have the mapping know the volume that was made for it."""
    if state.from_context(context).get_remote(volume_id):
        # NOTE: an image may have said that there is an attachment.
        bdm.volume_id, bdm.attachment_id = volume_id, None
        try:
            block_device.mark(context, bdm)
            bdm.save()
        except Exception:
            bdm.volume_id = None
            raise


@contextlib.contextmanager
def _undone(context: Any, volume_api: Any, volume_id: str,
            wait_func: _Wait | None) -> Iterator[None]:
    """Delete a volume that no mapping knows, as soon as that is possible."""
    try:
        yield
    except Exception:
        if wait_func:
            with contextlib.suppress(Exception):
                wait_func(context, volume_id)
        try:
            volume_api.delete(context, volume_id)
        except Exception as exc:  # noqa: BLE001 - the first one counts
            known = state.from_context(context).get_target(volume_id)
            LOG.error('Volume %(volume)s at service provider %(sp)s was made '
                      'for a server whose mapping could not be saved, and '
                      'cannot be deleted: %(reason)s', {
                          'volume': volume_id, 'reason': outcome.reason(exc),
                          'sp': known})
        raise


def patches(pending: pending.Queue) -> list[patch.Patch]:
    return [patch.Patch(DETACH, functools.partial(_detach, pending)),
            patch.Patch(CREATE, _create_volume)]
