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

"""Service providers that a list need not ask."""

from mixmatch import holdings
from tests.unit import fixtures
from tests.unit.mixmatch import test_fanout


class ListingTestCase(test_fanout.FanoutTestCase):
    """Only clouds where a project has something are asked for a list."""

    # One thread for each: a check is over when the next question to the same
    # one has its answer.
    options = ('listing_refresh = 60\nask_threads = 1\n'
               + fixtures.shared_cache())

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())
        self.cache = self.useFixture(fixtures.SharedCache())
        self.fanout = self.new_fanout()
        self.another = self.new_fanout()
        #: (project, name) -> what is there
        self.volumes = {('research', 'bu'): ['v1']}
        #: name -> the error that it answers with
        self.away = {}

    def list(self, project_id='research', names=('bu', 'mit'),
             kind='volumes', process=None, user_id='alice'):
        """Ask; the answers, and who was asked for them."""
        process = process or self.fanout

        def question(name):
            self.asked.append(name)
            if name in self.away:
                raise self.away[name]
            return self.volumes.get((project_id, name), [])
        del self.asked[:]
        self.answers = process.ask_for_listing(
            holdings.Owner(kind, project_id, user_id), names, question)
        process.ask(names, str)
        return self.answers.answered

    def make(self, name, process=None):
        """Make a volume through a process of home."""
        self.volumes['research', name] = ['new']
        (process or self.another).holdings.add(
            holdings.Owner('volumes', 'research', 'alice'), name)


class TestListing(ListingTestCase):

    def test_at_first_all_are_asked(self):
        self.assertEqual({'bu': ['v1'], 'mit': []}, self.list())

    def test_then_only_where_there_is_something(self):
        self.list()
        self.assertEqual({'bu': ['v1']}, self.list())
        self.assertEqual(['bu'], self.asked)

    def test_in_all_processes(self):
        self.list()
        self.assertEqual({'bu': ['v1']}, self.list(process=self.another))

    def test_another_project_is_another_matter(self):
        self.list()
        self.volumes['teaching', 'mit'] = ['v2']
        self.assertEqual({'bu': [], 'mit': ['v2']}, self.list('teaching'))

    def test_another_kind_is_another_matter(self):
        self.list()
        self.volumes['research', 'mit'] = ['snapshot']
        self.assertIn('mit', self.list(kind='snapshots'))

    def test_what_another_process_has_made_is_there_at_once(self):
        self.list()
        self.make('mit')
        self.assertEqual({'bu': ['v1'], 'mit': ['new']}, self.list())

    def test_what_is_made_while_it_is_asked(self):
        """An answer from before the creation is not kept."""
        def question(name):
            if name == 'mit' and not self.asked:
                self.asked.append(name)
                self.make('mit')
                return []
            return self.volumes.get(('research', name), [])
        self.fanout.ask_for_listing(
            holdings.Owner('volumes', 'research'), ['bu', 'mit'], question)
        self.assertIn('mit', self.list())

    def test_what_is_made_after_its_answer_was_lost(self):
        self.list()
        self.make('mit')
        del self.volumes['research', 'mit']
        self.assertEqual([], self.list()['mit'])
        self.volumes['research', 'mit'] = ['late']
        self.assertEqual(['late'], self.list()['mit'])

    def test_an_empty_list_where_there_was_something_is_not_believed(self):
        for process in (self.fanout, self.another):
            self.list()
            theirs = self.volumes.pop(('research', 'bu'))
            self.assertEqual({'bu': []}, self.list(process=process))
            self.volumes['research', 'bu'] = theirs
            self.assertEqual({'bu': ['v1']}, self.list(process=process))

    def test_what_is_there_no_longer_is_noticed(self):
        self.list()
        del self.volumes['research', 'bu']
        self.clock.let_pass(holdings.LATELY)
        self.assertEqual([], self.list()['bu'])
        self.assertEqual({}, self.list())

    def test_an_answer_that_proves_nothing(self):
        for _ in range(2):
            answers = self.fanout.ask_for_listing(
                holdings.Owner('volumes', 'research'), ['mit'],
                lambda name: [], proves=lambda found: None)
            self.assertEqual({'mit': []}, answers.answered)

    def test_who_does_not_answer_is_asked_again(self):
        self.away['mit'] = test_fanout.AWAY
        self.list(names=['mit'])
        self.away.clear()
        self.assertEqual({'mit': []}, self.list(names=['mit']))

    def test_the_others_are_checked_in_the_background(self):
        self.list()
        self.volumes['research', 'mit'] = ['v2']
        self.clock.let_pass(31)
        self.assertNotIn('mit', self.list())
        self.assertIn('mit', self.asked)
        self.assertEqual({'bu': ['v1'], 'mit': ['v2']}, self.list())

    def test_nobody_waits_for_the_check(self):
        self.list(names=['mit'])
        self.clock.let_pass(31)
        answers = self.fanout.ask_for_listing(
            holdings.Owner('volumes', 'research'), ['mit'], self.hang)
        self.assertEqual(({}, {}), (answers.answered, answers.missing))

    def test_one_check_however_many_lists(self):
        self.list()
        self.clock.let_pass(31)
        self.list()
        self.assertEqual(['bu', 'mit'], sorted(self.asked))
        self.list()
        self.assertEqual(['bu'], self.asked)

    def test_after_the_time_it_is_asked_as_at_first(self):
        self.list()
        self.volumes['research', 'mit'] = ['v2']
        self.clock.let_pass(61)
        self.assertEqual({'bu': ['v1'], 'mit': ['v2']}, self.list())

    def test_what_the_cache_has_lost(self):
        self.list()
        self.cache.stored.clear()
        self.make('mit')
        self.assertEqual({'bu': ['v1'], 'mit': ['new']}, self.list())

    def test_what_somebody_has_written_into_the_cache(self):
        self.list()
        for name in list(self.cache.stored):
            self.cache.put(name, b'forged')
        self.assertEqual({'bu': ['v1'], 'mit': []}, self.list())

    def test_facts_of_another_release(self):
        self.list()
        owner = holdings.Owner('volumes', 'research', 'alice')
        for fact in (None, 5, [], {'': 5}, {'': {'mit': 'x'}}, 'x'):
            for what in ('stamp', 'nothing', 'lately', 'refused'):
                self.fanout.holdings.facts.set(
                    holdings.Holdings.key(owner)(what), fact)
            self.assertEqual({'bu': ['v1'], 'mit': []}, self.list())


class TestHadNothing(ListingTestCase):
    """While a cloud is away: whether anything can be missing."""

    def setUp(self):
        super().setUp()
        self.list()
        self.clock.let_pass(5 * holdings.LATELY)

    def had_nothing(self, **kwargs):
        self.clock.let_pass(61)
        self.away = dict.fromkeys(('bu', 'mit'), test_fanout.AWAY)
        self.list(**kwargs)
        self.assertEqual({'bu', 'mit'}, set(self.answers.missing))
        return self.answers.had_nothing

    def test_only_where_it_had_something(self):
        self.assertEqual({'mit'}, self.had_nothing())
        self.assertEqual({'mit'}, self.had_nothing(process=self.another))

    def test_something_was_made_since(self):
        self.make('mit')
        self.assertEqual(set(), self.had_nothing())

    def test_too_long_ago(self):
        self.clock.let_pass(holdings.OUTDATED)
        self.assertEqual(set(), self.had_nothing())

    def test_nothing_is_known(self):
        self.assertEqual(set(), self.had_nothing(project_id='teaching'))

    def test_user_who_was_not_let_in(self):
        self.away['bu'] = test_fanout.REFUSED
        self.list(user_id='bob')
        self.assertEqual({'bu', 'mit'}, self.had_nothing(user_id='bob'))
        self.assertEqual({'mit'}, self.had_nothing(user_id='alice'))

    def test_user_who_was_let_in_since(self):
        self.away['bu'] = test_fanout.REFUSED
        self.list()
        self.away.clear()
        self.list()
        self.assertEqual({'mit'}, self.had_nothing())

    def test_user_who_was_let_in_and_made_something(self):
        self.away['bu'] = test_fanout.REFUSED
        self.list()
        self.make('bu')
        self.assertEqual(set(), self.had_nothing())


class TestListingWithoutMemory(test_fanout.FanoutTestCase):
    """Nothing is skipped that another process may have filled."""

    options = 'listing_refresh = 0\n' + fixtures.shared_cache()

    def assertAllAreAsked(self):
        for _ in range(3):
            answers = self.fanout.ask_for_listing(
                holdings.Owner('volumes', 'research'), ['bu', 'mit'],
                lambda name: [])
            self.assertEqual({'bu': [], 'mit': []}, answers.answered)

    def test_not_wanted(self):
        self.useFixture(fixtures.SharedCache())
        self.assertAllAreAsked()

    def test_no_shared_cache(self):
        self.options = 'listing_refresh = 60\n'
        self.fanout = self.new_fanout()
        self.assertAllAreAsked()

    def test_shared_cache_that_is_down(self):
        self.useFixture(fixtures.SharedCache()).broken = True
        self.options = 'listing_refresh = 60\n' + fixtures.shared_cache()
        self.fanout = self.new_fanout()
        self.assertAllAreAsked()
