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

"""Images that Nova needs without their user, through Glance's client."""

from unittest import mock

from glanceclient import exc as glance_exceptions
from nova import exception
from nova.image import glance
from nova import objects

from mixmatch import api
from mixmatch_nova.patches import compute_api
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base

IMAGE = '44444444-0000-4000-8000-000000000004'
KERNEL = '55555555-0000-4000-8000-000000000005'


def server(place=('bu', 'id-of-research')):
    """A server of an image; of one of home's if it has no place."""
    kept = dict(zip(('image_' + api.ATTRIBUTE,
                     'image_' + api.PROJECT_ATTRIBUTE), place or ()))
    return objects.Instance(system_metadata=kept, image_ref=IMAGE,
                            kernel_id=KERNEL, ramdisk_id='')


class _Raises:
    """Places of an image of which another error is known."""

    def __init__(self, exc):
        self._exc = exc

    def __contains__(self, place):
        raise self._exc


class TestImages(base.NovaTestCase):
    """Home's Glance finds the image only where it is told the place."""

    def setUp(self):
        super().setUp()
        #: places at which Glance finds the image; None: without one
        self.found_at = {'bu/id-of-research'}
        #: place of each request
        self.asked_at = []
        self.servers = {'image_ref': [server()]}
        for target, new in (
                ('nova.image.glance.get_api_servers',
                 lambda context: iter(['http://glance'] * 9)),
                ('nova.image.glance._glanceclient_from_endpoint',
                 self.client),
                ('nova.objects.InstanceList.get_by_filters', self.find)):
            patcher = mock.patch(target, new)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.wrapper = glance.GlanceClientWrapper()

    def client(self, context, endpoint, version):
        """A client of home's Glance."""
        found = mock.Mock()
        found.http_client.additional_headers = headers = {}

        def get(image_id):
            place = headers.get(api.IMAGE_HEADER)
            self.asked_at.append(place)
            if place in self.found_at:
                return image_id
            raise glance_exceptions.HTTPNotFound()
        found.images.get = found.images.data = get
        found.images.delete = get
        return found

    def find(self, context, filters, **kwargs):
        self.assertIs(False, filters.pop('deleted'))
        (field, image_id), = filters.items()
        self.assertIn(image_id, (IMAGE, KERNEL))
        return self.servers.get(field, [])

    def call(self, method='get', image_id=IMAGE, is_admin=True):
        return self.wrapper.call(self.context(is_admin=is_admin), 2, method,
                                 args=(image_id,))

    def test_found_where_a_server_has_it_from(self):
        for method in ('get', 'data'):
            self.asked_at.clear()
            self.assertEqual(IMAGE, self.call(method))
            self.assertEqual([None, 'bu/id-of-research'], self.asked_at)

    def test_kernel_and_ramdisk(self):
        for field in ('kernel_id', 'ramdisk_id'):
            self.servers = {field: [server()]}
            self.assertEqual(KERNEL, self.call(image_id=KERNEL))

    def test_home_has_it(self):
        self.found_at = {None}
        self.servers = {}
        self.assertEqual(IMAGE, self.call())
        self.assertEqual([None], self.asked_at)

    def test_another_place(self):
        self.servers = {'image_ref': [
            server(('bu', 'gone')), server(('bu', 'gone')), server()]}
        self.assertEqual(IMAGE, self.call())
        self.assertEqual([None, 'bu/gone', 'bu/id-of-research'],
                         self.asked_at)

    def refused(self, **kwargs):
        self.assertRaises(glance_exceptions.HTTPNotFound, self.call, **kwargs)

    def test_not_found(self):
        self.found_at = set()
        self.refused()
        self.assertEqual([None, 'bu/id-of-research'], self.asked_at)

    def test_only_servers_of_foreign_images(self):
        self.servers = {'image_ref': [server(None), server(('bu',))]}
        self.refused()
        self.assertEqual([None], self.asked_at)

    def test_user_asks(self):
        self.refused(is_admin=False)
        self.assertEqual([None], self.asked_at)

    def test_nothing_but_reading(self):
        self.refused(method='delete')
        self.assertEqual([None], self.asked_at)

    def test_what_glance_says_of_another_cloud(self):
        """nova-api says it, too, instead of an unexpected error."""
        for kind, expected, title in (
                (glance_exceptions.HTTPServiceUnavailable,
                 exception.GlanceConnectionFailed, '503 Service Unavailable'),
                (glance_exceptions.HTTPConflict,
                 glance_exceptions.HTTPConflict, '409 Conflict'),
                (glance_exceptions.HTTPException,
                 glance_exceptions.HTTPException, '502 Bad Gateway')):
            context = self.context()
            text = f'Service provider bu does not say: {title[:3]}.'
            with mock.patch.object(self, 'found_at', _Raises(kind(
                    f'{title}: {text}'))):
                self.assertRaises(expected, self.wrapper.call, context, 2,
                                  'get', args=(IMAGE,))
            failure = state.from_context(context).failure
            self.assertEqual(
                (int(title[:3]), f'Image {IMAGE} cannot be used now: '
                 + text[:-1]), (failure.code, str(failure)))

    def test_what_glance_says_of_itself(self):
        context = self.context()
        with mock.patch.object(self, 'found_at', _Raises(
                glance_exceptions.HTTPConflict('409 Conflict: in use'))):
            self.assertRaises(glance_exceptions.HTTPConflict,
                              self.wrapper.call, context, 2, 'get',
                              args=(IMAGE,))
        self.assertIsNone(state.from_context(context).failure)

    def test_rebuild_knows_the_place(self):
        """nova-api cannot look for servers of all cells."""
        self.servers = {}
        context = self.context(is_admin=True)

        def rebuild(*args):
            for each in (IMAGE, KERNEL):
                self.assertEqual(each, self.wrapper.call(
                    context, 2, 'get', args=(each,)))
        compute_api._rebuild(rebuild, None, context, server(), IMAGE, 'x')
