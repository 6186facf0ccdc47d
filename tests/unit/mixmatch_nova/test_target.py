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

"""Clouds of the volumes and attachments of a request."""

import gc

from mixmatch_nova import target
from tests.unit import base

Target = target.Target


class Request:
    """Context with as much as this module needs."""

    def __init__(self, request_id='req-1'):
        self.request_id = request_id


class TestTarget(base.TestCase):

    def test_text_and_back(self):
        for each in (Target('bu', 'p1'), Target('a:b', 'p1'), Target('bu')):
            self.assertEqual(each, Target.parse(str(each)))


class TestTargets(base.TestCase):

    def setUp(self):
        super().setUp()
        self.targets = target.Targets()

    def test_nothing_is_known(self):
        self.assertIsNone(self.targets.get('v'))
        self.assertIsNone(self.targets.get_remote('v'))

    def test_home_is_not_foreign(self):
        self.targets.remember('v', target.HOME)
        self.assertEqual(target.HOME, self.targets.get('v'))
        self.assertIsNone(self.targets.get_remote('v'))

    def test_foreign(self):
        self.targets.remember('v', Target('bu', 'p1'))
        self.assertEqual(Target('bu', 'p1'), self.targets.get_remote('v'))

    def test_no_id_is_no_resource(self):
        self.targets.remember(None, Target('bu'))
        self.assertEqual({}, self.targets.to_dict())

    def test_project_is_learned_later(self):
        self.targets.remember('v', Target('bu'))
        self.targets.remember('v', Target('bu', 'p1'))
        self.assertEqual('p1', self.targets.get('v').project_id)

    def test_project_is_not_forgotten(self):
        self.targets.remember('v', Target('bu', 'p1'))
        self.targets.remember('v', Target('bu'))
        self.assertEqual('p1', self.targets.get('v').project_id)

    def assertConflict(self, *noted):
        targets = target.Targets()
        for each in noted:
            targets.remember('v', each)
        for ask in (targets.get, targets.get_remote):
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
        targets.remember('other', Target('bu'))
        self.assertEqual(Target('bu'), targets.get_remote('other'))

    def sent(self, targets):
        received = target.Targets()
        received.update(targets.to_dict())
        return received

    def test_targets_travel(self):
        self.targets.remember('v', Target('a:b', 'p1'))
        self.assertEqual(Target('a:b', 'p1'), self.sent(self.targets).get('v'))

    def test_conflicts_travel(self):
        targets = self.assertConflict(target.HOME, Target('bu'))
        self.assertRaises(target.ConflictingTargets,
                          self.sent(targets).get_remote, 'v')

    def test_conflicts_of_two_processes_are_seen(self):
        here = target.Targets()
        here.remember('v', target.HOME)
        self.targets.remember('v', Target('bu'))
        here.update(self.targets.to_dict())
        self.assertRaises(target.ConflictingTargets, here.get, 'v')

    def test_home_is_not_sent(self):
        self.targets.remember('v', target.HOME)
        self.assertEqual({}, self.targets.to_dict())


class TestRegistry(base.TestCase):

    def setUp(self):
        super().setUp()
        self.registry = target.Registry()

    def test_contexts_of_one_request_share(self):
        one, other = Request(), Request()
        self.registry.from_context(one).remember('v', Target('bu'))
        self.assertEqual(Target('bu'),
                         self.registry.from_context(other).get('v'))

    def test_another_request_knows_nothing(self):
        one = Request()
        self.registry.from_context(one).remember('v', Target('bu'))
        self.assertIsNone(
            self.registry.from_context(Request('req-2')).get('v'))

    def test_nothing_stays_after_the_request(self):
        one = Request()
        self.registry.from_context(one).remember('v', Target('bu'))
        del one
        gc.collect()
        self.assertIsNone(self.registry.from_context(Request()).get('v'))
