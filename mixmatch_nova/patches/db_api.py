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

"""nova.db.main.api: clean up after a nova-compute without the plugin.

It asks home's Cinder for attachments of other clouds, is told that there are
none, and goes on. nova-conductor sees two ends of that, and has done what the
other process could not:

* A server is deleted, and its mappings go with it. Their attachments are added
  to the journal, to be deleted.
* A detach or an attach of a server fails. Its volumes are added to the
  journal: a detach that nova-api has begun is rolled back, so that the
  user can detach again.
"""

from collections.abc import Callable
from typing import Any

from nova import objects
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova.reconcile import pending
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_MODULE = 'nova.db.main.api'

DESTROY = patch.Symbol(_MODULE, 'instance_destroy',
                       ('context', 'instance_uuid'))
FINISH = patch.Symbol(_MODULE, 'action_event_finish', ('context', 'values'))

_EVENTS = ('compute_attach_volume', 'compute_detach_volume')


class WithoutPlugin(Exception):
    """A Nova service without mixmatch has done something."""


class Wrappers:
    """The wrappers of both.

    :param pending: the queue of this process
    """

    def __init__(self, pending: pending.Queue) -> None:
        self._pending = pending

    def instance_destroy(self, original: Callable, context: Any,
                         instance_uuid: str, *args: Any,
                         **kwargs: Any) -> Any:
        bdms = _foreign_bdms(context, instance_uuid)
        result = original(context, instance_uuid, *args, **kwargs)
        for each in bdms:
            self._reconcile_later(context, each, each.attachment_id)
        return result

    def action_event_finish(self, original: Callable, context: Any,
                            values: dict[str, Any]) -> Any:
        result = original(context, values)
        if values['event'] in _EVENTS:
            for each in _foreign_bdms(context, values['instance_uuid']):
                self._reconcile_later(context, each)
        return result

    def _reconcile_later(self, context: Any, bdm: Any,
                         attachment_id: str | None = None) -> None:
        remote = block_device.target_of(bdm)
        assert remote
        LOG.warning(
            'A Nova service that does not run mixmatch has worked on server '
            '%(server)s, which uses volume %(volume)s of service provider '
            '%(sp)s. Enable mixmatch in the nova.conf of every nova service '
            'of this cell', {'server': bdm.instance_uuid,
                             'volume': bdm.volume_id,
                             'sp': remote.service_provider})
        self._pending.add(context, target.Subject(
            remote, bdm.volume_id, bdm.instance_uuid), WithoutPlugin(),
            attachment_id)


def _foreign_bdms(context: Any, server_id: str) -> list[Any]:
    """Return the bdms of a server that an unpatched process has changed."""
    if not state.is_sender_unpatched(context):
        return []
    return [each for each in
            objects.BlockDeviceMappingList.get_by_instance_uuid(
                context, server_id)
            if block_device.target_of(each)]


def patches(pending: pending.Queue) -> list[patch.Patch]:
    watch = Wrappers(pending)
    return [patch.Patch(DESTROY, watch.instance_destroy),
            patch.Patch(FINISH, watch.action_event_finish)]
