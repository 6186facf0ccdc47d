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

"""The real Cinder of several clouds in this process, on SQLite.

One API serves all of them, each with a database of its own, as the user that
the token is of.
"""

import contextlib
import datetime
import functools
import pathlib
import random
import sys
import threading
from unittest import mock
import uuid

from cinder.api import common
from cinder import context as cinder_context
from cinder import policy
from cinder import rpc
import fixtures
from oslo_config import cfg
from oslo_utils import timeutils
import requests_mock
import webob

from tests import databases
from tests.unit import fixtures as our_fixtures

CONF = common.CONF

# NOTE: as in tests/unit/__init__.py.
with mock.patch.object(cfg, 'CONF', CONF):
    from cinder.api.v3 import router
    import cinder.common.config  # noqa: F401

db = our_fixtures.cinder_db
TYPE = '10000000-0000-4000-8000-000000000001'
EPOCH = datetime.datetime(2026, 1, 1)


def new_id():
    """Return an id that Hypothesis can make again: rows are sorted by it."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


@functools.cache
def _application():
    """Return Cinder below its filters.

    Its thousands of regular expressions take a second. What it remembers,
    the availability zones, :class:`Cinders` has it forget.
    """
    return router.APIRouter()


class _Databases:
    """The database of the cloud that a thread answers for, else home's.

    Home looks into its database also while a thread of a service provider
    answers, late or in the background.

    :param home: oslo.db's factory of home's transactions
    """

    def __init__(self, home):
        self._home = home
        self._thread = threading.local()

    def __getattr__(self, name):
        return getattr(getattr(self._thread, 'factory', self._home), name)

    @contextlib.contextmanager
    def of(self, cloud):
        """Use that of a cloud in this thread."""
        self._thread.factory = cloud.factory
        try:
            yield
        finally:
            del self._thread.factory


class Cinders(fixtures.Fixture):
    """Home's Cinder, and those of its service providers.

    :param clouds: :class:`tests.unit.fixtures.TwoClouds`
    """

    def __init__(self, clouds):
        super().__init__()
        self._clouds = clouds
        self._lock = threading.RLock()
        #: (cloud, method, path and query) of what was asked
        self.asked = []
        #: service provider -> what is answered instead, or raised
        self.broken = {}
        #: the same of requests to delete, and of all that change something
        self.delete_answers = {}
        self.changes = {}

    def _setUp(self):
        config = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (config / 'cinder.conf').write_text(
            '[DEFAULT]\ntransport_url = fake:/\n')
        self.addCleanup(CONF.reset)
        CONF([], project='cinder', default_config_dirs=[],
             default_config_files=[str(config / 'cinder.conf')])
        self.override('resource_query_filters_file', str(
            pathlib.Path(sys.prefix) / 'etc/cinder/resource_filters.json'))
        self.override('state_path', str(config))
        self.override('project_id_regex', '(home-)?id-of-[a-z]+')
        # Those of one cloud or test are not those of the next.
        self.override('az_cache_duration', 0)
        self.useFixture(fixtures.MonkeyPatch(
            'cinder.api.common._FILTERS_COLLECTION', None))
        self.useFixture(fixtures.MockPatchObject(cfg, 'CONF', CONF))
        # Nobody listens.
        self.useFixture(fixtures.MockPatch('cinder.rpc.get_client'))
        rpc.init(CONF)
        self.addCleanup(rpc.cleanup)
        policy.reset()
        self.addCleanup(policy.reset)
        self.home = Cloud(self._clouds.home.cinder_url, 'home-id-of-research')
        self._databases = _Databases(self.home.factory)
        self.useFixture(fixtures.MockPatchObject(
            db.main_context_manager, '_root_factory', self._databases))
        self._application = _application()
        self._of_providers = {}
        for name, sp in self._clouds.service_providers.items():
            cloud = Cloud(sp.cinder_url, sp.project_id('research'))
            self._of_providers[name] = cloud
            setattr(self, name, cloud)
            self._clouds.mock.add_matcher(self._matcher(name, sp, cloud))
        # NOTE: later than the API looks which versions they have.
        for cloud in self.all.values():
            cloud.add_zone('nova')

    def override(self, name, value):
        CONF.set_override(name, value)
        self.addCleanup(CONF.clear_override, name)

    @property
    def all(self):
        return {'': self.home, **self._of_providers}

    def actions(self, collection):
        """Return the actions that Cinder has for a resource."""
        return set(self._application.resources[collection].wsgi_actions)

    def application(self, environ, start_response):
        """Home's Cinder, below the filters."""
        request = webob.Request(environ)
        self.asked.append(('', request.method, request.path_qs))
        with self._lock:
            return request.get_response(self._application)(
                environ, start_response)

    def asked_of(self, name):
        return [each for each in self.asked if each[0] == name]

    def _matcher(self, name, sp, cloud):
        def answer(request):
            if not request.url.startswith(sp.cinder_url + '/') or (
                    request.path == '/v3/'):
                return None
            path = request.url.removeprefix(sp.cinder_url)
            self.asked.append((name, request.method, path))
            broken = self.broken.get(name)
            if request.method != 'GET':
                broken = self.changes.get(name, broken)
            if request.method == 'DELETE':
                broken = self.delete_answers.get(name, broken)
            if isinstance(broken, Exception):
                raise broken
            if broken:
                return requests_mock.create_response(request, **broken)
            user, project_id = sp.tokens[request.headers['X-Auth-Token']]
            context = cinder_context.RequestContext(
                sp.user_id(user), project_id, is_admin=False,
                roles=['member', 'reader'], overwrite=False)
            inner = webob.Request.blank(
                path, base_url=sp.cinder_url, method=request.method,
                headers={key: request.headers[key] for key in (
                    'OpenStack-API-Version', 'Content-Type', 'If-Match')
                    if key in request.headers},
                body=(request.text or '').encode(), environ={
                    'cinder.context': context})
            with self._lock, self._databases.of(cloud):
                response = inner.get_response(self._application)
            return requests_mock.create_response(
                request, status_code=response.status_int,
                headers=dict(response.headers), content=response.body)
        return answer


class Cloud:
    """The Cinder of one cloud.

    :param url: of its API
    :param project_id: the project that owns the volumes
    """

    def __init__(self, url, project_id):
        self.url = url
        self.project_id = project_id
        self.manager = databases.in_memory()
        self._engine = self.manager.writer.get_engine()
        databases.create_all(db.models.BASE.metadata, self._engine)
        self._insert(db.models.VolumeType, id=TYPE, name='__DEFAULT__',
                     is_public=True, deleted=False)

    @property
    def factory(self):
        """Return oslo.db's factory of transactions."""
        return self.manager._factory

    def _insert(self, model, **values):
        with self._engine.begin() as connection:
            connection.execute(model.__table__.insert().values(**values))

    def add(self, second=0, volume_id=None, project_id=None, **values):
        """Create a volume, and return its id.

        :param second: when it was created
        """
        volume_id = volume_id or new_id()
        self._insert(db.models.Volume, **{
            'id': volume_id, 'project_id': project_id or self.project_id,
            'deleted': False, 'volume_type_id': TYPE, 'use_quota': True,
            'created_at': EPOCH + datetime.timedelta(seconds=second),
            'status': 'available', 'size': 1, 'display_name': 'disk',
            'attach_status': 'detached', 'availability_zone': 'nova',
            'host': 'host@rbd#pool', **values})
        return volume_id

    def add_snapshot(self, volume_id, second=0, **values):
        """Create a snapshot, and return its id."""
        snapshot_id = new_id()
        self._insert(db.models.Snapshot, **{
            'id': snapshot_id, 'project_id': self.project_id,
            'volume_id': volume_id, 'deleted': False, 'use_quota': True,
            'volume_type_id': TYPE, 'status': 'available', 'volume_size': 1,
            'created_at': EPOCH + datetime.timedelta(seconds=second),
            'display_name': 'snapshot', **values})
        return snapshot_id

    def add_backup(self, **values):
        """Create a backup, and return its id."""
        backup_id = new_id()
        self._insert(db.models.Backup, **{
            'id': backup_id, 'user_id': 'alice', 'deleted': False,
            'project_id': self.project_id, 'data_timestamp': EPOCH,
            'status': 'available', 'size': 1, 'volume_id': new_id(),
            **values})
        return backup_id

    def add_attachment(self, volume_id, **values):
        """Create an attachment, and return its id."""
        attachment_id = new_id()
        self._insert(db.models.VolumeAttachment, **{
            'id': attachment_id, 'volume_id': volume_id, 'deleted': False,
            'attach_status': 'attached', 'instance_uuid': new_id(),
            'attach_mode': 'rw', **values})
        return attachment_id

    def delete(self, volume_id):
        """Delete a volume as Cinder does: mark its row as deleted."""
        table = db.models.Volume.__table__
        with self._engine.begin() as connection:
            connection.execute(table.update().where(
                table.c.id == volume_id).values(
                    deleted=True, status='deleted'))

    def add_metadata(self, volume_id, key, value):
        self._insert(db.models.VolumeMetadata, volume_id=volume_id, key=key,
                     value=value, deleted=False)

    def add_zone(self, name):
        self._insert(db.models.Service, topic='cinder-volume', deleted=False,
                     binary='cinder-volume', availability_zone=name,
                     host='host@rbd', disabled=False, report_count=1,
                     updated_at=timeutils.utcnow())

    def clear(self):
        with self._engine.begin() as connection:
            connection.execute(db.models.Volume.__table__.delete())

    def value(self, volume_id, column, model=None):
        """Return a column of a volume in the database."""
        table = (model or db.models.Volume).__table__
        with self._engine.begin() as connection:
            return connection.execute(table.select().where(
                table.c.id == volume_id)).mappings().one()[column]

    def count(self, model):
        with self._engine.begin() as connection:
            return len(connection.execute(model.__table__.select()).all())
