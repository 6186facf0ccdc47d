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

"""A small model of home and of bu, for the code that cleans up.

It says what is wrong, at once, if that code does what it must not do.
"""

import contextlib
import itertools
import types
import uuid

from cinderclient import exceptions as cinder_exceptions
from nova import exception

from mixmatch_nova.reconcile import intent_log
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova.reconcile import recovery
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.reconcile import model_cinder

HOST, OF_BU = model_cinder.HOST, model_cinder.OF_BU
SERVERS, VOLUMES = model_cinder.SERVERS, model_cinder.VOLUMES


class Mapping:
    """A block device mapping."""

    def __init__(self, world, server_id, volume_id, attachment_id):
        self.world = world
        self.instance_uuid, self.volume_id = server_id, volume_id
        self.attachment_id = attachment_id
        self.connection_info = None

    def destroy(self):
        self.world.mappings.pop((self.instance_uuid, self.volume_id), None)


class World:
    """Home and bu."""

    host = HOST

    def __init__(self):
        self.now = 0.0
        self.cleaning = False
        self.cinder = model_cinder.Cinder(self)
        self.servers = {each: types.SimpleNamespace(
            uuid=each, host=HOST, task_state=None) for each in SERVERS}
        #: (server, volume) -> mapping
        self.mappings = {}
        #: (server, volume) whose disk a guest has
        self.guests = set()
        #: a volume, and whose detach of it has begun
        self.leaving = {}
        #: volumes that somebody at bu attaches in the old way
        self.old_way = set()
        #: attachments that a request of home has given up, or lost
        self.given_up = set()
        self.reconcilers = {}
        self.events = []
        self.requests = itertools.count()
        #: requests to nova-compute: [generator, has it begun]
        self.queue = []
        self.movers = []
        self.volume_api = self
        self.restart()

    def must(self, condition, what):
        if not condition:
            raise AssertionError(what)

    # What home asks of bu.

    def owe(self, server_id, volume_id, attachment_id=None):
        subject = target.Subject(base.AT_BU, volume_id, server_id)
        if subject not in self.reconcilers:
            self.reconcilers[subject] = reconciler.Reconciler(subject, self)
        self.reconcilers[subject].restart(attachment_id)
        if attachment_id:
            self.given_up.add(attachment_id)

    def may_delete(self, attachment):
        """Return whether a cleanup may delete an attachment."""
        if not self.cleaning or attachment.id in self.given_up:
            return
        mapping = self.mappings.get((attachment.instance,
                                     attachment.volume_id))
        self.must(attachment.instance in SERVERS, 'it is of bu')
        self.must(mapping is None or mapping.attachment_id != attachment.id,
                  'a living attachment is deleted')
        self.must(attachment.status == 'reserved', 'it is connected')

    # The ways of requests. Each step is one that cannot be torn apart.

    def attach(self, server_id, volume_id, lost):
        server = self.servers.get(server_id)
        if server is None or server.task_state or (
                server_id, volume_id) in self.mappings:
            return
        attachment_id = self.cinder.reserve(volume_id, server_id)
        if attachment_id is None:
            return
        if lost:
            self.owe(server_id, volume_id)
            return
        bdm = Mapping(self, server_id, volume_id, attachment_id)
        self.mappings[server_id, volume_id] = bdm
        self.queue.append([self.attaching(bdm), False, server_id])

    def attaching(self, bdm):
        attachment_id = bdm.attachment_id
        with self.noted(intent_log.ATTACH, bdm):
            yield
            done = self.cinder.connect(attachment_id, 'attaching')
            yield
            if done:
                self.guests.add((bdm.instance_uuid, bdm.volume_id))
                yield
                bdm.connection_info = 'connected'
                yield
                done = self.cinder.connect(attachment_id, 'attached')
            if not done:
                self.guests.discard((bdm.instance_uuid, bdm.volume_id))
                bdm.destroy()
            yield

    def detach(self, server_id, volume_id, lost):
        bdm = self.mappings.get((server_id, volume_id))
        if bdm is None or self.servers[server_id].task_state:
            return
        if not self.cinder.begin_detaching(volume_id, server_id):
            return
        if lost:
            self.owe(server_id, volume_id)
            return
        self.queue.append([self.detaching(bdm), False, server_id])

    def detaching(self, bdm, lost=False):
        with self.noted(intent_log.DETACH, bdm):
            yield
            self.take_away(bdm)
            yield
            self.attachment_delete(None, bdm.attachment_id)
            yield
            bdm.destroy()
            yield

    def take_away(self, bdm):
        self.guests.discard((bdm.instance_uuid, bdm.volume_id))

    def moving(self, server_id):
        """Each of a server's volumes gets another attachment."""
        server = self.servers[server_id]
        for bdm in [each for each in self.mappings.values()
                    if each.instance_uuid == server_id
                    and each.connection_info]:
            old = self.cinder.there.get(bdm.attachment_id)
            if old is None:
                continue
            new = types.SimpleNamespace(**{
                **vars(old), 'id': str(uuid.uuid4()), 'status': 'reserved'})
            self.cinder.there[new.id] = new
            yield
            new.status = 'attaching'
            yield
            bdm.attachment_id = new.id
            yield
            new.status = 'attached'
            self.cinder.there.pop(old.id, None)
            yield
        server.task_state = None

    # What Nova has.

    def noted(self, action, bdm):
        made = intent_log.Intent(
            action, bdm.volume_id, bdm.attachment_id, bdm.instance_uuid,
            f'req-{next(self.requests)}')
        return self.note(made)

    @contextlib.contextmanager
    def note(self, made):
        intents = self.intents
        self.events += [[made, made.event], [made, made.nova_event]]
        intents._running.add(made)
        try:
            yield
        except GeneratorExit:
            # The process is killed.
            raise
        else:
            intents._running.discard(made)
            self.events = [each for each in self.events if each[0] != made]

    def unfinished(self, context, server_id, *actions, limit=20):
        for made, name in list(self.events):
            if made.server_id == server_id and made.action in actions:
                yield (types.SimpleNamespace(
                    action=made.action, request_id=made.request_id),
                    types.SimpleNamespace(event=name, host=HOST))

    def finish(self, context, server_id, name, *problem, **kwargs):
        self.events = [each for each in self.events if not (
            each[0].request_id == context.request_id and each[1] == name)]

    def attachment_delete(self, context, attachment_id):
        self.given_up.add(attachment_id)
        with contextlib.suppress(cinder_exceptions.NotFound):
            self.cinder.delete(attachment_id)

    def attachment_get(self, context, attachment_id):
        return {'connection_info': (
            {'data': {}} if self.cinder.show(attachment_id).status
            != 'reserved' else {})}

    def _detach_volume(self, context, bdm, server, attachment_id):
        self.take_away(bdm)
        self.attachment_delete(context, attachment_id)
        bdm.destroy()

    def get_server(self, context, server_id):
        if server_id not in self.servers:
            raise exception.InstanceNotFound(instance_id=server_id)
        return self.servers[server_id]

    def get_mapping(self, context, volume_id, server_id):
        if (server_id, volume_id) not in self.mappings:
            raise exception.VolumeBDMNotFound(volume_id=volume_id)
        return self.mappings[server_id, volume_id]

    # What a correction asks home.

    global_request_id = None

    def attachments(self, server_id):
        return {each.attachment_id for each in self.mappings.values()
                if each.instance_uuid == server_id}

    def is_busy(self, server_id):
        return bool(server_id in self.servers
                    and self.servers[server_id].task_state)

    def is_detaching(self, server_id):
        # NOTE: one that is in the queue has its action, and no event yet.
        return any(each.server_id == server_id and each.action
                   == intent_log.DETACH for each, _ in self.events)

    def add(self, context, subject, exc, attachment_id=None):
        self.owe(subject.server_id, subject.volume_id, attachment_id)

    # What happens.

    def restart(self):
        """nova-compute is killed, and started again."""
        for each in list(self.queue):
            if each[1]:
                each[0].close()
                self.queue.remove(each)
        self.intents = intent_log.IntentLog()
        self.recovery = recovery.Recovery(None, self, self.intents)

    def work(self, which):
        """One step of a request."""
        pool = self.queue + self.movers
        if not pool:
            return
        chosen = pool[which % len(pool)]
        if chosen in self.queue:
            # NOTE: a server's requests are worked off one by one.
            chosen = self.queue[0] if not chosen[1] else chosen
        chosen[1] = True
        if next(chosen[0], self) is self:
            (self.queue if chosen in self.queue else self.movers).remove(
                chosen)

    def recover(self):
        locked = [each for each in self.queue if each[1]]
        if locked:
            # NOTE: the lock of the server.
            return
        context = types.SimpleNamespace(elevated=lambda: (
            types.SimpleNamespace(request_id=None, global_id=None)))
        disks = set(self.guests)
        wanted = {(made.server_id, made.volume_id)
                  for made, _ in self.events}
        with self.as_cleaner(by_recovery=True):
            self.recovery.run(context, self)
        self.must(disks - self.guests <= wanted, 'a disk is taken away')

    @contextlib.contextmanager
    def as_cleaner(self, by_recovery=False):
        self.cleaning = not by_recovery
        try:
            yield
        finally:
            self.cleaning = False

    def look(self, times=3):
        """Look as often as it takes to change something at once."""
        for _ in range(times):
            self.look_once()

    def look_once(self):
        for subject, each in list(self.reconcilers.items()):
            with self.as_cleaner():
                if each.run_once(None):
                    del self.reconcilers[subject]
        self.now += reconciler.CONFIRM

    def at_bu(self, what, volume_id):
        """Do what a server of bu does."""
        cinder = self.cinder
        own = [each for each in cinder.of(volume_id)
               if each.instance == OF_BU]
        if what == 'attach':
            attachment_id = cinder.reserve(volume_id, OF_BU)
            if attachment_id:
                cinder.connect(attachment_id, 'attached')
        elif what == 'begin' and own:
            cinder.begin_detaching(volume_id, OF_BU)
        elif what == 'leave' and own and cinder.rows[
                volume_id].status == 'detaching':
            cinder.delete(own[0].id)
        elif what == 'old' and cinder.rows[volume_id].status == 'available':
            cinder.change(volume_id, 'attaching')
            self.old_way.add(volume_id)
        elif what == 'old' and volume_id in self.old_way:
            self.old_way.discard(volume_id)
            cinder.change(volume_id, 'available')

    def move(self, server_id):
        server = self.servers.get(server_id)
        if server and not server.task_state and not any(
                each[1] for each in self.queue):
            server.task_state = 'migrating'
            self.movers.append([self.moving(server_id), True, server_id])

    def delete_server(self, server_id):
        server = self.servers.get(server_id)
        if server is None or server.task_state or any(
                each[1] for each in self.queue):
            return
        del self.servers[server_id]
        for each in [each for each in self.mappings.values()
                     if each.instance_uuid == server_id]:
            self.take_away(each)
            self.attachment_delete(None, each.attachment_id)
            each.destroy()
        self.queue = [each for each in self.queue
                      if each[2] != server_id]
        self.events = [each for each in self.events
                       if each[0].server_id != server_id]

    def settle(self):
        """Time passes, and nothing else happens."""
        while self.queue or self.movers:
            self.work(0)
        for volume_id in VOLUMES:
            self.at_bu('leave', volume_id)
            if volume_id in self.old_way:
                self.at_bu('old', volume_id)
        self.recover()
        self.look(200)
        self.must(not self.events, f'not ended: {self.events}')
        self.must(not self.reconcilers, f'not settled: {self.reconcilers}')
        for (server_id, volume_id), each in self.mappings.items():
            found = self.cinder.there.get(each.attachment_id)
            self.must(found and found.status == 'attached'
                      and (server_id, volume_id) in self.guests,
                      f'unusable: {vars(each)}, {found}')
        for volume_id, row in self.cinder.rows.items():
            self.must(
                row.status == ('in-use' if self.cinder.of(volume_id)
                               else 'available'), f'{vars(row)}')
