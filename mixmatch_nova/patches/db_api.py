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

"""nova.db.main.api: what a nova-compute without the plugin does.

It asks home's Cinder for attachments of other clouds, is told that there are
none, and goes on. nova-conductor sees two ends of that, and has done what the
other process could not:

* A server is deleted, and its mappings go with it. Their attachments are put
  on record, to be deleted.
* A detach or an attach of a server fails. Its volumes are put on record, to
  be looked at: a detach that nova-api has begun is rolled back, so that the
  user can detach again.
"""

from collections.abc import Callable
from typing import Any

from nova import objects
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import block_device
from mixmatch_nova.reconcile import pending
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_MODULE = 'nova.db.main.api'

DESTROY = patch.Symbol(_MODULE, 'instance_destroy',
                       ('context', 'instance_uuid'))
FINISH = patch.Symbol(_MODULE, 'action_event_finish', ('context', 'values'))

_EVENTS = ('compute_attach_volume', 'compute_detach_volume')


class WithoutPlugin(Exception):
    """A Nova service without mixmatch has done something."""


class Watch:
    """The wrappers of both.

    :param owed: what has to be told to other clouds
    """

    def __init__(self, owed: pending.Outstanding) -> None:
        self._owed = owed

    def instance_destroy(self, original: Callable, context: Any,
                         instance_uuid: str, *args: Any,
                         **kwargs: Any) -> Any:
        mappings = _foreign_mappings(context, instance_uuid)
        result = original(context, instance_uuid, *args, **kwargs)
        for each in mappings:
            self._owe(context, each, each.attachment_id)
        return result

    def action_event_finish(self, original: Callable, context: Any,
                            values: dict[str, Any]) -> Any:
        result = original(context, values)
        if values['event'] in _EVENTS:
            for each in _foreign_mappings(context, values['instance_uuid']):
                self._owe(context, each)
        return result

    def _owe(self, context: Any, bdm: Any,
             attachment_id: str | None = None) -> None:
        where = block_device.target_of(bdm)
        assert where
        LOG.warning(
            'A Nova service that does not run mixmatch has worked on server '
            '%(server)s, which uses volume %(volume)s of service provider '
            '%(sp)s. Enable mixmatch in the nova.conf of every nova service '
            'of this cell', {'server': bdm.instance_uuid,
                             'volume': bdm.volume_id,
                             'sp': where.service_provider})
        self._owed.add(context, target.Subject(
            where, bdm.volume_id, bdm.instance_uuid), WithoutPlugin(),
            attachment_id)


def _foreign_mappings(context: Any, server_id: str) -> list[Any]:
    """Those of a server on which a process without the plugin has worked."""
    if not target.is_sender_unpatched(context):
        return []
    return [each for each in
            objects.BlockDeviceMappingList.get_by_instance_uuid(
                context, server_id)
            if block_device.target_of(each)]


def patches(owed: pending.Outstanding) -> list[patch.Patch]:
    watch = Watch(owed)
    return [patch.Patch(DESTROY, watch.instance_destroy),
            patch.Patch(FINISH, watch.action_event_finish)]
