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

"""Pages of the merged list contain each row once, in order.

Whatever the size of a page, however the client names where it was, and
whatever comes and goes meanwhile. The Cinders are real ones.
"""

from urllib import parse

import hypothesis
from hypothesis import strategies

from tests.unit.mixmatch_cinder.home import base

SETTINGS = hypothesis.settings(
    deadline=None, max_examples=20,
    suppress_health_check=list(hypothesis.HealthCheck))

#: How clients go on: by the link to the next page (as cinderclient, the SDK
#: and gophercloud do), by the id of the last row (as people and Horizon do),
#: and so that another process of cinder-api answers each request.
LINK, LAST, LAST_ELSEWHERE, LINK_ELSEWHERE = range(4)

CLOUDS = strategies.sampled_from(['', 'bu', 'mit'])
#: Few seconds, names and sizes, so that many are alike.
VOLUME = strategies.tuples(
    strategies.integers(0, 3), strategies.sampled_from(
        ['a', 'B', 'b', 'Ä', 'z', None]), strategies.integers(1, 3))
VOLUMES = strategies.lists(strategies.tuples(CLOUDS, VOLUME), max_size=15)
EVENTS = strategies.lists(strategies.tuples(
    strategies.sampled_from(['add', 'delete', 'delete the marker']),
    CLOUDS, VOLUME), min_size=2, max_size=6)
#: What all databases sort alike.
SORTS = strategies.sampled_from(
    ['', 'created_at:asc', 'size', 'size:asc,created_at:desc', 'id',
     'created_at:desc,size:asc'])


class PagingTestCase(base.RealCinderTestCase):

    def begin(self, volumes):
        # NOTE: Hypothesis has each example make the same ids again, which a
        # process remembers as ends of pages of other lists.
        self.another_process()
        for cloud in self.cinders.all.values():
            cloud.clear()
        self.rows = {}
        for cloud, volume in volumes:
            self.add(cloud, *volume)

    def add(self, cloud, second, name, size):
        volume_id = self.cinders.all[cloud].add(
            second, display_name=name, size=size)
        self.rows[volume_id] = {'cloud': cloud, 'created_at': second,
                                'size': size, 'id': volume_id, 'name': name}
        return volume_id

    def happen(self, event, cloud, volume, marker):
        """Something happens between two pages; the id of what it is about.
        """
        if event == 'add':
            return self.add(cloud, *volume)
        if event == 'delete the marker':
            gone = marker
        else:
            there = [each for each, row in self.rows.items()
                     if row['cloud'] == cloud and each != marker]
            gone = there[volume[0] % len(there)] if there else None
        if gone:
            self.cinders.all[self.rows[gone]['cloud']].delete(gone)
        return gone

    def place(self, volume_id, sort):
        """Return what the place of a row in a list depends on."""
        keys = [key.partition(':') for key in (sort or 'created_at').split(
            ',')]
        first = keys[0][2] or 'desc'
        keys += [(key, '', first) for key in ('created_at', 'id')]
        row = self.rows[volume_id]
        return [(row[key], direction or 'desc')
                for key, _, direction in keys]

    def assertSorted(self, ids, sort):
        for one, other in zip(ids, ids[1:]):
            for (before, direction), (after, _) in zip(
                    self.place(one, sort), self.place(other, sort)):
                if before != after:
                    self.assertEqual(direction == 'asc', before < after,
                                     (self.place(one, sort),
                                      self.place(other, sort)))
                    break

    def pages(self, limit, sort, how, between=lambda marker: None,
              path='/volumes/detail'):
        """The ids that a client sees."""
        query = {'limit': str(limit)} | ({'sort': sort} if sort else {})
        url = f'{path}?{parse.urlencode(query)}'
        seen = []
        while True:
            before = {name: len(self.cinders.asked_of(name))
                      for name in self.names}
            body = self.get(url)
            for name, count in before.items():
                self.most_requests = max(
                    self.most_requests,
                    len(self.cinders.asked_of(name)) - count)
            rows = [row['id'] for row in body['volumes']]
            self.assertLessEqual(len(rows), limit)
            seen += rows
            if 'volumes_links' not in body:
                return seen
            self.assertEqual(limit, len(rows))
            if how in (LINK, LINK_ELSEWHERE):
                [link] = body['volumes_links']
                self.assertEqual('next', link['rel'])
                url = link['href'].removeprefix('http://home:8776/v3')
            else:
                url = f'{path}?' + parse.urlencode(
                    query | {'marker': rows[-1]})
            if how in (LAST_ELSEWHERE, LINK_ELSEWHERE):
                self.another_process()
            between(rows[-1])

    most_requests = 0


class TestPaging(PagingTestCase):

    @SETTINGS
    @hypothesis.given(VOLUMES, SORTS, strategies.integers(1, 6),
                      strategies.sampled_from([
                          LINK, LAST, LAST_ELSEWHERE, LINK_ELSEWHERE]))
    def test_each_row_once_in_order(self, volumes, sort, limit, how):
        self.most_requests = 0
        self.begin(volumes)
        seen = self.pages(limit, sort, how)
        self.assertEqual(sorted(self.rows), sorted(seen))
        self.assertSorted(seen, sort)
        self.assertLessEqual(self.most_requests, 1)

    @SETTINGS
    @hypothesis.given(VOLUMES, SORTS, strategies.integers(1, 4),
                      strategies.sampled_from([LINK, LAST, LINK_ELSEWHERE]),
                      EVENTS)
    def test_while_volumes_come_and_go(self, volumes, sort, limit, how,
                                       events):
        # NOTE: a list of home alone is home's own, which ends with 404 when
        # the marker is deleted.
        self.begin([*volumes, ('bu', (1, 'there', 1))])
        always = set(self.rows)
        left = list(events)

        def between(marker):
            if left:
                event, cloud, volume = left.pop()
                always.discard(self.happen(event, cloud, volume, marker))
        seen = self.pages(limit, sort, how, between)
        self.assertEqual(len(seen), len(set(seen)), 'twice')
        self.assertEqual(set(), always - set(seen), 'never')
        self.assertSorted(seen, sort)

    @SETTINGS
    @hypothesis.given(VOLUMES, SORTS, strategies.integers(1, 4), EVENTS)
    def test_by_last_row_in_another_process_while_volumes_come_and_go(
            self, volumes, sort, limit, events):
        self.begin(volumes)
        always = set(self.rows)
        left = [each for each in events if each[0] != 'delete the marker']

        def between(marker):
            if left:
                event, cloud, volume = left.pop()
                always.discard(self.happen(event, cloud, volume, marker))
        seen = self.pages(limit, sort, LAST_ELSEWHERE, between)
        self.assertEqual(len(seen), len(set(seen)), 'twice')
        self.assertEqual(set(), always - set(seen), 'never')
        self.assertSorted(seen, sort)

    @SETTINGS
    @hypothesis.given(VOLUMES, strategies.sampled_from(
        ['name', 'name:asc', 'name:asc,size:desc', 'status', 'host']),
        strategies.integers(1, 6), strategies.sampled_from([
            LINK, LAST, LAST_ELSEWHERE, LINK_ELSEWHERE]))
    def test_text_that_databases_sort_in_their_own_way(
            self, volumes, sort, limit, how):
        """Each once, and of each cloud in its order."""
        self.begin(volumes)
        seen = self.pages(limit, sort, how)
        self.assertEqual(sorted(self.rows), sorted(seen))
        for name in self.names:
            theirs = [each for each in seen
                      if self.rows[each]['cloud'] == name]
            alone = self.get(f'/volumes?sort={sort}&os-mixmatch'
                             f':service_provider={name}')['volumes']
            self.assertEqual([row['id'] for row in alone], theirs)

    def test_many_on_each_side(self):
        self.begin([(cloud, (number // 3, 'disk', 1))
                    for number in range(120) for cloud in ('', 'bu')])
        for limit, how in ((25, LINK), (50, LAST), (100, LAST_ELSEWHERE)):
            seen = self.pages(limit, '', how)
            self.assertEqual(sorted(self.rows), sorted(seen))
            self.assertSorted(seen, '')
        self.assertEqual(1, self.most_requests)

    def test_new_row_before_the_place_comes_too_late(self):
        """The client is past its place, wherever it lives."""
        for how in (LINK, LAST, LAST_ELSEWHERE):
            self.begin([('', (3, 'a', 1)), ('', (2, 'b', 1)),
                        ('', (1, 'c', 1)), ('bu', (0, 'd', 1))])
            there = list(self.rows)
            self.assertEqual(there, self.pages(
                2, '', how, lambda _: self.add('mit', 5, 'new', 1)))

    def test_row_that_was_a_marker_and_its_neighbours(self):
        """After a marker is gone nothing before it comes again."""
        self.begin([('bu', (second, 'a', 1)) for second in (9, 8, 7, 6)]
                   + [('', (second, 'a', 1)) for second in (5, 4)])
        there = list(self.rows)
        gone = []

        def between(marker):
            if not gone:
                gone.append(self.happen('delete the marker', '', (), marker))
        self.assertEqual(there, self.pages(2, '', LINK, between))
        self.assertEqual(there[1:2], gone)

    def test_deleted_marker_costs_one_request_more(self):
        self.begin([('bu', (2, 'one', 1)), ('bu', (1, 'two', 1)),
                    ('', (0, 'three', 1))])
        page = self.get('/volumes?limit=1')
        [marker] = [row['id'] for row in page['volumes']]
        self.cinders.bu.delete(marker)
        before = len(self.cinders.asked_of('bu'))
        page = self.get(f'/volumes?limit=1&marker={marker}')
        self.assertEqual('two', page['volumes'][0]['name'])
        self.assertEqual(before + 2, len(self.cinders.asked_of('bu')))

    def test_more_than_a_cinder_gives_at_once(self):
        """Home's limit is larger than theirs, or theirs than home's."""
        self.cinders.override('osapi_max_limit', 4)
        self.begin([(cloud, (number, 'disk', 1))
                    for number in range(11) for cloud in ('', 'bu')])
        for how in (LINK, LAST_ELSEWHERE):
            seen = self.pages(4, '', how)
            self.assertEqual(sorted(self.rows), sorted(seen))
            self.assertSorted(seen, '')
