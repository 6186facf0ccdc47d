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

"""Paging through the volumes of two real clouds.

Hundreds of rows on each side are written into their databases, as many were
made within the same second; the databases, APIs and commands are real.
"""

import datetime
from typing import Any
from urllib import parse
import uuid

import hypothesis
from hypothesis import strategies

from sandbox import client
from tests.scenario import base
from tests.scenario import tables

MARK = 'os-mixmatch:service_provider'
MISSING = 'OpenStack-Mixmatch-Missing'
HOW_MANY = 200
NAMES = ('Zebra', 'apple', 'Äpfel', 'apple ', 'öl', 'Zoo', '_', '')
SETTINGS = hypothesis.settings(
    deadline=None, max_examples=8, database=None,
    suppress_health_check=list(hypothesis.HealthCheck))


class TestPages(base.Scenario):

    one_login = True

    made: dict[str, set[str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.made = {cloud: {str(uuid.uuid4()) for _ in range(HOW_MANY)}
                    for cloud in (cls.home, cls.provider)}
        for cloud, ids in cls.made.items():
            cls.write(cloud, ids)

    @classmethod
    def tearDownClass(cls) -> None:
        for cloud in cls.made:
            tables.execute(cloud, 'cinder',
                           "DELETE FROM volumes WHERE host = 'pages'")
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        self.wait_for_cinder()

    @classmethod
    def project(cls, cloud: str) -> str:
        at = None if cloud == cls.home else cloud
        cinder = cls.alice.api('block-storage', at=at)
        return cinder.get_project_id()

    @classmethod
    def write(cls, cloud: str, ids: set[str]) -> None:
        began = datetime.datetime(2026, 1, 1)
        project = cls.project(cloud)
        rows = ', '.join(
            f"('{each}', '{project}', 0, 'pages', 'available', "
            f"'{NAMES[number % len(NAMES)]}', {number % 3 + 1}, "
            f"'{began + datetime.timedelta(seconds=number // 9)}', "
            "'detached', 'nova', (SELECT id FROM volume_types WHERE deleted "
            "= 0 LIMIT 1), 0, 0, 0)"
            for number, each in enumerate(sorted(ids)))
        tables.execute(
            cloud, 'cinder', 'INSERT INTO volumes (id, project_id, deleted, '
            'host, status, display_name, size, created_at, attach_status, '
            'availability_zone, volume_type_id, use_quota, bootable, '
            f'multiattach) VALUES {rows}')

    @property
    def all(self) -> set[str]:
        return self.made[self.home] | self.made[self.provider]

    def pages(self, query: dict[str, Any], follow: bool,
              between: Any = lambda: None) -> list[dict[str, Any]]:
        """List the volumes of these tests, page by page."""
        cinder = self.alice.api('block-storage', version='3.70')
        url = '/volumes/detail?' + parse.urlencode(query)
        seen: list[dict[str, Any]] = []
        while True:
            response = cinder.get(url)
            self.assertEqual(200, response.status_code, response.text)
            self.assertNotIn(MISSING, response.headers)
            body = response.json()
            seen += body['volumes']
            if 'volumes_links' not in body:
                return [row for row in seen if row['id'] in self.all]
            if follow:
                url = body['volumes_links'][0]['href']
            else:
                url = '/volumes/detail?' + parse.urlencode(
                    query | {'marker': body['volumes'][-1]['id']})
            between()

    def assert_all_once(self, rows: list[dict[str, Any]]) -> None:
        ids = [row['id'] for row in rows]
        self.assertEqual(sorted(self.all), sorted(ids))
        for row in rows:
            is_there = row['id'] in self.made[self.provider]
            self.assertEqual(self.provider if is_there else None,
                             row.get(MARK))

    @SETTINGS
    @hypothesis.given(
        strategies.integers(25, 320), strategies.booleans(),
        strategies.sampled_from([
            'created_at:desc', 'created_at:asc', 'size:asc', 'name:asc',
            'name:desc,size:asc', 'status', 'id:asc']))
    def test_each_row_once(self, limit, follow, sort):
        rows = self.pages({'limit': limit, 'sort': sort}, follow)
        self.assert_all_once(rows)
        key, _, direction = sort.partition(',')[0].partition(':')
        if key != 'name':
            values = [row[key] for row in rows]
            self.assertEqual(sorted(
                values, reverse=direction != 'asc'), values)

    def test_default_order_is_newest_first(self):
        rows = self.pages({'limit': 20}, follow=False)
        self.assert_all_once(rows)
        places = [(row['created_at'], row['id']) for row in rows]
        self.assertEqual(sorted(places, reverse=True), places)

    def test_while_a_volume_comes_and_another_goes(self):
        events = [lambda: self.delete_volume(None, self.local_volume())]

        def between() -> None:
            if events:
                events.pop()()
        self.assert_all_once(self.pages({'limit': 60}, True, between))

    def test_a_page_costs_one_request_at_provider(self):
        pages = [1]
        before = self.sandbox.asked_for(self.provider)
        self.pages({'limit': 50}, True, lambda: pages.append(1))
        self.assertGreaterEqual(len(pages), 2 * HOW_MANY / 50)
        self.assertIn(self.sandbox.asked_for(self.provider) - before,
                      range(HOW_MANY // 50, len(pages) + 1))

    def test_the_command(self):
        """It follows links; for people the marker is a row's id."""
        def listed(*argv: str) -> list[str]:
            return [row['ID'] for row in client.must(self.alice.openstack(
                'volume', 'list', *argv, '-f', 'json')).json]
        ids = listed()
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(self.all, set(ids))
        # The command of 2026.2 follows links and takes the limit for that of
        # a page; the older ones take it for that of the whole.
        older = self.sandbox.site.mode.release < '2026.2'
        self.assertEqual(ids[:100] if older else ids,
                         listed('--limit', '100'))
        for last in (0, 99, 100, 200):
            self.assertEqual(ids[last + 1:], listed('--marker', ids[last]))

    def test_provider_is_away(self):
        """The list has what the living have, and names who is missing."""
        cinder = self.alice.api('block-storage')
        self.sandbox.control('stop', self.provider, 'cinder-api')
        try:
            response = cinder.get('/volumes?limit=1000')
            self.assertEqual(self.provider, response.headers[MISSING])
            ids = {row['id'] for row in response.json()['volumes']}
            self.assertLessEqual(self.made[self.home], ids)
            self.assertEqual(set(), self.made[self.provider] & ids)
            [some] = list(self.made[self.provider])[:1]
            shown = cinder.get(f'/volumes/{some}')
            self.assertEqual(503, shown.status_code)
            self.assertIn(self.provider, shown.text)
        finally:
            self.sandbox.control('start', self.provider, 'cinder-api')
        self.wait_for_cinder()
        self.assertNotIn(MISSING, cinder.get('/volumes?limit=1').headers)
