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

"""One line for each request to another cloud, and ids that join both."""

import logging

import fixtures as base_fixtures
from oslo_context import context as oslo_context

from tests.unit.mixmatch import base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers


class TestTracing(test_transport.WireTestCase):

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(base_fixtures.FakeLogger(
            level=logging.DEBUG, format='%(levelname)s %(message)s'))

    def lines(self):
        return [line for line in self.log.output.splitlines()
                if line.startswith('DEBUG bu ')]

    def request_in(self, context, **kwargs):
        base.set_context(self, context)
        self.request(**kwargs)
        return self.server.requests[-1][2].get('x-openstack-request-id')

    def test_the_request_id_of_home_goes_along(self):
        self.serve(test_transport.OK)
        context = oslo_context.RequestContext(overwrite=False)
        self.assertEqual(context.request_id, self.request_in(context))

    def test_the_first_request_id_of_all_goes_before(self):
        self.serve(test_transport.OK)
        first = 'req-0a1b2c3d-0000-4000-8000-000000000001'
        self.assertEqual(first, self.request_in(oslo_context.RequestContext(
            overwrite=False, global_request_id=first)))

    def test_what_the_caller_says_goes_before(self):
        self.serve(test_transport.OK)
        context = oslo_context.RequestContext(overwrite=False)
        self.assertEqual('req-mine', self.request_in(
            context, headers={'X-OpenStack-Request-ID': 'req-mine'}))

    def test_no_request_no_id(self):
        self.serve(test_transport.OK)
        self.assertIsNone(self.request_in(None))

    def test_one_line_for_each_call(self):
        self.serve(servers.answer(X_OpenStack_Request_ID='req-theirs'))
        context = oslo_context.RequestContext(overwrite=False)
        self.request_in(context, method='POST', path='v3/attachments',
                        json={'secret': 'of the body'},
                        headers={'X-Auth-Token': 'secret-of-alice',
                                 'X-Service-Token': 'secret-of-nova'})
        line, = self.lines()
        self.assertRegex(
            line, r'^DEBUG bu volume: POST http://127\.0\.0\.1:\d+/v3/'
                  r'attachments 200 in \d+\.\d ms ')
        self.assertIn(context.request_id, line)
        self.assertIn('req-theirs', line)
        self.assertNotIn('secret', self.log.output)

    def test_a_call_that_failed_has_a_line_too(self):
        self.serve(b'nonsense\n')
        self.unavailable('POST')
        self.assertIn('POST', self.lines()[0])
        self.assertIn('failed in', self.lines()[0])

    def test_who_was_not_asked_has_none(self):
        self.serve(b'nonsense\n')
        self.unavailable('POST')
        base.wait_for_probes()
        self.unavailable('POST')
        self.assertEqual(1, len(self.lines()))

    def test_a_stranger_writes_no_line(self):
        self.serve(servers.answer(
            X_OpenStack_Request_ID='x' * 500 + '\x9b1;31m'))
        self.request()
        line, = self.lines()
        self.assertLess(len(line), 300)
        self.assertNotIn('\x9b', line)
