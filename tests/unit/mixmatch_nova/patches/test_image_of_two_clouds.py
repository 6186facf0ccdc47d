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

"""Images that two service providers have by one id: hosts keep one of them."""

from unittest import mock

from glanceclient import exc as glance_exceptions
import nova.conf
from nova import context as nova_context
from nova.db.main import models
from nova.image import glance
from oslo_utils import uuidutils

from mixmatch import api
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import home_cells

IMAGE = '44444444-0000-4000-8000-000000000004'


class ImageTestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.nova = self.useFixture(home_cells.Cells('cell0', 'cell1',
                                                     'cell2'))
        # Nova looks at it to know how its databases compare texts.
        nova.conf.CONF.set_override('connection', 'sqlite://', 'database')
        self.image = {'id': IMAGE, api.ATTRIBUTE: 'bu'}
        for target, new in (
                ('nova.image.glance.get_api_servers',
                 lambda context: iter(['http://glance'] * 9)),
                ('nova.image.glance._glanceclient_from_endpoint',
                 lambda context, endpoint, version: mock.Mock(
                     **{'images.get.return_value': self.image}))):
            patcher = mock.patch(target, new)
            patcher.start()
            self.addCleanup(patcher.stop)

    def add_server(self, name, cell='cell1', deleted=0):
        """Make a server of an image of a service provider."""
        server_id = uuidutils.generate_uuid()
        self.nova.add_server(server_id, cell, deleted=deleted)
        self.nova.change_server(server_id, cell, image_ref=IMAGE)
        if name:
            with self.nova.engines[cell].begin() as connection:
                connection.execute(
                    models.InstanceSystemMetadata.__table__.insert().values(
                        instance_uuid=server_id, deleted=deleted,
                        key=f'image_{api.ATTRIBUTE}', value=name))

    def call(self, context=None):
        return glance.GlanceClientWrapper().call(
            context or self.context(), 2, 'get', args=(IMAGE,))


class TestTwoClouds(ImageTestCase):

    names = ('bu', 'mit')

    def refused(self):
        context = self.context()
        self.assertRaises(glance_exceptions.HTTPConflict, self.call, context)
        failure = state.from_context(context).failure
        self.assertEqual(409, failure.code)
        return str(failure)

    def test_of_one_cloud(self):
        self.add_server('bu')
        self.add_server(None)
        self.assertEqual(self.image, self.call())

    def test_of_another_cloud(self):
        self.add_server('mit', 'cell2')
        self.assertIn('service provider bu has it, but servers have, or may '
                      'have, one by the same id from service provider mit,',
                      self.refused())

    def test_of_a_server_that_was_deleted(self):
        self.add_server('mit', deleted=1)
        self.refused()

    def test_cell_does_not_answer(self):
        with mock.patch.object(
                nova_context, 'scatter_gather_skip_cell0', autospec=True,
                return_value={
                    'cell1': nova_context.did_not_respond_sentinel}):
            self.assertIn('a cell of Nova', self.refused())

    def test_image_of_home(self):
        self.add_server('mit')
        del self.image[api.ATTRIBUTE]
        self.assertEqual(self.image, self.call())


class TestOneCloud(ImageTestCase):

    def test_has_no_other_to_contradict(self):
        """No cell is asked."""
        self.add_server('mit')
        self.assertEqual(self.image, self.call())
