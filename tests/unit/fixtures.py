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

"""Two clouds (or more), and Nova and the database of Cinder beside them."""

import fixtures
import nova.conf

from tests import clouds
from tests import databases
from tests import shared_cache as shared

try:
    from cinder.db.sqlalchemy import api as cinder_db
except ImportError:  # since 2026.2
    from cinder.db import api as cinder_db

Clock = clouds.Clock
Home = clouds.Home
SECRET = clouds.SECRET
ServiceProvider = clouds.ServiceProvider
SharedCache = shared.SharedCache
TwoClouds = clouds.TwoClouds
answer_with_cookie = clouds.answer_with_cookie
shared_cache = shared.shared_cache
text = clouds.text
volume = clouds.volume


def connection_info(**data):
    """Connection of an attachment, as a Cinder with Ceph gives it."""
    return {'driver_volume_type': 'rbd', 'auth_enabled': True,
            'auth_username': 'cinder', 'secret_uuid': SECRET,
            'name': 'volumes/volume-1', 'hosts': ['192.0.2.7'],
            'ports': ['6789'], **data}


def configuration(testcase, text, *, nova_conf=False):
    """Read a configuration file as a service does.

    :param nova_conf: into the configuration of Nova in this process
    """
    return clouds.configuration(testcase, text,
                                nova.conf.CONF if nova_conf else None)


class CinderDatabase(fixtures.Fixture):
    """The volumes of home's Cinder, in memory."""

    def _setUp(self):
        manager = databases.in_memory()
        self.addCleanup(cinder_db.main_context_manager.patch_factory(manager))
        self._engine = manager.writer.get_engine()
        databases.create_all(cinder_db.models.BASE.metadata, self._engine)

    def add_volume(self, volume_id, project_id, *, deleted=False):
        table = cinder_db.models.Volume.__table__
        with self._engine.begin() as connection:
            connection.execute(table.insert().values(
                id=volume_id, project_id=project_id, deleted=deleted,
                volume_type_id=volume_id, use_quota=True))
