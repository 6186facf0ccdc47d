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

"""nova.conf switches the plugin on, in Nova alone."""

import subprocess
import sys
from unittest import mock

import fixtures as base_fixtures
from oslo_config import cfg

from mixmatch_nova import loader
from mixmatch_nova import plugin
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch_nova import novas

NOVA_CONF = '[DEFAULT]\nconfig_source = mixmatch\n' + fixtures.text(
    'bu').replace('[mixmatch]', '[mixmatch]\ndriver = mixmatch')
CODE = """
import sys
import mixmatch_nova.loader
print([name for name in sys.modules if name.split('.')[0] == 'nova'])
"""


class TestLoader(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaLeftAlone())

    def start(self, project='nova'):
        path = self.useFixture(base_fixtures.TempDir()).join('nova.conf')
        with open(path, 'w') as config:
            config.write(NOVA_CONF)
        conf = cfg.ConfigOpts()
        conf([], project=project, default_config_files=[path],
             default_config_dirs=[])
        return conf

    def test_nova_is_patched_when_it_reads_its_configuration(self):
        self.start()
        self.assertEqual(('bu',), plugin.loaded().clouds.names)

    def test_options_are_those_of_the_file(self):
        conf = self.start()
        self.assertEqual('{project_name}',
                         conf['service_provider:bu'].project_name)

    def test_other_projects_are_left_alone(self):
        for project in (None, 'privsep', 'neutron'):
            self.start(project)
            self.assertIsNone(plugin.loaded())

    def test_reading_it_again_is_harmless(self):
        conf = self.start()
        first = plugin.loaded()
        conf.reload_config_files()
        self.start()
        self.assertIs(first, plugin.loaded())

    def test_a_nova_that_does_not_fit_does_not_start(self):
        self.useFixture(base_fixtures.MonkeyPatch(
            'nova.volume.cinder.API.attachment_get',
            base_fixtures.MonkeyPatch.delete))
        exc = self.assertRaises(SystemExit, self.start)
        self.assertIn('attachment_get does not exist', str(exc))
        self.assertIn('remove "mixmatch" from config_source', str(exc))

    def test_a_plugin_that_cannot_be_imported_is_not_left_out(self):
        """Oslo.config would log an error, and Nova would start without."""
        self.useFixture(base_fixtures.MonkeyPatch(
            'mixmatch_nova.plugin', base_fixtures.MonkeyPatch.delete))
        with mock.patch.dict(sys.modules, {'mixmatch_nova.plugin': None}):
            exc = self.assertRaises(SystemExit, self.start)
        self.assertIn('cannot be loaded into this Nova', str(exc))

    def test_importing_it_imports_nothing_of_nova(self):
        done = subprocess.run([sys.executable, '-c', CODE], timeout=60,
                              capture_output=True, text=True, check=True)
        self.assertEqual('[]', done.stdout.strip())

    def test_it_has_no_options_of_its_own(self):
        self.assertEqual(
            [], loader.ConfigDriver().list_options_for_discovery())
