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

"""Base of the tests of the merged list of images."""

import datetime
import random
import uuid

from glance.db.sqlalchemy import api as sql
from glance.db.sqlalchemy import models

from tests.unit_glance import base

PATH = '/v2/images'
EPOCH = datetime.datetime(2026, 1, 1)


def new_id():
    """Return an id that Hypothesis can make again: rows are sorted by it."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


class ListTestCase(base.GlanceTestCase):

    options = 'listing_refresh = 0\n'

    def add_home(self, second=0, **values):
        """Make an image of home, of alice's project; its id."""
        image_id = values.pop('image_id', None) or new_id()
        at = EPOCH + datetime.timedelta(seconds=second)
        properties = values.pop('properties', {})
        tags = values.pop('tags', [])
        with sql.get_engine().begin() as connection:
            connection.execute(models.Image.__table__.insert().values(**{
                'id': image_id, 'created_at': at, 'updated_at': at,
                'status': 'active', 'deleted': False, 'name': 'here',
                'visibility': 'shared', 'owner': 'home-id-of-research',
                'min_disk': 0, 'min_ram': 0, 'protected': False,
                'os_hidden': False, 'size': 1, 'disk_format': 'raw',
                'container_format': 'bare', **values}))
            for key, value in properties.items():
                connection.execute(
                    models.ImageProperty.__table__.insert().values(
                        image_id=image_id, name=key, value=value,
                        deleted=False, created_at=at, updated_at=at))
            for tag in tags:
                connection.execute(models.ImageTag.__table__.insert().values(
                    image_id=image_id, value=tag, deleted=False,
                    created_at=at, updated_at=at))
        return image_id

    def add_there(self, there, second=0, **values):
        """Make an image of another cloud; its id."""
        image_id = values.pop('image_id', None) or new_id()
        at = (EPOCH + datetime.timedelta(seconds=second)).isoformat() + 'Z'
        there.add(image_id, **{'created_at': at, 'updated_at': at, **values})
        return image_id

    def delete_home(self, image_id):
        """Delete an image as Glance does: mark its row as deleted."""
        table = models.Image.__table__
        with sql.get_engine().begin() as connection:
            connection.execute(table.update().where(
                table.c.id == image_id).values(
                    deleted=True, status='deleted'))

    def clear_home(self):
        with sql.get_engine().begin() as connection:
            for model in (models.ImageProperty, models.ImageTag,
                          models.Image):
                connection.execute(model.__table__.delete())

    def ids(self, query='', **kwargs):
        """Return the ids of a list."""
        return [row['id'] for row in self.get(
            PATH + (query and f'?{query}'), **kwargs)['images']]
