"""Reads HL7 v2 messages with python-hl7: a JSON list of texts in, what each says out: segments, their fields,
repetitions, components and subcomponents, with escape sequences undone."""

import json
import sys

import hl7


def plain(message, part):
    if isinstance(part, hl7.Container):
        return [plain(message, one) for one in part]
    return message.unescape(str(part))


read = []
for text in json.load(sys.stdin):
    message = hl7.parse(text)
    # A field without repetitions is given as its text; all have the same depth here.
    segments = []
    for segment in message:
        fields = []
        for number, field in enumerate(segment):
            # MSH-1 and MSH-2 are the separators themselves.
            is_separators = str(segment[0]) == "MSH" and number in (1, 2)
            value = str(field) if is_separators else plain(message, field)
            value = value if isinstance(value, list) else [value]
            value = [one if isinstance(one, list) else [one] for one in value]
            fields.append([[c if isinstance(c, list) else [c] for c in one] for one in value])
        segments.append(fields)
    read.append(segments)
json.dump(read, sys.stdout)
