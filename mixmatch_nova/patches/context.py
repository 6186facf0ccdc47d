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

from mixmatch import patch
from mixmatch_nova import state

KEY = 'mixmatch'

TO_DICT = patch.Symbol('nova.context', 'RequestContext.to_dict', ('self',))
FROM_DICT = patch.Symbol('nova.context', 'RequestContext.from_dict',
                         ('cls', 'values'))


def _to_dict(original: Callable, self: Any) -> dict[str, Any]:
    # NOTE: always, even if empty: by it the receiver knows that the sender
    # has the plugin.
    return {**original(self), KEY: state.from_context(self).to_dict()}


def _from_dict(original: Callable, cls: type, values: dict[str, Any]) -> Any:
    context = original(cls, values)
    state.set_sender_unpatched(context, KEY not in values)
    state.from_context(context).update(values.get(KEY) or {})
    return context


def patches() -> list[patch.Patch]:
    return [patch.Patch(TO_DICT, _to_dict), patch.Patch(FROM_DICT, _from_dict)]
