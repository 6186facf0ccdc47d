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

"""The file that an operator edits, and what he is told."""

import os
import pathlib

import fixtures

from mixmatch_keystone import rules_file
from tests.unit import base
from tests.unit.mixmatch_keystone import people

GOOD = """\
identity_providers:
  moc:
    domains: Default
    rules:
    - name: research
      projects: research
      roles: {member: member}
      local_project: research
"""


class TestParse(base.TestCase):

    def test_good(self):
        known = rules_file.parse(GOOD)
        self.assertEqual('research', known.decide(
            'moc', people.somebody()).rule)

    def test_default_lifetimes(self):
        grant = rules_file.parse(GOOD).decide('moc', people.somebody())
        self.assertEqual((3600, 8 * 3600),
                         (grant.token_lifetime, grant.grant_lifetime))

    def assert_invalid(self, line, *said, text=GOOD, old='', new=''):
        self.assertIn(old, text)
        error = self.assertRaises(rules_file.InvalidRules, rules_file.parse,
                                  text.replace(old, new, 1))
        self.assertEqual(line, error.line, str(error))
        for each in said:
            self.assertIn(each, str(error))

    def test_no_yaml(self):
        self.assert_invalid(7, 'line 7', old='projects: research',
                            new='projects: [research')

    def test_nothing(self):
        self.assert_invalid(1, 'identity_providers', old=GOOD)

    def test_misspelt(self):
        self.assert_invalid(5, 'project', 'unexpected', old='projects:',
                            new='project:')

    def test_missing(self):
        self.assert_invalid(2, 'moc', 'domains', old='    domains: Default\n')

    def test_no_duration(self):
        self.assert_invalid(
            3, 'token_lifetime', old='    domains',
            new='    token_lifetime: 3 hours\n    domains')

    def test_text_that_yaml_takes_for_something_else(self):
        self.assert_invalid(6, 'True', old='projects: research',
                            new='projects: yes')
        self.assert_invalid(7, 'quote', old='{member:', new='{1:')

    def test_key_that_is_there_twice(self):
        self.assert_invalid(7, 'projects', old='      roles',
                            new='      projects: all\n      roles')

    def test_rules_of_one_name(self):
        rule = GOOD[GOOD.index('    - name'):]
        self.assert_invalid(9, 'research', text=GOOD + rule)

    def test_grant_that_ends_before_its_token(self):
        self.assert_invalid(6, 'grant_lifetime', old='    domains',
                            new='    grant_lifetime: 10m\n    domains')

    def test_grant_of_half_a_minute(self):
        self.assert_invalid(3, 'minutes', old='    domains',
                            new='    grant_lifetime: 30s\n    domains')

    def test_unknown_placeholder(self):
        self.assert_invalid(8, '{project_domain}', old='local_project: r',
                            new='local_project: "{user}" #')

    def test_project_named_by_another_cloud_elsewhere(self):
        self.assert_invalid(
            9, 'domain of its identity provider', old='local_project: r',
            new='local_project: "{project}"\n      local_domain: Default #')

    def test_projects_of_two_domains_that_would_meet(self):
        self.assert_invalid(
            8, '{project_domain}', text=GOOD.replace(
                'Default', '[Default, physics]'),
            old='local_project: r', new='local_project: "{project}" #')

    def test_project_made_in_a_domain_of_the_landlord(self):
        self.assert_invalid(
            10, 'create', old='local_project: research',
            new='local_project: research\n      local_domain: Default'
                '\n      create: true')

    def test_the_schema_is_one(self):
        import jsonschema
        jsonschema.Draft202012Validator.check_schema(rules_file.schema())


class TestReload(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'rules.yaml'
        self.log = self.useFixture(fixtures.FakeLogger())
        self.file = rules_file.RulesFile(self.path)

    def write(self, text):
        """Replace the file as an editor does."""
        new = self.path.with_suffix('.new')
        new.write_text(text)
        os.replace(new, self.path)

    def test_change_without_restart(self):
        self.write(GOOD)
        self.assertIn('moc', self.file.rules().identity_providers)
        self.write(GOOD.replace('moc', 'nu'))
        self.assertEqual(['nu'], [*self.file.rules().identity_providers])

    def test_unchanged_is_not_read_again(self):
        self.write(GOOD)
        self.assertIs(self.file.rules(), self.file.rules())

    def test_the_last_good_one_stays(self):
        self.write(GOOD)
        good = self.file.rules()
        self.write('identity_providers: [')
        self.assertIs(good, self.file.rules())
        self.assertIs(good, self.file.rules())
        self.assertEqual(1, self.log.output.count('cannot be used'))
        self.assertIn('line 1', self.log.output)
        self.path.unlink()
        self.assertIs(good, self.file.rules())
        self.assertIn('No such file', self.log.output)

    def test_mended(self):
        self.write('[')
        self.assertRaises(rules_file.RulesUnavailable, self.file.rules)
        self.write(GOOD)
        self.assertIn('moc', self.file.rules().identity_providers)

    def test_there_never_was_one(self):
        self.assertRaises(rules_file.RulesUnavailable, self.file.rules)
        self.assertIn('All logins are refused', self.log.output)
