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

"""A small model of the Cinder of bu, for all who ask it."""

import itertools
import types
import uuid

from cinderclient import exceptions as cinder_exceptions

SERVERS = tuple(str(uuid.UUID(int=each)) for each in (1, 2))
OF_BU = str(uuid.UUID(int=3))
VOLUMES = tuple(str(uuid.UUID(int=each)) for each in (11, 12))
MULTIATTACH = VOLUMES[1]
HOST = 'host'


class Cinder:
    """That of bu, as ``cinderclient`` for whoever asks now."""

    def __init__(self, world):
        self.world = world
        self.changes = itertools.count()
        self.rows = {each: types.SimpleNamespace(
            id=each, status='available', updated_at=0, multiattach=each
            == MULTIATTACH) for each in VOLUMES}
        #: id -> attachment
        self.there = {}
        self.volumes = self.attachments = self

    def of(self, volume_id):
        return [each for each in self.there.values()
                if each.volume_id == volume_id]

    def change(self, volume_id, status):
        row = self.rows[volume_id]
        row.status, row.updated_at = status, next(self.changes)

    def get(self, volume_id):
        return types.SimpleNamespace(**vars(self.rows[volume_id]),
                                     attachments=[])

    def list(self, search_opts):
        return self.of(search_opts['volume_id'])

    def show(self, attachment_id):
        if attachment_id not in self.there:
            raise cinder_exceptions.NotFound(404)
        return self.there[attachment_id]

    def reserve(self, volume_id, server_id):
        row = self.rows[volume_id]
        if row.status != 'available' and not (
                row.multiattach and row.status in ('in-use', 'reserved')):
            return None
        made = types.SimpleNamespace(
            id=str(uuid.UUID(int=1000 + next(self.changes))),
            volume_id=volume_id, instance=server_id, status='reserved')
        self.there[made.id] = made
        if row.status == 'available':
            self.change(volume_id, 'reserved')
        return made.id

    def connect(self, attachment_id, status):
        found = self.there.get(attachment_id)
        if found is None:
            return False
        found.status = status
        self.change(found.volume_id, 'in-use' if status == 'attached' or any(
            each.status == 'attached' for each in self.of(found.volume_id))
            else status)
        return True

    def delete(self, attachment_id):
        found = self.show(attachment_id)
        self.world.may_delete(found)
        del self.there[attachment_id]
        self.change(found.volume_id, 'in-use' if self.of(found.volume_id)
                    else 'available')

    def begin_detaching(self, volume_id, server_id):
        if self.rows[volume_id].status != 'in-use':
            return False
        self.change(volume_id, 'detaching')
        self.world.leaving[volume_id] = server_id
        return True

    def roll_detaching(self, volume_id):
        if self.world.cleaning:
            self.world.must(self.world.leaving.get(volume_id) != OF_BU,
                            'a detach of bu is rolled back')
        if self.rows[volume_id].status == 'detaching':
            self.change(volume_id, 'in-use')

    def reset_state(self, volume_id, status, attach_status):
        self.world.must(volume_id not in self.world.old_way,
                        'a volume is reset that somebody is attaching')
        self.world.must(not self.of(volume_id), 'an attachment is ignored')
        self.change(volume_id, status)
