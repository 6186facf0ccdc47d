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

"""The state of a request that concerns other clouds."""

import gc

from mixmatch import exceptions
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit import base

Target = target.Target


class Request:
    """Context with as much as this module needs."""

    def __init__(self, request_id='req-1'):
        self.request_id = request_id


class TestRequestState(base.TestCase):

    def setUp(self):
        super().setUp()
        self.targets = state.RequestState()

    def test_nothing_is_known(self):
        self.assertIsNone(self.targets.get_target('v'))
        self.assertIsNone(self.targets.get_remote('v'))

    def test_home_is_not_foreign(self):
        self.targets.remember_target('v', target.HOME)
        self.assertEqual(target.HOME, self.targets.get_target('v'))
        self.assertIsNone(self.targets.get_remote('v'))

    def test_foreign(self):
        self.targets.remember_target('v', Target('bu', 'p1'))
        self.assertEqual(Target('bu', 'p1'), self.targets.get_remote('v'))

    def test_no_id_is_no_resource(self):
        self.targets.remember_target(None, Target('bu'))
        self.assertEqual({}, self.targets.to_dict())

    def test_project_is_learned_later(self):
        self.targets.remember_target('v', Target('bu'))
        self.targets.remember_target('v', Target('bu', 'p1'))
        self.assertEqual('p1', self.targets.get_target('v').project_id)

    def test_project_is_not_forgotten(self):
        self.targets.remember_target('v', Target('bu', 'p1'))
        self.targets.remember_target('v', Target('bu'))
        self.assertEqual('p1', self.targets.get_target('v').project_id)

    def assertConflict(self, *noted):
        targets = state.RequestState()
        for each in noted:
            targets.remember_target('v', each)
        for ask in (targets.get_target, targets.get_remote):
            exc = self.assertRaises(target.ConflictingTargets, ask, 'v')
            self.assertIn('v is reported by', str(exc))
        return targets

    def test_home_and_foreign_conflict(self):
        self.assertConflict(target.HOME, Target('bu'))
        self.assertConflict(Target('bu'), target.HOME)

    def test_two_service_providers_conflict(self):
        self.assertConflict(Target('bu'), Target('mit'))

    def test_two_projects_conflict(self):
        self.assertConflict(Target('bu', 'p1'), Target('bu', 'p2'))

    def test_a_conflict_is_never_forgotten(self):
        self.assertConflict(target.HOME, Target('bu'), target.HOME)

    def test_a_conflict_touches_no_other_resource(self):
        targets = self.assertConflict(target.HOME, Target('bu'))
        targets.remember_target('other', Target('bu'))
        self.assertEqual(Target('bu'), targets.get_remote('other'))

    def sent(self, targets):
        received = state.RequestState()
        received.update(targets.to_dict())
        return received

    def test_targets_travel(self):
        self.targets.remember_target('v', Target('a:b', 'p1'))
        self.assertEqual(Target('a:b', 'p1'),
                         self.sent(self.targets).get_target('v'))

    def test_conflicts_travel(self):
        targets = self.assertConflict(target.HOME, Target('bu'))
        self.assertRaises(target.ConflictingTargets,
                          self.sent(targets).get_remote, 'v')

    def test_conflicts_of_two_processes_are_seen(self):
        here = state.RequestState()
        here.remember_target('v', target.HOME)
        self.targets.remember_target('v', Target('bu'))
        here.update(self.targets.to_dict())
        self.assertRaises(target.ConflictingTargets, here.get_target, 'v')

    def test_home_is_not_sent(self):
        self.targets.remember_target('v', target.HOME)
        self.assertEqual({}, self.targets.to_dict())


class TestRestOfARequest(base.TestCase):

    def setUp(self):
        super().setUp()
        self.state = state.RequestState()

    def test_fields_are_private(self):
        """Each change of a request goes through a verb."""
        self.assertEqual([], [each for each in vars(self.state)
                              if not each.startswith('_')])

    def test_server_in_url_is_given_once(self):
        self.state.remember_attachment_in_url('s', 'v')
        self.assertIsNone(self.state.pop_server_in_url('other'))
        self.assertEqual('s', self.state.pop_server_in_url('v'))
        self.assertIsNone(self.state.pop_server_in_url('v'))

    def test_last_mapping_counts(self):
        self.assertFalse(self.state.has_bdm('a'))
        self.assertIsNone(self.state.get_volume_id('a'))
        for server_id in ('s', 'other'):
            self.state.remember_bdm('a', 'v', server_id)
        self.assertTrue(self.state.has_bdm('a'))
        self.assertEqual('v', self.state.get_volume_id('a'))
        self.assertEqual('other', self.state.get_server_id('a'))

    def test_compared_server(self):
        self.assertFalse(self.state.is_compared('a'))
        self.state.remember_bdm('a', 'v', 's')
        self.state.remember_bdm('b', 'w', None)
        self.assertFalse(self.state.is_compared('a'))
        self.assertFalse(self.state.is_compared('b'))
        self.state.compare_server('s')
        self.assertTrue(self.state.is_compared('a'))
        self.assertFalse(self.state.is_compared('b'))

    def test_not_found_is_forgotten(self):
        self.state.record_not_found('a')
        self.assertTrue(self.state.was_not_found('a'))
        self.state.forget_not_found('a')
        self.assertFalse(self.state.was_not_found('a'))

    def test_unanswered(self):
        self.assertFalse(self.state.was_unanswered('a'))
        self.state.record_unanswered('a')
        self.assertTrue(self.state.was_unanswered('a'))

    def test_snapshot_is_given_once(self):
        self.state.keep_snapshot('n', {'id': 'n'})
        self.assertEqual({'id': 'n'}, self.state.pop_snapshot('n'))
        self.assertIsNone(self.state.pop_snapshot('n'))

    def test_last_failure_counts(self):
        self.assertIsNone(self.state.failure)
        for reason in ('first', 'last'):
            self.state.record_failure(exceptions.InvalidTarget(reason=reason))
        self.assertEqual('last', self.state.failure.reason)

    def test_only_targets_are_sent(self):
        self.state.remember_bdm('a', 'v', 's')
        self.state.record_unanswered('a')
        self.state.restrict_to_this_cloud()
        self.assertEqual({}, self.state.to_dict())


class TestRegistry(base.TestCase):

    def setUp(self):
        super().setUp()
        self.registry = state.Registry()

    def test_contexts_of_one_request_share(self):
        one, other = Request(), Request()
        self.registry.from_context(one).remember_target('v', Target('bu'))
        self.assertEqual(Target('bu'),
                         self.registry.from_context(other).get_target('v'))

    def test_another_request_knows_nothing(self):
        one = Request()
        self.registry.from_context(one).remember_target('v', Target('bu'))
        self.assertIsNone(
            self.registry.from_context(Request('req-2')).get_target('v'))

    def test_nothing_stays_after_the_request(self):
        one = Request()
        self.registry.from_context(one).remember_target('v', Target('bu'))
        del one
        gc.collect()
        self.assertIsNone(self.registry.from_context(Request()).get_target('v'))
