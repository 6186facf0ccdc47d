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

"""Options of ``[mixmatch]`` in keystone.conf."""

from typing import Any

from oslo_config import cfg

GROUP = 'mixmatch'

OPTS = [
    cfg.StrOpt(
        'rules_file', default='/etc/keystone/mixmatch.yaml',
        help='The file with the rules for users of other clouds. It is read '
             'again when it has changed. An invalid file is refused as a '
             'whole: the error is logged, and the last valid rules stay in '
             'force. A process that has read no valid file yet refuses all '
             'logins that the rules decide about. Check it with '
             '"mixmatch-keystone check" before you put it there.'),
    cfg.StrOpt(
        'mapping', default='mixmatch',
        help='The id of a mapping. For the protocols of identity providers '
             'that use this mapping the rules file decides. All others '
             "work with Keystone's own mappings as before."),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [(GROUP, OPTS)]
