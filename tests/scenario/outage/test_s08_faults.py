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


"""S8: a partner fails in any way, and home does not notice.

Who uses what lives there is told so, by name, in a bounded time; the next
one at once. When the partner is back, so is all that it has.
"""

from concurrent import futures
import contextlib
import time
from typing import TYPE_CHECKING

from keystoneauth1 import adapter

from sandbox import client
from sandbox.services import common
from sandbox import topology
from tests.scenario import base
from tests.scenario import faults

MARK = 'os-mixmatch:service_provider'

#: The services of bu that home speaks to, and what is on their ports.
SPOKEN_TO = {'apache': 'keystone', 'cinder-api': 'cinder'}

#: How much longer what concerns only home may take, in seconds.
SLOWER = 1

#: How much longer it takes if it waits for a timeout, in seconds.
WAITED = 5

#: How long it may take until what is back is used again, in seconds: the
#: longest pause of the sandbox, and what the machine needs.
BACK = 5 + base.BUSY


class Partner(base.ServerScenario):
    """A server with one volume of bu; one more at bu, and one at home."""

    admin: adapter.Adapter
    at_provider: adapter.Adapter
    at_home: adapter.Adapter
    local: str
    attached: str
    foreign: str
    _usual = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.sandbox.user(
            cls.provider, 'admin').api('block-storage')
        cls.at_provider = cls.alice.api('block-storage', at=cls.provider)
        cls.at_home = cls.alice.api('block-storage')
        cls.local = cls.class_volume(None)
        cls.attached = cls.class_volume(cls.provider)
        cls.foreign = cls.class_volume(cls.provider)
        nova = cls.alice.api('compute', version='2.60')
        nova.post(f'/servers/{cls.server}/os-volume_attachments', json={
            'volumeAttachment': {
                'volumeId': f'{cls.attached}@{cls.provider}'}})
        cls.reaches(cls.at_provider, cls.attached, 'in-use')

    @staticmethod
    def reaches(cinder, volume_id, status):
        client.wait_for(f'volume {volume_id} {status}', lambda: cinder.get(
            f'/volumes/{volume_id}').json()['volume']['status'] == status)

    @contextlib.contextmanager
    def failing(self, service, fault):
        """A service of bu fails for a while; without a fault it is gone."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.stopped(service))
            if fault:
                port = topology.port(topology.by_name(self.provider),
                                     SPOKEN_TO[service])
                stack.enter_context(faults.listening(port, fault))
            yield

    def usual(self):
        """Measure home's own operations once while all is well."""
        if self._usual is None:
            type(self)._usual = self.operate_home()
        return self._usual

    def operate_home(self):
        """Do the operations that concern only home.

        :returns: the results, and how long each took, in seconds
        """
        results, seconds = {}, {}
        for name, ask in {
                'server show': self.server_show,
                'server list': self.server_list,
                'attachment list': self.mappings,
                'volume show': self.volume_show,
                'volume list': self.volume_list,
                'attach': self.attach_local,
                'detach': self.detach_local}.items():
            began = time.monotonic()
            results[name] = ask()
            seconds[name] = time.monotonic() - began
        return results, seconds

    def server_show(self):
        server = self.nova.get(f'/servers/{self.server}').json()['server']
        return {key: server[key] for key in (
            'id', 'status', 'os-extended-volumes:volumes_attached')}

    def server_list(self):
        servers = self.nova.get('/servers/detail').json()['servers']
        return sorted((each['id'], each['status']) for each in servers)

    def volume_show(self):
        shown = self.at_home.get(f'/volumes/{self.local}').json()['volume']
        return {key: shown[key] for key in ('id', 'status', 'attachments')}

    def volume_list(self):
        volumes = self.at_home.get('/volumes/detail').json()['volumes']
        return sorted((each['id'], each['status']) for each in volumes
                      if MARK not in each)

    def attach_local(self):
        response = self.attach({'volumeAttachment': {'volumeId': self.local}})
        self.reaches(self.at_home, self.local, 'in-use')
        return response.status_code

    def detach_local(self):
        response = self.nova.delete(f'{self.url}/{self.local}')
        client.wait_for('the detach', lambda: (
            self.local not in [each['volumeId'] for each in self.mappings()]))
        self.reaches(self.at_home, self.local, 'available')
        return response.status_code

    def assert_home_unhurt(self, before):
        """The same results, in the same time, and nothing waits for bu.

        A busy machine may be late once or twice, but by no timeout; where
        all takes seconds, one second says nothing.
        """
        for _ in range(3):
            results, seconds = self.operate_home()
            self.assertEqual(before[0], results)
            late = {name: (before[1][name], each)
                    for name, each in seconds.items()
                    if each > before[1][name] + max(SLOWER, before[1][name])}
            self.assertEqual({}, {name: pair for name, pair in late.items()
                                  if pair[1] > pair[0] + WAITED})
            if not late:
                return
        self.assertEqual({}, late)

    def attach_foreign(self):
        return self.attach({'volumeAttachment': {
            'volumeId': self.foreign, 'serviceProvider': self.provider}})

    def detach_foreign(self):
        return self.nova.delete(f'{self.url}/{self.attached}')

    def show_foreign(self):
        return self.at_home.get(f'/volumes/{self.foreign}')

    def assert_says(self, bound, response):
        """The answer names who failed, in time."""
        self.assertIn(response.status_code, (502, 503), response.text)
        (error,) = response.json().values()
        self.assertIn(f'ervice provider {self.provider}', error['message'])
        self.assertLess(response.elapsed.total_seconds(), bound,
                        error['message'])

    def assert_skipped(self, ask):
        """Check that bu is skipped, except by a call that probes it."""
        response = ask()
        if response.elapsed.total_seconds() >= SLOWER:
            self.assert_says(base.TIMEOUTS, response)
            # Each process of an API finds out by itself: here all at the same
            # time, when none knows any more. Else the first one tries again
            # before the last one knows.
            time.sleep(BACK)
            with futures.ThreadPoolExecutor(2 * common.PROCESSES) as executor:
                for each in [executor.submit(ask)
                             for _ in range(2 * common.PROCESSES)]:
                    self.assert_says(base.TIMEOUTS, each.result())
            response = ask()
        self.assert_says(SLOWER, response)

    def assert_back(self):
        """All of bu is used again, and nothing was left behind."""
        self.assert_untouched(self.provider, self.foreign)
        self.assertEqual([self.attached],
                         [each['volumeId'] for each in self.mappings()])
        self.assertEqual(
            1, len(self.attachments_at(self.provider, self.attached)))
        self.assertEqual('in-use', self.volume(
            self.provider, self.attached)['status'])
        for ask in (self.show_foreign, self.attach_foreign):
            self.assert_answers(ask)
        self.reaches(self.at_provider, self.foreign, 'in-use')
        self.detach(self.provider, self.foreign)

    @staticmethod
    def assert_answers(ask):
        deadline = time.monotonic() + BACK
        while (answer := ask()).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.5)


if TYPE_CHECKING:
    _Mixin = Partner
else:
    # NOTE: as a test case its tests would run without a service, too.
    _Mixin = object


class Faults(_Mixin):
    """Each way to fail, for one service."""

    service: str

    def suffers(self, fault):
        before = self.usual()
        # What has no login yet has to make one.
        self.log_in()
        self.at_home = self.alice.api('block-storage')
        with (self.failing(self.service, fault),
              futures.ThreadPoolExecutor() as executor):
            first = [executor.submit(ask) for ask in (
                self.attach_foreign, self.show_foreign)]
            self.assert_home_unhurt(before)
            for answer in first:
                self.assert_says(base.TIMEOUTS, answer.result())
            for ask in (self.attach_foreign, self.show_foreign,
                        self.detach_foreign):
                self.assert_skipped(ask)
        self.assert_back()

    def test_stopped(self):
        self.suffers(None)

    def test_hung(self):
        self.suffers(faults.hung)

    def test_garbage(self):
        self.suffers(faults.garbage)

    def test_internal_error(self):
        self.suffers(faults.internal_error)

    def test_bad_gateway(self):
        self.suffers(faults.bad_gateway)

    def test_nonsense(self):
        self.suffers(faults.nonsense)

    def test_web_page(self):
        self.suffers(faults.web_page)

    def test_resets(self):
        self.suffers(faults.resets)

    def test_drips(self):
        self.suffers(faults.drips)

    def test_commands_say_who_fails(self):
        with self.failing(self.service, faults.hung):
            for command in (
                    ('server', 'add', 'volume', self.server, self.foreign),
                    ('server', 'remove', 'volume', self.server,
                     self.attached),
                    ('volume', 'show', self.foreign)):
                began = time.monotonic()
                result = self.alice.openstack(*command)
                self.assertEqual(1, result.code, str(result))
                self.assertIn(
                    f'ervice provider {self.provider} does not answer',
                    result.err)
                self.assertLess(time.monotonic() - began, 2 * base.TIMEOUTS)
            client.must(self.alice.openstack('server', 'list'))
            client.must(self.alice.openstack('volume', 'list'))
        self.assert_back()


class TestKeystone(Faults, Partner):
    service = 'apache'


class TestCinder(Faults, Partner):
    service = 'cinder-api'
