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

"""Pages of the merged list contain each image once, in order."""

import base64
from urllib import parse

import hypothesis
from hypothesis import strategies

from mixmatch import api
from tests.unit_glance import lists

SETTINGS = hypothesis.settings(
    deadline=None, max_examples=15,
    suppress_health_check=list(hypothesis.HealthCheck))

#: How clients go on: by the link to the next page, by the id of the last
#: row, and so that another process answers each request.
LINK, LAST, LAST_ELSEWHERE, LINK_ELSEWHERE = range(4)
WAYS = strategies.sampled_from([LINK, LAST, LAST_ELSEWHERE, LINK_ELSEWHERE])

CLOUDS = strategies.sampled_from(['', 'bu', 'mit'])
IMAGE = strategies.tuples(
    strategies.integers(0, 3), strategies.sampled_from(['a', 'b', 'z']),
    strategies.integers(1, 3))
IMAGES = strategies.lists(strategies.tuples(CLOUDS, IMAGE), max_size=12)
SORTS = strategies.sampled_from([
    '', 'sort=created_at:asc', 'sort_key=size', 'sort=size:asc,name:desc',
    'sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc',
    'sort=id', 'sort_key=created_at&sort_key=size&sort_dir=asc'])
EVENTS = strategies.lists(strategies.tuples(
    strategies.sampled_from(['add', 'delete', 'delete the marker']),
    CLOUDS, IMAGE), min_size=2, max_size=5)


class TestPaging(lists.ListTestCase):

    def begin(self, images):
        self.clear_home()
        for there in self.glances.values():
            there.images.clear()
        self.restart()
        self.rows = {}
        for cloud, image in images:
            self.add(cloud, *image)

    def add(self, cloud, second, name, size):
        if cloud:
            image_id = self.add_there(self.glances[cloud], second, name=name,
                                      size=size)
        else:
            image_id = self.add_home(second, name=name, size=size)
        self.rows[image_id] = {'cloud': cloud, 'created_at': second,
                               'size': size, 'id': image_id, 'name': name}
        return image_id

    def happen(self, event, cloud, image, marker):
        """Something happens between two pages; the id of what it is about.
        """
        if event == 'add':
            return self.add(cloud, *image)
        if event == 'delete the marker':
            gone = marker
        else:
            there = [each for each, row in self.rows.items()
                     if row['cloud'] == cloud and each != marker]
            gone = there[image[0] % len(there)] if there else None
        if gone:
            cloud = self.rows[gone]['cloud']
            if not cloud:
                self.delete_home(gone)
            elif gone in self.glances[cloud].images:
                self.glances[cloud].delete(gone)
        return gone

    def keys(self, sort):
        """Return sort keys, and whether they are descending."""
        given = parse.parse_qsl(sort)
        if 'sort' in dict(given):
            pairs = [each.partition(':')[::2]
                     for each in dict(given)['sort'].split(',')]
            keys, directions = map(list, zip(*pairs))
        else:
            keys = [value for key, value in given if key == 'sort_key']
            directions = [value for key, value in given
                          if key == 'sort_dir']
        keys = keys or ['created_at']
        descending = [each != 'asc' for each in directions] or [True]
        rest = descending[0] if len(descending) == 1 else True
        descending *= len(keys) if len(descending) == 1 else 1
        more = [key for key in ('created_at', 'id') if key not in keys]
        return [*keys, *more], descending + [rest] * len(more)

    def assertSorted(self, ids, sort):
        expected = list(ids)
        for key, descending in reversed([*zip(*self.keys(sort))]):
            expected.sort(key=lambda each: self.rows[each][key],
                          reverse=descending)
        self.assertEqual(expected, ids)

    def pages(self, limit, sort, how, between=lambda marker: None):
        """The ids that a client sees."""
        first = f'{lists.PATH}?limit={limit}' + (sort and f'&{sort}')
        url, seen = first, []
        while True:
            before = [len(each.lists) for each in self.glances.values()]
            body = self.get(url)
            self.most_requests = max(self.most_requests, *(
                len(each.lists) - count for each, count
                in zip(self.glances.values(), before)))
            self.assertEqual(first, parse.unquote(body['first']))
            rows = [row['id'] for row in body['images']]
            seen += rows
            if 'next' not in body:
                return seen
            self.assertEqual(limit, len(rows))
            url = body['next'] if how in (LINK, LINK_ELSEWHERE) else (
                f'{first}&marker={rows[-1]}')
            if how in (LAST_ELSEWHERE, LINK_ELSEWHERE):
                self.restart()
            between(rows[-1])

    most_requests = 0

    @SETTINGS
    @hypothesis.given(IMAGES, SORTS, strategies.integers(1, 5), WAYS)
    def test_each_row_once_in_order(self, images, sort, limit, how):
        self.most_requests = 0
        # NOTE: in the links of a list of home alone Glance forgets all but
        # the last of several sort keys.
        self.begin([*images, ('bu', (1, 'b', 1))])
        seen = self.pages(limit, sort, how)
        self.assertEqual(sorted(self.rows), sorted(seen))
        self.assertSorted(seen, sort)
        self.assertLessEqual(self.most_requests, 1)

    @SETTINGS
    @hypothesis.given(IMAGES, SORTS, strategies.integers(1, 4),
                      strategies.sampled_from([LINK, LAST, LINK_ELSEWHERE]),
                      EVENTS)
    def test_while_images_come_and_go(self, images, sort, limit, how,
                                      events):
        # NOTE: a list of home alone is home's own, which ends with 400 when
        # the marker is deleted.
        self.begin([*images, ('bu', (1, 'b', 1))])
        always = set(self.rows)
        left = list(events)

        def between(marker):
            if left:
                event, cloud, image = left.pop()
                always.discard(self.happen(event, cloud, image, marker))
        seen = self.pages(limit, sort, how, between)
        self.assertEqual(len(seen), len(set(seen)), 'twice')
        self.assertEqual(set(), always - set(seen), 'never')

    def test_more_than_a_glance_gives_at_once(self):
        self.begin([(cloud, (number, 'a', 1)) for number in range(7)
                    for cloud in ('', 'bu')])
        self.bu.most = 2
        for how in (LINK, LAST_ELSEWHERE):
            seen = self.pages(3, '', how)
            self.assertEqual(sorted(self.rows), sorted(seen))
            self.assertSorted(seen, '')

    def test_first_images_are_not_shown(self):
        """Images of bu that are not, come before those that are."""
        for number in range(3):
            self.add_there(self.bu, number, visibility='public')
            self.add_there(self.bu, 100 + number, visibility='private')
            self.add_there(self.bu, 200 + number, min_disk=-1)
        self.add_home()
        self.assertEqual(4, len(self.ids('visibility=shared')))
        self.assertEqual(2, len(self.ids('visibility=shared&limit=2')))
        self.assertEqual(3, len(self.ids('limit=3')))

    def test_marker_that_is_no_row(self):
        """It is an image all the same, as when it was renamed since."""
        rows = [make(number, name=name) for name in ('a', 'b')
                for number in range(4)
                for make in (self.add_home, lambda *args, **kwargs: (
                    self.add_there(self.bu, *args, **kwargs)))]
        first = self.ids('name=a&sort=created_at:asc')
        self.assertEqual(rows[:8], sorted(first, key=rows.index))
        # Of home, as old as the third and the fourth of the list.
        marker = rows[10]
        found = self.ids(f'name=a&sort=created_at:asc&marker={marker}')
        self.assertEqual(set(rows[4:8]), set(found) - set(rows[2:4]))
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(set(), set(found) & set(rows[:2]))
        self.refused(400, f'{lists.PATH}?name=a&marker={lists.new_id()}')

    def test_position_without_end(self):
        position = base64.urlsafe_b64encode(b'[' * 2200).decode()
        self.refused(400, f'{lists.PATH}?marker={lists.new_id()}'
                          f'&{api.POSITION}={position}')

    def test_position_of_another(self):
        self.begin([('bu', (1, 'a', 1))])
        self.refused(400, f'{lists.PATH}?marker={lists.new_id()}'
                          f'&{api.POSITION}=x')
