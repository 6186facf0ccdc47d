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


"""S12: the cache in which processes share logins may fail, or lie."""

from concurrent import futures
import re
import time
import uuid

from sandbox import client
from sandbox.services import common
from tests.scenario.login import test_s12_logins
from tests.scenario import memcached

#: How long an attach and a detach may take without the cache, in seconds.
BOUND = 20

#: Logins of alice if each process logs her in.
EACH = len(test_s12_logins.PROCESSES)


class TestSharedCache(test_s12_logins.Attaching):

    cache: memcached.Memcached

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Keystone has its own things in that of the sandbox.
        cls.cache = memcached.Memcached()
        cls.cache.start()
        cls.addClassCleanup(cls.cache.stop)
        cls.enterClassContext(cls.configured_all(
            'cache', r'memcache_servers\s*=.*',
            f'memcache_servers = 127.0.0.1:{memcached.PORT}\n'))

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)

    def attaches(self):
        """Count the logins of an attach and a detach with a new token."""
        before = test_s12_logins.logins(self.sandbox)
        began = time.monotonic()
        self.with_new_token()
        self.attach_and_detach(self.server, self.volume_id)
        self.assertLess(time.monotonic() - began, BOUND)
        return test_s12_logins.logins(self.sandbox) - before

    def warm_up(self):
        """Have each process keep Nova's own login."""
        log = self.sandbox.site.log(self.home, 'nova-api')
        since = log.stat().st_size
        line = re.compile(
            rb' (\d+) DEBUG mixmatch\.http\.transport \[[^]]*\] '
            + self.provider.encode() + b' volume: ')

        def ask(_):
            return self.attach({'volumeAttachment': {
                'volumeId': str(uuid.uuid4()),
                'serviceProvider': self.provider}}).status_code

        def is_warm():
            # NOTE: more at a time than the threads of one process.
            with futures.ThreadPoolExecutor(12) as executor:
                self.assertEqual({404}, {*executor.map(ask, range(24))})
            with log.open('rb') as file:
                file.seek(since)
                return len({*line.findall(file.read())}) == common.PROCESSES
        self.attaches()
        client.wait_for('each process of nova-api to use it', is_warm)

    def works_again(self):
        client.wait_for('processes to share logins again',
                        lambda: self.attaches() == 1)

    def test_it_holds_no_token_in_clear(self):
        self.attaches()
        token = self.nova.session.get_token(self.nova.auth).encode()
        items = self.cache.items()
        found = {match for _flags, value in items.values()
                 for match in memcached.FERNET.findall(value)}
        # The user's login, and Nova's.
        self.assertGreaterEqual(len(found), 2)
        for _flags, value in items.values():
            self.assertNotIn(token, value)
        for cloud in (self.home, self.provider):
            keystone = self.sandbox.user(cloud, 'admin').api('identity')
            for each in found:
                response = keystone.get('/auth/tokens', headers={
                    'X-Subject-Token': each.decode()})
                self.assertEqual(404, response.status_code)

    def test_what_is_forged_is_not_taken(self):
        for _ in range(2):
            self.attaches()
        items = self.cache.items()
        logins = [key for key, (_flags, value) in items.items()
                  if memcached.FERNET.search(value)]
        # Each becomes that of somebody else.
        self.assertGreaterEqual(len(logins), 2)
        for key, other in zip(logins, logins[1:] + logins[:1]):
            self.cache.set(key, *items[other])
        # NOTE: a thread that was not answered in an earlier test does not ask
        # at once.
        self.sandbox.control('restart', self.home,
                             *test_s12_logins.PROCESSES)
        before = test_s12_logins.logins(self.sandbox)
        self.attach_and_detach(self.server, self.volume_id)
        # Who came first found neither alice's login nor Nova's.
        self.assert_each_logs_in(
            test_s12_logins.logins(self.sandbox) - before, 2, users=2)
        self.assertTrue(any(
            b'cannot be decrypted and is ignored' in log.read_bytes()
            for log in self.sandbox.logs()
            if log.stem in ('nova-api', 'nova-compute')))
        self.works_again()

    def test_what_is_garbage_is_not_taken(self):
        self.attaches()
        for key, (flags, value) in self.cache.items().items():
            self.cache.set(key, flags, value[:-40] + b'\0' * 40)
        self.sandbox.control('restart', self.home, 'nova-compute')
        self.attach_and_detach(self.server, self.volume_id)
        self.works_again()

    def test_it_hangs(self):
        self.warm_up()
        self.cache.hang()
        self.addCleanup(self.cache.go_on)
        self.assert_each_logs_in(self.attaches(), EACH)
        self.cache.go_on()
        self.works_again()

    def test_it_is_stopped(self):
        self.warm_up()
        self.cache.stop()
        self.addCleanup(self.cache.start)
        self.addCleanup(self.cache.stop)
        self.assert_each_logs_in(self.attaches(), EACH)
        self.cache.start()
        self.works_again()
