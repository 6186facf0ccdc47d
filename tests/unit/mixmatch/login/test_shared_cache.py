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

"""Processes of home share logins; nobody else can read or forge them."""

import base64
import dataclasses
import logging
import time
import types

from dogpile.cache import api
from dogpile.cache.backends import memory
import fixtures as base_fixtures

from mixmatch.login import cache
from mixmatch.login import login
from mixmatch.login import shared_cache
from tests.unit import fixtures
from tests.unit.mixmatch import base

class SharedTestCase(base.FederationTestCase):

    def setUp(self):
        self.secret = 'secret-of-home'
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())
        self.cache = self.useFixture(fixtures.SharedCache())
        self.log = self.useFixture(base_fixtures.FakeLogger(
            level=logging.DEBUG))
        self.token = self.home.token('alice')

    def new_federation(self, secret='secret-of-home'):
        self.more = f'[mixmatch]\n{fixtures.shared_cache(secret)}'
        return super().new_federation()

    def process(self, **kwargs):
        """Another process of home."""
        self.federation = self.new_federation(**kwargs)

    def there(self, token=None):
        """The token at bu that a process uses for Alice."""
        return self.login(token or self.token).get_token(None)

    def warnings(self):
        return [line for line in self.log.output.splitlines()
                if 'cache' in line and 'a probe' not in line]


class TestShared(SharedTestCase):

    def test_a_second_process_sends_nothing(self):
        first = self.there()
        sent = self.count()
        self.process()
        self.assertEqual(first, self.there())
        self.assertEqual(sent, self.count())
        self.assertEqual('id-of-research', self.login(
            self.token).get_project_id(None))

    def test_the_login_of_the_service_as_well(self):
        first = self.federation.service_login('bu').get_token(None)
        self.process()
        again = self.federation.service_login('bu').get_token(None)
        self.assertEqual(first, again)

    def test_another_project_of_the_service_is_another_login(self):
        first = self.federation.service_login('bu').get_token(None)
        self.process()
        other = self.federation.service_login('bu', 'id-of-research')
        self.assertNotEqual(first, other.get_token(None))

    def test_it_ends_when_it_would_have_ended(self):
        first = self.there()
        self.clock.let_pass(500)
        self.process()
        self.assertEqual(first, self.there())
        self.clock.let_pass(101)
        self.assertNotEqual(first, self.there())

    def test_one_that_has_ended_is_not_taken(self):
        first = self.there()
        self.clock.let_pass(601)
        self.process()
        self.assertNotEqual(first, self.there())

    def test_one_that_is_not_accepted_is_gone_for_all(self):
        user = self.login(self.token)
        first = user.get_token(None)
        self.clock.let_pass(cache.FRESH)
        self.assertTrue(user.invalidate())
        self.process()
        second = self.there()
        self.assertNotEqual(first, second)
        # The other one finds what this one has made.
        self.assertEqual(second, user.get_token(None))

    def test_a_newer_one_of_another_process_stays(self):
        old = self.login(self.token)
        self.clock.let_pass(cache.FRESH)
        first = self.federation
        self.process()
        newer = self.login(self.token)
        self.assertTrue(newer.invalidate())
        expected = newer.get_token(None)
        self.federation = first
        self.assertTrue(old.invalidate())
        self.assertEqual(expected, old.get_token(None))

    def test_without_a_secret_nothing_is_shared(self):
        self.process(secret='')
        self.there()
        self.assertEqual({}, self.cache.stored)


class TestSecret(SharedTestCase):
    """Logins are read only with both the secret and the token of home."""

    def test_nothing_can_be_read_in_the_cache(self):
        user = self.login(self.token)
        self.federation.service_login('bu')
        self.assertEqual(2, len(self.cache.stored))
        # NOTE: a short name is found in base64 now and then.
        text = repr([*self.cache.stored, *map(base64.urlsafe_b64decode,
                                              self.cache.values)])
        for each in (*self.clouds.secrets(), 'alice', 'research', 'nova',
                     'bu-token', 'http:', user.get_project_id(None)):
            self.assertNotIn(each, text)
        for value in self.cache.values:
            self.assertIsInstance(value, bytes)

    def test_nothing_of_it_is_logged(self):
        self.there()
        self.process()
        self.there()
        self.cache.put(*self.cache.stored, b'forged')
        self.process()
        self.there()
        self.cache.broken = True
        self.process()
        self.there()
        self.assertIn('no cache here', self.log.output)
        for secret in (*self.clouds.secrets(), 'secret-of-home'):
            self.assertNotIn(secret, self.log.output)

    def assertOwnLogin(self, first, **kwargs):
        self.assertNotEqual(first, self.there(**kwargs))

    def test_another_token_finds_nothing(self):
        first = self.there()
        self.process()
        self.assertOwnLogin(first, token=self.home.token('alice'))
        self.assertEqual(2, len(self.cache.stored))

    def test_another_secret_finds_nothing(self):
        first = self.there()
        self.process(secret='of-another-cloud')
        self.assertOwnLogin(first)
        self.assertEqual([], self.warnings())

    def test_another_secret_reads_nothing(self):
        """A forger with the token who writes under the right name."""
        first = self.there()
        name, = self.cache.stored
        self.process(secret='of-another-cloud')
        self.there()
        forged = [each for each in self.cache.stored if each != name]
        self.cache.put(name, self.cache.stored[forged[0]].payload)
        self.process()
        self.assertOwnLogin(first)
        self.assertIn('login_cache_secret', self.warnings()[-1])


class TestForged(SharedTestCase):

    def test_bytes_of_others_are_not_believed(self):
        for forged in (b'', b'forged', b'gAAAA' + b'A' * 200, 'text', 5,
                       None, {'token': 'forged'}):
            first = self.there()
            name = next(iter(self.cache.stored))
            self.cache.put(name, forged)
            self.process()
            self.assertNotEqual(first, self.there(), forged)

    def test_a_bit_is_enough(self):
        first = self.there()
        name, = self.cache.stored
        value = bytearray(self.cache.values[0])
        value[40] ^= 1
        self.cache.put(name, bytes(value))
        self.process()
        self.assertNotEqual(first, self.there())
        self.assertEqual(1, len(self.warnings()))

    def test_what_is_well_encrypted_but_no_login(self):
        """A later release may write something else."""
        first = self.there()
        shared = self.federation._process.logins._shared
        key, = self.federation._process.logins._kept
        name, = self.cache.stored
        for text in (b'[]', b'{}', b'{"token": "x", "more": 1}', b'"x"',
                     b'{"body": 5}', b'not json', b'null'):
            self.cache.put(name, shared._cipher(key).encrypt(text))
            self.assertIsNone(shared.get(key), text)
        self.process()
        self.assertNotEqual(first, self.there())


class TestTwoServiceProviders(SharedTestCase):
    """The login at one is worth nothing at the other."""

    names = ('bu', 'mit')

    def at(self, name):
        return self.federation.user_login(
            name, self.requester(token=self.token)).get_token(None)

    def test_swapped_entries_are_not_believed(self):
        for name in self.names:
            self.at(name)
        one, other = self.cache.stored
        self.cache.stored[one], self.cache.stored[other] = (
            self.cache.stored[other], self.cache.stored[one])
        self.process()
        for name in self.names:
            self.assertTrue(self.at(name).startswith(f'{name}-token'))
        self.assertEqual(2, len(self.warnings()))

    def test_no_part_of_a_key_flows_into_the_next(self):
        shared = self.federation._process.logins._shared
        made = login.Login('t', b'{}', time.time(), time.time() + 60)
        shared.set(login.Key('bu', 'c', 'scope'), made)
        self.assertEqual('t', shared.get(login.Key('bu', 'c', 'scope')).token)
        for key in (login.Key('b', 'uc', 'scope'),
                    login.Key('bu', 'cscope', ''),
                    login.Key('bu', '', 'c scope')):
            self.assertIsNone(shared.get(key))


class TestBroken(SharedTestCase):
    """Without the cache each process logs in by itself, and says so once."""

    def setUp(self):
        super().setUp()
        self.cache.broken = True

    def test_costs_a_login_and_one_line(self):
        tokens = {self.there(self.home.token('alice')) for _ in range(10)}
        self.assertEqual(10, len(tokens))
        base.wait_for_probes()
        line, = self.warnings()
        self.assertIn('The cache of shared logins is down', line)
        self.assertIn('no cache here', line)

    def test_is_not_asked_each_time(self):
        self.there()
        base.wait_for_probes()
        asked = self.cache.asked
        for _ in range(10):
            self.there(self.home.token('alice'))
        self.assertEqual(asked, self.cache.asked)

    def test_logins_are_kept_all_the_same(self):
        self.assertEqual(self.there(), self.there())

    def test_a_login_that_is_not_accepted_is_made_again(self):
        user = self.login(self.token)
        first = user.get_token(None)
        self.clock.let_pass(cache.FRESH)
        self.assertTrue(user.invalidate())
        self.assertNotEqual(first, user.get_token(None))

    def test_is_used_again_when_it_is_back(self):
        self.there()
        base.wait_for_probes()
        self.cache.broken = False
        self.clock.let_pass(1)
        shared = self.federation._process.logins._shared
        self.assertIsNone(shared._health.refusal(30))
        self.there(self.home.token('alice'))
        self.assertEqual(1, len(self.cache.stored))
        self.assertIn('is up again', self.warnings()[-1])


class TestRoundTrip(SharedTestCase):

    def test_nothing_is_lost(self):
        self.there()
        kept = self.federation._process.logins._kept
        (key, made), = kept.items()
        found = shared_cache.SharedLoginCache(
            self.new_federation()._conf).get(key)
        self.assertEqual(dataclasses.asdict(made), dataclasses.asdict(found))
        self.assertEqual(made.access.service_catalog.catalog,
                         found.access.service_catalog.catalog)


class TestPythonMemcached(SharedTestCase):
    """It raises nothing, and after a late answer asks nobody for long."""

    def setUp(self):
        super().setUp()
        self.servers = [types.SimpleNamespace(deaduntil=0)]
        self.late = False
        real = memory.MemoryBackend.get

        def get(backend, name):
            if self.late:
                for each in self.servers:
                    each.deaduntil = time.time() + 300
            if all(each.deaduntil > time.time() for each in self.servers):
                return api.NO_VALUE
            return real(backend, name)
        self.useFixture(base_fixtures.MockPatchObject(
            memory.MemoryBackend, 'get', get))
        memory.MemoryBackend.client = types.SimpleNamespace(
            servers=self.servers)
        self.addCleanup(delattr, memory.MemoryBackend, 'client')

    def test_one_late_answer_is_one_login(self):
        first = self.there()
        self.late = True
        self.process()
        second = self.there()
        self.assertNotEqual(first, second)
        base.wait_for_probes()
        self.late = False
        self.clock.let_pass(1.1)
        self.process()
        self.assertIn(self.there(), (first, second))

    def test_one_request_waits_once(self):
        self.late = True
        self.there()
        [server] = self.servers
        self.assertGreater(server.deaduntil, time.time())
        self.assertLessEqual(server.deaduntil, time.time() + 1)

    def test_while_it_is_late_it_is_not_asked_each_time(self):
        self.late = True
        self.there()
        base.wait_for_probes()
        line, = self.warnings()
        self.assertIn('The cache of shared logins is down', line)
        asked = self.cache.asked
        self.there(self.home.token('alice'))
        self.assertEqual(asked, self.cache.asked)

    def test_servers_of_another_client(self):
        memory.MemoryBackend.client = types.SimpleNamespace(
            servers=[object()])
        first = self.there()
        self.late = True
        self.process()
        self.assertNotEqual(first, self.there())
        self.assertEqual([], self.warnings())

    def test_one_of_several_servers_is_left_to_the_client(self):
        until = time.time() + 300
        self.servers.append(types.SimpleNamespace(deaduntil=until))
        self.there()
        self.assertEqual([0, until],
                         [each.deaduntil for each in self.servers])
        self.assertEqual([], self.warnings())
