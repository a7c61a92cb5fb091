import { XMLBuilder } from 'fast-xml-parser';
import type { AnswerDataset } from '../../dicom/web/store-request.ts';

/** Keywords of the attributes that an answer to STOW-RS may have (PS3.18 annex I.2). */
const KEYWORDS: Readonly<Record<string, string>> = {
  '00081150': 'ReferencedSOPClassUID',
  '00081155': 'ReferencedSOPInstanceUID',
  '00081190': 'RetrieveURL',
  '00081197': 'FailureReason',
  '00081198': 'FailedSOPSequence',
  '00081199': 'ReferencedSOPSequence',
  '0008119A': 'OtherFailuresSequence',
};

const builder = new XMLBuilder({ attributeNamePrefix: '@', ignoreAttributes: false });

/** An answer to STOW-RS in the Native DICOM Model (PS3.19 annex A.1), as senders of older days want it. */
export function nativeDicomModel(dataset: AnswerDataset): string {
  const model = { '@xml:space': 'preserve', ...attributes(dataset) };
  return builder.build({
    '?xml': { '@version': '1.0', '@encoding': 'utf-8' },
    NativeDicomModel: model,
  });
}

function attributes(dataset: AnswerDataset): { DicomAttribute: unknown[] } {
  return {
    DicomAttribute: Object.entries(dataset).map(([tag, { vr, Value = [] }]) => ({
      '@tag': tag,
      '@vr': vr,
      '@keyword': KEYWORDS[tag] ?? '',
      ...(vr === 'SQ'
        ? { Item: Value.map((item, i) => ({ '@number': i + 1, ...attributes(item as AnswerDataset) })) }
        : { Value: Value.map((value, i) => ({ '@number': i + 1, '#text': value })) }),
    })),
  };
}
