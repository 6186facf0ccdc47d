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

"""Options of ``[mixmatch]`` that only home's glance-api reads."""

from typing import Any

from oslo_config import cfg

from mixmatch.conf import listing

GROUP = 'mixmatch'

OPTS = [
    *listing.OPTS,
    cfg.BoolOpt(
        'cache_images',
        default=False,
        help="""
Keep the bits of images of service providers in Glance's cache of images.

They are kept in ``image_cache_dir``, at most ``image_cache_max_size`` together
with those of this cloud; what was not used for longest is dropped first.
The service provider is asked for each download whether the user may have the
bits, so a host that needs an image has it as long as the user may. Each
glance-api host keeps its own.
"""),
    cfg.BoolOpt(
        'chosen_image_ids',
        default=False,
        help="""
Let users of this cloud choose the ids of new images, as Glance does.

An id that a service provider has an image by is then taken: whoever asks for
that image here gets the new one, and nobody, once it is deleted. Without it
only administrators choose ids.
"""),
    cfg.ListOpt(
        'image_property_roles',
        default=['member', 'reader'],
        help="""
Roles of this cloud whose users may set what images of others are shown with.

Where Glance has a ``property_protection_file``, an image of a service provider
is shown only with properties that a user with these roles could set on an
image of this cloud. The people who have set them there have no role here, and
the user who asks may have more than these. Empty: only properties that
everybody may set.
"""),
]

#: Option of Nova and Cinder that Glance does not have. Without it, it would
#: not start with ``debug``, when it logs the values of all options.
STATE_PATH = cfg.StrOpt(
    'state_path',
    default='/var/lib/glance',
    help="""
Directory of Glance's files, below which ``[mixmatch] status_directory`` is.

Set it where ``mixmatch-status`` reads this file.
""")


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, GROUP)
    conf.register_opt(STATE_PATH)


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [(GROUP, OPTS), ('DEFAULT', [STATE_PATH])]
