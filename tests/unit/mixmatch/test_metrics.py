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

"""Metrics as a statsd server receives them."""

import re
import socket

import fixtures as base_fixtures
import requests

from mixmatch import conf as mixmatch_conf
from mixmatch import exceptions
from mixmatch import metrics
from mixmatch import services
from tests.unit import fixtures
from tests.unit.mixmatch import base


class Statsd(base_fixtures.Fixture):
    """A statsd server on loopback."""

    def __init__(self, host='127.0.0.1'):
        super().__init__()
        self.host = host

    def _setUp(self):
        family = socket.AF_INET6 if ':' in self.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(self._socket.close)
        self._socket.bind((self.host, 0))
        self.port = self._socket.getsockname()[1]
        self._socket.settimeout(10)

    def conf(self):
        return (f'[mixmatch]\nstatsd_host = {self.host}\n'
                f'statsd_port = {self.port}\n')

    def receive(self, until):
        """Return metrics until one has this prefix: name -> kinds."""
        found = {}
        while not any(name.startswith(until) for name in found):
            name, _, value = self._socket.recv(9000).decode().partition(':')
            found.setdefault(name, []).append(value)
        return found


class TestMetrics(base.TestCase):

    def metrics(self, text):
        conf = fixtures.configuration(self, text)
        mixmatch_conf.register_opts(conf)
        return metrics.Metrics(conf)

    def told(self, host='127.0.0.1', more='', service_provider='bu'):
        server = self.useFixture(Statsd(host))
        told = self.metrics(server.conf() + more)
        told.count(service_provider, 'login.made')
        told.time(service_provider, 'volume.GET.200', 0.0425)
        told.count(service_provider, 'end')
        prefix = 'cloud' if more else 'mixmatch'
        name = re.sub(r'\W', '_', service_provider)
        return server.receive(f'{prefix}.{name}.end')

    def test_counters_and_timings(self):
        self.assertEqual({'mixmatch.bu.login.made': ['1|c'],
                          'mixmatch.bu.volume.GET.200': ['42.500000|ms'],
                          'mixmatch.bu.end': ['1|c']}, self.told())

    def test_prefix(self):
        self.assertIn('cloud.bu.login.made',
                      self.told(more='statsd_prefix = cloud\n'))

    def test_the_name_of_a_cloud_is_one_level(self):
        self.assertIn('mixmatch.bu_example_org.login.made',
                      self.told(service_provider='bu.example:org'))

    def test_over_ipv6(self):
        self.assertIn('mixmatch.bu.login.made', self.told('::1'))

    def test_nobody_is_told_unless_configured(self):
        told = self.metrics('')
        told.count('bu', 'login.made')
        self.assertIsNone(told._client)

    def test_a_server_that_is_not_found_is_told_once(self):
        log = self.useFixture(base_fixtures.FakeLogger())
        told = self.metrics('[mixmatch]\nstatsd_host = no-such.invalid\n')
        for _ in range(3):
            told.count('bu', 'login.made')
            told.time('bu', 'volume.GET.200', 1)
        line, = log.output.splitlines()
        self.assertIn('No metrics are sent: statsd_host = no-such.invalid',
                      line)

    def test_a_server_that_is_gone_is_no_failure(self):
        server = Statsd()
        with server:
            text = server.conf()
        told = self.metrics(text)
        for _ in range(3):
            told.count('bu', 'login.made')


class TestCalls(base.FederationTestCase):
    """Metrics of a login and of a call."""

    def setUp(self):
        self.server = Statsd()
        self.useFixture(self.server)
        self.more = self.server.conf()
        super().setUp()
        self.told = self.federation._process.metrics

    def received(self):
        self.told.count('end', 'end')
        found = self.server.receive('mixmatch.end')
        del found['mixmatch.end.end']
        return found

    def test_a_login_and_a_call(self):
        self.bu.add_volume('v')
        user = self.login(self.home.token('alice'))
        there = self.federation.service_provider('bu')
        there.adapter(services.VOLUME, user).get('/volumes/v')
        found = self.received()
        self.assertEqual(['1|c'], found.pop('mixmatch.bu.login.made'))
        # What home's Keystone does is not told as the service provider's.
        self.assertEqual({'mixmatch.bu.identity.POST.302': 1,
                          'mixmatch.bu.identity.GET.201': 1,
                          'mixmatch.bu.identity.POST.201': 1,
                          'mixmatch.bu.volume.GET.200': 1},
                         {name: len(values)
                          for name, values in found.items()})
        for values in found.values():
            self.assertRegex(values[0], r'^\d+\.\d+\|ms$')

    def test_failures(self):
        self.clouds.mock.get(self.bu.auth_url,
                             exc=requests.exceptions.ConnectTimeout)
        self.assertRaises(exceptions.ServiceProviderUnavailable, self.login,
                          self.home.token('alice'))
        found = self.received()
        self.assertEqual(['1|c'], found['mixmatch.bu.login.failed'])
        self.assertIn('mixmatch.bu.identity.GET.failed', found)


class TestOddNames(TestMetrics):
    """No name, and no statsd, hurts the call that is measured."""

    def test_the_name_of_a_cloud_is_sent_in_ascii(self):
        server = self.useFixture(Statsd())
        told = self.metrics(server.conf() + 'statsd_prefix = wölke\n')
        for name in ('universität', 'bu\nforged:1|c', '大学'):
            told.count(name, 'login.made')
        told.count('end', 'end')
        self.assertEqual({'w_lke.universit_t.login.made',
                          'w_lke.bu_forged_1_c.login.made',
                          'w_lke.__.login.made', 'w_lke.end.end'},
                         set(server.receive('w_lke.end')))

    def test_whatever_goes_wrong_is_said_once(self):
        log = self.useFixture(base_fixtures.FakeLogger())
        told = self.metrics('[mixmatch]\nstatsd_host = 127.0.0.1\n')
        told._client = object()
        for _ in range(3):
            told.count('bu', 'login.made')
            told.time('bu', 'volume.GET.200', 1)
        self.assertEqual(1, log.output.count('Metrics could not be sent'))
