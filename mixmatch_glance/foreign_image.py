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

"""Image of a service provider, as far as its answer is believed.

What a service provider says is data: each property is checked, and an image
with one that no Glance would give is not used at all.

======================== ====================================================
Property                 What is done with it, and why
======================== ====================================================
``id``                   Must be the UUID that was asked for: hosts keep the
                         bits of images by it.
``name``, ``tags``,      Kept if they are texts of Glance's lengths, numbers
``min_disk``,            or true and false; else the image is refused.
``min_ram``,
``protected``,
``os_hidden``
``status``               One of Glance's, else refused.
``size``, ``checksum``,  Kept; what a download has to keep to. Refused if they
``os_hash_algo``,        are no number, no hexadecimal digits, no name.
``os_hash_value``,
``virtual_size``
``disk_format``,         Kept if they look like names, else refused. Nova and
``container_format``     Cinder check that the bits are what they say.
``created_at``,          Kept if they are times, else refused.
``updated_at``
``owner``                The user's project there becomes that of home; a
                         project there that is called as the user's at home
                         is dropped, as it is not the same. Others are kept.
``visibility``           ``public`` and ``community`` become ``shared``: it is
                         so to those who may log in there, not to home's
                         users.
``self``, ``file``,      Replaced by home's: a client that follows one sends
``schema``               home's token.
``direct_url``,          Dropped: one could name a file or an RBD image of
``locations``,           home, which home's Nova and Cinder would then give to
``stores``               the user.
``location``,            Dropped: Glance reserves these names, so no image that
``deleted``,             inherits one could be made.
``deleted_at``
``os_glance_*``          Dropped: work of the Glance there; home's acts on
                         such names.
``os-mixmatch:*``        Dropped, and the name of the service provider is set:
                         no cloud speaks for another one.
``kernel_id``,           Kept if they are UUIDs: ids that are looked for in
``ramdisk_id``           the same way as this one. Else dropped.
``block_device_mapping`` Kept: volumes and snapshots are looked for by Nova
``mappings``             with the user's own rights.
``img_signature*``       Kept. Their certificate is in the key manager there,
                         so a Nova that verifies signatures refuses the image,
                         which is safe; without them it would as well.
``cinder_encryption_*``, Dropped, as the key manager of home does not have
``os_encrypt_*``,        their keys, or has others by these ids. The bits of
``os_decrypt_*``,        such an image are refused.
``hw_ephemeral_          Likewise.
encryption_secret_uuid``
Any that home protects   Dropped if home's property protections do not let
                         users set it (``image_property_roles``), or do not
                         let this user read it.
Any other text           Kept: a user can set the same at home.
Any other value          Dropped: Glance has only texts.
======================== ====================================================
"""

from collections.abc import Callable
import dataclasses
import datetime
import re
from typing import Any

from mixmatch_glance import remote
from mixmatch_glance import routes

#: Characters of a name, a tag, a property's name.
LONGEST = 255

#: Properties of an image. Glance itself allows 128 unless told otherwise.
MOST_PROPERTIES = 1024

_STATUSES = frozenset({
    'queued', 'saving', 'active', 'killed', 'deleted', 'uploading',
    'importing', 'pending_delete', 'deactivated'})
_VISIBILITIES = {'public': 'shared', 'community': 'shared',
                 'shared': 'shared', 'private': 'private'}

_HEX = re.compile(r'[0-9a-f]{1,128}')
_NAME = re.compile(r'[A-Za-z0-9_.-]{1,64}')
_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')

_ENCRYPTION = re.compile(
    '(cinder_encryption|os_encrypt|os_decrypt)_.*|'
    'hw_ephemeral_encryption_secret_uuid', re.DOTALL)
_DROPPED = re.compile(
    'direct_url|locations?|stores|self|file|schema|os_glance_.*|'
    'deleted|deleted_at|'
    f'os-mixmatch.*|{_ENCRYPTION.pattern}', re.DOTALL)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _is_number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)
            and 0 <= value < 1 << 63)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: (isinstance(value, str)
                          and pattern.fullmatch(value) is not None)


def _is_time(value: Any) -> bool:
    """Return whether a value is a time as each Glance shows it."""
    try:
        return bool(datetime.datetime.strptime(value, '%Y-%m-%dT%H:%M:%SZ'))
    except (TypeError, ValueError):
        return False


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _are_tags(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


#: The properties that each image has, and how their values are checked.
_BASE: dict[str, Callable[[Any], bool]] = {
    'name': _or_none(_is_text), 'tags': _are_tags, 'owner': _or_none(_is_text),
    'status': lambda value: _is_text(value) and value in _STATUSES,
    'visibility': lambda value: _is_text(value) and value in _VISIBILITIES,
    'protected': _is_flag, 'os_hidden': _is_flag,
    'min_disk': _is_number, 'min_ram': _is_number,
    'size': _or_none(_is_number), 'virtual_size': _or_none(_is_number),
    'checksum': _or_none(_matches(_HEX)),
    'os_hash_algo': _or_none(_matches(_NAME)),
    'os_hash_value': _or_none(_matches(_HEX)),
    'disk_format': _or_none(_matches(_NAME)),
    'container_format': _or_none(_matches(_NAME)),
    'created_at': _is_time, 'updated_at': _is_time}

#: Properties that are ids of other images.
_IMAGE_IDS = ('kernel_id', 'ramdisk_id')


@dataclasses.dataclass(frozen=True)
class ForeignImage:
    """Image of a service provider.

    :param project_id: the project of the user there
    :param base: the properties that each image has, in words of home, but
        for the owner
    :param extra: further properties, none of which is dropped for all users
    :param is_encrypted: the bits are of use only with a key that is there
    """

    id: str
    project_id: str
    base: dict[str, Any]
    extra: dict[str, str]
    is_encrypted: bool

    @classmethod
    def from_reply(cls, name: str, image: routes.Image, reply: remote.Reply
                   ) -> 'ForeignImage':
        """Check the answer of a service provider.

        :param name: of the service provider
        :param image: which image it should be
        :raises ServiceProviderUnavailable: it is not that, or no image
        """
        return cls.from_body(name, image, reply.body, reply.project_id)

    @classmethod
    def from_body(cls, name: str, image: routes.Image, body: dict[str, Any],
                  project_id: str) -> 'ForeignImage':
        """Check an image as a service provider shows it.

        :param name: of the service provider
        :param image: which image it should be
        :param project_id: the project of the user there
        :raises ServiceProviderUnavailable: it is not that, or no image
        """
        invalid = [] if body.get('id') == image.id else ['id']
        # NOTE: what is not there is not valid; each Glance gives all of them.
        if len(body) > MOST_PROPERTIES:
            invalid.append('number of properties')
        invalid += [key for key, check in _BASE.items()
                    if key not in body or not check(body[key])]
        if invalid:
            raise remote.unusable(
                name, f'its Glance answered with an invalid '
                      f'{", ".join(invalid)} of {image}')
        base = {key: body[key] for key in _BASE}
        base['visibility'] = _VISIBILITIES[base['visibility']]
        return cls(image.id, project_id, base,
                   {key: value for key, value in body.items()
                    if _is_extra(key, value)},
                   any(_ENCRYPTION.fullmatch(key) and value is not None
                       for key, value in body.items()))


def is_shown(key: str) -> bool:
    """Return whether a property besides those of each image may be shown."""
    return (key not in _BASE and key != 'id' and len(key) <= LONGEST
            and key.isprintable() and not _DROPPED.fullmatch(key))


def _is_extra(key: str, value: Any) -> bool:
    if not isinstance(value, str) or not is_shown(key):
        return False
    return key not in _IMAGE_IDS or _UUID.fullmatch(value) is not None
