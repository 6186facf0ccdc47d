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

"""The volumes of other clouds in the databases of all cells."""

from collections.abc import Iterable
import dataclasses
from typing import Any

from nova.compute import rpcapi
from nova import context as nova_context
from nova.db.main import api as nova_db
from nova.db.main import models
from nova import objects

from mixmatch_nova import block_device
from mixmatch_nova.reconcile import journal
from mixmatch_nova.reconcile import servers
from mixmatch_nova.reconcile import unfinished
from mixmatch_nova import target


@dataclasses.dataclass(frozen=True)
class ForeignBdm:
    """A block device mapping of a volume of another cloud.

    :param live: False for one that Nova has deleted, and not yet archived
    """

    target: target.Target
    volume_id: str
    server_id: str | None
    attachment_id: str | None
    live: bool


@dataclasses.dataclass(frozen=True)
class Cell:
    """One of home's cells.

    :param name: for messages
    :param context: of an administrator, in the cell
    """

    name: str
    context: Any

    @property
    def servers(self) -> servers.Servers:
        return servers.Servers(self.context)

    def bdms(self) -> list[ForeignBdm]:
        """The mappings of volumes of other clouds, deleted ones too."""
        return _query_bdms(self.context)

    def records(self) -> list[journal.Record]:
        return journal.list_unresolved(self.context)

    def unfinished(self) -> list[unfinished.UnfinishedBdm]:
        """The mappings that have never got an attachment."""
        return unfinished.find(self.context)

    def known_servers(self, server_ids: Iterable[str]) -> set[str]:
        """Return those that are servers of this cell, deleted ones too."""
        return _servers(self.context, list(server_ids))

    def notify_extended(self, volume_id: str) -> list[tuple[str, str]]:
        """Have nova-compute look at the size of a volume of another cloud.

        As Cinder does for volumes of its own cloud, by the event
        ``volume-extended``; only the log of nova-compute tells the result.

        :returns: the ids of the servers, and their hosts
        """
        notified = []
        for each in self.bdms():
            if not each.live or each.volume_id != volume_id:
                continue
            server = objects.Instance.get_by_uuid(self.context,
                                                  each.server_id)
            if not server.host:
                continue
            rpcapi.ComputeAPI().external_instance_event(
                self.context, [server], [objects.InstanceExternalEvent(
                    self.context, instance_uuid=server.uuid,
                    name='volume-extended', status='completed',
                    tag=volume_id)])
            notified.append((server.uuid, server.host))
        return notified


def list_cells() -> list[Cell]:
    """All cells, also the one of servers that no host would have."""
    context = nova_context.get_admin_context()
    found = []
    for each in objects.CellMappingList.get_all(context):
        with nova_context.target_cell(context, each) as in_cell:
            found.append(Cell(each.name or each.uuid, in_cell))
    return found


@nova_db.pick_context_manager_reader
def _query_bdms(context: Any) -> list[ForeignBdm]:
    model = models.BlockDeviceMapping
    found = []
    for row in nova_db.model_query(context, model, read_deleted='yes').filter(
            model.volume_id.isnot(None),
            block_device.is_marked()):
        remote = block_device.from_marker(row.volume_type)
        if remote:
            found.append(ForeignBdm(remote, row.volume_id, row.instance_uuid,
                                    row.attachment_id, not row.deleted))
    return found


@nova_db.pick_context_manager_reader
def _servers(context: Any, server_ids: list[str]) -> set[str]:
    model = models.Instance
    return {uuid for uuid, in nova_db.model_query(
        context, model, (model.uuid,), read_deleted='yes').filter(
            model.uuid.in_(server_ids))}
