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

"""Rules, and the grants that they give."""

import textwrap

from mixmatch_keystone import rules
from mixmatch_keystone import rules_file
from tests.unit import base
from tests.unit.mixmatch_keystone import people

RULES = """
identity_providers:
  moc:
    domains: [Default, physics]
    token_lifetime: 30m
    grant_lifetime: 2h
    rules:
    - name: not mallory
      deny: true
      users: mallory
    - name: no administrators of teaching
      deny: true
      projects: teaching
      roles: [admin]
    - name: nova
      users: nova
      projects: service
      project_domains: Default
      roles: {service: k2k_nova}
      local_project: moc-service
      everywhere: true
    - name: research
      projects: [research]
      project_domains: [Default]
      roles: {reader: reader, member: [member, reader], admin: member}
      local_project: research
      local_domain: Default
      token_lifetime: 5m
    - name: lab
      projects: lab-*
      roles: {member: member}
      local_project: "{project}@{project_domain}"
      create: true
    - name: teaching
      projects: teaching
      roles: {admin: member, member: member}
      local_project: teaching
  nu:
    domains: [nu, moc]
    rules:
    - name: guests of moc
      user_domains: moc
      roles: {member: reader}
      local_project: guests
"""


class RulesTestCase(base.TestCase):

    def decide(self, identity_provider='moc', text=RULES, **who):
        return rules_file.parse(textwrap.dedent(text)).decide(
            identity_provider, people.somebody(**who))

    def assert_refused(self, rule, **who):
        refused = self.assertRaises(rules.Refused, self.decide, **who)
        self.assertEqual(rule, refused.rule)


class TestDecision(RulesTestCase):

    def test_project_that_is_named(self):
        grant = self.decide()
        self.assertEqual('research', grant.rule)
        self.assertEqual(rules.Project('research', 'Default'), grant.project)
        self.assertEqual({'member', 'reader'}, grant.roles)
        self.assertIsNone(grant.everywhere)
        self.assertFalse(grant.create)

    def test_lifetimes_of_the_rule_and_the_identity_provider(self):
        grant = self.decide()
        self.assertEqual((300, 7200),
                         (grant.token_lifetime, grant.grant_lifetime))
        grant = self.decide(project='lab-1')
        self.assertEqual(1800, grant.token_lifetime)

    def test_roles_are_mapped_one_by_one(self):
        self.assertEqual({'reader'}, self.decide(roles=['reader']).roles)
        self.assertEqual({'member'}, self.decide(roles=['admin']).roles)

    def test_role_that_gives_nothing(self):
        self.assert_refused('research', roles=['auditor'])
        self.assert_refused('research', roles=[])

    def test_project_that_is_filled_in(self):
        grant = self.decide(project='lab-1', user_domain='physics',
                            project_domain='physics')
        self.assertEqual(rules.Project('lab-1@physics'), grant.project)
        self.assertTrue(grant.create)

    def test_name_that_looks_like_a_placeholder(self):
        grant = self.decide(project='lab-{project_domain}')
        self.assertEqual('lab-{project_domain}@Default', grant.project.name)

    def test_the_first_rule_counts(self):
        self.assert_refused('not mallory', user='mallory')

    def test_denial_of_a_role(self):
        self.assertEqual('teaching', self.decide(project='teaching').rule)
        self.assert_refused('no administrators of teaching',
                            project='teaching', roles=['admin', 'member'])

    def test_no_rule(self):
        self.assert_refused(None, project='secret')
        self.assert_refused(None, project='research',
                            project_domain='physics')

    def test_identity_provider_without_rules(self):
        self.assert_refused(None, identity_provider='elsewhere')

    def test_service_user(self):
        grant = self.decide(user='nova', project='service',
                            roles=['service', 'admin'])
        self.assertEqual({'k2k_nova'}, grant.roles)
        self.assertEqual((rules.Project('research', 'Default'),),
                         grant.everywhere)


class TestChain(RulesTestCase):
    """A user of moc comes by way of nu."""

    def test_domain_that_the_intermediate_cloud_may_speak_for(self):
        grant = self.decide('nu', user_domain='moc', project_domain='nu')
        self.assertEqual(('guests of moc', {'reader'}),
                         (grant.rule, grant.roles))

    def test_domain_that_it_may_not_speak_for(self):
        self.assert_refused(None, identity_provider='nu')
        self.assert_refused(None, identity_provider='nu', user_domain='moc')

    def test_the_users_of_the_intermediate_cloud_itself(self):
        self.assert_refused(None, identity_provider='nu', user_domain='nu',
                            project_domain='nu')


class TestNames(base.TestCase):

    def test_only_the_star_is_special(self):
        for pattern, name, matches in (
                ('a', 'a', True), ('a', 'ab', False), ('a*', 'ab', True),
                ('*', '', True), ('*', 'a\nb', True), ('a.c', 'abc', False),
                ('[ab]', 'a', False), ('[ab]', '[ab]', True),
                ('a|b', 'a', False), ('*@x', 'y@x', True),
                ('é', 'e', False), ('A', 'a', False), ('a', 'a\n', False)):
            self.assertEqual(matches, name in rules.Names([pattern]),
                             (pattern, name))

    def test_several(self):
        names = rules.Names(['a', 'b*'])
        self.assertEqual([True, True, False],
                         [each in names for each in ('a', 'bc', 'ab')])

    def test_single(self):
        self.assertEqual(
            [True, False, False],
            [rules.Names(each).single for each in (['a'], ['a*'],
                                                   ['a', 'b'])])
