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

"""Draws what a run has written as JSON: ``plot.py JSON IMAGE``.

It runs in a virtual environment of its own, see ``benchmarks/run``.
"""

import json
import pathlib
import statistics
import sys
from typing import Any

import matplotlib
import matplotlib.pyplot as plt

matplotlib.use('agg')

#: Inches.
WIDTH, PER_LABEL, PER_PANEL = 10, 0.3, 1.1


def panel(axes: Any, found: dict[str, Any]) -> None:
    """One section: a box for each kind, from quartile to quartile; its
    label has the median.
    """
    values = list(found['of'].values())
    labels = [f'{label}:  {number(statistics.median(each))}'
              for label, each in found['of'].items()]
    axes.boxplot(values, orientation='horizontal', widths=0.6,
                 tick_labels=labels, showfliers=True,
                 flierprops={'markersize': 2},
                 medianprops={'color': 'tab:red', 'linewidth': 2})
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_title(f'{found["section"]}. {found["title"]}', loc='left',
                   fontsize=10, fontweight='bold')
    axes.set_xlabel(found['unit'], fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(axis='x', alpha=0.3)


def number(value: float) -> str:
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def main() -> None:
    found = json.loads(pathlib.Path(sys.argv[1]).read_text())
    panels = found['samples']
    heights = [PER_PANEL + PER_LABEL * len(each['of']) for each in panels]
    figure, all_axes = plt.subplots(
        len(panels), figsize=(WIDTH, sum(heights)), squeeze=False,
        height_ratios=heights, layout='constrained')
    for axes, each in zip(all_axes[:, 0], panels):
        panel(axes, each)
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == '__main__':
    main()
