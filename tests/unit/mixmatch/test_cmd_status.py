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

"""The command mixmatch-status."""

import json
import os
import pathlib

import fixtures as base_fixtures
import requests

from mixmatch.cmd import status
from tests.unit import base
from tests.unit import fixtures

DOWN = {'state': 'down', 'since': 1000.0, 'reason': 'no answer in time',
        'retry_at': 1060.0}
UP = {'state': 'up', 'since': 1000.0, 'reason': '', 'retry_at': None}


class StatusTestCase(base.TestCase):
    names: tuple[str, ...] = ('bu', 'mit')
    more = ''

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(fixtures.TwoClouds('bu', 'mit'))
        self.files = pathlib.Path(
            self.useFixture(base_fixtures.TempDir()).path)
        self.out = self.useFixture(
            base_fixtures.StringStream('stdout')).stream
        self.useFixture(base_fixtures.MonkeyPatch('sys.stdout', self.out))

    def run_command(self):
        config = self.files / 'nova.conf'
        config.write_text(fixtures.text(*self.names, more=self.more).replace(
            '[service_user]',
            f'status_directory = {self.files}\n[service_user]', 1))
        self.code = self.main(['--config-file', str(config)])
        self.out.seek(0)
        return self.out.read()

    def main(self, argv):
        return status.main(argv)

    def process_wrote(self, **health):
        path = self.files / f'nova-compute-{os.getpid()}.json'
        path.write_text(json.dumps({
            'process': path.stem, 'pid': os.getpid(), 'health': health}))


class TestStatus(StatusTestCase):

    def test_all_is_well(self):
        text = self.run_command()
        self.assertIn('bu: ok: logged in to project id-of-service, volume '
                      'API up to 3.71', text)
        self.assertIn('mit: ok', text)
        self.assertIn('none has seen a service provider fail', text)
        self.assertEqual(status.OK, self.code)

    def test_one_cannot_be_entered(self):
        self.clouds.mock.post(self.clouds.bu.acs_url,
                              exc=requests.exceptions.ConnectTimeout)
        text = self.run_command()
        self.assertIn('bu: FAILED: Service provider bu does not answer',
                      text)
        self.assertIn('mit: ok', text)
        self.assertEqual(status.FAILURE, self.code)

    def test_one_leads_elsewhere(self):
        self.clouds.bu.cinder_url = 'http://home:8776/v3'
        text = self.run_command()
        self.assertIn("bu: FAILED: Service provider bu cannot be used: its "
                      "catalog leads to 'home:8776'", text)
        self.assertIn('endpoint_hosts in [service_provider:bu]', text)
        self.assertEqual(status.FAILURE, self.code)

    def test_one_does_not_let_us_in(self):
        del self.clouds.mit.projects['nova']
        text = self.run_command()
        self.assertIn("mit: FAILED: Service provider mit cannot be used: "
                      "this service's own user could not log in", text)
        self.assertIn('bu: ok', text)
        self.assertEqual(status.FAILURE, self.code)

    def test_a_process_leaves_one_alone(self):
        self.process_wrote(bu={'identity': UP, 'volume': DOWN})
        text = self.run_command()
        name = f'nova-compute-{os.getpid()}'
        self.assertIn(f'{name}: bu identity: up since 19', text)
        self.assertIn(f'{name}: bu volume: down since 19', text)
        self.assertIn('no answer in time; tried again from 19', text)
        self.assertEqual(status.WARNING, self.code)

    def test_what_a_dead_process_wrote_does_not_count(self):
        self.process_wrote(bu={'volume': DOWN})
        (self.files / f'nova-compute-{os.getpid()}.json').rename(
            self.files / 'nova-compute-999999999.json')
        self.assertIn('none has seen', self.run_command())
        self.assertEqual(status.OK, self.code)

    def test_nothing_is_configured(self):
        self.names = ()
        self.assertIn('No service provider is configured',
                      self.run_command())
        self.assertEqual(status.FAILURE, self.code)

    def test_no_secret_is_shown(self):
        del self.clouds.mit.projects['nova']
        text = self.run_command()
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, text)
