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

"""Status files of the processes of a host."""

import os
import pathlib
import subprocess
import sys
import threading

import fixtures as base_fixtures
import requests

from mixmatch import conf as mixmatch_conf
from mixmatch import exceptions
from mixmatch import status_file
from tests.unit import fixtures
from tests.unit.mixmatch import base

DOWN = {'bu': {'volume': {'state': 'down', 'reason': 'refused'}}}


class StatusFileTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(
            base_fixtures.TempDir()).path, 'below', 'mixmatch')

    def conf(self, text=None):
        conf = fixtures.configuration(
            self, f'[mixmatch]\nstatus_directory = {self.directory}\n'
            if text is None else text)
        mixmatch_conf.register_opts(conf)
        return conf

    def write(self, health=DOWN):
        status_file.write(self.conf(), health)

    def files(self):
        return [path.name for path in sorted(self.directory.iterdir())]


class TestStatusFile(StatusFileTestCase):

    def test_is_read_as_it_was_written(self):
        self.write()
        process, = status_file.read(self.directory)
        self.assertEqual(DOWN, process['health'])
        self.assertEqual(os.getpid(), process['pid'])
        self.assertTrue(process['process'].endswith(f'-{os.getpid()}'))

    def test_is_one_for_each_process(self):
        self.write()
        self.write({'bu': {}})
        process, = status_file.read(self.directory)
        self.assertEqual({'bu': {}}, process['health'])
        self.assertEqual([process['process'] + '.json'], self.files())

    def test_is_read_by_all_who_may_look(self):
        self.write()
        self.assertEqual(0o755, self.directory.stat().st_mode & 0o777)
        path, = self.directory.iterdir()
        self.assertTrue(path.stat().st_mode & 0o400)

    def dead(self):
        """The file of a process that has ended."""
        with subprocess.Popen([sys.executable, '-c', '']) as process:
            pass
        self.write()
        path = self.directory / f'nova-api-{process.pid}.json'
        path.write_text('{}')
        return path

    def test_of_a_dead_process_is_not_read(self):
        self.dead()
        self.assertEqual([os.getpid()], [
            each['pid'] for each in status_file.read(self.directory)])

    def test_of_a_dead_process_is_removed_by_the_next(self):
        path = self.dead()
        self.write()
        self.assertFalse(path.exists())
        self.assertEqual(1, len(self.files()))

    def test_nothing_was_written_yet(self):
        self.assertEqual([], status_file.read(self.directory))

    def test_that_cannot_be_written_is_no_failure(self):
        self.directory.parent.write_text('a file, not a directory')
        self.write()

    def test_of_a_process_without_arguments(self):
        conf = self.conf()
        with base_fixtures.MonkeyPatch('sys.argv', None):
            status_file.write(conf, DOWN)
        process, = status_file.read(self.directory)
        self.assertEqual(f'python-{os.getpid()}', process['process'])

    def test_is_not_written_if_there_is_no_directory(self):
        self.assertIsNone(status_file.directory(
            self.conf('[mixmatch]\nstatus_directory =\n')))
        # Of a program without state_path, below which the default is.
        self.assertIsNone(status_file.directory(self.conf('')))


class TestChanges(base.FederationTestCase):
    """It is written when something changes."""

    def setUp(self):
        self.directory = pathlib.Path(self.useFixture(
            base_fixtures.TempDir()).path)
        self.more = f'[mixmatch]\nstatus_directory = {self.directory}\n'
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())

    def state(self):
        """State and reason of bu's Keystone, as written down."""
        process, = status_file.read(self.directory)
        identity = process['health']['bu']['identity']
        return identity['state'], identity['reason']

    def test_not_while_all_is_well(self):
        self.login(self.home.token('alice'))
        self.assertEqual([], list(self.directory.iterdir()))

    def test_down_and_up_again(self):
        self.clouds.mock.get(self.bu.auth_url,
                             exc=requests.exceptions.ConnectionError)
        token = self.home.token('alice')
        self.assertRaises(exceptions.ServiceProviderUnavailable, self.login,
                          token)
        base.wait_for_probes()
        state, reason = self.state()
        self.assertEqual('down', state)
        self.assertIn('http://bu:5000', reason)
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, reason)
        self.clouds.mock.get(self.bu.auth_url, json=self.bu._unscoped_token)
        self.clouds.mock.get('http://bu:5000/', json={})
        self.clock.let_pass(1)
        there = self.federation.service_provider('bu')
        self.assertIsNone(there.health['identity'].refusal(30))
        base.wait_for_probes()
        self.login(token)
        self.assertEqual(('up', ''), self.state())

    def test_of_two_changes_the_last_one_stays_written(self):
        health = self.federation.service_provider('bu').health['identity']
        began, newer = threading.Event(), threading.Event()
        write = status_file.write

        def slow_write(conf, found):
            if found['bu']['identity']['state'] == 'down':
                began.set()
                # In vain, if the other one has to wait for this one.
                newer.wait(0.5)
            write(conf, found)
            newer.set()
        self.useFixture(base_fixtures.MockPatchObject(
            status_file, 'write', slow_write))
        down = threading.Thread(target=health.failed,
                                args=('refused', lambda: True, None, 1))
        down.start()
        self.assertTrue(began.wait(10))
        health.succeeded()
        down.join(10)
        self.assertEqual(('up', ''), self.state())
