"""What highdicom's reader finds in reports: `python3 tools/readers/highdicom_report.py FILE...` (highdicom 0.28).

Prints a line of JSON for each file. Not run by CI, which cannot install highdicom; tools/readers/README.md has the
last output.
"""

import json
import sys
from pathlib import Path

from highdicom.sr import srread


def group_facts(group):
    return {
        'trackingIdentifier': group.tracking_identifier,
        'finding': group.finding_type.meaning if group.finding_type is not None else None,
        'findingSites': [site.topographical_modifier or site.value.meaning for site in group.finding_sites],
        'measurements': [f'{m.name.meaning} {m.value:g} {m.unit.value}' for m in group.get_measurements()],
        'evaluations': [f'{e.name.meaning}: {e.value.meaning}' for e in group.get_qualitative_evaluations()],
    }


def report_facts(file):
    report = srread(file)
    content = report.content
    said = {'file': Path(file).name, 'class': type(report).__name__}
    if not hasattr(content, 'get_volumetric_roi_measurement_groups'):
        return {**said, 'template': 'not that of a measurement report'}
    return {
        **said,
        'volumetric': [
            {'reference': g.reference_type.meaning, **group_facts(g)}
            for g in content.get_volumetric_roi_measurement_groups()
        ],
        'planar': len(content.get_planar_roi_measurement_groups()),
        'images': [group_facts(g) for g in content.get_image_measurement_groups()],
    }


for name in sys.argv[1:]:
    print(json.dumps(report_facts(name)))
