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

"""The format of OpenStack's configuration files."""

import collections.abc

Section = collections.abc.Mapping[str, object]


def render(sections: collections.abc.Mapping[str, Section]) -> str:
    """The text of a file from its sections."""
    lines = []
    for name, options in sections.items():
        lines.append(f'[{name}]')
        for key, value in options.items():
            if isinstance(value, bool):
                value = str(value).lower()
            lines.append(f'{key} = {value}')
        lines.append('')
    return '\n'.join(lines)


def add_filter(text: str, name: str, use: str, after: str,
               composites: collections.abc.Mapping[str, tuple[str, ...]],
               ) -> str:
    """A paste file with one more filter.

    ``composites`` says which pipelines of which sections get it, right
    behind the filter ``after``.
    """
    wanted = {(section, key)
              for section, keys in composites.items() for key in keys}
    lines = []
    section = ''
    for line in text.splitlines():
        if line.startswith('['):
            section = line.strip('[] ').partition(':')[2]
        key, equals, value = line.partition('=')
        if equals and (section, key.strip()) in wanted:
            filters = value.split()
            if filters.count(after) != 1:
                raise ValueError(f'{section}/{key.strip()} does not have '
                                 f'{after} once')
            filters.insert(filters.index(after) + 1, name)
            line = f'{key.strip()} = {" ".join(filters)}'
            wanted.remove((section, key.strip()))
        lines.append(line)
    if wanted:
        raise ValueError(f'no such pipelines: {sorted(wanted)}')
    return '\n'.join(lines + ['', f'[filter:{name}]', f'use = {use}', ''])
