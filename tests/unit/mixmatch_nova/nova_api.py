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

"""Nova's API as it is, in process, with the filter in its place."""

import datetime
import functools
import json
from unittest import mock

import fixtures as base_fixtures
from nova.api import openstack
from nova.api.openstack import common
from nova.api.openstack import compute
from nova import objects
from nova import policy
from nova import rpc
import webob

from mixmatch_nova import middleware
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas


@functools.cache
def router():
    """Return Nova's API, which takes seconds to make and keeps no state."""
    with (mock.patch.object(rpc, 'get_client', autospec=True),
          mock.patch.object(rpc, 'get_notifier', autospec=True)):
        return compute.APIRouterV21()


def server(context, **values):
    """Return a server of the user of a context, which no database has."""
    values = {'vm_state': 'active', 'task_state': None, 'host': 'compute1',
              'power_state': 1, 'system_metadata': {}, 'metadata': {},
              'locked': False, 'display_name': 'web',
              'image_ref': base.HOME_VOLUME,
              'launched_at': datetime.datetime(
                  2026, 1, 1, tzinfo=datetime.UTC),
              'flavor': objects.Flavor(
                  id=1, flavorid='1', name='small', memory_mb=1, vcpus=1,
                  root_gb=1, ephemeral_gb=0, swap=0, extra_specs={}),
              **values}
    found = objects.Instance(context, id=1, uuid=base.SERVER,
                             project_id=context.project_id,
                             user_id=context.user_id, **values)
    found.obj_reset_changes()
    return found


class ApiTestCase(base.NovaTestCase):
    """A request goes through Nova's pipeline, from faultwrap to the router.

    Only the server comes from the test, since no database has one.
    """

    version = '2.1'

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        policy.reset()
        policy.init()
        self.addCleanup(policy.reset)
        self.api = openstack.FaultWrapper(
            middleware.factory({})(router()))

    def use_server(self, **values):
        self.useFixture(base_fixtures.MockPatchObject(
            common, 'get_instance',
            lambda api, context, *args, **kwargs: server(context, **values)))

    def call(self, method, path, body=None, context=None, version=None):
        context = context or self.context()
        context.is_admin = False
        context.roles = ['member', 'reader']
        request = webob.Request.blank(
            f'/v2.1{path}', method=method, environ={
                'nova.context': context,
                'keystone.token_info': self.home.token_body('alice')},
            headers={'OpenStack-API-Version':
                     f'compute {version or self.version}'})
        if body is not None:
            request.content_type = 'application/json'
            request.body = json.dumps(body).encode()
        # NOTE: a composite application takes the version off.
        request.script_name, request.path_info = '/v2.1', path
        return request.get_response(self.api)

    def assertFault(self, code, response, *words):
        self.assertEqual(code, response.status_int, response.text)
        [fault] = response.json.values()
        self.assertEqual(code, fault['code'])
        for word in words:
            self.assertIn(word, fault['message'])


