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

"""The targets of a request ride in its context."""

import json
import logging

import fixtures
from nova import context as nova_context
from nova import rpc

from mixmatch_nova.patches import context as context_patch
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base


class TestContext(base.NovaTestCase):

    def assertKnows(self, context):
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(base.VOLUME))

    def over_the_bus(self, context):
        serializer = rpc.RequestContextSerializer(rpc.JsonPayloadSerializer())
        message = json.dumps(serializer.serialize_context(context))
        return serializer.deserialize_context(json.loads(message))

    def test_over_the_message_bus(self):
        values = self.foreign_context().to_dict()
        received = nova_context.RequestContext.from_dict(
            {**values, 'request_id': 'req-of-another-process'})
        self.assertKnows(received)

    def test_over_the_message_bus_and_back(self):
        context = self.over_the_bus(self.foreign_context())
        self.assertKnows(self.over_the_bus(context))

    def test_elevated(self):
        self.assertKnows(self.foreign_context().elevated())

    def test_copy_for_a_cell(self):
        context = self.foreign_context()
        copy = nova_context.RequestContext.from_dict(context.to_dict())
        self.assertKnows(copy)

    def test_what_the_copy_learns_is_known(self):
        context = self.context()
        copy = nova_context.RequestContext.from_dict(context.to_dict())
        state.from_context(copy).remember_target(base.VOLUME, base.AT_BU)
        self.assertKnows(context)

    def test_another_context_of_the_request(self):
        context = self.foreign_context()
        self.assertKnows(self.context('nova', request_id=context.request_id))

    def test_another_request_knows_nothing(self):
        self.foreign_context()
        self.assertIsNone(
            state.from_context(self.context()).get_remote(base.VOLUME))

    def test_only_names_and_ids_are_sent(self):
        values = self.foreign_context().to_dict()
        self.assertEqual({'': '1', base.VOLUME: 'bu:id-of-research',
                          base.ATTACHMENT: 'bu:id-of-research'},
                         values[context_patch.KEY])

    def test_sent_even_if_nothing_is_known(self):
        self.assertEqual({'': '1'},
                         self.context().to_dict()[context_patch.KEY])

    def test_an_earlier_mixmatch_sends_no_version(self):
        values = self.foreign_context().to_dict()
        del values[context_patch.KEY]['']
        received = nova_context.RequestContext.from_dict(
            {**values, 'request_id': 'req-of-another-process'})
        self.assertKnows(received)
        self.assertFalse(state.is_sender_unpatched(received))

    def test_an_earlier_mixmatch_takes_the_version_for_nothing(self):
        current = state.RequestState()
        current.update({'': '1', base.VOLUME: str(base.AT_BU)})
        self.assertEqual({base.VOLUME: str(base.AT_BU)}, current.to_dict())

    def test_a_later_version_is_as_none(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.ERROR))
        values = self.foreign_context().to_dict()
        for sent in ({'': '2', 'targets': {base.VOLUME: ['bu', 'x']}},
                     {'': 2}):
            received = nova_context.RequestContext.from_dict({
                **values, context_patch.KEY: sent,
                'request_id': f'req-{len(sent)}'})
            self.assertTrue(state.is_sender_unpatched(received))
            self.assertEqual({}, state.from_context(received).to_dict())
            self.assertIn('Upgrade mixmatch on this host', log.output)

    def test_the_rest_of_the_context_is_as_before(self):
        context = self.context()
        received = self.over_the_bus(context)
        for name in ('user_id', 'project_id', 'auth_token', 'request_id',
                     'is_admin', 'service_catalog'):
            self.assertEqual(getattr(context, name), getattr(received, name))

    def test_a_sender_with_the_plugin_is_no_stranger(self):
        for context in (self.context(), self.over_the_bus(self.context())):
            self.assertFalse(state.is_sender_unpatched(context))

    def test_a_sender_without_the_plugin_is_a_stranger(self):
        self.assertTrue(
            state.is_sender_unpatched(self.unpatched_context()))

    def test_a_stranger_stays_one_for_its_elevated_copy(self):
        self.assertTrue(state.is_sender_unpatched(
            self.unpatched_context().elevated()))
