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

"""The pipelines of Glance with the filter, as they are documented."""

import configparser
import importlib.metadata
import pathlib
import re
import sys

import fixtures
from oslo_config import cfg

from mixmatch_glance import middleware
from tests.unit_glance import base

ROOT = pathlib.Path(__file__).parents[2]
GUIDE = ROOT / 'doc' / 'source' / 'admin' / 'images.rst'
PASTE = pathlib.Path(sys.prefix) / 'etc' / 'glance' / 'glance-api-paste.ini'


class TestPipelines(base.base.BaseTestCase):

    def setUp(self):
        super().setUp()
        text = GUIDE.read_text()
        block = re.search(r'code-block:: ini\n\n((?:   .*\n|\n)+)', text)[1]
        self.documented = configparser.ConfigParser(interpolation=None)
        self.documented.read_string(re.sub('^   ', '', block, flags=re.M))

    def test_are_those_of_glance_with_one_filter_more(self):
        glances = configparser.ConfigParser(interpolation=None)
        glances.read(PASTE)
        documented = dict(self.documented['composite:api'])
        self.assertEqual(
            dict(glances['composite:api']),
            {name: value.replace(' mixmatch', '')
             for name, value in documented.items()})
        del documented['paste.composite_factory']
        for pipeline in documented.values():
            self.assertIn('context mixmatch ', pipeline)

    def test_filter(self):
        package, _, name = self.documented['filter:mixmatch'][
            'use'].removeprefix('egg:').partition('#')
        found = [each for each in importlib.metadata.entry_points(
            group='paste.filter_factory', name=name)
            if each.dist.name == package]
        self.assertEqual([middleware.factory],
                         [each.load() for each in found])


class TestFactory(base.GlanceTestCase):

    def test_without_service_providers(self):
        """Nothing is sent, and nothing breaks."""
        self.useFixture(fixtures.MockPatchObject(
            middleware.cfg, 'CONF', cfg.ConfigOpts()))
        middleware.cfg.CONF([], default_config_files=[],
                            default_config_dirs=[])
        filtered = middleware.factory({})(self.api)
        self.assertIsInstance(filtered, middleware.Images)
        context = base.glance.api.middleware.context
        path = f'/v2/images/{base.IMAGE}'
        self.refused(404, path, app=context.ContextMiddleware(filtered))
        self.assertEqual([], self.clouds.requests)

    def test_without_keystone(self):
        """The pipelines without Keystone have no token."""
        context = base.glance.api.middleware.context
        request = base.webob.Request.blank(f'/v2/images/{base.IMAGE}')
        response = request.get_response(
            context.UnauthenticatedContextMiddleware(middleware.Images(
                self.api, self.federation, self.conf)))
        self.assertEqual(404, response.status_int)
        self.assertEqual([], self.clouds.requests)
