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

"""Rules for what is sent on, and the table of them in the user guide."""

import pathlib
import re

from mixmatch_cinder.home import routes
from mixmatch_cinder.home import rules
from tests.unit import base
from tests.unit.mixmatch_cinder.home import base as home_base

ID = '22222222-0000-4000-8000-00000000000a'
TABLE = (pathlib.Path(__file__).parents[4]
         / 'doc/source/user/commands.rst').read_text()
ROW = re.compile(r'^   \* - (?P<command>.+?)\n     - (?P<request>.+?)\n'
                 r'     - (?P<answer>.+?)(?=\n   \* |\n\n|\Z)',
                 re.MULTILINE | re.DOTALL)


def rows():
    """Return the first word of the answer by (method, path, action)."""
    found = {}
    for row in ROW.finditer(TABLE):
        request = re.fullmatch(r'``(\w+) (\S+)( \S+)?``', row['request'])
        if request:
            method, path, action = request.groups(default='')
            found.setdefault((method, path, action.strip()), re.split(
                r'\W', row['answer'])[0])
    return found


class TestTable(base.TestCase):

    def test_rows_are_found(self):
        self.assertEqual('yes', rows()['POST', '/volumes/ID/action',
                                       'os-extend'])
        self.assertGreater(len(rows()), 40)
        self.assertEqual({'yes', 'there', 'no'}, set(rows().values()))

    def test_requests_about_one(self):
        for (method, path, action), answer in rows().items():
            route = routes.from_path(path.replace('ID', ID))
            if route is None or route.resource is None:
                continue
            self.assertTrue(route.has(method), (method, path))
            self.assertEqual(answer == 'yes', rules.is_sent_on(
                route, method, action), (method, path, action))

    def test_what_is_sent_on_is_in_the_table(self):
        for collection, actions in rules.ACTIONS.items():
            for action in actions:
                self.assertIn(('POST', f'/{collection}/ID/action', action),
                              rows())

    def test_what_is_made_of_a_volume_is_in_the_table(self):
        for collection in routes.CREATED_FROM_VOLUME:
            self.assertNotEqual('yes', rows()['POST', f'/{collection}', ''])

    def test_commands_are_for_what_is_refused(self):
        """A refusal has the command where the table says "there"."""
        for (method, path, action), answer in rows().items():
            collection = path.strip('/')
            if action:
                what = action
            elif method == 'POST' and collection in routes.CREATED_FROM_VOLUME:
                what = collection
            else:
                continue
            found = rules.command(what, routes.Resource(routes.VOLUMES, ID))
            self.assertEqual(answer == 'there', found != '...', what)


class TestActions(home_base.RealCinderTestCase):

    def test_actions_of_cinder(self):
        """No action is sent on that no Cinder has."""
        for collection, actions in rules.ACTIONS.items():
            self.assertEqual(frozenset(), actions.difference(
                self.cinders.actions(collection)))
