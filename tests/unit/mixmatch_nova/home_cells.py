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


"""Home with cells: databases in files, as many as a test wants."""

import datetime

import fixtures
import nova.conf
from nova import context as nova_context
from nova.db.api import api as nova_api_db
from nova.db.api import models as api_models
from nova.db.main import models
from nova import objects
from oslo_messaging import conffixture
from oslo_utils import timeutils
from oslo_utils import uuidutils
import sqlalchemy

from mixmatch_nova import block_device
from tests import databases

class Cells(fixtures.Fixture):
    """The databases of a Nova.

    :param names: of the cells
    """

    def __init__(self, *names):
        super().__init__()
        self._names = names

    def _setUp(self):
        objects.register_all()
        self.useFixture(conffixture.ConfFixture(nova.conf.CONF))
        self.useFixture(fixtures.MockPatchObject(
            nova_context, 'CELL_CACHE', {}))
        self.useFixture(fixtures.MockPatchObject(nova_context, 'CELLS', []))
        manager = databases.in_memory()
        self.addCleanup(nova_api_db.context_manager.patch_factory(manager))
        api_models.CellMapping.__table__.create(manager.writer.get_engine())
        #: name -> engine
        self.engines = {name: self._make(name) for name in self._names}

    def _make(self, name):
        path = self.useFixture(fixtures.TempDir()).join('nova.sqlite')
        connection = f'sqlite:///{path}'
        engine = sqlalchemy.create_engine(connection)
        self.addCleanup(engine.dispose)
        databases.create_all(models.BASE.metadata, engine)
        objects.CellMapping(
            nova_context.get_admin_context(), name=name,
            uuid=uuidutils.generate_uuid(), transport_url='none:///',
            database_connection=connection).create()
        return engine

    def add_server(self, server_id, cell='cell1', task_state=None, deleted=0):
        self._execute(cell, models.Instance.__table__.insert().values(
            uuid=server_id, task_state=task_state, deleted=deleted))

    def change_server(self, server_id, cell='cell1', **values):
        table = models.Instance.__table__
        self._execute(cell, table.update().where(
            table.c.uuid == server_id).values(**values))

    def add_mapping(self, server_id, volume_id, attachment_id, where,
                    cell='cell1', deleted=0, source_type='volume', age=0):
        """Make a mapping.

        :param where: None for a volume of home
        :param age: in seconds
        """
        self._execute(
            cell, models.BlockDeviceMapping.__table__.insert().values(
                instance_uuid=server_id, volume_id=volume_id,
                attachment_id=attachment_id, deleted=deleted,
                source_type=source_type, destination_type='volume',
                created_at=timeutils.utcnow() - datetime.timedelta(
                    seconds=age),
                volume_type=where and block_device.marker(where)))

    def forget_mappings(self, cell='cell1'):
        """Archive and purge them all."""
        self._execute(cell, models.BlockDeviceMapping.__table__.delete())

    def _execute(self, cell, statement):
        with self.engines[cell].begin() as connection:
            connection.execute(statement)
