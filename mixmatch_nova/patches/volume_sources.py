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


"""nova.volume.cinder.API: volumes that Nova makes of a snapshot.

The volume of a server that boots from a snapshot of another cloud is made
there, by the service provider itself and with the user's own rights. Home's
Cinder could have it made as well, but its answer is lost more easily than one
request, and only the target of the snapshot says beforehand what the block
device mapping has to remember.
"""

from collections.abc import Callable
from typing import Any

from oslo_log import log as logging
from oslo_utils import uuidutils

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import patch
from mixmatch_nova import auth
from mixmatch_nova import block_device
from mixmatch_nova import errors
from mixmatch_nova.patches import volume_api
from mixmatch_nova.patches import volume_view
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import pending
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_MODULE = 'nova.volume.cinder'

GET_SNAPSHOT = patch.Symbol(_MODULE, 'API.get_snapshot',
                            ('self', 'ctx', 'snapshot_id'))
CREATE = patch.Symbol(_MODULE, 'API.create', ('self', 'ctx', 'size'))


class Sources(volume_api.Router):
    """The wrappers of the methods that are about a snapshot."""

    def get_snapshot(self, original: Callable, api: Any, context: Any,
                     snapshot_id: str) -> Any:
        current = state.from_context(context)
        found = current.pop_snapshot(snapshot_id)
        if found:
            return found
        remote = self._get_remote(context, snapshot_id)
        with errors.translate_unlocated(context, snapshot_id,
                                        errors.SnapshotNotLocated):
            snapshot = self._call(original, remote, api, context, snapshot_id)
        remote = self._learn(context, remote, snapshot)
        for resource_id in {snapshot_id, snapshot['id']}:
            current.remember_target(resource_id, remote or target.HOME)
        return snapshot

    def create(self, original: Callable, api: Any, context: Any, size: int,
               name: str, description: str, *,
               snapshot: dict[str, Any] | None = None,
               **kwargs: Any) -> Any:
        """Make a volume, where its snapshot is.

        Nova passes all that follows the description by name.
        """
        remote = (self._get_remote(context, snapshot['id'])
                  if snapshot else None)
        if remote:
            # NOTE: zones of two clouds have nothing in common, and what
            # looks like a type is what the mapping remembers. Without one
            # Cinder takes that of the snapshot.
            kwargs['availability_zone'] = None
            if block_device.is_marker(kwargs.get('volume_type')):
                kwargs['volume_type'] = None
        try:
            with errors.translate_unlocated(
                    context, snapshot['id'] if snapshot else None):
                volume = self._call(original, remote, api, context, size,
                                    name, description, snapshot=snapshot,
                                    **kwargs)
        except Exception as exc:
            if remote and outcome.may_have_succeeded(exc):
                LOG.warning('Service provider %(sp)s may have made a volume '
                            '"%(name)s" of snapshot %(snapshot)s: '
                            '%(reason)s', {
                                'sp': remote.service_provider, 'name': name,
                                'snapshot': snapshot and snapshot['id'],
                                'reason': outcome.reason(exc)})
            raise
        if remote and not uuidutils.is_uuid_like(volume['id']):
            with errors.for_nova(context):
                raise exceptions.ServiceProviderUnavailable(
                    service_provider=remote.service_provider,
                    reason='its Cinder answered with no volume')
        # NOTE: home's Cinder may have had it made elsewhere, for instance
        # since a zone of home's Nova is called like a service provider.
        remote = self._learn(context, remote, volume)
        state.from_context(context).remember_target(
            volume['id'], remote or target.HOME)
        return volume

    def _learn(self, context: Any, remote: target.Target | None,
               found: dict[str, Any]) -> target.Target | None:
        """Log in where home's Cinder has found something."""
        marked = volume_view.pop_target(context, found)
        # NOTE: Nova asks for a new volume before it uses it.
        found.pop(volume_view.ENCRYPTED, None)
        if remote or not marked:
            return remote
        with errors.for_nova(context):
            return auth.enter(self._clouds, context, marked)


def patches(clouds: federation.Federation,
            pending: pending.Queue) -> list[patch.Patch]:
    sources = Sources(clouds, pending)
    return [patch.Patch(GET_SNAPSHOT, sources.get_snapshot),
            patch.Patch(CREATE, sources.create)]
