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

"""Properties of all rules and assertions."""

import hypothesis
from hypothesis import strategies

from mixmatch_keystone import rules
from tests.unit import base
from tests.unit.mixmatch_keystone import people

#: How fast a busy machine makes examples says nothing about rules.
SETTINGS = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])

ROLES = ('reader', 'member', 'admin', 'service')

NAMES = strategies.one_of(
    strategies.sampled_from(('a', 'b', 'ab', 'a*', '{project}', 'moc;nu')),
    strategies.text(min_size=1, max_size=8))
PATTERNS = strategies.builds(rules.Names, strategies.lists(
    strategies.one_of(NAMES, strategies.just('*')), min_size=1, max_size=3))
ROLE_SETS = strategies.frozensets(strategies.sampled_from(ROLES))
MATCHES = {'users': PATTERNS, 'user_domains': PATTERNS,
           'projects': PATTERNS, 'project_domains': PATTERNS}

RULE = strategies.builds(
    rules.Rule, strategies.uuids().map(str), strategies.just(60), **MATCHES,
    roles=strategies.dictionaries(
        strategies.sampled_from(ROLES), ROLE_SETS.filter(bool), min_size=1),
    project=strategies.builds(rules.Project, NAMES),
    create=strategies.booleans(), everywhere=strategies.booleans())
#: One that denies, whatever the roles.
DENIAL = strategies.builds(rules.Rule, strategies.uuids().map(str),
                           strategies.just(60), **MATCHES)
IDENTITY_PROVIDER = strategies.builds(
    rules.IdentityProvider, PATTERNS, strategies.just(3600),
    strategies.lists(RULE | DENIAL, max_size=5).map(tuple))
SOMEBODY = strategies.builds(
    people.somebody, user=NAMES, project=NAMES, roles=ROLE_SETS,
    user_domain=NAMES, project_domain=NAMES)


def decided(identity_provider, who):
    """The grant, or None."""
    try:
        return identity_provider.decide(who)
    except rules.Refused:
        return None


def with_roles(who, roles):
    return people.somebody(who.user, who.project, roles, who.user_domain,
                           who.project_domain)


class TestProperties(base.TestCase):

    @SETTINGS
    @hypothesis.given(IDENTITY_PROVIDER, SOMEBODY, ROLE_SETS)
    def test_more_roles_at_home_never_give_fewer_here(self, idp, who, more):
        before = decided(idp, who)
        after = decided(idp, with_roles(who, who.roles | more))
        if before is not None:
            self.assertIsNotNone(after)
            self.assertEqual(before.project, after.project)
            self.assertLessEqual(before.roles, after.roles)

    @SETTINGS
    @hypothesis.given(IDENTITY_PROVIDER, SOMEBODY)
    def test_nothing_without_a_rule_about_it(self, idp, who):
        grant = decided(idp, who)
        if grant is None:
            return
        self.assertIn(who.user_domain, idp.domains)
        self.assertIn(who.project_domain, idp.domains)
        about = [rule for rule in idp.rules if rule.is_about(who)]
        self.assertEqual(grant.rule, about[0].name)
        self.assertLessEqual(grant.roles, frozenset().union(
            *about[0].roles.values()))

    @SETTINGS
    @hypothesis.given(SOMEBODY, IDENTITY_PROVIDER)
    def test_no_text_makes_it_another_clouds_rule(self, who, theirs):
        known = rules.Rules({
            'moc': rules.IdentityProvider(rules.Names(), 3600, ()),
            'nu': theirs})
        self.assertRaises(rules.Refused, known.decide, 'moc', who)

    @SETTINGS
    @hypothesis.given(SOMEBODY, SOMEBODY)
    def test_projects_of_two_never_meet(self, one, other):
        """Filled-in names differ, as the schema demands."""
        project = rules.Project('{project}')
        if one.project != other.project:
            self.assertNotEqual(project.fill_in(one), project.fill_in(other))

    @SETTINGS
    @hypothesis.given(NAMES, NAMES)
    def test_a_name_without_a_star_means_itself(self, name, other):
        hypothesis.assume('*' not in name)
        self.assertEqual(name == other, other in rules.Names([name]))
