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

"""Home's Nova learns that an attached foreign volume has grown."""

import json
from unittest import mock
import uuid

import fixtures
from novaclient import exceptions as nova_exceptions
from oslo_context import context as oslo_context
import webob

from mixmatch import exceptions
from mixmatch import threads
from mixmatch_cinder.home import extension
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request
from tests.unit import base

VOLUME = '22222222-0000-4000-8000-000000000002'
SERVER = '33333333-0000-4000-8000-000000000003'
RESOURCE = routes.Resource(routes.VOLUMES, VOLUME)


def volume(status='in-use', size=2, server=SERVER):
    return {'id': VOLUME, 'status': status, 'size': size,
            'attachments': [{'server_id': server}]}


def request(body=None, path=f'/volumes/{VOLUME}/action'):
    http = webob.Request.blank(
        path, method='POST', content_type='application/json',
        body=json.dumps(body or {'os-extend': {'new_size': 2}}).encode())
    http.environ['cinder.context'] = oslo_context.RequestContext(
        auth_token='token', project_id='p', overwrite=False)
    return user_request.UserRequest.from_http(http, None)


class TestExtensions(base.TestCase):

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger('mixmatch_cinder'))
        self.client = mock.create_autospec(remote.Client, instance=True)
        self.extensions = extension.Extensions(self.client, ['bu', 'mit'])
        self.pauses = self.patch(extension.time, 'sleep')
        self.nova = self.patch(extension.nova, 'novaclient')
        self.events = self.nova.return_value.server_external_events.create
        self.start = self.patch(threads, 'start', side_effect=self.run_now)

    def patch(self, target, name, **kwargs):
        patcher = mock.patch.object(target, name, autospec=True, **kwargs)
        self.addCleanup(patcher.stop)
        return patcher.start()

    @staticmethod
    def run_now(target, *args, name):
        target(*args)
        return mock.sentinel.thread

    def extend(self, *shown, before=None, asked=None, status=202, name='bu'):
        """Extend it; then bu shows it so, one after the other."""
        self.client.send.side_effect = [
            each if isinstance(each, Exception)
            else remote.Reply(200, {'volume': each}) for each in shown]
        self.extensions.after(asked or request(), RESOURCE, name,
                              before or volume(size=1),
                              webob.Response(status=status))

    def assert_not_notified(self):
        self.assertFalse(self.nova.called)

    def assert_told_to_the_operator(self):
        self.assert_not_notified()
        self.assertIn(f'mixmatch-nova extended {VOLUME}', self.log.output)

    def test_nova_is_notified_when_it_has_grown(self):
        self.extend(volume('extending', 1), volume('extending', 1), volume())
        self.events.assert_called_once_with([
            {'name': 'volume-extended', 'server_uuid': SERVER,
             'tag': VOLUME}])
        self.nova.assert_called_once_with(
            mock.ANY, privileged_user=True, api_version='2.51')
        self.assertEqual(3, self.pauses.call_count)

    def test_nothing_else_is_waited_for(self):
        for arguments in ({'before': volume('available', 1)},
                          {'status': 400},
                          {'asked': request({'os-retype': {}})},
                          {'asked': request({'os-extend': {
                              'new_size': 'much'}})}):
            self.extend(**arguments)
            self.assertFalse(self.client.send.called, arguments)

    def test_size_as_a_text(self):
        self.extend(volume(), asked=request({'os-extend': {
            'new_size': '2'}}))
        self.assertTrue(self.events.called)

    def test_extension_that_fails(self):
        for shown in (volume('error_extending', 1), volume(size=1), None, []):
            self.extend(shown)
            self.assert_not_notified()

    def test_servers_are_not_trusted(self):
        self.extend({**volume(), 'attachments': [
            None, {}, {'server_id': 7}, {'server_id': '../x'}]})
        self.assert_not_notified()
        self.extend({**volume(), 'attachments': 'none'})
        self.assert_not_notified()
        self.extend({**volume(), 'attachments': [
            {'server_id': str(uuid.uuid4())} for _ in range(1000)]})
        sent, = self.events.call_args.args
        self.assertEqual(extension.SERVERS, len(sent))

    def test_servers_of_another_cloud(self):
        self.events.side_effect = nova_exceptions.NotFound(404)
        self.extend(volume())
        self.assertNotIn('mixmatch-nova extended', self.log.output)

    def test_service_provider_goes_away(self):
        self.extend(exceptions.ServiceProviderUnavailable(
            service_provider='bu', reason='it is gone'))
        self.assert_told_to_the_operator()

    def test_takes_too_long(self):
        clock = self.patch(extension.time, 'monotonic')
        clock.side_effect = [0, 1, extension.PATIENCE + 1]
        self.extend(volume('extending', 1))
        self.assert_told_to_the_operator()

    def test_nova_cannot_be_notified(self):
        self.nova.side_effect = ValueError('no credentials')
        self.extend(volume())
        self.assertIn(f'mixmatch-nova extended {VOLUME}', self.log.output)
        self.assertIn('no credentials', self.log.output)

    def test_no_thread_can_be_started(self):
        self.start.side_effect = lambda *args, **kwargs: None
        for _ in range(2 * extension.MOST):
            self.extend(volume())
        self.assert_told_to_the_operator()
        self.assertNotIn('are waited for', self.log.output)

    def test_too_many(self):
        self.start.side_effect = None
        for _ in range(extension.MOST):
            self.extend(volume())
        self.assertNotIn('mixmatch-nova extended', self.log.output)
        self.extend(volume())
        self.assert_told_to_the_operator()

    def test_too_many_at_one_do_not_hurt_another(self):
        self.start.side_effect = None
        for _ in range(extension.MOST):
            self.extend(volume())
        self.start.side_effect = self.run_now
        self.extend(volume(), name='mit')
        self.assertTrue(self.events.called)
        self.assertNotIn('mixmatch-nova extended', self.log.output)
