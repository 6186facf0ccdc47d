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

"""S2: what cannot be is refused, and leaves nothing behind."""

import json
import uuid

from sandbox import client
from tests.scenario import base


class TestBadInput(base.ServerScenario):

    foreign: str
    one_login = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.class_volume(cls.provider)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_nothing_left)

    def assert_nothing_left(self):
        self.assert_untouched(self.provider, self.foreign)
        self.assertEqual([], self.mappings())

    def refused(self, code, body):
        response = self.attach(body)
        self.assertEqual(code, response.status_code, response.text)
        (error,) = response.json().values()
        self.assertEqual(code, error['code'])
        return error['message']

    def target(self, **attachment):
        return {'volumeAttachment': {'volumeId': self.foreign, **attachment}}

    def test_unknown_service_provider(self):
        for body in (self.target(serviceProvider='nowhere'),
                     self.target(volumeId=f'{self.foreign}@nowhere')):
            message = self.refused(400, body)
            self.assertIn('nowhere', message)
            self.assertIn('does not exist', message)
            self.assertIn(f'use here: {self.provider}', message)

    def test_service_provider_that_is_not_configured(self):
        """Home's Keystone offers it, Nova has no section for it."""
        name = 'unconfigured'
        keystone = self.sandbox.user(self.home, 'admin').api('identity')
        path = f'/OS-FEDERATION/service_providers/{name}'
        keystone.put(path, json={'service_provider': {
            'enabled': True, 'auth_url': 'http://127.0.0.1:1/v3',
            'sp_url': 'http://127.0.0.1:1/ECP'}})
        self.addCleanup(keystone.delete, path)
        self.log_in()
        message = self.refused(400, self.target(serviceProvider=name))
        self.assertIn('not configured', message)
        self.assertIn(f'use here: {self.provider}', message)

    def test_service_provider_that_the_token_does_not_know(self):
        """Nova has a section for it, home's Keystone has switched it off."""
        keystone = self.sandbox.user(self.home, 'admin').api('identity')
        path = f'/OS-FEDERATION/service_providers/{self.provider}'

        def enable(value):
            response = keystone.patch(path, json={
                'service_provider': {'enabled': value}})
            self.assertEqual(200, response.status_code, response.text)
        self.addCleanup(enable, True)
        enable(False)
        self.log_in()
        try:
            message = self.refused(
                400, self.target(serviceProvider=self.provider))
        finally:
            enable(True)
        self.assertIn('not in your token', message)
        self.assertIn('use here: none', message)

    def test_option_that_is_no_string(self):
        for value in (1, None, True, [], [self.provider],
                      {'id': self.provider}, '',
                      f'{self.provider}\nERROR forged', 'x' * 65):
            message = self.refused(400, self.target(serviceProvider=value))
            self.assertIn('serviceProvider', message)

    def test_two_targets_that_differ(self):
        message = self.refused(400, self.target(
            volumeId=f'{self.foreign}@{self.provider}', serviceProvider='nu'))
        self.assertIn(self.provider, message)
        self.assertIn('nu', message)

    def test_volume_that_exists_nowhere(self):
        nowhere = str(uuid.uuid4())
        expected = f'Volume {nowhere} could not be found.'
        for body in ({'volumeAttachment': {'volumeId': nowhere}},
                     {'volumeAttachment': {'volumeId': nowhere,
                                           'serviceProvider': self.provider}}):
            self.assertEqual(expected, self.refused(404, body))
        result = self.alice.openstack('server', 'add', 'volume', self.server,
                                      nowhere)
        self.assertEqual(1, result.code, str(result))
        self.assertIn(nowhere, result.err)

    def test_volume_of_another_project_at_provider(self):
        cinder = self.sandbox.user(self.provider, 'admin').api('block-storage')
        other = cinder.post('/volumes', json={'volume': {'size': 1}}).json()[
            'volume']['id']
        client.wait_for('volume', lambda: cinder.get(
            f'/volumes/{other}').json()['volume']['status'] == 'available')
        self.addCleanup(cinder.delete, f'/volumes/{other}')
        self.assertEqual(
            f'Volume {other} could not be found.',
            self.refused(404, self.target(volumeId=other,
                                          serviceProvider=self.provider)))
        result = self.alice.openstack('server', 'add', 'volume', self.server,
                                      other)
        self.assertEqual(1, result.code, str(result))
        self.assertEqual([], self.attachments_at(self.provider, other))

    def test_bob_is_not_mapped_at_provider(self):
        """The answer is that of a volume that does not exist."""
        bob = self.sandbox.user(self.home, 'bob')
        self.nova = bob.api('compute', version='2.60')
        self.assertEqual(
            f'Volume {self.foreign} could not be found.',
            self.refused(404, self.target(serviceProvider=self.provider)))
        result = bob.openstack('server', 'add', 'volume', self.server,
                               self.foreign)
        self.assertEqual(1, result.code, str(result))
        self.assertIn(self.foreign, result.err)

    def test_id_of_home_is_homes(self):
        """It may be at the service provider as well, and may be deleted."""
        local, deleted = self.local_volume(), self.local_volume()
        self.delete_volume(None, deleted)
        for volume_id in (local, deleted):
            message = self.refused(409, self.target(
                volumeId=volume_id, serviceProvider=self.provider))
            self.assertIn('a volume of this cloud', message)
            self.assertIn(self.provider, message)
        self.assertEqual('available', self.volume(None, local)['status'])

    def test_malformed_volume_id(self):
        there = f'@{self.provider}'
        for volume_id in (f'abc{there}', there, self.provider,
                          self.foreign + there + there, 7):
            self.refused(400, self.target(volumeId=volume_id))

    def test_malformed_json(self):
        for data in ('{"volumeAttachment": {"volumeId"', '[]',
                     json.dumps(self.provider), '1',
                     json.dumps({'volumeAttachment': [self.provider]}),
                     '{"volumeAttachment": null}'):
            response = self.nova.post(
                self.url, data=data,
                headers={'Content-Type': 'application/json'})
            self.assertEqual(400, response.status_code, (data, response.text))

    def test_body_too_large(self):
        response = self.attach(self.target(
            serviceProvider=self.provider, device='x' * 200_000))
        self.assertEqual(413, response.status_code, response.text)

    def test_server_that_does_not_exist(self):
        response = self.nova.post(
            f'/servers/{uuid.uuid4()}/os-volume_attachments',
            json=self.target(serviceProvider=self.provider))
        self.assertEqual(404, response.status_code, response.text)

    def test_detach_of_what_is_not_attached(self):
        for volume_id in (self.foreign, f'{self.foreign}@{self.provider}'):
            response = self.nova.delete(f'{self.url}/{volume_id}')
            self.assertEqual(404, response.status_code, response.text)
