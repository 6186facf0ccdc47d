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


"""Threads that cannot run, and what operators are told of it."""

import pathlib
import sys
import types

import fixtures as base_fixtures

from mixmatch.cmd import status
from mixmatch import status_file
from mixmatch import threads
from tests.unit.mixmatch import base


class TestUwsgi(base.FederationTestCase):

    def setUp(self):
        self.directory = self.useFixture(base_fixtures.TempDir()).path
        self.more = f'[mixmatch]\nstatus_directory = {self.directory}\n'
        super().setUp()
        self.log = self.useFixture(base_fixtures.FakeLogger())
        threads.problem.cache_clear()
        self.addCleanup(threads.problem.cache_clear)

    def run_by(self, **options):
        """Set the options as uWSGI shows those that it was started with."""
        self.useFixture(base_fixtures.MonkeyPatch('sys.modules', {
            **sys.modules, 'uwsgi': types.SimpleNamespace(opt={
                name.replace('_', '-'): value
                for name, value in options.items()})}))

    def test_threads_run(self):
        for options in ({'enable_threads': True}, {'threads': b'4'},
                        {'enable_threads': b'true', 'threads': b'1'}):
            threads.problem.cache_clear()
            self.run_by(**options)
            self.assertEqual('', threads.problem(), options)

    def test_threads_do_not_run(self):
        for options in ({}, {'enable_threads': b'false'}, {'threads': b'1'}):
            threads.problem.cache_clear()
            self.run_by(**options)
            self.assertIn('enable-threads', threads.problem(), options)

    def test_another_server(self):
        self.assertEqual('', threads.problem())

    def test_operators_are_told_at_the_first_use(self):
        self.run_by(http_socket=b':8776')
        self.federation.service_provider('bu')
        self.federation.service_provider('bu')
        self.assertEqual(1, self.log.output.count('enable-threads = true'))
        process, = status_file.read(pathlib.Path(self.directory))
        code, (line,) = status.show(process)
        self.assertEqual(status.WARNING, code)
        self.assertIn('enable-threads = true', line)

    def test_a_user_and_the_service_log_in_all_the_same(self):
        self.run_by()
        user, service = self.federation.user_and_service_login(
            'bu', self.requester())
        self.assertTrue(user.get_token(None))
        self.assertTrue(service.get_token(None))
