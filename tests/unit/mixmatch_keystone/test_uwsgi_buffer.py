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

"""uWSGI's buffer: what its processes and its files say of it."""

import sys
import types

import fixtures

from mixmatch_keystone import uwsgi_buffer
from tests.unit import base


class TestWarning(base.TestCase):

    def said(self, **options):
        self.useFixture(fixtures.MonkeyPatch('sys.modules', {
            **sys.modules, 'uwsgi': types.SimpleNamespace(opt=options)}))
        log = self.useFixture(fixtures.FakeLogger())
        uwsgi_buffer.warn()
        return log.output

    def test_small(self):
        for options in ({}, {'buffer-size': b'4096'},
                        {'buffer-size': [b'65535', b'8192']},
                        {'buffer-size': True}):
            self.assertIn('buffer-size = 65535', self.said(**options))

    def test_enough(self):
        self.assertEqual('', self.said(**{'buffer-size': b'65535'}))

    def test_outside_uwsgi(self):
        log = self.useFixture(fixtures.FakeLogger())
        uwsgi_buffer.warn()
        self.assertEqual('', log.output)
