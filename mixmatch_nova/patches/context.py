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

"""nova.context.RequestContext: the targets ride along, in the process and
over the message bus (see :mod:`mixmatch_nova.state`).

Only names of service providers and ids; a token is made anew by each process
that needs one.
"""

from collections.abc import Callable
from typing import Any

from oslo_log import log as logging

from mixmatch import patch
from mixmatch_nova import state

LOG = logging.getLogger(__name__)

KEY = 'mixmatch'

#: Beside the ids: the version of what is sent. Without it, it is 1.
VERSION_KEY = ''
VERSION = '1'

TO_DICT = patch.Symbol('nova.context', 'RequestContext.to_dict', ('self',))
FROM_DICT = patch.Symbol('nova.context', 'RequestContext.from_dict',
                         ('cls', 'values'))


def _to_dict(original: Callable, self: Any) -> dict[str, Any]:
    # NOTE: always, even if empty: by it the receiver knows that the sender
    # has the plugin.
    return {**original(self), KEY: {
        VERSION_KEY: VERSION, **state.from_context(self).to_dict()}}


def _from_dict(original: Callable, cls: type, values: dict[str, Any]) -> Any:
    context = original(cls, values)
    sent = dict(values.get(KEY) or {})
    version = sent.pop(VERSION_KEY, VERSION)
    readable = version == VERSION
    if not readable:
        # NOTE: as from a sender without mixmatch, which may not create or
        # destroy the mapping of a foreign volume.
        LOG.error('A Nova service sent the targets of request %(request)s as '
                  'version %(version)s, this mixmatch knows %(known)s: they '
                  'are ignored. Upgrade mixmatch on this host.',
                  {'request': context.request_id, 'version': version,
                   'known': VERSION})
    state.set_sender_unpatched(context, KEY not in values or not readable)
    if readable:
        state.from_context(context).update(sent)
    return context


def patches() -> list[patch.Patch]:
    return [patch.Patch(TO_DICT, _to_dict), patch.Patch(FROM_DICT, _from_dict)]
