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

"""Patches of ``nova.compute.api``.

* Since 2026.1 it is nova-conductor that makes an attachment. What it could
  not ask of a service provider reaches nova-api as an error without that name.
* What cannot work for a volume of another cloud is refused, before anything
  is reserved.
* A mapping that is part of the request to build a server is marked before it
  is stored, and read when that server is deleted before there is a row of it.
"""

from collections.abc import Callable, Iterable
import copy
from typing import Any

from nova import objects

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova import errors
from mixmatch_nova.patches import image
from mixmatch_nova.patches import volume_view
from mixmatch_nova import state

_MODULE = 'nova.compute.api'


def _symbol(name: str, *parameters: str) -> patch.Symbol:
    return patch.Symbol(_MODULE, f'API.{name}', ('self', 'context',
                                                 *parameters))


ATTACH = _symbol('attach_volume', 'instance', 'volume_id')
REBUILD = _symbol('rebuild', 'instance', 'image_href', 'admin_password',
                  'files_to_inject', 'reimage_boot_volume')
SNAPSHOT = _symbol('snapshot_volume_backed', 'instance', 'name')
SWAP = _symbol('swap_volume', 'instance', 'old_volume', 'new_volume')
ASSISTED = (_symbol('volume_snapshot_create', 'volume_id'),
            _symbol('volume_snapshot_delete', 'volume_id'))
CLEANUP = patch.Symbol(_MODULE, 'API._local_cleanup_bdm_volumes',
                       ('self', 'bdms', 'instance', 'context'))
ZONES = patch.Symbol(_MODULE, 'API._validate_vol_az_for_create',
                     ('instance_az', 'volumes'))
UNSHELVE_ZONE = _symbol('_validate_unshelve_az', 'instance',
                        'availability_zone')
#: Private functions of Nova that are called here.
CALLED = (_symbol('_get_bdm_by_volume_id', 'volume_id'),)
#: Since 2026.1, and before.
RESERVE = patch.Symbol(
    'nova.compute.utils', 'check_attach_and_reserve_volume',
    ('context', 'volume_api', 'volume', 'instance', 'bdm'))
RESERVE_2025 = _symbol('_check_attach_and_reserve_volume', 'volume',
                       'instance', 'bdm')


def _attach_volume(original: Callable, self: Any, context: Any,
                   instance: Any, volume_id: str, *args: Any,
                   **kwargs: Any) -> Any:
    with errors.remember_failed_attach(context, volume_id):
        return original(self, context, instance, volume_id, *args, **kwargs)


def _mappings(context: Any, instance: Any) -> Any:
    return objects.BlockDeviceMappingList.get_by_instance_uuid(
        context, instance.uuid)


def _rebuild(original: Callable, self: Any, context: Any, instance: Any,
             image_href: str, admin_password: str,
             files_to_inject: Any = None, reimage_boot_volume: bool = False,
             **kwargs: Any) -> Any:
    _remember_images(context, instance)
    if reimage_boot_volume:
        root = _mappings(context, instance).root_bdm()
        # NOTE: the other Cinder has not the image. Nova then refuses another
        # one than the volume was made of, as it did before 2.93.
        reimage_boot_volume = not (
            root and block_device.target_of(root))
    return original(self, context, instance, image_href, admin_password,
                    files_to_inject, reimage_boot_volume, **kwargs)


def _remember_images(context: Any, instance: Any) -> None:
    """Remember the images of a server, for which nova-api asks next.

    It has no cell in which it could look for the server of an image.
    """
    # NOTE: a user finds them without it.
    place = image.place_of(instance) if context.is_admin else None
    if place:
        for each in (instance.image_ref, instance.kernel_id,
                     instance.ramdisk_id):
            state.from_context(context).remember_image_place(each, place)


def _snapshot(original: Callable, self: Any, context: Any, instance: Any,
              *args: Any, **kwargs: Any) -> Any:
    for each in _mappings(context, instance):
        # NOTE: before Nova has made snapshots of home's volumes.
        errors.refuse_remote(
            block_device.target_of(each), each.volume_id,
            'make an image of a server that is backed by volumes, with')
    return original(self, context, instance, *args, **kwargs)


def _swap(original: Callable, self: Any, context: Any, instance: Any,
          old_volume: dict[str, Any], new_volume: dict[str, Any]) -> Any:
    for each in (old_volume['id'], new_volume['id']):
        errors.refuse_remote(state.from_context(context).get_remote(each),
                             each, 'swap')
    return original(self, context, instance, old_volume, new_volume)


def _assisted(original: Callable, self: Any, context: Any, volume_id: str,
              *args: Any, **kwargs: Any) -> Any:
    # NOTE: as Nova is about to do; it finds the cell.
    mapping = self._get_bdm_by_volume_id(context, volume_id)
    errors.refuse_remote(block_device.target_of(mapping), volume_id,
                         'take part in a snapshot of')
    return original(self, context, volume_id, *args, **kwargs)


def _reserve(original: Callable, context: Any, volume_api: Any,
             volume: dict[str, Any], instance: Any, bdm: Any, *args: Any,
             **kwargs: Any) -> None:
    original(context, volume_api, volume, instance, bdm, *args, **kwargs)
    block_device.mark(context, bdm)


def _reserve_2025(original: Callable, self: Any, context: Any,
                  volume: dict[str, Any], instance: Any, bdm: Any,
                  *args: Any, **kwargs: Any) -> None:
    original(self, context, volume, instance, bdm, *args, **kwargs)
    block_device.mark(context, bdm)


def _cleanup(original: Callable, self: Any, bdms: Any, instance: Any,
             context: Any) -> None:
    for each in bdms:
        # NOTE: those of a request to build a server were loaded without the
        # context of this request.
        block_device.remember(context, each)
    original(self, bdms, instance, context)


def _validate_zones(original: Callable, instance_az: str | None,
                    volumes: Iterable[dict[str, Any]]) -> str | None:
    """Return the zone that a new server has to be in, or None.

    Nova asks so if ``[cinder] cross_az_attach`` is off.
    """
    # NOTE: availability zones of two clouds have nothing in common.
    return original(instance_az, [
        each for each in volumes if not each.get(volume_view.ELSEWHERE)])


class _InZone:
    """Nova's volume API, by which volumes elsewhere are in a given zone."""

    def __init__(self, volume_api: Any, zone: str) -> None:
        self._volume_api = volume_api
        self._zone = zone

    def __getattr__(self, name: str) -> Any:
        return getattr(self._volume_api, name)

    def get(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return a volume."""
        volume = self._volume_api.get(*args, **kwargs)
        if volume.get(volume_view.ELSEWHERE):
            volume['availability_zone'] = self._zone
        return volume


def _validate_unshelve_zone(original: Callable, self: Any, context: Any,
                            instance: Any, availability_zone: str) -> None:
    """Check the zone that a server is to be unshelved in.

    Nova compares it with those of the volumes if ``[cinder] cross_az_attach``
    is off.
    """
    # NOTE: availability zones of two clouds have nothing in common.
    api = copy.copy(self)
    api.volume_api = _InZone(self.volume_api, availability_zone)
    original(api, context, instance, availability_zone)


def patches() -> list[patch.Patch]:
    reserve = patch.Patch(RESERVE, _reserve)
    if not RESERVE.exists():
        reserve = patch.Patch(RESERVE_2025, _reserve_2025)
    return [patch.Patch(ATTACH, _attach_volume),
            patch.Patch(REBUILD, _rebuild),
            patch.Patch(SNAPSHOT, _snapshot),
            patch.Patch(SWAP, _swap),
            *(patch.Patch(each, _assisted) for each in ASSISTED),
            patch.Patch(CLEANUP, _cleanup),
            patch.Patch(ZONES, _validate_zones),
            patch.Patch(UNSHELVE_ZONE, _validate_unshelve_zone),
            reserve]
