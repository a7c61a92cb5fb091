"""Forms that a report might have had, to ask validators and readers about: one change of a report each.

`python3 tools/readers/report_variants.py REPORT FOLDER`: REPORT is one of the default form where a pancreas was found,
with outlines; pydicom 2 or 3. docs/adr/0081 has what validators and readers said of each.
"""

import copy
import sys
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence


def code(value, scheme, meaning, version=None):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    if version is not None:
        item.CodingSchemeVersion = version
    return item


def child(value_type, relationship, name):
    item = Dataset()
    item.RelationshipType, item.ValueType = relationship, value_type
    item.ConceptNameCodeSequence = Sequence([name])
    return item


def coded(name, value):
    item = child('CODE', 'CONTAINS', name)
    item.ConceptCodeSequence = Sequence([value])
    return item


def items(parent, value):
    return [item for item in parent.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == value]


def groups(report):
    """The group with the segment, and that with the outlines."""
    [measurements] = items(report, '126010')
    return items(measurements, '125007')


def insert(group, item, before):
    """Puts the item before the first one of that name: validators count with the order of rows."""
    place = group.ContentSequence.index(items(group, before)[0])
    group.ContentSequence.insert(place, item)


PRESENT = code('52101004', 'SCT', 'Present')
FINDING_SITE, SEGMENT, VOLUME = '363698007', '121191', '118565006'


def evaluation(report):
    groups(report)[0].ContentSequence.append(coded(code('121052', 'DCM', 'Presence of property'), PRESENT))


def versioned_finding(report):
    """A finding that highdicom does not know for one, as the version is another than that of its own code."""
    insert(groups(report)[0], coded(code('121071', 'DCM', 'Finding', '01'), PRESENT), SEGMENT)


def outline_purpose(report):
    purpose = coded(code('130400', 'DCM', 'Geometric purpose of region'), code('111041', 'DCM', 'Outline'))
    insert(groups(report)[1], purpose, '111030')


def evaluations_apart(report):
    """A group of evaluations alone (TID 1501)."""
    segment, _ = groups(report)
    apart = copy.deepcopy(segment)
    apart.ContentTemplateSequence[0].TemplateIdentifier = '1501'
    kept = {'112039', '112040', '121071', FINDING_SITE}
    apart.ContentSequence = Sequence(
        [item for item in apart.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue in kept]
    )
    apart.ContentSequence.append(coded(code('121052', 'DCM', 'Presence of property'), PRESENT))
    items(report, '126010')[0].ContentSequence.append(apart)


def point(report, name):
    outline = copy.deepcopy(items(groups(report)[1], '111030')[0])
    outline.ConceptNameCodeSequence = Sequence([name])
    outline.GraphicType = 'POINT'
    outline.GraphicData = list(outline.GraphicData)[:2]
    return outline


def center_in_group(report):
    insert(groups(report)[0], point(report, code('111010', 'DCM', 'Center')), FINDING_SITE)


def region_in_group(report):
    insert(groups(report)[0], point(report, code('111030', 'DCM', 'Image Region')), SEGMENT)


def center_of_volume(report):
    inferred = point(report, code('111010', 'DCM', 'Center'))
    inferred.RelationshipType = 'INFERRED FROM'
    items(groups(report)[0], VOLUME)[0].ContentSequence.append(inferred)


def no_segment(report):
    """The outlines with the measurements, and no group with the segment."""
    segment, outlines = groups(report)
    measured = [item for item in segment.ContentSequence if item.ValueType == 'NUM']
    outlines.ContentSequence.extend(measured)
    [measurements] = items(report, '126010')
    measurements.ContentSequence.remove(segment)


def default(_):
    pass


VARIANTS = (
    default,
    evaluation,
    evaluations_apart,
    versioned_finding,
    outline_purpose,
    center_in_group,
    center_of_volume,
    region_in_group,
    no_segment,
)

if __name__ == '__main__':
    file, folder = sys.argv[1:]
    for change in VARIANTS:
        report = dcmread(file)
        change(report)
        report.save_as(Path(folder) / f'{change.__name__}.dcm')
