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

"""Sort order of a list, as in Cinder."""

from cinder.api import common
import webob

from mixmatch.listing import order

#: Columns of Cinder's tables that its API shows under another name.
_FIELDS = {'display_name': 'name', 'display_description': 'description',
           'volume_size': 'size'}

#: Columns that all databases sort alike. The collation of text differs.
_EXACT = frozenset({'created_at', 'updated_at', 'id', 'size', 'bootable',
                    'volume_id', 'snapshot_id', 'source_volid'})


class Order(order.Order):
    """Sort keys and directions of Cinder."""

    @classmethod
    def from_request(cls, request: webob.Request) -> 'Order':
        """Return the order of a request; Cinder appends created_at and id.

        :raises webob.exc.HTTPBadRequest: the request has both old and new
            sort parameters
        """
        keys, directions = common.get_sort_params(request.GET.copy())
        # NOTE: as process_sort_params() of Cinder's database.
        descending = [direction == 'desc' for direction in directions]
        for key in ('created_at', 'id'):
            if key not in keys:
                keys.append(key)
                descending.append(descending[0])
        return cls([_FIELDS.get(key, key) for key in keys], descending,
                   _EXACT)
