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

"""Facts that all processes of home share, and that nobody else can write."""

import logging
import time
import types

import fixtures as base_fixtures

from mixmatch import conf as mixmatch_conf
from mixmatch import shared_facts
from tests.unit import fixtures
from tests.unit.mixmatch import base

KEY = ('location', 'research', 'volume-1')


class FactsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cache = self.useFixture(fixtures.SharedCache())
        self.log = self.useFixture(base_fixtures.FakeLogger(
            level=logging.WARNING))
        self.facts = self.process()

    def process(self, secret='secret-of-home'):
        conf = fixtures.configuration(
            self, '[mixmatch]\n' + fixtures.shared_cache(secret))
        mixmatch_conf.register_opts(conf)
        return shared_facts.SharedFacts(conf)


class TestFacts(FactsTestCase):

    def test_of_another_process(self):
        self.facts.set(KEY, ['bu', True, 5])
        self.assertEqual([['bu', True, 5], None], list(self.process().get(
            KEY, ('location', 'research', 'volume-2'))))

    def test_nothing_can_be_read_in_the_cache(self):
        self.facts.set(KEY, 'bu-of-research')
        text = repr(self.cache.stored)
        for each in (*KEY, 'bu-of-research'):
            self.assertNotIn(each, text)

    def test_another_secret_finds_nothing(self):
        self.facts.set(KEY, 5)
        self.assertEqual([None], list(self.process('another').get(KEY)))
        self.assertEqual('', self.log.output)

    def test_what_was_forged(self):
        self.facts.set(KEY, 5)
        for forged in (b'forged', b'', 'text', 5, None):
            self.cache.put(*self.cache.stored, forged)
            self.assertEqual([None], list(self.facts.get(KEY)))
        self.assertIn('(location) cannot be decrypted', self.log.output)
        self.assertNotIn('research', self.log.output)

    def test_swapped_facts(self):
        other = ('stamp', 'volumes', 'research')
        self.facts.set(KEY, 5)
        self.facts.set(other, 6)
        one, two = self.cache.stored
        self.cache.stored[one], self.cache.stored[two] = (
            self.cache.stored[two], self.cache.stored[one])
        self.assertEqual([None, None], list(self.facts.get(KEY, other)))


class TestAway(FactsTestCase):
    """It is not the same as a cache that has no such fact."""

    def test_no_secret(self):
        facts = self.process(secret='')
        facts.set(KEY, 5)
        self.assertIsNone(facts.get(KEY))
        self.assertEqual({}, self.cache.stored)

    def test_down(self):
        self.facts.set(KEY, 5)
        self.cache.broken = True
        self.assertIsNone(self.facts.get(KEY))
        self.facts.set(KEY, 6)

    def test_client_that_does_not_ask_any_more(self):
        """python-memcached says nothing, and finds nothing."""
        server = types.SimpleNamespace(deaduntil=time.time() + 300)
        self.facts._region.actual_backend.client = types.SimpleNamespace(
            servers=[server])
        self.assertIsNone(self.facts.get(KEY))
        # It asks again after a pause, not at once.
        self.assertLess(server.deaduntil, time.time() + 200)
