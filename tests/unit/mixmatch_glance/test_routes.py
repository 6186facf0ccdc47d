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

"""Paths of Glance's API that concern images of other clouds."""

from mixmatch_glance import routes
from tests.unit import base

ID = '22222222-0000-4000-8000-000000000002'


class TestRoutes(base.TestCase):

    def test_image(self):
        for path, below in (
                ('', ''), ('/file', 'file'), ('/stage', 'stage'),
                ('/members', 'members'), ('/members/x y', 'members/x y'),
                ('/tags/a.b', 'tags/a.b'), ('/import', 'import'),
                ('/actions/deactivate', 'actions/deactivate')):
            route = routes.from_path(f'/v2/images/{ID}{path}')
            self.assertEqual((ID, below), (route.image.id, route.below))

    def test_store(self):
        route = routes.from_path(f'/v2/stores/fast/{ID}')
        self.assertEqual((ID, 'store'), (route.image.id, route.below))

    def test_only_of_home(self):
        for path in (
                '/', '/v2', '/v2/images', '/v2/images/', '/versions',
                f'/v1/images/{ID}', f'/v2/images/{ID}/', f'/v2/images/{ID}\n',
                f'/v2/images/{ID}.json', f'/v2/images/{ID}/else',
                f'/v2/images/{ID}/tags/a/b', f'/v2/images/{ID}//file',
                f'/v2/images/{ID.replace("-", "")}', f'/v2/cache/{ID}',
                '/v2/images/ABCDEF00-0000-4000-8000-000000000000',
                f'/v2/stores/{ID}', f'/v2/metadefs/{ID}', '/v2/tasks'):
            self.assertIsNone(routes.from_path(path), path)

    def test_names(self):
        image = routes.Image(ID)
        self.assertEqual((f'image {ID}', f'Image {ID}', f'/v2/images/{ID}'),
                         (str(image), image.title, image.path))
