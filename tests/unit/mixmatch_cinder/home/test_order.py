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

"""Sort order of rows, as in Cinder."""

import webob

from mixmatch_cinder.home import order
from tests.unit import base


def of_query(query):
    return order.Order.from_request(webob.Request.blank(f'/volumes?{query}'))


class TestOrder(base.TestCase):

    def sorted(self, query, field, *values):
        """The values of a field in the order of their rows."""
        sort = of_query(query)
        rows = [{'created_at': '2026', 'id': str(number), field: value}
                for number, value in enumerate(values)]
        return [row[field] for row in sorted(
            rows, key=lambda row: sort.key(sort.values(row)))]

    def test_default_is_newest_first(self):
        self.assertEqual(['2026', '2025', None], self.sorted(
            '', 'created_at', '2025', None, '2026'))

    def test_columns_have_the_names_of_the_api(self):
        self.assertEqual(['a', 'b'], self.sorted(
            'sort=display_name:asc', 'name', 'b', 'a'))

    def test_text_without_case_accents_and_trailing_blanks(self):
        self.assertEqual(['a', '\xc4 ', 'b'], self.sorted(
            'sort=name:asc', 'name', 'b', 'a', '\xc4 '))

    def test_values_of_any_type(self):
        sort = of_query('sort=size')
        self.assertEqual([None, None, 'x'], sort.values(
            {'size': {}, 'created_at': [], 'id': 'x'}))

    def test_missing_keys_are_appended(self):
        self.assertEqual(3, of_query('sort=size').width)
        self.assertEqual(2, of_query('sort=id').width)

    def test_text_is_not_sorted_alike_by_all_databases(self):
        self.assertTrue(of_query('sort=size').exact)
        self.assertFalse(of_query('sort=name').exact)
